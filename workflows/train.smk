# One job a run. Its inputs are the files that decide what it computes, so that an edit
# of one task or one implementation re-runs just what depends on it.


def code_of_a_run(wildcards):
    # These modules take part in every run; those that only print or collect do not.
    shared = ["harness/streams.py", "harness/training.py"]
    contracts = ["tasks/__init__.py", "implementations/__init__.py"]
    folder = ROOT / "implementations" / wildcards.framework
    return [
        *(ROOT / name for name in (*shared, *contracts, f"tasks/{wildcards.task}.py")),
        *sorted(folder.glob("*.py")),
    ]


def arguments_of_a_run(wildcards):
    settings = CONFIGURATION.settings[wildcards.task]
    run = records.Run(**{**dict(wildcards), "seed": int(wildcards.seed)})
    return settings.arguments(run, CONFIGURATION.threads)


rule train:
    input:
        code_of_a_run,
    output:
        RESULTS / "runs" / "{task}-{framework}-{cell}-{track}-seed{seed}.json",
    log:
        RESULTS / "logs" / "{task}-{framework}-{cell}-{track}-seed{seed}.log",
    benchmark:
        RESULTS / "benchmarks" / "{task}-{framework}-{cell}-{track}-seed{seed}.tsv"
    threads: CONFIGURATION.threads
    params:
        run=arguments_of_a_run,
        results=str(RESULTS),
        cache=lambda wildcards: str(pipeline.cache_folder(RESULTS, wildcards.framework)),
    # A process that dies without a word (out of memory, a crash in a framework) is
    # recorded by the second command, so that no run can stop the others.
    shell:
        "python -m harness train {params.run} --record {output:q} --results {params.results:q}"
        " --cache {params.cache:q} 2> {log:q}"
        " || python -m harness crashed {params.run} --record {output:q}"
        " --results {params.results:q} --code $? 2>> {log:q}"
