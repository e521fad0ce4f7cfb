"""``new`` and ``check``: what is written works, and what is broken is named in one sentence."""

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import implementations
import tasks
from cells import ModelSpec
from harness import registry
from harness.conformance import against_reference, contract, framework_contract, scaffold
from harness.errors import UserError
from harness.registry import framework_names, known_frameworks, task_class, task_names
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
    for cached in (task_names, task_class, framework_names, known_frameworks, registry.framework):
        cached.cache_clear()
    importlib.invalidate_caches()
    for name in [name for name in sys.modules if NAME in name]:
        del sys.modules[name]


def harness(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness", *words],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_new_task_works_and_says_what_remains_to_be_written(here):
    made = harness(here, "new", "task", NAME)
    assert made.returncode == 0, made.stderr
    done = harness(here, "check", "task", NAME)
    assert done.returncode == 1
    *findings, count = done.stdout.splitlines()
    assert count == f"task {NAME}: 4 findings"
    assert findings == [
        f"tasks/{NAME}.py: {what}: still the text of the template; write your own in place of "
        "REPLACE."
        for what in ("the first line", "the docstring", "summary", "references")
    ]
    words = f"train --task {NAME} --framework pytorch --cell gru --set steps=200".split()
    trained = harness(here, *words)
    assert trained.returncode == 0, trained.stderr
    path = here / "tasks" / f"{NAME}.py"
    path.write_text(path.read_text().replace("REPLACE", "Recall"))
    done = harness(here, "check", "task", NAME)
    assert (done.returncode, done.stdout) == (0, f"task {NAME}: keeps its contract\n")
    again = harness(here, "new", "task", NAME)
    assert again.returncode == 2
    assert again.stderr == f"tasks/{NAME}.py: exists already; choose another name.\n"


def test_a_new_cell_says_what_remains_to_be_written_and_trains(project):
    """It is one file: nothing else is touched."""
    assert harness(project, "new", "cell", NAME).returncode == 0
    found = harness(project, "check", "cell", NAME)
    assert found.returncode == 1
    for line, part in (
        (1, "the docstring"),
        (8, "step's docstring"),
        (22, "summary"),
        (23, "source"),
        (28, "equations"),
    ):
        assert f"cells/{NAME}.py, line {line}: {part}: still the text of the templ" in found.stdout
    path = project / "cells" / f"{NAME}.py"
    path.write_text(path.read_text().replace("REPLACE", "Done"))
    found = harness(project, "check", "cell", NAME)
    assert (found.returncode, found.stdout) == (0, f"cell {NAME}: keeps its contract\n")
    words = f"train --task adding --framework pytorch --cell {NAME} --set steps=3".split()
    trained = harness(project, *words)
    assert trained.returncode == 0, trained.stderr
    native = harness(project, *words, "--track", "native")
    assert native.stderr == (
        f"--track: pytorch has no layer of its own for the {NAME}; use matched.\n"
    )


@pytest.mark.parametrize("name", ["Name", "a-b", "../x", "class", "", "1a", "ä"])
@pytest.mark.parametrize("kind", ["cell", "task", "implementation"])
def test_a_name_that_cannot_be_one_is_refused(kind, name):
    with pytest.raises(UserError, match="cannot be a name; use small letters"):
        scaffold.new(kind, name)


SCORE = """
    def score(self, outputs, targets, inputs):
        return str(0.0)
"""
UNWEIGHTED = """
    def score(self, outputs, targets, inputs, weights):
        return float(np.mean((outputs - targets) ** 2))
"""
BROKEN = [
    ("np.float32)", "np.float64)", "inputs are float64 (64, 20, 1), expected float32 (64, 20, 1)"),
    ("return inputs, inputs[:, 0].copy()", "return inputs, inputs[:, 0, 0]",
     "targets are float32 (64,), expected float32 (64, 1)"),
    ("rng.random(", "np.random.default_rng().random(", "the same rng gives other examples"),
    ("rng.random(", "np.random.default_rng(0).random(", "another rng gives the same examples"),
    ("solved: ClassVar = 0.001", "solved: ClassVar = 1.0", "the baseline 0.08333 counts as solved"),
    ("solved: ClassVar = 0.001", "solved: ClassVar = 0.08333", "always the same answer scores 0.0"),
    ("    margin", "    higher_is_better: ClassVar = True\n    margin",
     "the right answers score 0, expected that to count as solved"),
    ("inputs[:, 0].copy()\n", f"inputs[:, 0].copy()\n{SCORE}",
     "score of the right answers is '0.0', ex"),
    ('"REPLACE: what is asked, in a few words."', '""', "summary is '', expected a sentence"),
    ("    margin", '    loss: ClassVar = "mae"\n    margin', "loss is 'mae', expected \"mse\" or"),
    ("margin: ClassVar = 0.0001", "margin: ClassVar = -1", "margin is -1, expected a positive"),
    ("length: int = 20", "length: int = 0", "sequence_length must be at least 1, not 0"),
    ("inputs[:, 0].copy()", "inputs[:, 99].copy()", "sample, line 42, raised IndexError: index"),
    ('at_least(1, self, "sequence_length")', "self.lenght",
     f"__post_init__, line 37, raised AttributeError: '{NAME.title().replace('_', '')}' object"),
    ("outputs: ClassVar = 1", "", "does not define outputs; tasks/__init__.py says what each is"),
    ("class MadeByATest(Regression)", "class MadeByATest", "must define exactly one frozen datacl"),
    ("import numpy as np", "import numpy as np\nimport nowhere", "cannot be imported (ModuleNotF"),
    ("steps=600", "steps=0", "cannot be imported (ValueError: steps must be at least 1, not 0)"),
    ("0].copy()", "0].copy(), np.ones(n)", "weights are float64 (64,), expected float32 (64,)"),
    ("0].copy()", "0].copy(), np.full(n, np.nan, np.float32)", "train: weights are not all finite"),
    ("0].copy()", "0].copy(), rng.random(n, np.float32) - 2", "train: weights go down to -1.99"),
    ("0].copy()", "0].copy(), np.zeros(n, np.float32)", "all weights of 64 examples are zero"),
    # Of 64 examples some count, but not of each batch of 32.
    ("0].copy()", "0].copy(), (rng.random(n) < 0.1).astype(np.float32)",
     "train: all weights of a batch of 32 are zero, expected an answer that counts in every batch"),
    ("0].copy()\n", f"0].copy(), np.ones(n, np.float32)\n{SCORE}",
     "score takes no weights, expected outputs, targets, inputs and the task's weights"),
    ("0].copy()\n", f"0].copy(), np.arange(n, dtype=np.float32)\n{UNWEIGHTED}",
     "score changes with answers whose weight is zero, expected that they do not count"),
    ("0].copy()", "0].copy(), 1, 2", "train: 4 arrays, expected inputs, targets and, if any, weig"),
    ("    margin", '    loss: ClassVar = "binary_cross_entropy"\n    margin',
     "train: targets have 0."),
    ("REPLACE: what the task is called", "A task", "the docstring: still the text of the template"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "says"), BROKEN)
def test_what_is_wrong_with_a_task_is_one_sentence(here, old, new, says):
    found = check_edited((old, new))
    assert found
    assert says in found[0]
    for sentence in found:
        assert sentence.startswith(f"tasks/{NAME}.py: ")
        assert sentence.endswith(".")
        assert "\n" not in sentence


def check_edited(*edits: tuple[str, str]) -> list[str]:
    """What ``check`` says of a new task after some edits."""
    (path,) = scaffold.new("task", NAME)
    text = path.read_text()
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    task_names.cache_clear()
    return contract.check_task(NAME)


@pytest.mark.parametrize(
    ("outputs", "says"),
    [
        (2, []),
        (3, ["class 2 is the answer to none of 4,096 training examples, expected each of outputs "
             "= 3 classes"]),
    ],
)  # fmt: skip
def test_a_class_that_never_comes_is_named(here, outputs, says):
    found = check_edited(
        ("REPLACE", "A"), ("Regression", "Classification"), ("baseline: ClassVar = 1 / 12", ""),
        ("solved: ClassVar = 0.001", "solved: ClassVar = 0.95"),
        ("outputs: ClassVar = 1", f"outputs: ClassVar = {outputs}"),
        ("inputs[:, 0].copy()", "(inputs[:, 0, 0] > 0.5).astype(np.int32)"),
    )  # fmt: skip
    assert found == [f"tasks/{NAME}.py: {sentence}." for sentence in says]


@pytest.fixture
def one_specification(monkeypatch):
    """A gate of seconds: one cell, one layer, one loss."""
    spec = ModelSpec("gru", 1, 2, 5, 3, True, "cross_entropy", "float32")
    monkeypatch.setattr(against_reference, "SPECIFICATIONS", [spec])
    monkeypatch.setattr(against_reference, "LOSSES", ())
    monkeypatch.setattr(against_reference, "article_counts", lambda *_: [])
    monkeypatch.setattr(framework_contract, "CELLS", ("gru",))
    environment = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(environment)


def test_a_new_implementation_works_and_says_what_remains_to_be_written(here, one_specification):
    scaffold.new("implementation", NAME)
    known_frameworks.cache_clear()
    assert framework_contract.check_framework(NAME) == [
        f"implementations/{NAME}/__init__.py: the docstring is still the template's; "
        "replace its REPLACE."
    ]


BUILT = "return model(OUTPUTS, spec, weights, device)"


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("__init__", "fastest=fastest", "quickest=fastest", "cannot be imported (TypeError: Frame"),
        ("__init__", "FRAMEWORK =", "FRAME =", "must define FRAMEWORK, a Framework whose name is"),
        ("__init__", f'name="{NAME}"', 'name="other"', "a Framework whose name is 'made_by_a_te"),
        ("__init__", "kernels={STOCK:", 'kernels={"own":', "kernels has no 'stock', expected the"),
        ("__init__", 'ges=("jax",', 'ges=("numpyy",', "packages: 'numpyy' is not installed, exp"),
        ("model", "(1 - z) * n + z * h", "(1 - z) * h + z * n", "gru (stock), 1 layer, every"),
        ("model", "import jax\n", "import nowhere\n", "model.py: cannot be imported (Module"),
        ("model", "import FunctionalModel, Tree, model, product,",
         "import FunctionalModel, Tree, model,", "model.py: does not define product; imp"),
        ("model", BUILT,
         "made = model(OUTPUTS, spec, weights, device)\n    made.losses = None\n    return made",
         "model.py: gru (stock): the model has no losses, expected all methods of Model."),
        ("model", BUILT,
         "made = model(OUTPUTS, spec, weights, device)\n    take = made.train\n"
         "    made.train = lambda placed: tuple(a.astype('float32') for a in take(placed))\n"
         "    return made",
         "train: losses are float32 (3,), expected float64 (3,) and finite."),
        ("model", BUILT,
         "return model(OUTPUTS, spec, weights.nothing, device)",
         "model.py: gru (stock): build, line 17, raised AttributeError: 'dict' object has no"),
        ("__init__", '"forget bias 0 instead of 1", ("lstm",)', '"all of them 7"',
         "defaults names 'biases', expected other ones than in the matched track."),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_implementation_is_one_sentence(
    here, one_specification, file, old, new, says
):
    found = check_changed(here, (file, old, new))
    assert any(says in sentence for sentence in found), found


def check_changed(here: Path, *edits: tuple[str, str, str]) -> list[str]:
    """What ``check`` says of a new implementation after edits of its files."""
    scaffold.new("implementation", NAME)
    for file, old, new in edits:
        path = here / "implementations" / NAME / f"{file}.py"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
    known_frameworks.cache_clear()
    found = framework_contract.check_framework(NAME)
    assert all(sentence.endswith(".") and "\n" not in sentence for sentence in found)
    return found


def test_each_fault_of_a_native_model_is_one_sentence(here, one_specification):
    found = check_changed(
        here,
        ("native", "default_rng(seed)", "default_rng(0)"),
        ("native", "else np.zeros(shape)", "else np.ones(shape)"),
    )
    for says in (
        "another seed gives the same weights",
        "layers.0.bias is not as in the matched track, expected that defaults say so.",
    ):
        assert any(says in sentence for sentence in found), found


@pytest.mark.parametrize("line", ["optional=True, ", "optional=bool(1),  # for now"])
def test_an_optional_framework_takes_part_only_where_it_is_named(here, line):
    """However it is written: it is an attribute and no text."""
    scaffold.new("implementation", NAME)
    known_frameworks.cache_clear()
    path = here / "implementations" / NAME / "__init__.py"
    path.write_text(path.read_text().replace("fastest=fastest,", f"fastest=fastest,\n    {line}"))
    assert NAME in known_frameworks()
    assert NAME not in framework_names()


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
    ("t,y\n2020-01-02,2\n3,4\n", "y", "t", "line 3: column 't' mixes dates and numbers"),
    ("t,y\nsoon,2\n", "y", "t", "line 2, column 't': 'soon' is neither a number nor an ISO"),
    ("y\n1\n2\n", "y", "", "has 2 rows; a window of 24 and a horizon of 1 need at least 73"),
    ("y\n" + "5\n" * 100, "y", "", "column 'y' has one value in all training rows"),
    ("y\n1\n", " ", "", "columns must name a column of the file"),
    ("y\n1\n", "y, y", "", "columns names 'y' twice; name each column once"),
    ("t;y\n1;2,5\n", "y", "t", "separates its columns by ';'; separate them by commas, and write"),
    ("t\ty\n1\t2\n", "y", "t", "separates its columns by '\\t'; separate them by commas"),
    ('y,z\n"2,5",1\n', "y", "", "'2,5' is not a finite number; write decimals with a point"),
    ("t,y\nNaT,2\n", "y", "t", "line 2, column 't': 'NaT' is neither a number nor an ISO date"),
    ("t,y\nnan,2\n", "y", "t", "line 2, column 't': 'nan' is neither a number nor an ISO date"),
    ("t,y\n2020-01-01T00:30+01:00,2\n2019-12-31T23:30Z,3\n", "y", "t",
     "line 3: the time '2019-12-31T23:30Z' in column 't' is not after the one before it"),
    ("t,y\n2020-01-01T01:00,2\n2020-01-01T02:00Z,3\n", "y", "t",
     "line 3: column 't' mixes dates and dates with a zone"),
    ("y\n" + "1\n2\n" * 40 + "1e300\n1\n" * 3, "y", "", "column 'y' has the value 1e+300, which"),
    ("y\n" + "1e300\n2\n" * 50, "y", "", "column 'y' has the value 1e+300, which is too large"),
]  # fmt: skip


