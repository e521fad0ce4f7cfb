"""The samples of a campaign as they lie in a results folder: how they get there, what they say."""

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from harness.errors import UnwritableError, UserError
from harness.plan.campaigns import Campaign, Method, campaign_from
from implementations import CPU

COLUMNS = (
    "campaign", "method", "framework", "kernel", "cell", "twin", "shape", "process", "round",
    "phase", "steps", "start", "wall_s", "cpu_s", "waited_s", "other_s", "switches", "load",
    "cores", "rss_mb", "mark",
    # On a GPU alone: seconds between two marks on the device, and what the card said after a block.
    "device_s", "sm_mhz", "power_w", "temperature_c", "throttled", "energy_j", "device_mb",
)  # fmt: skip
NUMBERS = ("process", "round", "steps", "wall_s", "cpu_s", "waited_s", "other_s")
ON_GPU = ("device_s", "sm_mhz", "power_w", "temperature_c", "energy_j", "device_mb")
Write = Callable[[Method, int, int, dict[str, Any]], None]


@contextmanager
def appended(path: Path, number: str) -> Iterator[Write]:
    """A function that appends a sample to the file; what other campaigns left there stays."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if text and text.splitlines()[0] != ",".join(COLUMNS):
        # Of another version, or a disk was full at once: nothing can be appended to that.
        path.replace(path.with_suffix(".csv.old"))
        text = ""
    file = path.open("a", newline="", encoding="utf-8")
    table = csv.DictWriter(file, COLUMNS, restval="", extrasaction="ignore")

    def write(method: Method, process: int, turn: int, sample: dict[str, Any]) -> None:
        row = {
            "campaign": number, "method": method.name, **vars(method), "process": process,
            "round": turn, "mark": mark(sample), **sample,
        }  # fmt: skip
        try:
            table.writerow(row)
            file.flush()
        except OSError as error:
            raise UnwritableError(path, error) from error

    try:
        if not text:
            table.writeheader()
        elif not text.endswith("\n"):
            file.write("\n")  # the last line of a campaign that was killed may be cut off
        yield write
    finally:
        # What could not be written has been named by now.
        with suppress(OSError):
            file.close()


def mark(sample: dict[str, Any]) -> str:
    """Why a sample is not to be trusted; it is kept and counts like the others.

    ``suspended``: the calendar's clock went on by a second more than the monotonic one.
    ``disturbed``: the process waited for more than a twentieth of the time (wall above CPU
    time), or was put aside more often than once in 10 ms, unless its own threads took turns on
    its core: then it waited longer than it lost. Who computes on a GPU waits for that: there,
    what counts is the time in which no core was free.
    """
    if abs(sample["jump_s"]) > 1:
        return "suspended"
    lost = max(0.0, sample["wall_s"] - sample["cpu_s"])
    waited = lost > 0.05 * sample["cpu_s"]
    if "device_s" in sample:
        waited = sample["waited_s"] > 0.05 * sample["wall_s"]
    took_turns = sample["waited_s"] - lost > 0.01 * sample["wall_s"]
    put_aside = sample["switches"] > 100 * sample["wall_s"] and not took_turns
    return "disturbed" if waited or put_aside else ""


def with_a_core(sample: Any, threads: int) -> Any:
    """The seconds that a block takes while its core is its own; ``sample`` may be a table of them.

    On a machine that others use too, a process is put aside for them. With one thread on one core
    it is known for how long: what it waited for the core is taken off. Where a framework has
    threads that take turns on that core, some of it was waiting for each other, and so it was never
    less than its CPU time. With several threads it is unknown, and the time is by the clock.
    What others do to caches, memory and the processor's speed stays in.
    """
    if threads > 1:
        return sample["wall_s"]
    return np.maximum(sample["cpu_s"], sample["wall_s"] - sample["waited_s"])


@dataclass
class Samples:
    """What was asked, every sample, what is known of them, and the machine they were taken on."""

    campaign: Campaign
    samples: pd.DataFrame
    problems: dict[str, str]
    notes: list[str]
    machine: str
    # What each framework said of its GPU, by name; empty on a CPU.
    accelerators: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, path: Path) -> Self:
        """The campaign that ``path`` names, without the samples that others left in its file."""
        try:
            about = json.loads(path.read_text(encoding="utf-8"))
            samples = pd.read_csv(path.with_suffix(".csv"), keep_default_na=False)
            samples = samples[samples["campaign"] == about["campaign"]].copy()
            for column in NUMBERS:
                # As text, where a killed campaign left half a line.
                samples[column] = pd.to_numeric(samples[column])
            for column in ON_GPU:  # there are none in the files of older versions
                found = samples.get(column, np.nan)
                samples[column] = pd.to_numeric(found, errors="coerce")
            machine = "{processor} ({generation}), {cores} cores".format(**about["machine"])
            asked = campaign_from(about["asked"])
            if asked.device != CPU:
                machine = _card(about["accelerators"], asked.precision) or machine
            samples["ms"] = 1000 * with_a_core(samples, asked.threads) / samples["steps"]
            return cls(
                asked, samples, about["problems"], about["notes"], machine,
                about.get("accelerators", {}),
            )  # fmt: skip
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path}: cannot be read ({error}); time the shape again.") from error


def _card(accelerators: dict[str, dict[str, Any]], precision: str) -> str:
    """A GPU as the tables name it; times in two precisions are of two machines."""
    cards = dict.fromkeys(
        f"{one['card']}, driver {one['driver'] or 'unknown'}" for one in accelerators.values()
    )
    return "; ".join(cards) and f"{'; '.join(cards)}, float32 {precision}"
