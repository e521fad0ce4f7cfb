# The folder's own description, as a Workflow Run RO-Crate; written after everything else.


rule crate:
    input:
        # After the page, but not again whenever it is drawn anew, as after a comparison.
        page=ancient(RESULTS / "report.html"),
        tables=[
            RESULTS / f"{name}.csv"
            for name in layout.names("tables", "insides", "timing", "evidence", "published")
        ],
        code=stamp(
            "crate",
            [
                *(ROOT / name for name in ("CITATION.cff", "Snakefile")),
                *sorted((ROOT / "workflows").glob("*.smk")),
                ROOT / "analysis" / "crate.py",
                *code_of("harness/layout"),
            ],
        ),
    output:
        RESULTS / "ro-crate-metadata.json",
        # Elsewhere they may be what this very pipeline was started with.
        [RESULTS / "workflow" / name for name in ("Snakefile", "configuration.yaml")]
        if STORED
        else [],
    log:
        RESULTS / "logs" / "crate.log",
    benchmark:
        RESULTS / "benchmarks" / "crate.tsv"
    resources:
        **BOUNDS,
    params:
        results=lambda wildcards, output: Path(output[0]).parent,
        configuration=json.dumps(CONFIGURATION.resolved),
    shell:
        "python -m analysis crate --results {params.results:q}"
        " --configuration {params.configuration:q} 2> {log:q}"
