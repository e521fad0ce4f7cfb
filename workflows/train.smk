# One job a run. The linter would like a conda environment for each rule; there is one for
# all of them, environment.yml, in which Snakemake itself runs.


rule train:
    input:
        what_a_run_needs,
    output:
        record=RESULTS / "runs" / "{task}-{framework}-{cell}-{track}-seed{seed}.json",
        # Of a run that failed it is empty.
        arrays=RESULTS / "runs" / "{task}-{framework}-{cell}-{track}-seed{seed}.npz",
    log:
        RESULTS / "logs" / "{task}-{framework}-{cell}-{track}-seed{seed}.log",
    benchmark:
        RESULTS / "benchmarks" / "{task}-{framework}-{cell}-{track}-seed{seed}.tsv"
    threads: CONFIGURATION.threads
    resources:
        **BOUNDS,
        **ON_DEVICE,
    params:
        run=arguments_of_a_run,
        results=lambda wildcards, output: Path(output.record).parents[1],
    # A process that dies without a word (out of memory, a crash in a framework) is
    # recorded by the second command, so that no run can stop the others.
    shell:
        "python -m harness train {params.run} --record {output.record:q}"
        " --results {params.results:q} 2> {log:q}"
        " || python -m harness crashed {params.run} --record {output.record:q}"
        " --results {params.results:q} --code $? --shell $$ 2>> {log:q}"
