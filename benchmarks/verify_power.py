"""``python -m benchmarks.verify_power``: does ``verify`` tell the same from the different?

Small models are trained on the default tasks in three frameworks: a reference. Beside it are made
folders in which only rounding differs, which must pass, and folders with a planted fault, which
must fail. A fault is planted in the code, not in the settings, so that the record knows nothing of
it. Each folder is judged by ``workflows/verify.yaml`` on draws of its seeds, as if it came from
another kind of processor, and holds the nine methods of one framework: a hard case, for a fault in
all frameworks shows in three times as many runs. The frameworks of ``results/reference/``, trained
in full, are put in each other's place too. About three minutes of two cores.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd

from analysis import plan_records
from analysis.folders import agreement, foreign, pairing, verification
from analysis.folders.reference_results import FOLDER
from analysis.tables import losses, runs, tasks
from cells import Array
from harness import layout, registry
from harness.plan.run import Run
from harness.plan.settings import resolve
from harness.run import initialisation, learners, loop, records, streams
from implementations import rule

FRAMEWORKS = ("jax", "pytorch", "tensorflow")
CELLS = ("rnn", "gru", "lstm")
SEEDS, DRAWN, DRAWS = 8, 5, 8
SMALL = {"hidden": 32, "steps": 256, "evaluate_every": 32, "validation_examples": 128,
         "test_examples": 512}  # fmt: skip
SETTINGS: dict[str, dict[str, Any]] = {
    "adding": SMALL | {"sequence_length": 30},
    "copying": SMALL | {"delay": 5, "batch": 32},
    "sine": SMALL | {"train_examples": 1024},
}
REFERENCE = "reference"
# PyTorch and oneDNN choose their code by the processor; these make it that of an older one.
OLDER = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"}
Tables = pairing.Tables
_first_weights, _with_biases = initialisation.initial_weights, initialisation.with_biases
_examine = loop._evaluate


def _optimiser(rate: float = 1.0, clip: float = 1.0, **others: Any) -> Any:
    """The update rule with rate and clip times these, and other constants."""
    return patch.object(
        learners, "Optimiser",
        lambda name, its, limit, **rest: rule.Optimiser(
            name, rate * its, clip * limit, **rest, **others
        ),
    )  # fmt: skip


def _last_digit(*arguments: Any) -> dict[str, Array]:
    """The first weights, each with its last digit up or down."""
    rng = np.random.default_rng(0)
    return {
        name: np.nextafter(w, np.where(rng.random(w.shape) < 0.5, -9, 9)).astype(w.dtype)
        for name, w in _first_weights(*arguments).items()
    }


class _Reversed(streams.TrainingStream):
    """The same batches and digest, handed out in the other order within a chunk."""

    def chunk(self, first: int, count: int) -> tuple[Array, Array]:
        inputs, targets = super().chunk(first, count)
        return inputs[::-1].copy(), targets[::-1].copy()


class _Shuffled(streams.TrainingStream):
    """On adding, with inputs of two channels, an example has the next one's markers."""

    def chunk(self, first: int, count: int) -> tuple[Array, Array]:
        inputs, targets = super().chunk(first, count)
        if inputs.shape[-1] == 2:
            inputs = inputs.copy()
            inputs[..., 1] = np.roll(inputs[..., 1], 1, axis=1)
        return inputs, targets


def _second_half(factor: float, optimiser: rule.Optimiser, first: int, count: int) -> Array:
    """Rates times ``factor`` from the middle of training on."""
    table = rule.updates(optimiser, first, count)
    table[:, 0] *= factor if first > SMALL["steps"] / 2 else 1.0
    return table


def _noisy_test(model: Any, settings: Any, data: tuple[Array, Array], progress: Any) -> Any:
    """Test inputs with noise of 0.1, after their digest was taken."""
    inputs, targets = data
    if len(inputs) == SMALL["test_examples"]:
        noise = np.random.default_rng(0).normal(0, 0.1, inputs.shape)
        inputs = (inputs + noise).astype(inputs.dtype)
    return _examine(model, settings, (inputs, targets), progress)


