"""Disks that are full or may only be read: what was finished stays, and the next call repairs."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from harness.clock import samples
from harness.errors import UnwritableError, UserError
from harness.files import check_room, write_text
from harness.pipeline import folder
from harness.plan.campaigns import Method
from harness.run import records
from tests import fakes
from tests.conftest import SMALL, overrides, snakemake, table
from tests.test_configuration import load

ENOSPC = "No space left on device"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a disk")


def mount(folder: Path, options: str) -> None:
    """Put a disk in memory at ``folder``, or change the one that is there."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """A disk of 1.25 MB."""
    folder = tmp_path / "disk"
    mount(folder, "size=1250k")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> Path:
    """Fill the disk of ``folder`` to the last byte with a file."""
    path = folder / "ballast"
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return path


# What a run does that fills the disk, once there is a file ``fill`` and the others are done.
FILL = """
results, go = Path({results!r}), Path({go!r})
while go.exists() and len(list(results.glob("runs/*.json"))) < 2:
    time.sleep(0.05)
with open(results / "ballast", "wb", buffering=0) as file:
    try:
        while go.exists():
            file.write(bytes(4096))
    except OSError:
        pass
"""


@needs_root
def test_a_disk_that_is_full_loses_nothing_and_the_next_call_repairs(disk, project):
    # The weights of the LSTM, twice 0.7 MB, do not fit; its record does, and so does the rest.
    fakes.add(project, "steady", gru=FILL.format(results=str(disk), go=str(project / "fill")))
    config = SMALL | {
        "frameworks": "[steady]", "cells": "[rnn, lstm]",
        "overrides": overrides(["adding"], hidden="{lstm: 200, rnn: 4, gru: 4}"),
    }  # fmt: skip
    done = snakemake(disk, "tables", "--cores", "1", root=project, **config)
    weights = disk / "runs" / "adding-steady-lstm-matched-seed0.npz"
    reason = f"{weights}: cannot be written ({ENOSPC})"
    assert done.returncode == 1
    assert f"failed: adding steady lstm matched seed 0: {reason}" in done.stdout
    found = table(disk, "runs").set_index("cell")
    assert dict(found["status"]) == {"rnn": "ok", "lstm": "failed"}
    assert found.loc["lstm", "error"] == reason
    assert not np.load(weights).files, "there is a file, but nothing in it"

    # Larger now, until the GRU fills it: not even a record can be written.
    mount(disk, "remount,size=9m")
    (project / "fill").touch()
    config["cells"] = "[rnn, lstm, gru]"
    rnn = disk / "runs" / "adding-steady-rnn-matched-seed0.json"
    kept = rnn.stat().st_mtime_ns
    done = snakemake(disk, "tables", root=project, **config)
    record = disk / "runs" / "adding-steady-gru-matched-seed0.json"
    assert done.returncode == 1
    assert f"{record.with_suffix('.npz')}: cannot be written ({ENOSPC}).\n" in done.stdout
    assert f"no record: {record.stem}; the same snakemake command makes them\n" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert not record.exists()
    assert records.read(disk / "runs" / "adding-steady-lstm-matched-seed0.json")["status"] == "ok"
    assert len(table(disk, "runs")) == 2, "the tables are those from before"
    made = subprocess.run(
        [sys.executable, "-m", "analysis", "tables", "--results", str(disk)],
        cwd=project, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == os.EX_IOERR
    assert made.stderr == f"{disk / 'runs.csv'}: cannot be written ({ENOSPC}).\n"
    refused = snakemake(disk, "tables", root=project, **config)
    assert refused.returncode == 2
    assert f"{disk}: not even 1 MB can be written there ({ENOSPC}); make room" in refused.stderr
    assert "Traceback" not in refused.stderr

    (project / "fill").unlink()
    (disk / "ballast").unlink()
    done = snakemake(disk, "tables", root=project, **config)
    assert done.returncode == 0, done.stderr
    assert set(table(disk, "runs")["status"]) == {"ok"}
    assert len(table(disk, "runs")) == 3
    assert rnn.stat().st_mtime_ns == kept


@needs_root
def test_a_campaign_on_a_full_disk_says_so_and_the_next_one_can_be_read(disk):
    path = disk / "tiny.csv"
    times = {"wall_s": 1.0, "cpu_s": 1.0, "waited_s": 0.0}
    sample = times | {"switches": 0, "jump_s": 0.0, "phase": "step"}
    method = Method("pytorch", "stock", "lstm")
    ballast = fill(disk)

    def campaign_of(number: str, count: int) -> None:
        with samples.appended(path, number) as write:
            for turn in range(count):
                write(method, 0, turn, sample)

    with pytest.raises(UnwritableError) as error:
        campaign_of("cut-off", 1)
    assert str(error.value) == f"{path}: cannot be written ({ENOSPC})."
    os.truncate(ballast, ballast.stat().st_size - 4096)
    with pytest.raises(UnwritableError):
        campaign_of("cut-off", 1000)
    ballast.unlink()
    campaign_of("whole", 3)
    header, *lines = path.read_text().splitlines()
    assert header.split(",") == list(samples.COLUMNS)
    assert [line.split(",")[0] for line in lines].count("whole") == 3


@needs_root
def test_what_a_killed_process_had_begun_makes_room(disk):
    (disk / "runs").mkdir()
    fill(disk).rename(disk / "runs" / ".adding-jax-gru-matched-seed0.npz.123.tmp")
    with pytest.raises(UserError, match="not even 1 MB can be written there"):
        folder.need_room(disk)
    folder.tidy(disk)
    folder.need_room(disk)


@needs_root
def test_a_project_that_may_only_be_read_is_refused_in_one_sentence(tmp_path, monkeypatch):
    """Its results may go elsewhere, but Snakemake's notes may not."""
    project = tmp_path / "project"
    mount(project, "size=64k")
    try:
        (project / ".snakemake" / "locks").mkdir(parents=True)
        mount(project, "remount,ro")
        monkeypatch.chdir(project)
        with pytest.raises(UserError, match=r"project/\.snakemake: cannot be written in, and Sn"):
            folder.check_notes()
        assert not (tmp_path / "results").exists()
    finally:
        subprocess.run(["umount", "--lazy", project], check=True)


@pytest.fixture(params=["folder", "part"])
def read_only(tmp_path, request) -> Iterator[tuple[Path, Path]]:
    """A results folder, and what of it may only be read: the folder, or one that lies in it."""
    results = tmp_path / "results"
    (results / "runs").mkdir(parents=True)
    path = results if request.param == "folder" else results / "runs"
    if os.geteuid() == 0:  # whom permissions do not bind
        mount(path, "ro,size=64k")
    else:
        path.chmod(0o500)
    yield results, path
    if os.geteuid() == 0:
        subprocess.run(["umount", "--lazy", path], check=True)
    else:
        path.chmod(0o700)


def test_a_folder_that_may_only_be_read_is_refused_before_anything_trains(tmp_path, read_only):
    results, path = read_only
    with pytest.raises(UserError) as error:
        load(tmp_path, results=str(results))
    why = "cannot be written in (Read-only file system)"
    said = f"--config: results: {path} {why}; choose another folder."
    assert str(error.value) == said
    for write in (lambda file: write_text(file, "text"), lambda file: check_room(file, 1)):
        with pytest.raises(UnwritableError) as error:
            write(path / "file")
        assert str(error.value).startswith(f"{path / 'file'}: cannot be written (")