@pytest.mark.filterwarnings("error")
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


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("moment", "zone", "says"),
    [
        ("2020-01-{:02}T{:02}:00", "Z", "9 days, 9:00:00 after the one before it, where 1:00:00"),
        ("2020-01-{:02} {:02}:00", "+01:00", "9 days, 9:00:00 after the one before it, where 1:00"),
        ("{}.{:02}", "", "9.09 after the one before it, where 0.01 is usual"),
    ],
)
def test_a_gap_in_time_is_said_by_check(tmp_path, moment, zone, says):
    path, t = tmp_path / "my.csv", range(24 * 7)
    rows = [f"{moment.format(1 + i // 24, i % 24)}{zone},{i % 5}" for i in t]
    last = f"{moment.format(17, 8)}{zone}"
    if not zone:  # numbers that go on by hundredths
        rows, last = [f"{i / 100:.2f},{i % 5}" for i in t], "10.76"
    path.write_text("\n".join(["t,y", *rows, f"{last},3"]) + "\n")
    (found,) = contract.check_task("csv", {"path": str(path), "columns": "y", "time": "t"})
    assert f"{path}, line {len(rows) + 2}: the time '{last}' comes {says}" in found
    path.write_text("\n".join(["t,y", *rows]) + "\n")
    Csv(path=str(path), columns="y", time="t")
    again = tmp_path / "again.csv"
    path.rename(again)
    assert contract.check_task("csv", {"path": str(again), "columns": "y", "time": "t"}) == []


