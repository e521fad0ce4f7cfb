"""No kernel is timed unchecked: what the pipeline's gate found, or a check of the clock's own."""

from pathlib import Path

import pandas as pd

from harness import machine
from harness.clock.course import Course
from harness.clock.processes import WorkerFailed, side_by_side
from harness.plan.campaigns import Method
from implementations import NATIVE


def look_up_or_check(course: Course, folder: Path | None) -> None:
    """Look up what the pipeline's own checks found, and check the other kernels, once each."""
    campaign, known = course.campaign, _known(folder) if folder else {}
    layers = min(2, max(shape.layers for shape in campaign.shapes))
    open_: dict[str, list[Method]] = {}
    # A native model has weights and a rule of its own.
    ours = [m.original for m in campaign.methods if m.kernel != NATIVE]
    for method in dict.fromkeys(m for m in ours if m.name not in course.problems):
        if not known.get((method.framework, method.kernel, method.cell, layers)):
            open_.setdefault(method.framework, []).append(method)

    def check(framework: str, cores: list[int]) -> dict[str, str]:
        process = course.process(framework)
        methods = [(m.kernel, m.cell, layers) for m in open_[framework]]
        cache = str(course.scratch / f"conform-{framework}")
        try:
            verdicts: dict[str, str] = process.ask(
                "conform", framework=framework, methods=methods, threads=campaign.threads,
                cores=cores, cache=cache, device=campaign.device, precision=campaign.precision,
            )  # fmt: skip
        except WorkerFailed as error:
            return dict.fromkeys((f"{m.kernel}/{m.cell}" for m in open_[framework]), str(error))
        finally:
            process.end()
        return verdicts

    for framework, verdicts in side_by_side(course.cores, list(open_), check):
        for name, verdict in verdicts.items():
            if verdict:
                course.problems[f"{framework}/{name}"] = verdict
    for method in campaign.methods:
        if method.original.name in course.problems:
            course.problems[method.name] = course.problems[method.original.name]


def _known(folder: Path) -> dict[tuple[str, str, str, int], bool]:
    """What the pipeline's checks say of models of the kind that is timed: passed or not.

    Those of this machine: one whose kernels another machine found right are checked here.
    """
    here = machine.name(machine.description())
    found: dict[tuple[str, str, str, int], bool] = {}
    for path in sorted(folder.glob("*.csv")):
        table = pd.read_csv(path)
        if "machine" in table:
            table = table[table["machine"] == here]
        table = table[(table["outputs"] == "last step") & (table["track"] == "matched")]
        for key, rows in table.groupby(["framework", "kernel", "cell", "layers"]):
            both = rows[rows["check"] == "forward"]["dtype"].nunique() == 2
            found[key] = both and bool(rows["passed"].all())  # type: ignore[index]
    return found
