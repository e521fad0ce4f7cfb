# The tables from the records, and what is made of all tables: the evidence (verdicts on the
# claims, comparisons, summaries and advice) and published values beside our runs of the same
# setting.


rule tables:
    input:
        records=what_tables_need,
        conformance=conformance_of(run.framework for run in CONFIGURATION.runs),
        code=code_of_stage("analysis/tables"),
    output:
        [layout.path(RESULTS, name) for name in layout.names("tables")],
    log:
        RESULTS / "logs" / "tables.log",
    benchmark:
        RESULTS / "benchmarks" / "tables.tsv"
    resources:
        **BOUNDS,
    params:
        step="tables",
        results=lambda wildcards, output: Path(output[0]).parent,
    shell:
        "python -m analysis {params.step} --results {params.results:q} 2> {log:q}"


use rule tables as evidence with:
    input:
        tables=[layout.path(RESULTS, name) for name in layout.names("tables", "insides", "timing")],
        ledger=[ROOT / "workflows" / f"claims.{end}" for end in ("yaml", "schema.json")],
        code=code_of_stage("analysis/evidence"),
    output:
        [layout.path(RESULTS, name) for name in layout.names("evidence")],
    log:
        RESULTS / "logs" / "evidence.log",
    benchmark:
        RESULTS / "benchmarks" / "evidence.tsv"
    params:
        step="evidence",


# Without any run of a published setting, empty tables.
use rule tables as published with:
    input:
        tables=[layout.path(RESULTS, name) for name in layout.names("tables")],
        ledger=[ROOT / "workflows" / f"published.{end}" for end in ("yaml", "schema.json")],
        code=code_of_stage("analysis/evidence"),
    output:
        [layout.path(RESULTS, name) for name in layout.names("published")],
    log:
        RESULTS / "logs" / "published.log",
    benchmark:
        RESULTS / "benchmarks" / "published.tsv"
    params:
        step="published",
