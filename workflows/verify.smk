# Verification against results/reference/.


rule verify:
    input:
        tables=[layout.path(RESULTS, name) for name in ("runs", "machines", "tasks", "claims")],
        more=[layout.path(RESULTS, name) for name in ("losses", "speed_ratios")],
        runs=[run.path(RESULTS) for run in CONFIGURATION.runs],
        # The job writes both anew, with the verdict; that is no reason to verify again.
        page=ancient([RESULTS / "report.html", RESULTS / "ro-crate-metadata.json"]),
        reference=reference,
        code=stamp(
            "verify", [*code_of_stage("analysis/folders"), *code_of("tasks"), *ledger("verify")]
        ),
    output:
        RESULTS / "verify.json",
        RESULTS / "verify.csv",
    log:
        RESULTS / "logs" / "verify.log",
    benchmark:
        RESULTS / "benchmarks" / "verify.tsv"
    resources:
        **BOUNDS,
    params:
        results=lambda wildcards, output: Path(output[0]).parent,
    # What it found is said, and becomes the status, in the Snakefile's onsuccess.
    shell:
        "(python -m analysis verify --quiet --results {params.results:q}"
        " && python -m report --results {params.results:q}"
        " && python -m analysis crate --results {params.results:q}) 2> {log:q}"
