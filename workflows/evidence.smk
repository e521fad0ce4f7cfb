# The evidence: verdicts on the claims, comparisons, summaries and advice, from the tables.


rule evidence:
    input:
        tables=[RESULTS / f"{name}.csv" for name in run_tables.NAMES],
        # What other stages of this configuration write; a claim on a table that is not among
        # them is not tested.
        more=[RESULTS / f"{name}.csv" for name in MORE_TABLES],
        ledger=[ROOT / "workflows" / f"claims.{end}" for end in ("yaml", "schema.json")],
        code=code_of("analysis", "analysis/evidence"),
    output:
        [RESULTS / f"{name}.csv" for name in evidence_tables.NAMES],
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
