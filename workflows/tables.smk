# The tables, from the records.


rule tables:
    input:
        records=[run.path(RESULTS) for run in CONFIGURATION.runs],
        conformance=(
            expand(
                RESULTS / "conformance" / "{framework}.csv",
                framework=sorted({run.framework for run in CONFIGURATION.runs}),
            )
            if CONFIGURATION.conformance
            else []
        ),
        code=[ROOT / "harness" / f"{name}.py" for name in ("tables", "sameness")],
    output:
        [RESULTS / f"{name}.csv" for name in tables.NAMES],
    log:
        RESULTS / "logs" / "tables.log",
    benchmark:
        RESULTS / "benchmarks" / "tables.tsv"
    params:
        results=lambda wildcards, output: Path(output[0]).parent,
    shell:
        "python -m harness tables --results {params.results:q} 2> {log:q}"
