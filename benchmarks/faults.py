"""``python -m benchmarks.faults``: what is lost when a machine, a disk or a person fails. Nothing?

A grid of made-up runs (:mod:`benchmarks.made_up`) is killed at random moments with all that belongs
to it, and called again each time; a disk fills in the middle of a large grid; two merges begin at
once; a part comes twice. After each, what was finished before must be there as it was, byte for
byte, and the same command must make the rest. The disk needs Linux and root.
"""

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from benchmarks import made_up
from harness.run import records

Row = dict[str, object]
# The grid that is killed: one framework, four cells, so that it takes seconds.
SMALL: dict[str, Any] = {
    "frameworks": "[blank_a]",
    "cells": "[rnn, lstm, gru, mgu]",
    "tasks": "[adding]",
}


def finished(results: Path) -> dict[str, str]:
    """The digest of the record and the weights of every run that is finished."""
    found = {}
    for path in sorted((results / "runs").glob("*.json")):
        if not records.unfinished(path):
            both = path.read_bytes() + path.with_suffix(".npz").read_bytes()
            found[path.stem] = hashlib.sha256(both).hexdigest()
    return found


def lost(before: dict[str, str], now: dict[str, str]) -> int:
    """How many of the finished runs are gone or were made again."""
    return sum(now.get(name) != digest for name, digest in before.items())


