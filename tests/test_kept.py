"""Kept checks: taken only where nothing has changed, and only when all of them passed."""

import csv
import os
from types import SimpleNamespace

import pandas as pd
import pytest

from harness import limits, machine
from harness.commands import command_line
from harness.conformance import against_reference, kept
from harness.registry import framework
from implementations import Framework
from report.sections import sameness
from tests.test_report import checked

CHOSEN = {"rnn": ["manual"]}
ROWS = [checked("pytorch", "rnn", "forward", error) for error in (1e-13, 0.1 + 0.2 - 0.3)]


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv(kept.PLACE, str(tmp_path / "gates"))
    return tmp_path / "gates"


def gate(chosen=CHOSEN, threads=1, device="cpu", precision="ieee", name="pytorch") -> kept.Gate:
    return kept.gate(framework(name), chosen, threads, device, precision)


def test_what_passed_is_found_again_to_the_last_bit_with_its_day(place):
    assert gate().read() is None
    gate().write(ROWS)
    found = gate().read()
    assert [{k: v for k, v in row.items() if k != "kept"} for row in found] == ROWS
    assert {len(row["kept"]) for row in found} == {len("2026-11-27")}


@pytest.mark.parametrize("error", [1.0, float("inf"), float("nan")])
def test_what_did_not_pass_is_not_kept(place, error):
    gate().write([*ROWS, checked("pytorch", "rnn", "gradient", error)])
    gate().write([])
    assert not place.exists()


def test_anything_that_it_hangs_on_makes_another_entry(place, monkeypatch):
    entries = {gate().path}

    def another(**changed: object) -> None:
        found = gate(**changed).path
        assert found not in entries
        entries.add(found)

    another(chosen={"rnn": ["stock"]})
    another(threads=2)
    another(precision="default")
    another(name="jax")
    for owner, name, value in (
        (machine, "description", lambda: {"processor": "another"}),
        (machine, "instructions", lambda: "avx512f"),
        (kept.metadata, "distributions", lambda: [SimpleNamespace(name="torch", version="3.0")]),
        (kept, "digest", lambda path: "an edited file"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, value)
            another()
    with monkeypatch.context() as patch:
        patch.setenv("ATEN_CPU_CAPABILITY", "default")
        another()
    assert gate().path in entries, "and as it was it is found again"


@pytest.mark.parametrize("name", ["jax", "pytorch", "tensorflow"])
def test_another_results_folder_is_no_other_gate(place, tmp_path, monkeypatch, name):
    """A job may start where the implementation's variables are set, with a folder for its code."""
    before = gate(name=name).path
    for key, value in framework(name).environment(1, tmp_path, "cpu").items():
        monkeypatch.setenv(key, value)
    assert gate(name=name).path == before


def test_the_files_are_those_of_the_checks_the_cells_and_what_a_framework_stands_on():
    files = set(kept._files("equinox"))
    assert {"harness/conformance/against_reference.py", "cells/lstm.py"} <= files
    assert {path.split("/")[1] for path in files if path.count("/") == 2} >= {"equinox", "jax"}
    assert not any(path.startswith("implementations/pytorch") for path in files)


@pytest.mark.parametrize("damage", ["", "{}", "half", "edited"])
def test_a_damaged_entry_is_made_again(place, damage):
    gate().write(ROWS)
    text = gate().path.read_text()
    edited = text.replace("1e-13", "1e-12")
    gate().path.write_text({"half": text[: len(text) // 2], "edited": edited}.get(damage, damage))
    assert gate().read() is None
    gate().write(ROWS)
    assert gate().read() is not None


def test_it_can_be_turned_off_and_a_card_keeps_nothing(place, monkeypatch):
    assert gate(device="gpu") == kept.Gate(None)
    monkeypatch.setenv(kept.PLACE, kept.OFF)
    assert gate() == kept.Gate(None)
    gate().write(ROWS)
    assert gate().read() is None
    monkeypatch.delenv(kept.PLACE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(place))
    assert gate().path.parent == place / "gatebench" / "gates"


def test_where_nothing_can_be_kept_nothing_is_said(place):
    place.write_text("a file in the folder's place")
    gate().write(ROWS)
    assert gate().read() is None


def test_the_oldest_entries_go(place, monkeypatch):
    monkeypatch.setattr(kept, "MOST", 2)
    for at, threads in enumerate((1, 2, 3)):
        gate(threads=threads).write(ROWS)
        os.utime(gate(threads=threads).path, (at, at))
    gate(threads=4).write(ROWS)
    assert [gate(threads=n).read() is not None for n in (1, 2, 3, 4)] == [False, False, True, True]


def test_the_command_makes_no_check_that_is_kept_and_says_of_when_it_is(
    place, tmp_path, monkeypatch, capsys
):
    made = []
    monkeypatch.setattr(Framework, "pin", lambda *_: None)
    monkeypatch.setattr(limits, "watch", lambda *_: None)
    monkeypatch.setattr(
        against_reference, "check", lambda *_: made.append(1) or [dict(row) for row in ROWS]
    )
    words = ["conform", "--framework", "pytorch", "--kernel", "rnn=manual", "--output"]
    days = []
    for name in ("first.csv", "second.csv"):
        assert command_line.run([*words, str(tmp_path / name)]) == 0
        with (tmp_path / name).open() as file:
            days.append({row["kept"] for row in csv.DictReader(file)})
    assert made == [1]
    (day,) = days[1]
    assert days[0] == {""}
    said = capsys.readouterr().out
    assert said.count("pytorch against the reference: 2 of 2 checks passed") == 2
    since = f"checked on {day}, and nothing that it depends on has changed since: {place}"
    assert said.count(since) == 1


def test_the_page_says_which_checks_were_kept():
    table = pd.DataFrame([
        {"framework": "jax", "kept": "2026-11-27"}, {"framework": "jax", "kept": "2026-11-27"},
        {"framework": "pytorch", "kept": None}, {"framework": "tensorflow", "kept": ""},
    ])  # fmt: skip
    assert sameness._kept(table) == [("2026-11-27", ["JAX"])]
