"""What a campaign has come to while it is carried out."""

import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from harness import environment
from harness.clock.pairs import log_ratios, pairs
from harness.clock.processes import Process, WorkerFailed
from harness.clock.samples import Write
from harness.plan.campaigns import Campaign, Method

Counts = dict[tuple[Method, str, str], int]


@dataclass
class Course:
    """What a campaign has come to: its number, what failed and what is to be known of it."""

    campaign: Campaign
    number: str
    write: Write
    log: IO[str]
    scratch: Path
    cores: list[list[int]]  # one group for each worker that may start at the same time
    worker: tuple[str, ...]
    handed: Path  # what workers by another interpreter find
    problems: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    # What each framework says of the GPU it was timed on; none on a CPU.
    accelerators: dict[str, dict[str, Any]] = field(default_factory=dict)
    counts: Counts = field(default_factory=dict)
    # Seconds of a training step by shape, method, process and round, without the warming-up.
    steps: dict[tuple[str, Method], dict[tuple[int, int], float]] = field(
        default_factory=lambda: defaultdict(dict)
    )

    def needed(self) -> dict[tuple[str, Method, Method], list[float]]:
        """The ratios that the campaign is for, as far as they are measured."""
        return {
            (shape.name, one, other): log_ratios(
                self.steps[shape.name, one], self.steps[shape.name, other]
            )
            for shape in self.campaign.shapes
            for kind, one, other in pairs(self.campaign, self.problems)
            if kind in self.campaign.needed
        }

    def note(self, text: str) -> None:
        """Keep what every row of the campaign has to say, once."""
        if text not in self.notes:
            self.notes.append(text)

    def process(self, framework: str) -> Process:
        """A fresh process of a worker, by the interpreter of the framework's environment."""
        file = self.campaign.environments.get(framework)
        python = environment.read(Path(file)).python if file else sys.executable
        return Process(self.log, self.worker, python, self.handed)

    @contextmanager
    def problem_of(self, method: Method) -> Iterator[None]:
        """Note what a worker fails at inside as the method's problem; the campaign goes on."""
        try:
            yield
        except WorkerFailed as error:
            self.problems[method.name] = str(error)
