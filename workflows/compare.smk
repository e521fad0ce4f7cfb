# Another results folder set beside this one: only when it is asked for.

if "compare" in sys.argv:
    try:
        if CONFIGURATION.other is None:
            raise UserError(
                "compare: name the other results folder: "
                "snakemake --cores all compare --config other=PATH"
            )
        # What is wrong with it is said before anything trains.
        compare.read_other(RESULTS, CONFIGURATION.other)
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


rule compare:
    input:
        tables=[layout.path(RESULTS, name) for name in ("runs", "machines", "tasks", "claims")],
        more=[layout.path(RESULTS, name) for name in ("speed_ratios", "timing")],
        # The job writes both anew; that is no reason to compare again.
        page=ancient([RESULTS / "report.html", RESULTS / "ro-crate-metadata.json"]),
        # Both jobs write the page: the last one has to find what the first one found.
        verified=[RESULTS / "verify.json"] if "verify" in sys.argv else [],
        other=(
            [
                path
                for name in foreign.TABLES
                if (path := CONFIGURATION.other / f"{name}.csv").is_file()
            ]
            if CONFIGURATION.other
            else []
        ),
        rules=[ROOT / "workflows" / f"verify.{end}" for end in ("yaml", "schema.json")],
        margins=code_of("tasks"),
        code=code_of("analysis/folders"),
    output:
        RESULTS / "compare.json",
        RESULTS / "compare.csv",
    log:
        RESULTS / "logs" / "compare.log",
    benchmark:
        RESULTS / "benchmarks" / "compare.tsv"
    params:
        results=lambda wildcards, output: Path(output[0]).parent,
        other=lambda wildcards: str(CONFIGURATION.other or ""),
    shell:
        "(python -m analysis compare --quiet --results {params.results:q} --other {params.other:q}"
        " && python -m report --results {params.results:q}"
        " && python -m analysis crate --results {params.results:q}) 2> {log:q}"
