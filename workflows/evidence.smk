# The evidence: verdicts on the claims, comparisons, summaries and advice, from the tables.


rule evidence:
    input:
        tables=[RESULTS / f"{name}.csv" for name in tables.NAMES],
        # What other stages of this configuration write; a claim on a table that is not among
        # them is not tested.
        more=[RESULTS / f"{name}.csv" for name in MORE_TABLES],
        ledger=[ROOT / "workflows" / f"claims.{end}" for end in ("yaml", "schema.json")],
        code=[
            ROOT / "harness" / f"{name}.py"
            for name in (
                "advice",
                "aggregation",
                "claim_tests",
                "claims",
                "comparisons",
                "evidence",
                "gates",
                "phrases",
                "statistics",
                "which_cell",
            )
        ],
    output:
        [RESULTS / f"{name}.csv" for name in evidence.NAMES],
    log:
        RESULTS / "logs" / "evidence.log",
    benchmark:
        RESULTS / "benchmarks" / "evidence.tsv"
    params:
        results=lambda wildcards, output: Path(output[0]).parent,
    shell:
        "python -m harness evidence --results {params.results:q} 2> {log:q}"
