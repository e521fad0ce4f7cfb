# GateBench: train gated recurrent networks in every framework and compare them.
# Plain `snakemake --cores all` makes results/report.html; profiles/default is read by itself.

import atexit

from snakemake.utils import min_version

min_version("9.0")


include: "workflows/common.smk"
include: "workflows/needs.smk"
include: "workflows/hooks.smk"
include: "workflows/code.smk"
include: "workflows/environments.smk"
include: "workflows/train.smk"
include: "workflows/conformance.smk"
include: "workflows/tables.smk"
include: "workflows/insides.smk"
include: "workflows/timing.smk"
include: "workflows/report.smk"
include: "workflows/crate.smk"
include: "workflows/verify.smk"
include: "workflows/compare.smk"


if workflow.is_main_process:
    say_what_studies_cost()


# A part of the runs has neither page nor clock: harness/plan/shards.py.
WHOLE = [
    RESULTS / "report.html",
    RESULTS / "ro-crate-metadata.json",
    *(RESULTS / "timing" / f"{name}.json" for name in CAMPAIGNS),
]


rule all:
    default_target: True
    input:
        WHOLE if CONFIGURATION.shard is None else [],
        # Named here too, or what was taken away would not be made again.
        [run.path(RESULTS) for run in CONFIGURATION.runs],
        conformance_of(run.framework for run in CONFIGURATION.runs),


onstart:
    if not workflow.touch:
        or_end(start)
        scheduler.calm(workflow)
        scheduler.narrow(workflow)
        listen_to_the_cluster()
        # The last lines of all, also where Snakemake is stopped.
        if not STORED:
            atexit.register(progress.summary, RESULTS)
        atexit.register(scheduler.keep_cost, RESULTS)


onsuccess:
    made = (
        {job.rule.name for job in workflow.dag.finished_jobs} if not workflow.touch else set()
    )
    if "compare" in made:
        outcome.say_compared(RESULTS)
    code = outcome.say_verified(RESULTS) if "verify" in made else 0
    failed = say_what_is_stored() if STORED else progress.failed(RESULTS)
    if code or failed:
        sys.exit(code or 1)


onerror:
    say_what_failed()
