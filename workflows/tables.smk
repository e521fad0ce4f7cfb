# The tables, from the records.


rule tables:
    input:
        records=[run.path(RESULTS) for run in CONFIGURATION.runs],
        conformance=conformance_of(run.framework for run in CONFIGURATION.runs),
        code=code_of("analysis", "analysis/statistics", "analysis/tables"),
    output:
        [layout.path(RESULTS, name) for name in layout.names("tables")],
    log:
        RESULTS / "logs" / "tables.log",
    benchmark:
        RESULTS / "benchmarks" / "tables.tsv"
    resources:
        mem_mb=MEMORY_MB,
        runtime=MINUTES,
    params:
        results=lambda wildcards, output: Path(output[0]).parent,
    shell:
        "python -m analysis tables --results {params.results:q} 2> {log:q}"
