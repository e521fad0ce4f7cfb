# What every stage needs: the checked configuration, the environment of the jobs, and
# the one-pipeline-a-folder lock.

import os
import sys
from pathlib import Path

ROOT = Path(workflow.basedir)

# Jobs find the project's modules and this very Python, whether or not it is activated.
sys.path.insert(0, str(ROOT))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

from harness import configuration, pipeline, progress, records, tables
from harness.errors import UserError

try:
    CONFIGURATION = configuration.load(
        config, [*workflow.configfiles, *workflow.overwrite_configfiles]
    )
    RESULTS = CONFIGURATION.results
    if workflow.is_main_process and not pipeline.is_dry_run(sys.argv):
        pipeline.start(RESULTS)
        pipeline.set_aside_unfinished(RESULTS, CONFIGURATION.runs)
except UserError as error:
    print(error, file=sys.stderr)
    sys.exit(2)

pipeline.quieten_snakemake()


wildcard_constraints:
    task="[a-z][a-z0-9_]*",
    framework="[a-z][a-z0-9_]*",
    cell="[a-z]+",
    track="[a-z]+",
    seed="[0-9]+",
