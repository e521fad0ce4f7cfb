# What every stage needs: the checked configuration, the environment of the jobs, and
# the one-pipeline-a-folder lock.

import atexit
import json
import shlex
import sys
from pathlib import Path

ROOT = Path(workflow.basedir)

sys.path.insert(0, str(ROOT))
from analysis.folders import compare, foreign, verification
from harness import documents, layout, limits
from harness.errors import UserError
from harness.pipeline import progress, results_folder, scheduler
from harness.plan import asked, configuration
from harness.plan.run import Run

DEFAULTS = "workflows/config/default.yaml"
try:
    documents.load(Path(DEFAULTS), configuration.FORM)
except UserError as error:
    print(error, file=sys.stderr)
    sys.exit(2)


configfile: DEFAULTS


try:
    CONFIGURATION = configuration.load(
        config,
        [*workflow.configfiles, *workflow.overwrite_configfiles],
        workflow.config_settings.config,
    )
    RESULTS = CONFIGURATION.results
    if workflow.is_main_process and not results_folder.is_dry_run(sys.argv):
        results_folder.start(RESULTS)
        results_folder.mark_unfinished(RESULTS, CONFIGURATION.runs, CONFIGURATION.campaigns)
        results_folder.age_the_future(RESULTS)
        # The last lines of all, whether Snakemake had much to do, nothing, or was stopped.
        atexit.register(progress.summary, RESULTS)
        atexit.register(scheduler.keep_cost, RESULTS)
except UserError as error:
    print(error, file=sys.stderr)
    sys.exit(2)

results_folder.set_environment(ROOT)
limits.announce(CONFIGURATION.limits)
results_folder.quieten_snakemake()


wildcard_constraints:
    task="[a-z][a-z0-9_]*",
    framework="[a-z][a-z0-9_]*",
    cell="[a-z]+",
    track="[a-z][a-z0-9]*",
    seed="[0-9]+",
    campaign="[a-z][a-z0-9_]*",


def code_of(*folders):
    """The modules of some folders of the project, for a rule that runs their code."""
    return [path for folder in folders for path in sorted((ROOT / folder).glob("*.py"))]


def code_of_a_run(wildcards):
    """The files that decide what a run computes, so that an edit of one task or one
    implementation re-runs just what depends on it."""
    # These modules take part in every run; those that only print or collect do not.
    shared = [
        f"harness/{name}.py"
        for name in (
            "plan/settings",
            "plan/tracks",
            "run/initialisation",
            "run/learners",
            "run/loop",
            "run/streams",
        )
    ]
    helpers = [
        ROOT / "tasks" / "__init__.py",
        *sorted((ROOT / "tasks").glob("_[a-z]*.py")),
        *sorted((ROOT / "implementations").glob("*.py")),
        ROOT / "cells" / "__init__.py",
    ]
    folder = ROOT / "implementations" / wildcards.framework
    return [
        *(ROOT / name for name in (*shared, f"tasks/{wildcards.task}.py")),
        *helpers,
        *CONFIGURATION.settings[wildcards.task, wildcards.cell].task.files,
        *sorted(folder.glob("*.py")),
    ]


def arguments_of_a_run(wildcards):
    """What tells ``python -m harness`` which run it is and with what settings."""
    run = Run(**{**dict(wildcards), "seed": int(wildcards.seed)})
    return CONFIGURATION.settings_of(run).arguments(run, CONFIGURATION.threads)
