# The checked configuration and the environment of the jobs.

import functools
import json
import math
import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path

ROOT = Path(workflow.basedir)

sys.path.insert(0, str(ROOT))
from analysis.folders import foreign, outcome
from harness import documents, environment, errors, files, layout, limits, registry
from harness.conformance import cell_trial
from harness.errors import UserError
from harness.pipeline import (
    again,
    environments as making,
    folder,
    progress,
    quiet_log,
    remote,
    scheduler,
    stored,
)
from harness.plan import asked, configuration, cost, environments, together
from harness.plan.run import Run, run_named
from harness.run import records

DEFAULTS = "workflows/config/default.yaml"


def end(sentence):
    """End Snakemake with one sentence on what a user can mend."""
    print(sentence, file=sys.stderr)
    sys.exit(2)


def on_gpu(wildcards):
    """Whether the job of a framework or of a campaign computes on a GPU."""
    if "campaign" in wildcards.keys():
        return CAMPAIGNS[wildcards.campaign].device == "gpu"
    if "method" in wildcards.keys():
        return CONFIGURATION.device_of(first_of(wildcards).framework) == "gpu"
    return CONFIGURATION.device_of(wildcards.framework) == "gpu"


def or_end(do, *words):
    """What ``do`` returns, or the end."""
    try:
        return do(*words)
    except UserError as error:
        end(error)


or_end(documents.load, Path(DEFAULTS), configuration.FORM)


configfile: DEFAULTS


CONFIGURATION = or_end(
    configuration.load,
    config,
    [*workflow.configfiles, *workflow.overwrite_configfiles],
    workflow.config_settings.config,
)
# A broken cell is said before anything trains, and not by each job of a cluster again.
if workflow.is_main_process:
    or_end(
        cell_trial.require,
        sorted(
            {run.cell for run in CONFIGURATION.runs}
            | {method.cell for campaign in CONFIGURATION.campaigns for method in campaign.methods}
        ),
    )
# The runs that are trained several at a time, by their seeds.
BATCHES = or_end(together.batches, CONFIGURATION)
RESULTS = CONFIGURATION.results
# Whether the files of the results lie in a storage; of each job there is a copy here then.
STORED = workflow.storage_settings.default_storage_provider is not None
# What a job may use, for a cluster; harness/limits.py watches what a run does use and stops it with
# a reason. So the cluster shall leave it a little more, for Snakemake itself beside the run.
BESIDE_MB, BESIDE_MINUTES = 1000, 5
MEMORY_MB = CONFIGURATION.limits.memory_mb + BESIDE_MB
MINUTES = math.ceil(CONFIGURATION.limits.seconds / 60) + BESIDE_MINUTES
BOUNDS = {"mem_mb": MEMORY_MB, "runtime": MINUTES}
# What computes on a GPU has it to itself, unless --resources gpu=N lets N share it.
ON_DEVICE = {}
if "gpu" in map(CONFIGURATION.device_of, CONFIGURATION.frameworks):
    ON_DEVICE["gpu"] = lambda wildcards: int(on_gpu(wildcards))
    if "gpu" not in workflow.global_resources:
        workflow.register_resource("gpu", 1)

# What the jobs that read the plan begin with where the file that the pipeline notes it in is on
# another machine.
PLAN = ""
if STORED:
    words = shlex.quote(json.dumps(CONFIGURATION.resolved)).replace("{", "{{").replace("}", "}}")
    PLAN = f"python -m harness plan --plan {words} --results {{params.results:q}} && "

or_end(folder.check_notes)
folder.set_environment(ROOT)
limits.announce(CONFIGURATION.limits)
quiet_log.quieten_snakemake()


wildcard_constraints:
    task="[a-z][a-z0-9_]*",
    framework="[a-z][a-z0-9_]*",
    cell="[a-z][a-z0-9_]*",
    track="[a-z][a-z0-9]*",
    seed="[0-9]+",
    campaign="[a-z][a-z0-9_]*",
    part="[a-z0-9_.-]+",
    environment="[a-z0-9_]+-[0-9a-f]+",