def of_folder(folder: Path) -> list[psutil.Process]:
    """The processes that work in a folder."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()) == folder:
                found.append(process)
    return found


def kill_all(folder: Path) -> int:
    """Kill every process that works in a folder, as a machine that goes down does; how many."""
    killed = 0
    while processes := of_folder(folder):
        for process in processes:
            with suppress(psutil.Error):
                process.send_signal(signal.SIGSTOP)  # or one would start others meanwhile
        for process in processes:
            with suppress(psutil.Error):
                process.kill()
                killed += 1
        time.sleep(0.02)
    return killed


def start(words: list[str], folder: Path) -> subprocess.Popen[bytes]:
    """A pipeline in a folder, whose output nobody reads."""
    with (folder / "command.log").open("w") as log:
        return subprocess.Popen(
            words, cwd=folder, env=made_up.clean(), start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip


def killed(folder: Path, times: int, cores: int, words: list[str], span: float = 0.0) -> list[Row]:
    """Kill the pipeline of a project copy ``times`` times and call it again; a row each.

    It is killed within ``span`` seconds of its start, or, where that is 0, of what it takes
    undisturbed. Raises RuntimeError where the last call, undisturbed, does not end well.
    """
    rows: list[Row] = []
    draw, number = random.Random(0), 0
    before: dict[str, str] = {}
    while len(rows) < times:
        results = folder / "results" / f"killed{number}"
        command = made_up.snakemake(cores, *words, **{**SMALL, "results": str(results)})
        begin = time.monotonic()
        process = start(command, folder)
        # The first grid ends undisturbed and says how long it takes.
        wait = draw.uniform(0.1, span) if span else None
        with suppress(subprocess.TimeoutExpired):
            process.wait(wait)
        if process.returncode is not None:  # it was done before
            if process.returncode:
                raise RuntimeError((folder / "command.log").read_text())
            rest = lost(before, finished(results))
            if rest:
                raise RuntimeError(f"{results}: {rest} finished runs were lost")
            span = span or 0.9 * (time.monotonic() - begin)
            before, number = {}, number + 1
            continue
        count = kill_all(folder)
        process.wait()
        now = finished(results)
        rows.append({
            "fault": "everything killed", "when": f"after {wait:.1f} s, {count} processes",
            "finished before": len(before), "finished after": len(now), "lost": lost(before, now),
            "next call": "goes on",
        })  # fmt: skip
        before = now
    done = made_up.measure(command, folder)
    now = finished(results)
    if done.status or lost(before, now):
        raise RuntimeError(f"{lost(before, now)} finished runs were lost; {done.said[-2000:]}")
    rows.append({
        "fault": "(undisturbed again)", "when": f"after {times} kills", "finished before":
        len(before), "finished after": len(now), "lost": 0, "next call": "ended well",
    })  # fmt: skip
    return rows


def full_disk(folder: Path, at: int, cores: int, disk: Path) -> Row:
    """Fill the disk once ``at`` runs are finished, then make room and call again."""
    results = disk / "grid"
    command = made_up.snakemake(cores, results=results)

    def fill() -> None:
        while sum(1 for _ in (results / "runs").glob("*.json")) < at:
            time.sleep(0.1)
        with (disk / "ballast").open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(1 << 12))

    thread = threading.Thread(target=fill, daemon=True)
    thread.start()
    broken = made_up.measure(command, folder)
    before = finished(results)
    said = [line for line in broken.said.splitlines() if "No space left" in line]
    traces = broken.said.count("Traceback")
    (disk / "ballast").unlink()
    mended = made_up.measure(command, folder)
    now = finished(results)
    return {
        "fault": "disk full", "when": f"at run {at}: status {broken.status}, "
        f"{len(said)} sentences on it, {traces} tracebacks", "finished before": len(before),
        "finished after": len(now), "lost": lost(before, now),
        "next call": "ended well" if not mended.status else mended.said[-500:],
    }  # fmt: skip


def merges(folder: Path, results: Path, of: int) -> list[Row]:
    """Two merges of the parts at once, and a part that comes twice."""
    words = [sys.executable, "-m", "benchmarks.parts", str(results), str(of)]
    made = subprocess.run(words, cwd=folder, env=made_up.clean(), text=True, capture_output=True)
    made.check_returncode()
    parts, whole = made.stdout.split(), finished(results)
    merged = results.with_name("merged")
    merge = [sys.executable, "-m", "analysis", "merge", *parts, "--results", str(merged)]

    def begun() -> subprocess.Popen[str]:
        return subprocess.Popen(
            merge, cwd=folder, env=made_up.clean(), text=True, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )  # fmt: skip

    both = [begun(), begun()]
    said = [process.communicate()[1].strip() for process in both]
    rows: list[Row] = [{
        "fault": "two merges at once", "when": f"{of} parts; statuses "
        f"{sorted(process.returncode for process in both)}: {max(said, key=len)[:120]}",
        "finished before": len(whole), "finished after": len(finished(merged)),
        "lost": lost(whole, finished(merged)), "next call": "",
    }]  # fmt: skip
    stamps = {path: path.stat().st_mtime_ns for path in (merged / "runs").iterdir()}
    again = subprocess.run(
        [*merge[:4], parts[0], *merge[4:]], cwd=folder, env=made_up.clean(), capture_output=True
    )
    now = finished(merged)
    same = {path: path.stat().st_mtime_ns for path in (merged / "runs").iterdir()} == stamps
    rows.append({
        "fault": "a part that comes twice", "when": f"status {again.returncode}, "
        f"{'nothing' if same else 'something'} written again", "finished before": len(whole),
        "finished after": len(now), "lost": lost(whole, now), "next call": "",
    })  # fmt: skip
    return rows


def main() -> int:
    """Carry all of it out, print the table and write it; status 1 where anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--runs", type=int, default=2000, help="of the grid on the disk that fills")
    parser.add_argument("--at", type=int, default=1500, help="the run at which the disk is full")
    parser.add_argument("--parts", type=int, default=4)
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--output", type=Path, help="write the table here (CSV)")
    asked = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="gatebench-") as name:
        if asked.kills:
            folder = made_up.project(Path(name) / "killed", 3, seconds=0.02)
            rows += killed(folder, asked.kills, asked.cores, ["tables"])
            made_up.table(rows, asked.output)
        if asked.runs:
            folder = made_up.project(Path(name) / "large", max(1, asked.runs // made_up.EACH))
            disk = Path(name) / "disk"
            disk.mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", disk], check=True)
            try:
                rows.append(full_disk(folder, asked.at, asked.cores, disk))
                rows += merges(folder, disk / "grid", asked.parts)
            finally:
                subprocess.run(["umount", "--lazy", disk], check=True)
        shutil.rmtree(name, ignore_errors=True)
    made_up.table(rows, asked.output)
    return int(any(row["lost"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
