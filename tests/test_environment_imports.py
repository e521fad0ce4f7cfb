"""What runs in a framework's own environment imports that framework, NumPy and psutil alone."""

import ast
import json
import os
import subprocess
import sys
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.tables import conformance
from harness.clock import worker
from harness.commands import command_line
from harness.conformance import against_reference, answers, parameter_counts
from harness.errors import UserError
from harness.plan.run import Run
from harness.plan.settings import resolve
from harness.registry import framework, load_task
from harness.run import loop, records
from implementations import lacking
from tasks import _handed
from tasks._data import library_arrays
from tests.fakes import with_model
from tests.refusing import EVERYWHERE, ROOT

# What an implementation may import: its framework, and what cannot be installed without it.
OWN = {
    "jax": {"jax", "flax", "optax", "scipy"},
    "equinox": {"equinox", "jax", "optax"},
    "pytorch": {"torch"},
    "tensorflow": {"tensorflow", "keras"},
}
TINY = ["--cell", "gru"]
for change in (
    "steps=3",
    "evaluate_every=3",
    "hidden=4",
    "validation_examples=8",
    "test_examples=8",
):
    TINY += ["--set", change]
# Every cell and task that there is, a run of a task of each kind, and the clock's worker.
PATH = """
import importlib
from harness import clock, registry
from harness.commands import command_line
import harness.clock.worker
from harness.conformance import against_reference
from cells import CELLS, ModelSpec
for name in CELLS:
    importlib.import_module(f"cells.{name}")
for name in registry.task_names():
    registry.task_class(name)
for words in WORDS:
    assert command_line.run(["train", *words]) == 0
its = registry.framework(FRAMEWORK)
for kernel in KERNELS:
    rows = against_reference.check_one(
        its, ModelSpec("rnn", 1, 2, 5, 3, False, "mse"), kernel, "cpu"
    )
    assert [row["check"] for row in rows if row["passed"]] == [row["check"] for row in rows], rows
    against_reference.write(__import__("pathlib").Path(OUTPUT), rows)
known = dict(threads=1, cores=[0], cache=CACHE, device="cpu", phases=["step", "forward"])
shape = dict(name="tiny", batch=2, sequence_length=3, input_size=1, hidden=4, layers=1)
started = harness.clock.worker.Worker().start(FRAMEWORK, KERNELS[0], "rnn", [shape], **known)
assert len(started["samples"]) == 4
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the main environment hands over: two tasks, and one case of one cell."""
    path = tmp_path_factory.mktemp("handed")
    with pytest.MonkeyPatch.context() as patch:
        specs = [s for s in against_reference.SPECIFICATIONS if (s.loss, s.layers) == ("mse", 1)]
        patch.setattr(against_reference, "SPECIFICATIONS", specs)
        patch.setattr(against_reference, "LOSSES", ())
        words = ["--output", str(path), "--cell", "rnn", "--task", "digits", "--task", "sunspots"]
        assert command_line.run(["hand-over", *words]) == 0
    return path


@pytest.fixture
def elsewhere(monkeypatch, folder):
    """This process as one of another environment."""
    monkeypatch.setenv(_handed.FOLDER, str(folder))
    answers.of.cache_clear()
    yield
    answers.of.cache_clear()


def refused(modules, code, handed=None):
    own = {name: value for name, value in os.environ.items() if name != _handed.FOLDER}
    return subprocess.run(
        [sys.executable, "tests/refusing.py", ",".join(sorted(modules)), code],
        cwd=ROOT, capture_output=True, text=True,
        env=own | ({_handed.FOLDER: str(handed)} if handed else {}),
    )  # fmt: skip


@pytest.mark.parametrize(("name", "kernel"), [("jax", "manual"), ("pytorch", "stock")])
def test_a_run_a_check_and_the_clocks_worker_need_nothing_else(tmp_path, folder, name, kernel):
    tasks = {"jax": ("digits", "sine"), "pytorch": ("sunspots",)}[name]
    records_ = {task: tmp_path / f"{task}-{name}-gru-matched-seed0.json" for task in tasks}
    words = [
        ["--task", task, "--framework", name, "--record", str(path), *TINY]
        for task, path in records_.items()
    ]
    values = {
        "WORDS": words, "FRAMEWORK": name, "KERNELS": [kernel],
        "OUTPUT": str(tmp_path / "gate.csv"), "CACHE": str(tmp_path / "cache"),
    }  # fmt: skip
    code = "\n".join(f"{key} = {value!r}" for key, value in values.items()) + PATH
    done = refused(OWN[name], code, folder)
    assert done.returncode == 0, done.stderr
    for path in records_.values():
        assert records.read(path)["status"] == "ok"  # the form is checked here
    assert (tmp_path / "gate.csv").read_text().count("True") == 8
    if name == "jax":
        return
    # The same bits as in the main environment.
    again = tmp_path / "again" / records_["sunspots"].name
    own = ["--task", "sunspots", "--framework", name, "--record", str(again), *TINY]
    assert command_line.run(["train", *own]) == 0
    one, other = (records.read(path) for path in (records_["sunspots"], again))
    for key in ("weights_sha256", "losses_sha256", "data_sha256", "score", "command"):
        assert one[key] == other[key]


