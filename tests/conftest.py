"""What the tests share: the project's root and pipelines run for real."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import sync_playwright

from tasks import _files

ROOT = Path(__file__).resolve().parent.parent
# What was fetched on this machine; only tests that ask for it see it, in no other run is it there.
FETCHED = Path(os.environ.get(_files.FOLDER) or ROOT / "data")
os.environ[_files.FOLDER] = os.path.join(tempfile.gettempdir(), "gatebench-nothing-fetched")

# One chunk of three steps in every task: enough to go through everything once.
TINY = {
    "layers": 1, "hidden": 4, "batch": 4, "steps": 3, "evaluate_every": 3,
    "train_examples": 0, "validation_examples": 8, "test_examples": 8,
}  # fmt: skip

# They take minutes each and wait most of the time, so they begin first.
LONG = ("test_pipeline", "test_faults", "test_slurm", "test_limits")

# The smallest grid: one run.
SMALL = {
    "tasks": "[adding]", "frameworks": "[pytorch]", "cells": "[rnn]", "seeds": "[0]",
    "studies": "[cells]", "conformance": "false",
}  # fmt: skip


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: a third of the time a test waits for another process."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first: with them last, one worker would be left alone with one."""
    items.sort(key=lambda item: item.path.stem not in LONG)


def snakemake(
    results: Path, *words: str, root: Path = ROOT, **config: object
) -> subprocess.CompletedProcess[str]:
    """Run the pipeline of ``root`` into ``results`` with parts of the configuration changed."""
    return subprocess.run(command(results, *words, **config), **_process(root))


def start_snakemake(
    results: Path, *words: str, root: Path = ROOT, **config: object
) -> subprocess.Popen[str]:
    """The same, without waiting for its end and in a process group of its own."""
    return subprocess.Popen(
        command(results, *words, **config),
        start_new_session=True,
        # What a shell starts in the background ignores Ctrl-C, and so would all that it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        **_process(root, wait=False),
    )


def command(results: Path, *words: str, **config: object) -> list[str]:
    """The command line of a pipeline that times nothing; values are written as YAML flow."""
    config = {"results": results, "timing": "{shapes: [], sweeps: []}", **config}
    items = [f"{key}={value}" for key, value in config.items()]
    cores = [] if "--profile" in words else ["--cores", "2"]  # a cluster has jobs instead
    return [
        sys.executable, "-m", "snakemake", *cores, "--nocolor", *words, "--config", *items
    ]  # fmt: skip


def _process(root: Path, wait: bool = True) -> dict[str, object]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SNAKEMAKE", "PYTEST"))}
    options: dict[str, object] = {"cwd": root, "env": environment, "text": True}
    if wait:
        return options | {"capture_output": True, "timeout": 300}
    return options | {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}


def overrides(tasks: list[str], **values: object) -> str:
    """The ``overrides`` of a configuration as Snakemake's command line takes them."""
    inner = ", ".join(f"{k}: {v}" for k, v in {**TINY, **values}.items())
    return "{" + ", ".join(f"{task}: {{{inner}}}" for task in tasks) + "}"


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium is, got by Playwright where there is none.

    That it cannot be had is an error, not a skip: the page must be looked at.
    """
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    # The workers of one test run wait for the first of them.
    with (Path(tempfile.gettempdir()) / "gatebench-chromium.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not own.exists():
            words = [sys.executable, "-m", "playwright", "install", "chromium"]
            got = subprocess.run(words, capture_output=True, text=True)
            if got.returncode or not own.exists():
                last = (got.stderr.strip() or got.stdout.strip() or "no word").splitlines()[-1]
                pytest.fail(
                    f"Chromium is missing and could not be downloaded ({last}); install it, "
                    "for instance by apt-get install chromium.",
                    pytrace=False,
                )
    return str(own)


@pytest.fixture(scope="module")
def browser(chromium):
    """A Chromium for the tests of one file."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def project(tmp_path) -> Path:
    """A copy of the project to change, so that tests side by side do not see it."""
    copy = tmp_path / "project"
    ignored = shutil.ignore_patterns(
        ".git", ".venv", ".environments", "results", ".snakemake", "*_cache"
    )
    shutil.copytree(ROOT, copy, ignore=ignored)
    return copy


@pytest.fixture
def new_task(project) -> Path:
    """A task that appears in the copy as one more file, with no other edit."""
    path = project / "tasks" / "echo_test.py"
    text = (ROOT / "tasks" / "adding.py").read_text()
    path.write_text(
        text.replace("class Adding", "class Echo").replace('= "adding"', '= "echo_test"')
    )
    return path


def table(results: Path, name: str) -> pd.DataFrame:
    """One of the tables of a results folder."""
    return pd.read_csv(results / f"{name}.csv")
