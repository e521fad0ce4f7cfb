# Another results folder set beside this one.


rule compare:
    input:
        tables=[layout.path(RESULTS, name) for name in ("runs", "machines", "tasks", "claims")],
        more=[layout.path(RESULTS, name) for name in ("losses", "speed_ratios", "timing")],
        # The job writes both anew; that is no reason to compare again.
        page=ancient([RESULTS / "report.html", RESULTS / "ro-crate-metadata.json"]),
        verified=verified,
        other=other,
        code=stamp(
            "compare", [*code_of_stage("analysis/folders"), *code_of("tasks"), *ledger("verify")]
        ),
    output:
        RESULTS / "compare.json",
        RESULTS / "compare.csv",
    log:
        RESULTS / "logs" / "compare.log",
    benchmark:
        RESULTS / "benchmarks" / "compare.tsv"
    resources:
        **BOUNDS,
    params:
        results=lambda wildcards, output: Path(output[0]).parent,
        other=lambda wildcards: str(CONFIGURATION.other or ""),
    shell:
        "(python -m analysis compare --quiet --results {params.results:q} --other {params.other:q}"
        " && python -m report --results {params.results:q}"
        " && python -m analysis crate --results {params.results:q}) 2> {log:q}"
