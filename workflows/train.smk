# One job a run. The linter would like a conda environment for each rule; there is one for
# all of them, environment.yml, in which Snakemake itself runs.


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
        results=lambda wildcards, output: Path(output[0]).parents[1],
        cache=lambda wildcards: str(results_folder.cache_folder(RESULTS, wildcards.framework)),
    # A process that dies without a word (out of memory, a crash in a framework) is
    # recorded by the second command, so that no run can stop the others.
    shell:
        "python -m harness train {params.run} --record {output:q} --results {params.results:q}"
        " --cache {params.cache:q} 2> {log:q}"
        " || python -m harness crashed {params.run} --record {output:q}"
        " --results {params.results:q} --code $? --shell $$ 2>> {log:q}"
