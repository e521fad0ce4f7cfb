# Published values against our runs of the same setting; without any such run, empty tables.

MORE_TABLES += published.NAMES


rule published:
    input:
        tables=[RESULTS / f"{name}.csv" for name in tables.NAMES],
        ledger=[ROOT / "workflows" / f"published.{end}" for end in ("yaml", "schema.json")],
        code=[
            ROOT / "harness" / f"{name}.py"
            for name in ("claim_tests", "evidence", "published", "statistics")
        ],
    output:
        [RESULTS / f"{name}.csv" for name in published.NAMES],
    log:
        RESULTS / "logs" / "published.log",
    benchmark:
        RESULTS / "benchmarks" / "published.tsv"
    params:
        results=lambda wildcards, output: Path(output[0]).parent,
    shell:
        "python -m harness published --results {params.results:q} 2> {log:q}"
