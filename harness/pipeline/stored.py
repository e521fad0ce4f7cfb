"""Results that lie in a storage, not in a folder: what a job's copy needs, what is said of them.

A storage carries what the rules of the workflow name. The plan, which the pipeline notes in the
results folder before its first job, is not among that: jobs that read it make it again.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from harness import layout
from harness.plan import asked, configuration


def write_plan(results: Path, asked_for: Mapping[str, Any]) -> None:
    """Note in the folder ``results`` what the resolved configuration ``asked_for`` asks for."""
    places = {"results": "results", "other": "", "shard": ""}
    found = configuration.load({**asked_for, **places}, [])
    names = tuple(campaign.name for campaign in found.campaigns)
    about = {"configuration": found.resolved, "code": asked.code()}
    asked.write_plan(results, found.runs, [], found.conformance, names, found.studies, about)


def summary(place: str, results: Path | None) -> bool:
    """Say where the results are and which runs did not end well; whether one failed.

    ``results`` has the table of the runs, fetched; None where no table was made.
    """
    print(f"Results: in the storage, {place}")
    if results is None:
        return False
    runs = layout.read(results, "runs")
    print(f"Runs:    {int((runs['status'] == 'ok').sum())} of {len(runs)} ended well")
    for status in ("diverged", "unavailable", "failed"):
        for run in _of(runs, status):
            words = [str(run[name]) for name in layout.METHOD] + [f"seed {run['seed']}"]
            print(f"{status}: {' '.join(words)}: {run['error']}")
    return bool(_of(runs, "failed"))


def _of(runs: pd.DataFrame, status: str) -> list[dict[str, Any]]:
    return runs[runs["status"] == status].to_dict("records")  # type: ignore[return-value]