def test_without_what_is_handed_over_it_says_so():
    done = refused(
        ["torch"],
        f"""
from harness.errors import status_of
from harness.commands.command_line import run
words = ["train", "--task", "adding", "--framework", "pytorch", *{TINY}]
sys.exit(status_of(lambda: run(words)))
""",
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert ".yaml: cannot be read without PyYAML" in line
    assert "GATEBENCH_HANDED" in line


def test_implementations_cells_and_tasks_name_nothing_else():
    for path in sorted(ROOT.glob("implementations/**/*.py")):
        parts = path.relative_to(ROOT / "implementations").parts
        own = OWN[parts[0]] if len(parts) > 1 else OWN["jax"]
        assert imported(path) <= EVERYWHERE | own, path
    for path in [*ROOT.glob("cells/*.py"), *ROOT.glob("tasks/*.py")]:
        made_elsewhere = {"network.py": {"autograd"}, "_music.py": {"scipy"},
                          "mnist1d.py": {"mnist1d"}}.get(path.name, set())  # fmt: skip
        assert imported(path) <= EVERYWHERE | made_elsewhere, path


def imported(path: Path) -> set[str]:
    """The packages that a file names anywhere in an import."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return {name.partition(".")[0] for name in found}


def test_what_is_handed_over_is_what_would_be_made(folder, elsewhere):
    spec = against_reference.SPECIFICATIONS[0]
    case = answers.case_of(spec)
    for what in (answers.GIVEN, answers.OUTPUTS, answers.GRADIENT, *answers.RULES):
        made, read = answers.made(case, what), answers.of(case, what)
        assert made.keys() == read.keys()
        assert all(np.array_equal(made[k], v) and made[k].dtype == v.dtype for k, v in read.items())
    for name in ("digits", "sunspots"):
        task = load_task(name)
        (made,), (read,) = task.by_library().values(), library_arrays(task).values()
        assert np.array_equal(made, read)
        assert not task.missing
    assert json.loads((folder / "rates.json").read_text())["adding"]


def test_other_answers_than_those_handed_over_are_asked_for(elsewhere):
    with pytest.raises(UserError, match=r"answers-lstm\.npz: cannot be read.*hand-over"):
        answers.of(answers.case_of(parameter_counts.article("lstm")), answers.OUTPUTS)
    with pytest.raises(UserError, match=r"answers-rnn\.npz: has no answers to rnn-2.*hand-over"):
        answers.of(answers.case_of(parameter_counts.article("rnn")), answers.OUTPUTS)
    with pytest.raises(UserError, match="GATEBENCH_HANDED: is set"):
        command_line.run(["hand-over", "--output", "nowhere"])


def lacking_kernel(kernel):
    """JAX as a version that lacks a name which one kernel calls."""
    its = framework("jax")

    def build(spec, weights, name, device):
        import jax

        if name == kernel:
            jax.lax.what_came_later()
        return its.load().build(spec, weights, name, device)

    return with_model(its, types.SimpleNamespace(build=build))


def test_a_kernel_that_a_version_lacks_is_unavailable(tmp_path):
    import jax

    its, spec = lacking_kernel("stepwise"), against_reference.SPECIFICATIONS[0]
    its.pin(1, tmp_path, "cpu")
    settings = resolve("sine", {"steps": 3, "hidden": 4, "validation_examples": 8}, "", "rnn")
    run = Run("sine", "jax", "rnn", "matched", 0)
    settings = replace(settings, kernel="stepwise")
    record, _ = loop.run(its, run, settings, 1, tmp_path, lambda *_: None)
    assert record["status"] == "unavailable"
    assert record["reason"] == (
        f"jax's kernel stepwise cannot be computed here: jax {jax.__version__} has no "
        "jax.lax.what_came_later; choose another kernel, or an environment that has it"
    )
    records.check(record, "here")
    rows = against_reference.check_one(its, spec, "stepwise", "cpu")
    (row,) = rows
    assert (row["check"], row["passed"]) == (lacking.CHECK, False)
    assert against_reference.sentence(row) == f"{record['reason']}."
    assert worker.verdict(row) == record["reason"]
    # The other kernels of the cell can be compared all the same.
    assert conformance.not_comparable(rows) == set()
    assert conformance.summary(rows) == []


@pytest.mark.parametrize(("error", "said"), [
    (ModuleNotFoundError("No module named 'flax'", name="flax"), "flax is not installed here"),
    (ImportError("cannot import name 'rnn' from 'jax.experimental' (x)", name="jax.experimental"),
     "does not have it: cannot import name 'rnn' from 'jax.experimental'"),
    (AttributeError("no", name="later", obj=np), f"numpy {np.__version__} has no numpy.later"),
    # Slips of our own, and other errors.
    (AttributeError("no", name="later", obj=lacking), ""),
    (AttributeError("no", name="later", obj=3), ""),
    (ModuleNotFoundError("No module named 'cells.x'", name="cells.x"), ""),
    (ValueError("no"), ""),
])  # fmt: skip
def test_what_is_lacking_is_told_from_what_is_wrong(error, said):
    assert lacking.lack(error).endswith(said)
    assert bool(lacking.lack(error)) == bool(said)
