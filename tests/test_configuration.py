"""What bad input gets: one sentence that names the file, the key and what is allowed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from cells import CELLS
from harness import documents
from harness.errors import UserError
from harness.plan import configuration, places, tracks
from harness.registry import task_names
from implementations import FACTORS
from tests.conftest import ROOT, snakemake

DEFAULT = "workflows/config/default.yaml"
ALL_CELLS = ", ".join(sorted(CELLS))
# Only the choice of learning rates needs these tracks; rate010 has a claim, too.
# Of studies that make papers has.
PAPERS = ("bai", "chung", "greydanus", "greydanuspermuted", "odyssey")
RATES = ("rate001", "rate003", "rate030", "rate100")


SIZES = {"batch": 1, "sequence_length": 1, "input_size": 1, "hidden": 1, "layers": 1}
SWEEP = {"axis": "batch", "values": [1, 2, 3], "held_out": 4}


def default() -> dict:
    return yaml.safe_load((ROOT / DEFAULT).read_text())


def load(tmp_path: Path, **changes: object) -> configuration.Configuration:
    given = {"results": str(tmp_path / "results")} | changes
    return configuration.load(default() | given, [str(ROOT / DEFAULT)], given)


def test_the_device_is_read_and_reaches_runs_and_campaigns(tmp_path, monkeypatch):
    """The schema knows one device so far; behind it nothing else may decide."""
    monkeypatch.setattr(documents, "check", lambda *_: None)
    found = load(tmp_path, device="gpu")
    run = found.runs[0]
    assert "--device gpu" in found.settings_of(run).arguments(run, 1)
    assert {campaign.device for campaign in found.campaigns} == {"gpu"}
    monkeypatch.undo()
    run = (found := load(tmp_path)).runs[0]
    assert "--device" not in found.settings_of(run).arguments(run, 1)


@pytest.mark.parametrize(
    ("name", "tasks", "tracks"),
    [
        ("default", 4, {"matched", "native", "forget0", "chrono", "noclip", "reach4"}),
        ("quick", 3, {"matched", "native"}),
        ("full", 15, set(tracks.names()) - {*FACTORS, *RATES, *PAPERS, "chomsky"}),
        ("cells", 6, {"matched", "odyssey"}),
        ("attribution", 2, {"matched", "native", *FACTORS}),
        # Without the chorales' file, which no test has.
        ("papers", 2, {"greydanus", "greydanuspermuted", "odyssey"}),
        ("scan", 1, {"matched"}),
        ("tune", 16, {*RATES, "rate010"}),
        ("versions", 3, {"matched"}),
    ],
)
def test_the_committed_configurations_are_valid(tmp_path, name, tasks, tracks):
    config = yaml.safe_load((ROOT / f"workflows/config/{name}.yaml").read_text())
    for key in ("timing", "limits"):
        config[key] = default()[key] | config.get(key, {})
    loaded = load(tmp_path, **config | {"results": str(tmp_path)})
    assert len({run.task for run in loaded.runs}) == tasks
    assert {run.track for run in loaded.runs} == tracks
    assert len({run.name for run in loaded.runs}) == len(loaded.runs)


def test_a_task_that_cannot_be_had_takes_no_part_unless_it_is_named(tmp_path, monkeypatch):
    every = {run.task for run in load(tmp_path, studies=["data"]).runs}
    monkeypatch.setattr("tasks._data.importlib.util.find_spec", lambda name: None)
    left = {run.task for run in load(tmp_path, studies=["data"]).runs}
    assert every - left == {"digits", "mnist1d", "sunspots"}
    with pytest.raises(UserError) as error:
        load(tmp_path, tasks=["digits"])
    assert str(error.value) == (
        "--config: tasks: tasks/digits.py needs the package scikit-learn, which is not "
        "installed: pip install scikit-learn."
    )


def test_an_optional_framework_takes_part_only_where_it_is_named(tmp_path):
    assert "equinox" not in {run.framework for run in load(tmp_path).runs}
    named = load(tmp_path, frameworks=["equinox", "jax"]).runs
    assert {run.framework for run in named} == {"equinox", "jax"}


def test_csv_takes_part_when_it_has_a_path(tmp_path):
    path = tmp_path / "my.csv"
    path.write_text("y\n" + "\n".join(str(i * i % 7) for i in range(200)))
    own = {"csv": {"path": str(path), "columns": "y"}}
    assert "csv" in {run.task for run in load(tmp_path, tasks=["csv"], overrides=own).runs}
    with pytest.raises(UserError, match=r"tasks: tasks/csv.py has no data: set its path"):
        load(tmp_path, tasks=["csv"])
    own["csv"]["columns"] = "z"
    with pytest.raises(UserError, match=r"overrides.csv: .*my.csv has no column 'z'; .* are y\.$"):
        load(tmp_path, tasks=["csv"], overrides=own)


def test_a_factor_is_planned_only_where_a_default_differs(tmp_path):
    runs = load(tmp_path, studies=["defaults"], tracks=["factors"], seeds=[0]).runs
    planned = {(run.framework, run.cell, run.track) for run in runs}
    assert ("tensorflow", "lstm", "biases") not in planned
    assert ("tensorflow", "gru", "biases") in planned
    assert ("jax", "gru", "form") in planned
    assert ("pytorch", "lstm", "adam") not in planned
    assert ("tensorflow", "lstm", "clipping") in planned
    assert len(planned) == 15


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"tasks": ["addin"]},
            "tasks: unknown task 'addin'; allowed: adding, associative_recall, ",
        ),
        (
            {"frameworks": ["torch"]},
            "frameworks: unknown framework 'torch'; allowed: equinox, jax, pytorch, tensorflow.",
        ),
        (
            {"limits": {"seconds": 0, "gate_seconds": 1, "memory_mb": 1}},
            "limits.seconds: must be at least 1, not 0.",
        ),
        ({"cells": ["lstmm"]}, f"cells: unknown cell 'lstmm'; allowed: {ALL_CELLS}."),
        ({"tracks": ["free"]}, "tracks: unknown track 'free'; allowed: adam, bai, biases"),
        ({"tracks": []}, "tracks: must not be empty."),
        ({"sedes": [1]}, "unknown key 'sedes'; allowed: cells, conformance, device, "),
        ({"seeds": []}, "seeds: must not be empty."),
        ({"seeds": [1, 1]}, "seeds: names a value twice."),
        ({"seeds": [-1]}, "seeds.0: must be at least 0, not -1."),
        ({"seeds": [10**20]}, "seeds.0: must be at most 4294967295, not 100000000000000000000."),
        (
            {"timing": default()["timing"] | {"shapes": [{"name": "A"} | SIZES]}},
            "timing.shapes.A.name: must be a name of small letters, digits and _, a letter first",
        ),
        (
            {"timing": default()["timing"] | {"shapes": [{"name": "a"} | SIZES | {"hidden": "x"}]}},
            "shapes.a.hidden: must be a whole number from 1 on, or one for each cell, not 'x'.",
        ),
        (
            {"timing": default()["timing"] | {"sweeps": [SWEEP | {"values": [1]}]}},
            "timing.sweeps.0.values: must have 3 values or more.",
        ),
        ({"seeds": ["one"]}, "seeds.0: must be a whole number, not 'one'."),
        ({"seeds": 1}, 'seeds: must be "all" or a list of whole numbers from 0 on, not 1.'),
        ({"tracks": {"native": "all"}}, """tracks: must be "all" or a list of names, not {'na"""),
        ({"results": ""}, "results: must not be empty."),
        ({"results": None}, "results: must be a text, not None."),
        ({"results": "a{b}"}, "results: 'a{b}' must not have '{' in its name."),
        (
            {"limits": default()["limits"] | {"hours": 1}},
            "limits: unknown key 'hours'; allowed: gate_seconds, memory_mb, seconds.",
        ),
        ({"limits": {"seconds": 1}}, "limits: lacks the key 'gate_seconds'."),
        (
            {"overrides": {"adding": {"hidden": [5]}}},
            "overrides.adding.hidden: must be a number or a text or true or false or a mapping",
        ),
        ({"tasks": []}, "tasks: must not be empty."),
        ({"cells": "lstm"}, """cells: must be "all" or a list of names, not 'lstm'."""),
        (
            {"timing": default()["timing"] | {"phases": ["gradient"]}},
            "timing.phases: must have step among its values.",
        ),
        (
            {"timing": default()["timing"] | {"cells": ["lstmm"]}},
            f"timing.cells: unknown cell 'lstmm'; allowed: {ALL_CELLS}.",
        ),
        (
            {"timing": default()["timing"] | {"processes": 0}},
            "timing.processes: must be at least 1, not 0.",
        ),
        (
            {
                "timing": default()["timing"]
                | {"sweeps": [{"axis": "T", "values": [1, 2, 3], "held_out": 4}]}
            },
            "timing.sweeps.0.axis: must be one of batch, sequence_length, hidden, layers, not 'T'.",
        ),
        ({"device": "cuda"}, "device: must be one of cpu, gpu, not 'cuda'."),
        (
            {"kernels": {"torch": {"lstm": "stock"}}},
            "kernels: unknown framework 'torch'; allowed: equinox, jax, pytorch, tensorflow.",
        ),
        (
            {"kernels": {"jax": {"lst": "manual"}}},
            f"kernels.jax: unknown cell 'lst'; allowed: {ALL_CELLS}.",
        ),
        (
            {"kernels": {"jax": {"lstm": "fast"}}},
            "kernels.jax.lstm: unknown kernel 'fast'; allowed: ",
        ),
        ({"threads": 0}, "threads: must be at least 1, not 0."),
        ({"overrides": {"addin": {}}}, "overrides: unknown task 'addin'; allowed: adding, "),
        (
            {"overrides": {"adding": {"lenght": 5}}},
            "overrides.adding: unknown key 'lenght'; allowed: batch, ",
        ),
        (
            {"overrides": {"adding": {"hidden": -3}}},
            "overrides.adding: hidden must be at least 1, not -3.",
        ),
        (
            {"overrides": {"adding": {"hidden": 2.5}}},
            "overrides.adding.hidden: must be a whole number, not 2.5.",
        ),
        (
            {"overrides": {"adding": {"learning_rate": "fast"}}},
            "overrides.adding.learning_rate: must be a number, not 'fast'.",
        ),
        (
            {"overrides": {"adding": {"sequence_length": 1}}},
            "overrides.adding: sequence_length must be at least 2: one marker in each half.",
        ),
        (
            {"overrides": {"sine": {"train_examples": 8}}},
            "overrides.sine: train_examples must be 0 or at least one batch (32), not 8.",
        ),
        (
            {"overrides": {"sine": {"optimiser": "adamw"}}},
            "overrides.sine: optimiser must be one of adam, rmsprop, sgd, not 'adamw'.",
        ),
    ],
)
def test_one_sentence_for_a_bad_value(tmp_path, changes, says):
    with pytest.raises(UserError) as error:
        load(tmp_path, **changes)
    message = str(error.value)
    assert says in message
    assert message.endswith(".")
    assert "\n" not in message
    assert message.startswith("--config: "), "no file says so"


