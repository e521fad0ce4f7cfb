# Inside the gates: the saved weights looked into, a job for each task as soon as its runs are done.

TASKS = sorted({run.task for run in CONFIGURATION.runs})


rule insides_of_task:
    input:
        records=lambda wildcards: [
            run.path(RESULTS) for run in CONFIGURATION.runs if run.task == wildcards.task
        ],
        kept=lambda wildcards: kept_of(
            run for run in CONFIGURATION.runs if run.task == wildcards.task
        ),
        code=lambda wildcards: stamp(
            f"insides-{wildcards.task}",
            [
                *code_of_stage("analysis/inside", "cells"),
                ROOT / "harness" / "run" / "streams.py",
                ROOT / "tasks" / "__init__.py",
                ROOT / "tasks" / f"{wildcards.task}.py",
            ],
        ),
    output:
        [RESULTS / "insides" / "{task}" / f"{name}.csv" for name in layout.names("insides")],
    log:
        RESULTS / "logs" / "insides-{task}.log",
    benchmark:
        RESULTS / "benchmarks" / "insides-{task}.tsv"
    resources:
        **BOUNDS,
    params:
        results=lambda wildcards, output: Path(output[0]).parents[2],
    shell:
        PLAN
        + "python -m analysis insides --results {params.results:q} --task {wildcards.task} > {log:q} 2>&1"


use rule tables as insides with:
    input:
        expand(
            RESULTS / "insides" / "{task}" / "{name}.csv",
            task=TASKS,
            name=layout.names("insides"),
        ),
        code=stamp("insides", code_of_stage("analysis/inside")),
    output:
        [layout.path(RESULTS, name) for name in layout.names("insides")],
    log:
        RESULTS / "logs" / "insides.log",
    benchmark:
        RESULTS / "benchmarks" / "insides.tsv"
    params:
        step="insides --join",