def hours(path, left_out: range) -> str:
    """A file of 400 hours without some of them."""
    kept = [t for t in range(400) if t not in left_out]
    path.write_text("t,y\n" + "".join(f"{t},{np.sin(t) + t / 100}\n" for t in kept))
    return str(path)


def test_no_window_of_a_csv_file_spans_a_gap(tmp_path):
    path = hours(tmp_path / "my.csv", range(100, 110))
    given = {"path": path, "columns": "y", "time": "t", "window": 5, "horizon": 2}
    rows = np.loadtxt(path, delimiter=",", skiprows=1)[:, 1]
    rows = ((rows - rows[:273].mean()) / rows[:273].std()).astype(np.float32)
    whole, _ = Csv(**given, gaps=True).examples("train")
    inputs, targets = Csv(**given).examples("train")
    # The targets 100 to 105 have the gap between them and the first row of their window.
    assert len(whole) - len(inputs) == 6
    assert np.array_equal(targets[:, 0], np.delete(rows[6:273], np.arange(100, 106) - 6))
    assert np.array_equal(inputs[94, :, 0], rows[100:105]), "the first whole one after the gap"
    assert len(Csv(**given).examples("test")[0]) == len(Csv(**given, gaps=True).examples("test")[0])


def test_a_csv_file_of_gaps_alone_is_refused_unless_windows_may_span_them(tmp_path):
    weeks = [7 * (t // 5) + t % 5 for t in range(300)]
    path = tmp_path / "my.csv"
    path.write_text("day,y\n" + "".join(f"{day},{day % 11}\n" for day in weeks))
    given = {"path": str(path), "columns": "y", "time": "day", "window": 10}
    with pytest.raises(ValueError, match="every window of the train rows spans a gap in column"):
        Csv(**given)
    assert len(Csv(**given, gaps=True).examples("train")[0]) == 200


def test_dates_marks_and_empty_lines_are_read(tmp_path):
    path = tmp_path / "my.csv"
    days = [f"2020-{m:02}-{d:02}, {m * d % 11}" for m in range(1, 13) for d in range(1, 29)]
    path.write_text("\ufeffday, y\n" + "\n".join(days) + "\n\n", encoding="utf-8")
    # Every month ends in a gap.
    task = Csv(path=str(path), columns="y", time="day", gaps=True)
    assert len(task.examples("test")[0]) == 336 - round(0.85 * 336)
