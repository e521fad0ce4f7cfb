# GateBench: train gated recurrent networks in every framework and compare them.
# Plain `snakemake --cores all` makes results/report.html; profiles/default is read by itself.

from snakemake.utils import min_version

min_version("9.0")


include: "workflows/common.smk"
include: "workflows/train.smk"
include: "workflows/conformance.smk"
include: "workflows/tables.smk"
include: "workflows/insides.smk"
include: "workflows/timing.smk"
include: "workflows/evidence.smk"
include: "workflows/published.smk"
include: "workflows/report.smk"
include: "workflows/crate.smk"
include: "workflows/verify.smk"
include: "workflows/compare.smk"


rule all:
    default_target: True
    input:
        RESULTS / "report.html",
        RESULTS / "ro-crate-metadata.json",
        # Named here too, or what was taken away would not be made again.
        [run.path(RESULTS) for run in CONFIGURATION.runs],
        [RESULTS / "timing" / f"{name}.json" for name in CAMPAIGNS],


onstart:
    scheduler.calm(workflow)
    todo = [str(job.output) for job in workflow.dag.needrun_jobs() if job.rule.name == "train"]
    todo = [Path(name).stem for name in todo]
    try:
        asked.write_plan(
            RESULTS,
            CONFIGURATION.runs,
            todo,
            scheduler.cores(workflow),
            CONFIGURATION.conformance,
        )
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


onsuccess:
    code = int(progress.failed(RESULTS))
    if "compare" in sys.argv:
        compare.say(RESULTS)
    if "verify" in sys.argv:
        code = verification.status(RESULTS) or code
    if code:
        sys.exit(code)