@pytest.mark.parametrize(
    ("on_command_line", "says"),
    [
        ({"seeds": [0]}, "own.yaml: cells: unknown cell 'x'"),
        ({"seeds": [0], "cells": ["y"]}, "--config: cells: unknown cell 'y'"),
        ({"cells": "all"}, "own.yaml: seeds.0: must be at least 0"),
        ({"cells": "all", "seeds": ["-1"]}, "--config: seeds.0: must be at least 0"),
        ({"cells": "all", "seeds": [-1, 2]}, "--config: seeds.0: must be at least 0"),
        # A mapping is merged from the files and the command line.
        ({"cells": "all", "seeds": [0]}, "own.yaml: overrides.adding: hidden must be at least 1"),
        (
            {"cells": "all", "seeds": [0], "overrides": {"adding": {"hidden": 0}}},
            "--config: overrides.adding: hidden must be at least 1",
        ),
        # The value that is wrong came from the file, however many others are given.
        (
            {"cells": "all", "seeds": [0], "overrides": {"adding": {"steps": 5}}},
            "own.yaml: overrides.adding: hidden must be at least 1",
        ),
        (
            {"cells": "all", "seeds": [0], "overrides": {"adding": {"hidden": 5, "step": 5}}},
            "--config: overrides.adding: unknown key 'step'",
        ),
        (
            {
                "cells": "all",
                "seeds": [0],
                "overrides": {"sine": {"hidden": 0}, "adding": {"hidden": 5}},
            },
            "--config: overrides.sine: hidden must be at least 1",
        ),
    ],
)
def test_what_set_the_bad_value_is_named(tmp_path, on_command_line, says):
    own = tmp_path / "own.yaml"
    text = "cells: [x]\nseeds: [-1]\noverrides: {adding: {hidden: -3, steps: 9}}\n"
    own.write_text(text)
    given = {"results": str(tmp_path)} | on_command_line
    config = default()
    for part in (yaml.safe_load(text), given):
        update_config(config, part)
    with pytest.raises(UserError) as error:
        configuration.load(config, [str(ROOT / DEFAULT), str(own)], given)
    assert str(error.value).removeprefix(os.path.relpath(tmp_path) + "/").startswith(says)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            b"seeds: [0]\ntasks: [adding\ncells: all\n",
            r", line 3: is not YAML \(did not find expected ',' or",
        ),
        (b"seeds: [0]\n\ttasks: all\n", r", line 2: is not YAML \("),
        (b"- adding\n", ": must be a mapping such as {key: value}, not \\['adding'\\]"),
        (b"", ": must be a mapping such as {key: value}, not None"),
        (b"\xff\xfe\xfd", ": is not text in UTF-8"),
        (b"tasks: !!python/object/apply:os.getpid []\n", r", line 1: is not YAML \("),
        (None, r": cannot be read \(No such file or directory\)"),
    ],
)
def test_a_file_that_is_no_configuration_is_named_with_the_line(tmp_path, content, says):
    path = tmp_path / "own.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=rf"own\.yaml{says}.*\.$") as error:
        documents.load(path, configuration.FORM)
    assert "\n" not in str(error.value)


