# The page, from the tables.


rule report:
    input:
        tables=[
            RESULTS / f"{name}.csv"
            for name in layout.names("tables", "insides", "timing", "evidence", "published")
        ],
        code=stamp(
            "report",
            sorted(
                path
                for pattern in ("*.py", "*.html", "*.css", "*.js", "*.yaml")
                for path in (ROOT / "report").rglob(pattern)
            ),
        ),
    output:
        # For `snakemake --report`, which shows the page among its own.
        report(
            RESULTS / "report.html",
            caption="captions/report.rst",
            category="Report",
        ),
    log:
        RESULTS / "logs" / "report.log",
    benchmark:
        RESULTS / "benchmarks" / "report.tsv"
    resources:
        **BOUNDS,
    params:
        results=lambda wildcards, output: Path(output[0]).parent,
    shell:
        "python -m report --results {params.results:q} 2> {log:q}"
