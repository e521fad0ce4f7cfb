# The folder's own description, as a Workflow Run RO-Crate; written after everything else.


rule crate:
    input:
        page=RESULTS / "report.html",
        about=[ROOT / name for name in ("CITATION.cff", "Snakefile")],
        parts=sorted((ROOT / "workflows").glob("*.smk")),
        code=[ROOT / "harness" / f"{name}.py" for name in ("crate", "contents")],
    output:
        RESULTS / "ro-crate-metadata.json",
    log:
        RESULTS / "logs" / "crate.log",
    benchmark:
        RESULTS / "benchmarks" / "crate.tsv"
    params:
        results=lambda wildcards, output: Path(output[0]).parent,
        configuration=json.dumps(
            {key: value for key, value in config.items() if key not in configuration.PLACES}
        ),
    shell:
        "python -m harness crate --results {params.results:q}"
        " --configuration {params.configuration:q} 2> {log:q}"