def test_an_unwritable_results_folder_is_refused(tmp_path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(UserError, match="is not a folder"):
        load(tmp_path, results=str(file / "results"))


@pytest.mark.parametrize(
    ("folder", "says"),
    [
        ("/", "/ holds the project itself; choose a folder in it."),
        (str(ROOT), "holds the project itself"),
        (str(ROOT / "tasks" / "x"), "is a part of the project; choose another folder."),
        (str(ROOT / ".git"), "is a part of the project"),
        (str(ROOT / "results" / "reference"), "is a part of the project"),
        ("/proc/x", "/proc cannot be written in (No such file or directory); choose another"),
        (f"/tmp/{'x' * 300}", "cannot be written in (File name too long); choose another"),
    ],
)
def test_a_folder_that_cannot_hold_results_is_refused_before_anything_is_planned(
    tmp_path, folder, says
):
    with pytest.raises(UserError) as error:
        load(tmp_path, results=folder)
    assert str(error.value).startswith("--config: results: ")
    assert says in str(error.value)


def test_every_folder_of_the_project_is_known():
    listed = subprocess.run(
        ["git", "ls-tree", "-d", "--name-only", "HEAD"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert {name for name in listed if not name.startswith(".")} == {*places.OWN, "results"}


def test_the_home_folder_means_the_same_everywhere(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load(tmp_path, results="~/gb").results == tmp_path / "gb"


def test_numbers_from_the_command_line_are_numbers(tmp_path):
    changes = {"seeds": ["0", "3"], "overrides": {"adding": {"steps": "7", "clip": "1e-1"}}}
    loaded = load(tmp_path, tasks=["adding"], **changes)
    assert {run.seed for run in loaded.runs} == {0, 3}
    budget = loaded.settings["adding", "gru"].budget
    assert (budget.steps, budget.clip) == (7, 0.1)
    assert loaded.resolved["overrides"]["adding"] == {"steps": 7, "clip": 0.1}


def test_a_value_may_differ_from_cell_to_cell(tmp_path):
    hidden = {"lstm": "8", "gru": 9}
    loaded = load(tmp_path, tasks=["adding"], overrides={"adding": {"hidden": hidden, "steps": 7}})
    found = {run.cell: loaded.settings_of(run).budget for run in loaded.runs}
    assert {cell: budget.hidden for cell, budget in found.items()} == {
        "lstm": 8, "gru": 9, "rnn": 64,
    }  # fmt: skip
    assert {budget.steps for budget in found.values()} == {7}
    commands = [loaded.settings_of(run).arguments(run, 1) for run in loaded.runs]
    assert loaded.resolved["overrides"]["adding"] == {"hidden": {"lstm": 8, "gru": 9}, "steps": 7}
    assert all(("hidden=9" in command) == ("--cell gru" in command) for command in commands)


@pytest.mark.parametrize(
    ("hidden", "says"),
    [
        ({"lstn": 8}, f"overrides.adding.hidden: unknown cell 'lstn'; allowed: {ALL_CELLS}."),
        ({"lstm": "x"}, "overrides.adding.hidden: must be a whole number, not 'x'."),
        ({"lstm": 0}, "overrides.adding: hidden must be at least 1, not 0."),
        ({"lstm": [8]}, "overrides.adding.hidden.lstm: "),
        ({}, "overrides.adding.hidden: "),
    ],
)
def test_what_is_wrong_with_a_value_by_cell_is_said(tmp_path, hidden, says):
    with pytest.raises(UserError) as error:
        load(tmp_path, tasks=["adding"], overrides={"adding": {"hidden": hidden}})
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_chosen_kernel_reaches_the_runs_that_it_is_for(tmp_path):
    loaded = load(tmp_path, tasks=["sine"], kernels={"pytorch": {"gru": "stock"}})
    commands = [loaded.settings_of(run).arguments(run, 1) for run in loaded.runs]
    chosen = [command for command in commands if "--kernel stock" in command]
    assert len(chosen) == 5
    assert all("pytorch --cell gru --track matched" in command for command in chosen)
    of_gru = [k for k in loaded.kernels_in_use("pytorch") if k.startswith("gru")]
    assert of_gru == ["gru=stock"]


def test_snakemake_prints_the_sentence_and_nothing_trains(tmp_path):
    done = snakemake(tmp_path / "results", tasks="[addin]")
    assert done.returncode != 0
    sentence = f"tasks: unknown task 'addin'; allowed: {', '.join(task_names())}."
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--task addin --framework jax --cell gru", "--task: unknown task 'addin'; allowed: "),
        ("--task adding --framework jx --cell gru", "--framework: unknown framework 'jx'"),
        ("--task adding --framework jax --cell gr", "--cell: unknown cell 'gr'; allowed: cifg,"),
        (
            "--task adding --framework jax --cell gru --track adam",
            "jax's default for adam",
        ),
        ("--task adding --framework jax --cell gru --track own", "--track: unknown track 'own'"),
        (
            "--task adding --framework jax --cell gru --set steps",
            "'steps' is not KEY=VALUE, such as steps=500.",
        ),
        ("--task adding --framework jax --cell gru --set steps=0", "steps must be at least 1"),
        ("--task adding --framework jax --cell gru --seed -1", "--seed: must be at least 0"),
        ("--task adding --framework jax --cell gru --kernel x", "--kernel: unknown kernel 'x'"),
        ("--task adding --framework jax --cell gru --threads 0", "--threads: must be at least 1"),
    ],
)
def test_the_command_line_answers_in_one_sentence(words, says):
    done = subprocess.run(
        [sys.executable, "-m", "harness", "train", *words.split()],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
