# Verification against results/reference/: only when it is asked for.

if "verify" in sys.argv and not (ROOT / "results" / "reference" / "runs.csv").exists():
    print(
        "results/reference: there is no reference; make one with python -m harness reference.",
        file=sys.stderr,
    )
    sys.exit(2)


rule verify:
    input:
        tables=[layout.path(RESULTS, name) for name in ("runs", "machines", "tasks", "claims")],
        more=[layout.path(RESULTS, "speed_ratios")],
        runs=[run.path(RESULTS) for run in CONFIGURATION.runs],
        # The job writes both anew, with the verdict; that is no reason to verify again.
        page=ancient([RESULTS / "report.html", RESULTS / "ro-crate-metadata.json"]),
        reference=sorted((ROOT / "results" / "reference").glob("*.csv")),
        rules=[ROOT / "workflows" / f"verify.{end}" for end in ("yaml", "schema.json")],
        margins=code_of("tasks"),
        code=code_of("analysis/folders"),
    output:
        RESULTS / "verify.json",
        RESULTS / "verify.csv",
    log:
        RESULTS / "logs" / "verify.log",
    benchmark:
        RESULTS / "benchmarks" / "verify.tsv"
    params:
        results=lambda wildcards, output: Path(output[0]).parent,
    shell:
        "(python -m analysis verify --quiet --results {params.results:q}"
        " && python -m report --results {params.results:q}"
        " && python -m analysis crate --results {params.results:q}) 2> {log:q}"