NULLS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "last digit of the first weights": partial(
        patch.object, initialisation, "initial_weights", _last_digit
    ),
}
FAULTS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "forget bias 0, not 1 (LSTM)": lambda: patch.object(
        initialisation, "with_biases",
        lambda weights, _, *more: _with_biases(weights, "zero", *more),
    ),
    "epsilon 1e-7, not 1e-8": partial(_optimiser, epsilon=1e-7),
    "clipped at 2, not 1": partial(_optimiser, clip=2.0),
    "clipped by variable": partial(_optimiser, clip_each=True),
    "learning rate times 1.05": partial(_optimiser, rate=1.05),
    "batches in another order": partial(patch.object, streams, "TrainingStream", _Reversed),
    "markers shuffled (adding)": partial(patch.object, streams, "TrainingStream", _Shuffled),
    "rate times 3 in the second half": partial(
        patch.object, learners, "updates", partial(_second_half, 3.0)
    ),
    "rate times 0.1 in the second half": partial(
        patch.object, learners, "updates", partial(_second_half, 0.1)
    ),
    "noise on the test inputs": partial(patch.object, loop, "_evaluate", _noisy_test),
}  # fmt: skip


def main() -> None:
    """Make the folders, each framework's in its own process, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--make", nargs=2, metavar=("FRAMEWORK", "KIND"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help="where the runs are kept (and found again)")
    arguments = parser.parse_args()
    if arguments.make:
        _make(arguments.folder, *arguments.make)
        return
    with ExitStack() as stack:
        made = tempfile.TemporaryDirectory(prefix="gatebench-")
        folder = arguments.folder or Path(stack.enter_context(made))
        for framework, kind, environment in _processes():
            command = [sys.executable, "-m", "benchmarks.verify_power", "--folder", str(folder)]
            command += ["--make", framework, kind]
            subprocess.run(command, check=True, env=os.environ | environment)
        _say(folder)


def _processes() -> Iterator[tuple[str, str, Mapping[str, str]]]:
    for framework in FRAMEWORKS:
        yield framework, REFERENCE, {}
    yield "pytorch", "older", OLDER
    yield FRAMEWORKS[0], "others", {}


def _make(folder: Path, framework: str, kind: str) -> None:
    """Train the runs of a kind, or of all nulls and faults, in this process."""
    kinds = NULLS | FAULTS if kind == "others" else {kind: nullcontext}
    for name, planted in kinds.items():
        results = folder / framework / name
        with planted():
            for task, cell, seed in _grid():
                _train(Run(task, framework, cell, "matched", seed), results)


def _grid() -> Iterator[tuple[str, str, int]]:
    for task in SETTINGS:
        for cell in CELLS:
            for seed in range(SEEDS):
                yield task, cell, seed


def _train(run: Run, results: Path) -> None:
    path = run.path(results)
    if path.exists():
        return
    framework = registry.framework(run.framework)
    settings = resolve(run.task, SETTINGS[run.task], "verify_power")
    cache = results.parent / "cache"
    record, progress = loop.run(framework, run, settings, 1, cache, lambda *_: None)
    if record["status"] == "failed":  # or it would pass for a fault that was found
        raise RuntimeError(f"{results.name}: {record['reason']}")
    records.write_arrays(path, progress.initial, progress.weights or {}, progress.dynamics())
    records.write(path, record)


def _say(folder: Path) -> None:
    """Print the share of draws in which each folder fails, and by what."""
    reference = {name: _tables(folder / name / REFERENCE) for name in FRAMEWORKS}
    whole = _together(reference.values())
    print(f"{'here':52s} fails  losses  scores  first step")
    for here in FRAMEWORKS:
        there = {name: tables for name, tables in reference.items() if name != here}
        for name, tables in there.items():
            mine = _renamed(reference[here], tables)
            print(_line(f"null: {here} in the place of {name}", mine, _together(there.values())))
    for name, mine, others in _kept():
        for drawn in (DRAWN, mine["runs"]["seed"].nunique()):
            print(_line(f"null: kept, {name}, {drawn} seeds", mine, others, drawn))
    older = _tables(folder / "pytorch" / "older")
    print(_line("null: PyTorch's code for old processors", older, whole))
    for kind, kinds in (("null", NULLS), ("fault", FAULTS)):
        for name in kinds:
            print(_line(f"{kind}: {name}", _tables(folder / FRAMEWORKS[0] / name), whole))


def _kept() -> Iterator[tuple[str, Tables, Tables]]:
    """Each framework of the reference results in the place of the next, beside all but itself."""
    tables = foreign.read(FOLDER)
    kept = tables["runs"].query("track == 'matched'")
    known = sorted(set(kept["framework"]))
    # Only what every framework has trained, seed by seed.
    alike = kept.groupby(["task", "cell", "track", "seed"])["framework"].transform("nunique")
    tables["runs"] = kept[alike == len(known)]
    parts = {
        name: {k: t[t["framework"] == name] if "framework" in t else t for k, t in tables.items()}
        for name in known
    }
    for here, name in zip(known, known[1:] + known[:1], strict=True):
        mine = _renamed(parts[here], parts[name])
        mine["machines"] = mine["machines"].assign(generation="another")
        others = [part for other, part in parts.items() if other != here]
        yield f"{here} in the place of {name}", mine, _together(others)


def _tables(results: Path) -> Tables:
    """The tables that a verification reads, as if from a processor of another kind."""
    found = plan_records.read(results)
    made = {"runs": runs.rows(found), "machines": runs.machines(found), "tasks": tasks.rows(found),
            "losses": losses.rows(found, losses.all_kept(results, found))}  # fmt: skip
    for name, rows in made.items():
        layout.write(results, name, rows)
    tables = foreign.read(results)
    tables["machines"]["generation"] = f"of {results.name}"
    return tables


def _together(sides: Any) -> Tables:
    """The tables of several frameworks as one folder has them."""
    parts = []
    for number, tables in enumerate(sides):
        parts.append(
            {name: t.assign(machine=number) if "machine" in t else t for name, t in tables.items()}
        )
    whole = {name: pd.concat([part[name] for part in parts]) for name in parts[0]}
    whole["tasks"] = whole["tasks"].drop_duplicates("task")
    return {name: table.reset_index(drop=True) for name, table in whole.items()}


def _renamed(mine: Tables, other: Tables) -> Tables:
    """The runs of one framework under another's name, which stores as many parameters."""
    counts = other["runs"].groupby(["task", "cell"])["parameters"].first()
    name = other["runs"]["framework"].iloc[0]
    named = {k: t.assign(framework=name) if "framework" in t else t for k, t in mine.items()}
    key = list(zip(named["runs"]["task"], named["runs"]["cell"], strict=True))
    named["runs"] = named["runs"].assign(parameters=counts.loc[key].to_numpy())
    return named


def _line(name: str, mine: Tables, reference: Tables, drawn: int = DRAWN) -> str:
    """The shares of draws that fail: at all, by the first losses, by scores and steps."""
    rules, rng = agreement.load_rules(), np.random.default_rng(0)
    failed, steps = [], []
    runs = mine["runs"]
    known = runs["seed"].unique()
    for _ in range(DRAWS if drawn < len(known) else 1):
        seeds = rng.choice(known, drawn, replace=False)
        here = mine | {"runs": runs[runs["seed"].isin(seeds)].reset_index(drop=True)}
        rows = [r for r in pairing.pair(here, reference, rules).rows if verification.fails(r)]
        items = {row["item"] for row in rows}
        failed.append([bool(items), "training" in items, "equivalence" in items])
        steps += [int(r["detail"].split()[1].strip(":")) for r in rows if r["item"] == "training"]
    shares = "  ".join(f"{share:5.0%}" for share in np.mean(failed, axis=0))
    return f"{name:52s} {shares}   {min(steps) if steps else '–'}"


if __name__ == "__main__":
    main()
