# What every stage needs: the checked configuration, the environment of the jobs, which files
# are a job's code, and what must be made again. Nothing here touches the results folder.

import functools
import json
import math
import shlex
import sys
from pathlib import Path

ROOT = Path(workflow.basedir)

sys.path.insert(0, str(ROOT))
from analysis.evidence import evidence_tables, published
from analysis.folders import compare, foreign, verification
from analysis.inside import look
from analysis.speed import times
from analysis.tables import run_tables
from harness import limits
from harness.errors import UserError
from harness.pipeline import again, folder, progress, scheduler
from harness.plan import asked, configuration, sources
from harness.plan.run import Run

DEFAULTS = "workflows/config/default.yaml"


def end(sentence):
    """End Snakemake with one sentence on what a user can mend."""
    print(sentence, file=sys.stderr)
    sys.exit(2)


def or_end(do, *words):
    """What ``do`` returns, or the end."""
    try:
        return do(*words)
    except UserError as error:
        end(error)


or_end(sources.check_file, Path(DEFAULTS))


configfile: DEFAULTS


CONFIGURATION = or_end(
    configuration.load,
    config,
    [*workflow.configfiles, *workflow.overwrite_configfiles],
    workflow.config_settings.config,
)
RESULTS = CONFIGURATION.results
# What a job may use, for a cluster; here harness/limits.py watches what it does use.
MEMORY_MB = CONFIGURATION.limits.memory_mb
MINUTES = math.ceil(CONFIGURATION.limits.seconds / 60)
# The tables that stages beside tables.smk write: each such stage adds its own.
MORE_TABLES = []

or_end(folder.check_notes)
folder.set_environment(ROOT)
limits.announce(CONFIGURATION.limits)
folder.quieten_snakemake()


wildcard_constraints:
    task="[a-z][a-z0-9_]*",
    framework="[a-z][a-z0-9_]*",
    cell="[a-z]+",
    track="[a-z][a-z0-9]*",
    seed="[0-9]+",
    campaign="[a-z][a-z0-9_]*",


@functools.cache
def code_of(*folders):
    """The modules of some folders of the project, for a rule that runs their code."""
    return [path for name in folders for path in sorted((ROOT / name).glob("*.py"))]


@functools.cache
def code_of_a_run(task, framework):
    """The files that decide what a run computes, so that an edit of one task or one
    implementation re-runs just what depends on it."""
    return [
        *code_of("harness/run", "implementations", f"implementations/{framework}", "cells"),
        # The rest of the plan decides which runs there are, not what one does.
        *(ROOT / "harness" / "plan" / f"{name}.py" for name in ("settings", "studies", "tracks")),
        *(ROOT / "tasks" / f"{name}.py" for name in ("__init__", task)),
        *sorted((ROOT / "tasks").glob("_[a-z]*.py")),
    ]


AGAIN = {}


def unless_it_stands(path, reason):
    """Plan to make ``path`` again where ``reason`` gives one, and say so.

    For input functions: Snakemake calls them when it plans, whatever it plans for.
    """
    if workflow.is_main_process and path not in AGAIN and (why := reason(path)):
        AGAIN[path] = why
        # As Snakemake does with what it knows to be incomplete, and by --forcerun.
        workflow.dag.forcefiles.add(str(path))
        print(f"Once more: {why}", file=sys.stderr)


def conformance_of(frameworks):
    """The tables of the conformance checks, where the configuration has any."""
    names = sorted(set(frameworks)) if CONFIGURATION.conformance else []
    return [RESULTS / "conformance" / f"{name}.csv" for name in names]


def start():
    """What a pipeline does before its first job."""
    folder.take(RESULTS)
    again.set_aside(AGAIN)
    todo = [
        Path(job.output.record).stem
        for job in workflow.dag.needrun_jobs()
        if job.rule.name == "train"
    ]
    asked.write_plan(RESULTS, CONFIGURATION.runs, todo, CONFIGURATION.conformance)


def say_what_failed():
    """Of each failed job the last line that it left, which is its reason."""
    for job in workflow.scheduler.failed:
        for log in map(Path, job.log):
            lines = log.read_text(errors="replace").split("\n") if log.exists() else []
            said = [line for line in lines if line.strip()]
            last = said[-1] if said else "it ended without a word"
            print(f"failed: {job.rule.name} (its log: {log}): {last}", flush=True)
