# Published values against our runs of the same setting; without any such run, empty tables.

MORE_TABLES += published.NAMES


rule published:
    input:
        tables=[RESULTS / f"{name}.csv" for name in run_tables.NAMES],
        ledger=[ROOT / "workflows" / f"published.{end}" for end in ("yaml", "schema.json")],
        code=code_of("analysis", "analysis/evidence"),
    output:
        [RESULTS / f"{name}.csv" for name in published.NAMES],
    log:
        RESULTS / "logs" / "published.log",
    benchmark:
        RESULTS / "benchmarks" / "published.tsv"
    resources:
        mem_mb=MEMORY_MB,
        runtime=MINUTES,
    params:
        results=lambda wildcards, output: Path(output[0]).parent,
    shell:
        "python -m analysis published --results {params.results:q} 2> {log:q}"
