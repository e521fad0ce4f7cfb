# The tables from the records, and what is made of all tables: the evidence (verdicts on the
# claims, comparisons, summaries and advice) and published values beside our runs of the same
# setting.


rule tables:
    input:
        records=what_tables_need,
        kept=kept_of(CONFIGURATION.runs),
        conformance=conformance_of(run.framework for run in CONFIGURATION.runs),
        code=stamp("tables", code_of_stage("analysis/tables")),
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
        f"{PLAN}" "python -m analysis {params.step} --results {params.results:q} 2> {log:q}"


use rule tables as evidence with:
    input:
        tables=[layout.path(RESULTS, name) for name in layout.names("tables", "insides", "timing")],
        code=stamp("evidence", [*code_of_stage("analysis/evidence"), *ledger("claims")]),
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
        code=stamp("published", [*code_of_stage("analysis/evidence"), *ledger("published")]),
    output:
        [layout.path(RESULTS, name) for name in layout.names("published")],
    log:
        RESULTS / "logs" / "published.log",
    benchmark:
        RESULTS / "benchmarks" / "published.tsv"
    params:
        step="published",
