# The folder's own description, as a Workflow Run RO-Crate; written after everything else.


rule crate:
    input:
        # After the page, but not again whenever it is drawn anew, as after a comparison.
        page=ancient(RESULTS / "report.html"),
        tables=[
            RESULTS / f"{name}.csv"
            for name in layout.names("tables", "insides", "timing", "evidence", "published")
        ],
        about=[ROOT / name for name in ("CITATION.cff", "Snakefile")],
        parts=sorted((ROOT / "workflows").glob("*.smk")),
        code=[ROOT / "analysis" / "crate.py", *code_of("harness/layout")],
    output:
        RESULTS / "ro-crate-metadata.json",
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
