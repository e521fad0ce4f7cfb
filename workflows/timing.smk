# The clock: one job a campaign, each alone on the machine, and the tables of all.


CAMPAIGNS = {campaign.name: campaign for campaign in CONFIGURATION.campaigns}


rule timing:
    input:
        [layout.path(RESULTS, name) for name in layout.names("timing")],


rule time:
    input:
        code=what_a_campaign_needs,
        # No kernel is timed unchecked; those that no run uses are checked inside.
        conformance=conformance_of(run.framework for run in CONFIGURATION.runs),
    output:
        about=RESULTS / "timing" / "{campaign}.json",
        samples=RESULTS / "timing" / "{campaign}.csv",
        said=RESULTS / "timing" / "{campaign}.log",
    log:
        RESULTS / "logs" / "time-{campaign}.log",
    benchmark:
        RESULTS / "benchmarks" / "time-{campaign}.tsv"
    priority: 2
    # Nothing runs beside it: neither training nor another campaign.
    threads: lambda wildcards: scheduler.cores(workflow, CAMPAIGNS[wildcards.campaign].threads + 1)
    resources:
        **ON_DEVICE,
        mem_mb=MEMORY_MB,
        # As long as a run has, for each of its first processes; more are begun within its minutes.
        runtime=lambda wildcards: MINUTES * CAMPAIGNS[wildcards.campaign].processes
        + math.ceil(CAMPAIGNS[wildcards.campaign].minutes or 0),
    params:
        plan=lambda wildcards: json.dumps(CAMPAIGNS[wildcards.campaign].as_dict()),
        results=lambda wildcards, output: Path(output.about).parents[1],
        checked=lambda wildcards, output: (
            f"--conformance {shlex.quote(str(Path(output.about).parents[1] / 'conformance'))}"
            if CONFIGURATION.conformance
            else ""
        ),
    shell:
        "python -m harness time --results {params.results:q} {params.checked} --plan {params.plan:q}"
        " 2> {log:q}"


use rule tables as timing_tables with:
    input:
        # With those of other machines, where folders were merged.
        campaigns=[path for name in CAMPAIGNS for path in layout.timed(RESULTS, name)],
        code=stamp("timing", code_of_stage("analysis/speed")),
    output:
        [layout.path(RESULTS, name) for name in layout.names("timing")],
    log:
        RESULTS / "logs" / "timing.log",
    benchmark:
        RESULTS / "benchmarks" / "timing.tsv"
    params:
        step=" ".join(["timing", *CAMPAIGNS]),
