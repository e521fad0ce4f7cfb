# Published values against our runs of the same setting; without any such run, empty tables.


rule published:
    input:
        tables=[layout.path(RESULTS, name) for name in layout.names("tables")],
        ledger=[ROOT / "workflows" / f"published.{end}" for end in ("yaml", "schema.json")],
        code=code_of("analysis", "analysis/statistics", "analysis/evidence"),
    output:
        [layout.path(RESULTS, name) for name in layout.names("published")],
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
