"""``new`` and ``check``: what is written works, and what is broken is named in one sentence."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import implementations
import tasks
from harness import registry
from harness.conformance import against_reference, contract, scaffold
from harness.errors import UserError
from harness.registry import framework_names, known_frameworks, task_class, task_names
from implementations import ModelSpec
from tasks.csv import Csv

NAME = "made_by_a_test"


@pytest.fixture
def here(project, monkeypatch) -> Iterator[Path]:
    """The project is a copy, where tests side by side do not see what is written."""
    for module in (registry, scaffold):
        monkeypatch.setattr(module, "ROOT", project)
    for package in (tasks, implementations):
        folder = project / package.__name__
        monkeypatch.setattr(package, "__path__", [str(folder), *package.__path__])
    _forget()
    yield project
    _forget()


def _forget() -> None:
    """Names are looked up anew, and what was written is not imported any more."""
    for cached in (task_names, task_class, framework_names, known_frameworks):
        cached.cache_clear()
    importlib.invalidate_caches()
    for name in [name for name in sys.modules if NAME in name]:
        del sys.modules[name]


def harness(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness", *words],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_new_task_keeps_its_contract_and_trains(here):
    made = harness(here, "new", "task", NAME)
    assert made.returncode == 0, made.stderr
    done = harness(here, "check", "task", NAME)
    assert (done.returncode, done.stdout) == (0, f"task {NAME}: keeps its contract\n")
    words = f"train --task {NAME} --framework pytorch --cell gru --set steps=200".split()
    trained = harness(here, *words)
    assert trained.returncode == 0, trained.stderr
    again = harness(here, "new", "task", NAME)
    assert again.returncode == 2
    assert again.stderr == f"tasks/{NAME}.py: exists already; choose another name.\n"


@pytest.mark.parametrize("name", ["Name", "a-b", "../x", "class", "", "1a", "ä"])
@pytest.mark.parametrize("kind", [scaffold.new_task, scaffold.new_implementation])
def test_a_name_that_cannot_be_one_is_refused(kind, name):
    with pytest.raises(UserError, match="cannot be one; use small letters"):
        kind(name)


BROKEN = [
    ("np.float32)", "np.float64)", "inputs are float64 (64, 20, 1), expected float32 (64, 20, 1)"),
    ("return inputs, inputs[:, 0].copy()", "return inputs, inputs[:, 0, 0]",
     "targets are float32 (64,), expected float32 (64, 1)"),
    ("rng.random(", "np.random.default_rng().random(", "the same rng gives other examples"),
    ("rng.random(", "np.random.default_rng(0).random(", "another rng gives the same examples"),
    ("return 0.001", "return 1.0", "the baseline 0.08333 counts as solved"),
    ("return 0.001", "return 0.08333", "always the same answer scores 0.08"),
    ("higher_is_better: ClassVar = False", "higher_is_better: ClassVar = True",
     "the right answers score 0, expected that to count as solved"),
    ("return float(np.mean(", "return str(np.mean(", "score of the right answers is '0.0', ex"),
    ('summary: ClassVar = "Recall the first number."', 'summary: ClassVar = ""',
     "summary is '', expected a sentence"),
    ('loss: ClassVar = "mse"', 'loss: ClassVar = "mae"', "loss is 'mae', expected \"mse\" or"),
    ("length: int = 20", "length: int = 0", "the task cannot be made with its own values"),
    ("inputs[:, 0].copy()", "inputs[:, 99].copy()", "sample, line 64, raised IndexError"),
    ("class MadeByATest(Task)", "class MadeByATest", "must define exactly one frozen dataclass"),
    ("import numpy as np", "import numpy as np\nimport nowhere", "cannot be imported"),
    ("steps=600", "steps=0", "cannot be imported (ValueError('steps must be at least 1"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "says"), BROKEN)
def test_what_is_wrong_with_a_task_is_one_sentence(here, old, new, says):
    (path,) = scaffold.new_task(NAME)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    task_names.cache_clear()
    found = contract.check_task(NAME)
    assert found
    assert says in found[0]
    for sentence in found:
        assert sentence.startswith(f"tasks/{NAME}.py: ")
        assert sentence.endswith(".")
        assert "\n" not in sentence


@pytest.fixture
def one_specification(monkeypatch):
    """A gate of seconds: one cell, one layer."""
    spec = ModelSpec("gru", 1, 2, 5, 3, True, "cross_entropy", "float32")
    monkeypatch.setattr(against_reference, "SPECIFICATIONS", [spec])
    monkeypatch.setattr(against_reference, "article_counts", lambda framework: [])
    monkeypatch.setattr(contract, "CELLS", ("gru",))
    environment = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(environment)


def test_a_new_implementation_passes_its_check(here, one_specification):
    scaffold.new_implementation(NAME)
    known_frameworks.cache_clear()
    assert contract.check_implementation(NAME) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("__init__", "fastest(", "quickest(", "does not define fastest"),
        ("__init__", 'KERNELS = {"stock"', 'KERNELS = {"own"', "KERNELS has no 'stock'"),
        ("model", "(1 - z) * n + z * h", "(1 - z) * h + z * n", "gru (stock), 1 layers, every"),
        ("model", "import jax\n", "import nowhere\n", "model.py: cannot be imported (Module"),
        ("native", "jax.random.key(seed)", "jax.random.key(0)", "another seed gives the same"),
    ],
)
def test_what_is_wrong_with_an_implementation_is_one_sentence(
    here, one_specification, file, old, new, says
):
    path = here / "implementations" / NAME / f"{file}.py"
    scaffold.new_implementation(NAME)
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    known_frameworks.cache_clear()
    found = contract.check_implementation(NAME)
    assert any(says in sentence for sentence in found)
    assert all(sentence.endswith(".") and "\n" not in sentence for sentence in found)


BAD_FILES = [
    ("a,b\n1,2\n", "y", "", "has no column 'y'; its columns are a, b"),
    ("y,y\n1,2\n", "y", "", "has more than one column 'y'"),
    ("", "y", "", "has no column 'y'"),
    ("y\n1\nhot\n", "y", "", "line 3, column 'y': 'hot' is not a finite number"),
    ("y\n1\nNaN\n", "y", "", "line 3, column 'y': 'NaN' is not a finite number"),
    ("t,y\n1,2\n2,\n", "y", "t", "line 3, column 'y': there is no value"),
    ("t,y\n1,2\n2\n", "y", "t", "line 3: 1 values, not 2"),
    ("t,y\n1,2\n3,4\n2,3\n", "y", "t", "line 4: the time '2' in column 't' is not after the one"),
    ("t,y\n2020-01-02,2\n2020-01-02,4\n", "y", "t", "line 3: the time '2020-01-02' in column"),
    ("t,y\n2020-01-02,2\n3,4\n", "y", "t", "line 3: column 't' mixes numbers and dates"),
    ("t,y\nsoon,2\n", "y", "t", "line 2, column 't': 'soon' is neither a number nor an ISO"),
    ("y\n1\n2\n", "y", "", "has 2 rows; a window of 24 and a horizon of 1 need at least 73"),
    ("y\n" + "5\n" * 100, "y", "", "column 'y' has one value in all training rows"),
    ("y\n1\n", " ", "", "columns must name a column of the file"),
]


@pytest.mark.parametrize(("text", "columns", "time", "says"), BAD_FILES)
def test_a_bad_csv_file_is_one_sentence(tmp_path, text, columns, time, says):
    path = tmp_path / "my.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"^[^\n]*$") as error:
        Csv(path=str(path), columns=columns, time=time)
    assert says in str(error.value)


def test_a_csv_file_that_is_none_is_one_sentence(tmp_path):
    path = tmp_path / "my.csv"
    with pytest.raises(ValueError, match=r"my\.csv cannot be read: No such file"):
        Csv(path=str(path), columns="y")
    path.write_bytes(b"y\n\xff\xfe\n")
    with pytest.raises(ValueError, match="cannot be read: it is not a CSV file in UTF-8"):
        Csv(path=str(path), columns="y")


def test_dates_marks_and_empty_lines_are_read(tmp_path):
    path = tmp_path / "my.csv"
    days = [f"2020-{m:02}-{d:02}, {m * d % 11}" for m in range(1, 13) for d in range(1, 29)]
    path.write_text("\ufeffday, y\n" + "\n".join(days) + "\n\n", encoding="utf-8")
    task = Csv(path=str(path), columns="y", time="day")
    assert len(task.examples("test")[0]) == 336 - round(0.85 * 336)
