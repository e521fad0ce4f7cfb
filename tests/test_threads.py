"""A run takes as many threads as it was given, whatever cores the machine has."""

import os
import subprocess
import sys

import pytest

from harness.registry import framework_names
from harness.run import records
from tests.conftest import ROOT

WORDS = "--task copying --cell lstm --seed 0 --threads 1 --set steps=5 --set evaluate_every=5"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be taken away here")
@pytest.mark.skipif(os.cpu_count() == 1, reason="there is one core only")
@pytest.mark.parametrize("framework", framework_names())
def test_one_thread_gives_the_same_losses_on_one_core_and_on_all(framework, tmp_path):
    """With a thread for each core, operations are divided, and what rounding leaves changes."""
    every = os.sched_getaffinity(0)
    losses = []
    for cores in (every, {min(every)}):
        record = tmp_path / f"{len(cores)}" / f"copying-{framework}-lstm-matched-seed0.json"
        words = [*WORDS.split(), "--framework", framework, "--record", str(record)]
        subprocess.run(
            [sys.executable, "-m", "harness", "train", *words],
            cwd=ROOT, check=True, capture_output=True,
            preexec_fn=lambda cores=cores: os.sched_setaffinity(0, cores),
        )  # fmt: skip
        losses.append(records.read(record)["losses_sha256"])
    assert losses[0] == losses[1]
