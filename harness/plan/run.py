"""What names a run."""

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """What names a run: it is the record's file name and the tables' key."""

    task: str
    framework: str
    cell: str
    track: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.task}-{self.framework}-{self.cell}-{self.track}-seed{self.seed}"

    @property
    def method(self) -> str:
        """What its runs with other seeds share of the name."""
        return self.name.rpartition("-seed")[0]

    @property
    def title(self) -> str:
        return f"{self.task} {self.framework} {self.cell} {self.track} seed {self.seed}"

    def path(self, results: Path) -> Path:
        """The record's place in a results folder; the weights stand beside it as .npz."""
        return results / "runs" / f"{self.name}.json"


def run_named(name: str) -> Run | None:
    """The run that a record's file name, without its suffix, is of; None where it is of none."""
    match = re.fullmatch(r"(\w+)-(\w+)-(\w+)-(\w+)-seed(\d+)", name, re.ASCII)
    if match is None:
        return None
    task, framework, cell, track, seed = match.groups()
    return Run(task, framework, cell, track, int(seed))
