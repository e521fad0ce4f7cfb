# Inside the gates: the saved weights looked into, a job for each task as soon as its runs are done.

TASKS = insides.tasks(CONFIGURATION.runs)
MORE_TABLES += insides.NAMES


rule insides_of_task:
    input:
        records=lambda wildcards: [
            run.path(RESULTS) for run in insides.chosen(CONFIGURATION.runs, wildcards.task)
        ],
        code=lambda wildcards: [
            *(ROOT / "harness" / f"{n}.py" for n in ("insides", "gates", "reference", "streams")),
            ROOT / "tasks" / "__init__.py",
            ROOT / "tasks" / f"{wildcards.task}.py",
        ],
    output:
        [RESULTS / "insides" / "{task}" / f"{name}.csv" for name in insides.NAMES],
    log:
        RESULTS / "logs" / "insides-{task}.log",
    benchmark:
        RESULTS / "benchmarks" / "insides-{task}.tsv"
    params:
        results=lambda wildcards, output: Path(output[0]).parents[2],
    shell:
        "python -m harness insides --results {params.results:q} --task {wildcards.task} > {log:q} 2>&1"


rule insides:
    input:
        expand(
            RESULTS / "insides" / "{task}" / "{name}.csv",
            task=TASKS,
            name=insides.NAMES,
        ),
        code=ROOT / "harness" / "insides.py",
    output:
        [RESULTS / f"{name}.csv" for name in insides.NAMES],
    log:
        RESULTS / "logs" / "insides.log",
    benchmark:
        RESULTS / "benchmarks" / "insides.tsv"
    params:
        results=lambda wildcards, output: Path(output[0]).parent,
    shell:
        "python -m harness insides --results {params.results:q} --join 2> {log:q}"
