"""``hand-over``: what a framework's own environment needs and can not make with NumPy alone.

Run in the main environment. ``GATEBENCH_HANDED`` names the folder for a process of another one.
"""

import argparse
import json
from itertools import pairwise
from pathlib import Path

import numpy as np

from cells import CELLS
from harness import documents, environment
from harness.conformance import cell_trial
from harness.errors import UserError
from harness.files import replacing, write_text
from harness.plan import environments, settings, tracks
from harness.registry import check_names, load_task, task_names
from tasks import DataTask, _handed


def hand_over(arguments: argparse.Namespace) -> int:
    """Fill a folder: rates and tracks, the data of some tasks, the answers for some cells."""
    if _handed.folder():
        raise UserError(
            f"{_handed.FOLDER}: is set, as it is only in a framework's own environment; unset it "
            "and hand over from the main one."
        )
    folder: Path = arguments.output
    for key, chosen, known in (
        ("task", arguments.tasks, task_names()), ("cell", arguments.cells, CELLS),
    ):  # fmt: skip
        check_names(f"--{key}", key, chosen, known)
    texts(folder)
    tasks = [task for name in arguments.tasks or task_names() if (task := data(folder, name))]
    chosen = arguments.cells or list(CELLS)
    answers(folder, chosen)
    print(f"{folder}: rates, tracks, answers for {len(chosen)} cells, data of {len(tasks)} tasks")
    return 0


def for_a_command(words: list[str]) -> Path:
    """Where what a command needs in another environment was left, or is now, if it is by hand."""
    if "--results" in words:
        return environment.handed_by(Path(words[words.index("--results") + 1]))
    folder = environments.folder() / "handed"
    texts(folder)
    given = dict(pairwise(words))
    if "--task" in given:
        check_names("--task", "task", [given["--task"]], task_names())
        data(folder, given["--task"])
    if words[0] == "conform":
        named = [v.partition("=")[0] for k, v in pairwise(words) if k == "--kernel"]
        answers(folder, named or list(CELLS))
    return folder


def texts(folder: Path) -> None:
    """The documents that a run reads, checked, as JSON."""
    for path in (settings.RATES, tracks.FILE):
        content = documents.load(path, path.with_suffix(".schema.json"))
        write_text(folder / f"{path.stem}.json", json.dumps(content) + "\n")


def data(folder: Path, name: str) -> bool:
    """The arrays that the task takes another library for; whether there are any."""
    task = load_task(name)
    if not isinstance(task, DataTask) or task.missing or not (arrays := task.by_library()):
        return False
    with replacing(folder / f"{name}.npz") as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    return True


def answers(folder: Path, names: list[str]) -> None:
    """The reference's answers for some cells, which the conformance check compares with."""
    from harness.conformance import against_reference
    from harness.conformance import answers as reference

    cell_trial.require(names)
    for name in names:
        reference.hand_over(folder, name, against_reference.asked(name))
