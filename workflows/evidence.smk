# The evidence: verdicts on the claims, comparisons, summaries and advice, from the tables.


rule evidence:
    input:
        tables=[layout.path(RESULTS, name) for name in layout.names("tables", "insides", "timing")],
        ledger=[ROOT / "workflows" / f"claims.{end}" for end in ("yaml", "schema.json")],
        code=code_of("analysis", "analysis/statistics", "analysis/evidence"),
    output:
        [layout.path(RESULTS, name) for name in layout.names("evidence")],
    log:
        RESULTS / "logs" / "evidence.log",
    benchmark:
        RESULTS / "benchmarks" / "evidence.tsv"
    resources:
        mem_mb=MEMORY_MB,
        runtime=MINUTES,
    params:
        results=lambda wildcards, output: Path(output[0]).parent,
    shell:
        "python -m analysis evidence --results {params.results:q} 2> {log:q}"
