"""The two scripts that start the pipeline elsewhere: in an allocation, and in a container."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT


def test_an_allocation_gives_snakemake_the_cores_that_it_may_use_and_its_words(tmp_path):
    stub = tmp_path / "snakemake"
    stub.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    stub.chmod(0o755)
    path = os.pathsep.join([str(tmp_path), str(Path(sys.executable).parent), os.environ["PATH"]])
    core = min(os.sched_getaffinity(0))
    words = ["--config", "shard=3/8", "overrides={adding: {steps: 3}}"]
    said = subprocess.run(
        ["bash", ROOT / "workflows" / "allocation.sh", *words],
        env=os.environ | {"PATH": path}, capture_output=True, text=True, check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )  # fmt: skip
    assert said.stdout.splitlines() == ["--cores", "1", *words]


def test_the_container_is_short_and_a_fresh_root_knows_each_of_its_steps():
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert len(lines) <= 20
    steps = [line.split(" ", 1) for line in lines if line and not line.startswith("#")]
    script = (ROOT / "tests" / "fresh_root.sh").read_text()
    known = set(re.findall(r"^    ([A-Z]+)\)", script, re.MULTILINE))
    assert {word for word, _ in steps} <= known
    # It reads them there: none stands in both.
    assert not [rest for _, rest in steps if rest != ". ." and rest in script]
