# Another results folder set beside this one.


def other(wildcards):
    """The other folder's tables; what is wrong with them is said before anything trains."""
    if CONFIGURATION.other is None:
        end(
            "compare: name the other results folder: "
            "snakemake --cores all compare --config other=PATH"
        )
    or_end(compare.read_other, RESULTS, CONFIGURATION.other)
    paths = [CONFIGURATION.other / f"{name}.csv" for name in foreign.TABLES]
    return [path for path in paths if path.is_file()]


def verified(wildcards):
    """Both jobs write the page, so the last one has to find what the first one found."""
    verdict = RESULTS / "verify.json"
    return [verdict] if {"verify", str(verdict)} & set(workflow.dag_settings.targets) else []


rule compare:
    input:
        tables=[RESULTS / f"{name}.csv" for name in ("runs", "machines", "tasks", "claims")],
        more=[RESULTS / f"{name}.csv" for name in MORE_TABLES if name in foreign.TABLES],
        # The job writes both anew; that is no reason to compare again.
        page=ancient([RESULTS / "report.html", RESULTS / "ro-crate-metadata.json"]),
        verified=verified,
        other=other,
        rules=[ROOT / "workflows" / f"verify.{end}" for end in ("yaml", "schema.json")],
        code=code_of("analysis", "analysis/folders"),
    output:
        RESULTS / "compare.json",
        RESULTS / "compare.csv",
    log:
        RESULTS / "logs" / "compare.log",
    benchmark:
        RESULTS / "benchmarks" / "compare.tsv"
    resources:
        mem_mb=MEMORY_MB,
        runtime=MINUTES,
    params:
        results=lambda wildcards, output: Path(output[0]).parent,
        other=lambda wildcards: str(CONFIGURATION.other or ""),
    shell:
        "(python -m analysis compare --quiet --results {params.results:q} --other {params.other:q}"
        " && python -m report --results {params.results:q}"
        " && python -m analysis crate --results {params.results:q}) 2> {log:q}"
