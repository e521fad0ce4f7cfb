"""The figures with more cells and frameworks than the page began with; their colours."""

import html
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import report_page
from report import advice_words
from report import tables as reading
from report.figures.style import COLOURS, INK, Palette, in_order
from report.page import render
from report.sections import (
    accuracy,
    advice,
    choices,
    curves,
    matrix,
    sameness,
    speed,
    speed_figures,
)

CELLS = ("rnn", "gru", "lstm", "mgu")
FRAMEWORKS = ("equinox", "jax", "pytorch", "tensorflow")


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> reading.Tables:
    """Two tasks, four cells, four frameworks, in every table that a figure is drawn from."""
    folder = tmp_path_factory.mktemp("figures")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report_page, "CELLS", CELLS)
        patch.setattr(report_page, "FRAMEWORKS", FRAMEWORKS)
        found = report_page.made_up(["adding", "sine"], 2, 3)
    method = ["task", "framework", "cell"]
    runs = found["runs"][[*method, "track", "seed"]]
    clock = runs[["framework", "cell"]].drop_duplicates().assign(kernel="stock")
    found["timing"] = clock.assign(
        shape="small", batch=1, sequence_length=2, input_size=1, hidden=4, layers=1, phase="step",
        median_ms=1.0, low_ms=0.9, high_ms=1.1, peak_fraction=0.5, products_fraction=0.7,
    )  # fmt: skip
    found["scaling_points"] = clock.merge(pd.DataFrame({"value": [1, 2]}), how="cross").assign(
        axis="hidden", median_ms=1.0, fitted_ms=1.0, held_out=False
    )
    changes = found["scores"][method].drop_duplicates()
    found["attribution"] = changes.assign(
        factor="clipping", n=5, censored=0, **dict.fromkeys(
            (f"{name}{end}" for name in ("steps_ratio", "score_change")
             for end in ("", "_low", "_high")), 1.0),
    )  # fmt: skip
    cells = found["scores"][["task", "cell", "track"]].drop_duplicates()
    found["comparisons"] = cells.assign(
        kind="frameworks", metric="score", a="equinox/" + cells["cell"], b="jax/" + cells["cell"],
        n=5, effect=0.1, low=0.05, high=0.15, margin=0.01, p_holm=0.01, equivalent=False,
    ).drop(columns="cell")  # fmt: skip
    across = found["scores"][["framework", "cell", "track"]].drop_duplicates().assign(tasks=2, n=4)
    found["aggregate"] = across.assign(mean=0.5, low=0.4, high=0.6)
    found["profiles"] = across.merge(pd.DataFrame({"threshold": [0.0, 0.5, 1.0]}), how="cross")
    found["profiles"] = found["profiles"].assign(share=0.5, low=0.4, high=0.6)
    report_page.write(folder, found)
    return reading.read(folder)


@pytest.mark.parametrize("section", [accuracy, curves, speed, sameness, advice])
def test_a_fourth_cell_and_framework_are_in_every_figure(tables, section):
    jobs = section.figures(tables)
    assert len(jobs) >= 1
    for key, (draw, given) in jobs.items():
        drawn = draw(*given)
        for svg in [one["svg"] for one in drawn] if isinstance(drawn, list) else [drawn]:
            names = " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg))
            assert all(cell.upper() in names for cell in CELLS), key
            # The marks of all tasks say it under the pointer.
            assert "equinox" in names.lower() or section is accuracy, key


def test_the_fourth_of_each_has_a_look_of_its_own(tables):
    palette = tables.palette
    assert palette.cells == CELLS
    assert palette.frameworks == ("jax", "pytorch", "tensorflow", "equinox")
    looks = [*map(palette.framework, FRAMEWORKS), *map(palette.cell, CELLS)]
    assert len(set(looks)) == len(looks)
    old = Palette.of(FRAMEWORKS[1:], CELLS[:3])
    assert [old.framework(name) for name in FRAMEWORKS[1:]] == list(COLOURS[:3])
    assert [old.cell(name) for name in CELLS[:3]] == list(COLOURS[3:6])
    assert Palette.of(["tensorflow"], []).framework("tensorflow") == COLOURS[2]
    assert palette.framework(None) == INK
    assert len(matrix.content(tables)["columns"]) == 16
    marks = choices.key(tables)
    assert [mark.kind for mark in marks["open"]] == ["framework"] * 4 + ["cell"] * 4
    assert not marks["folded"]


def test_forty_cells_look_different():
    palette = Palette.of([], (f"cell{n}" for n in range(39)))
    assert len({(str(palette.line(c)), palette.cell(c)) for c in palette.cells}) == 39
    assert all(palette.mark(cell) for cell in palette.cells)


def test_many_panels_make_a_figure_that_scrolls(tables):
    timing = pd.concat(
        tables["timing"].head(1).assign(cell=f"cell{n}", machine="") for n in range(8)
    )
    palette = Palette.of(["equinox"], timing["cell"])
    assert "--wide: 2.02" in speed_figures.steps(timing, palette)
    assert "--wide" not in speed_figures.steps(timing.head(3), palette)


def test_names_stand_in_their_order():
    assert in_order(["zzz", "b", "a", "zzz"], ("b", "c")) == ("b", "a", "zzz")


def test_two_machines_have_a_part_each(tables):
    both = reading.Tables(tables)
    both.folder = tables.folder
    timing = tables["timing"]
    both["timing"] = pd.concat([timing.assign(machine=name) for name in ("old", "new")])
    both["speed_ratios"] = pd.DataFrame(
        [{"shape": "small", "machine": name, "ratio": 1.0} for name in ("old", "new")],
        columns=tables["speed_ratios"].columns,
    )
    parts = speed.content(both)["shapes"]
    assert [part["name"] for part in parts] == ["small on old", "small on new"]
    assert [[row["machine"] for row in part["ratios"]] for part in parts] == [["old"], ["new"]]


def luminance(colour: str) -> float:
    """Of a colour such as #1b1f24, as WCAG defines it."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * c for c in colour[1:])
    parts = np.array([int(digits[i : i + 2], 16) for i in (0, 2, 4)]) / 255
    linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("theme", [0, 1])
def test_lines_and_letters_have_contrast_in_light_and_dark(theme):
    style = (Path(reading.__file__).parent / "style.css").read_text(encoding="utf-8")
    found = re.findall(r"--([\w-]+): light-dark\((#\w+), (#\w+)\)", style)
    colours = {name: both[theme] for name, *both in found}
    for name, least in [("colour", 3), ("text", 4.5)]:
        for i in range(len(COLOURS)):
            light, dark = sorted(map(luminance, (colours["page"], colours[f"{name}-{i}"])))[::-1]
            assert (light + 0.05) / (dark + 0.05) >= least, (name, i)


def test_a_message_of_megabytes_is_cut(tables, tmp_path):
    runs = tables["runs"].head(1).assign(status="failed", error="x" * 5_000_000)
    report_page.write(tmp_path, {"runs": runs})
    (error,) = reading.read(tmp_path)["runs"]["error"]
    assert len(error) < 600
    assert error.endswith("… (4,999,500 more characters in the file)")


def test_sweeps_whose_fits_are_missing_are_still_drawn(tables):
    assert not tables.rows("scaling")
    page = render(tables, "speed")[0]
    assert "How a training step's time grows" in html.unescape(page)
    assert "No sweeps in this configuration" not in page


def test_speed_claims_no_more_than_the_clock_shows(tables):
    """One framework ahead everywhere, then two that are too close to call at one size."""
    shown = reading.Tables(tables)
    shown.folder = tables.folder
    sizes = pd.DataFrame({"shape": ["small", "large"], "flop": [1.0, 2.0]})
    shown["timing"] = tables["timing"].drop(columns=["shape", "flop"]).merge(sizes, how="cross")
    rows = sizes[["shape"]].merge(pd.DataFrame({"cell": ["gru", "lstm"]}), how="cross")
    rows = rows.assign(question="fastest_framework", verdict="better", better="jax", worse="x y")

    def found(rows: pd.DataFrame) -> str:
        shown["advice"] = rows.reindex(columns=tables["advice"].columns)
        return speed.finding(shown)

    assert found(rows) == "JAX trains both cells fastest here"
    large = rows["shape"] == "large"
    rows.loc[large, ["verdict", "better", "worse"]] = ["unknown", "jax pytorch", "tensorflow"]
    assert found(rows) == (
        "JAX trains both cells fastest in the smaller model (“small”); in the larger one "
        "(“large”) JAX and PyTorch are too close to call for both cells"
    )
    rows.loc[large & (rows["cell"] == "gru"), ["verdict", "better"]] = ["equal", "jax pytorch"]
    assert "JAX and PyTorch train GRU equally fast in the larger one" in found(rows)
    assert found(rows.iloc[:0]) == "How long a training step takes"


def test_a_ratio_is_said_in_percent_or_in_times():
    said = {
        (0.765, 0.76, 0.84): "24 % less time than JAX [16 to 24 %]",
        (1.6, 1.56, 1.63): "60 % more time than JAX [56 to 63 %]",
        (2.3, 2.1, 2.5): "2.3 times as long as JAX [2.1 to 2.5 times]",
        (0.89, 0.66, 1.19): "not told apart from JAX [34 % less time to 19 % more time]",
        (0.5, float("nan"), float("nan")): "50 % less time than JAX",
    }
    for ratio, text in said.items():
        assert advice_words.against(*ratio, "JAX").replace("\u00a0", " ") == text


def test_how_many_tasks_each_cell_solves(tables):
    palette, names = tables.palette, ["solved", "above baseline"]

    def found(*states: tuple[str, str, int]) -> str:
        rows = [{"cell": c, "task": t, "state": names[not solved]} for c, t, solved in states]
        return accuracy.finding(pd.DataFrame(rows), palette)

    both = ("gru", "a", 1), ("gru", "b", 1)
    assert found(*both, ("lstm", "a", 1), ("lstm", "b", 0)) == "GRU solves all 2 tasks, LSTM 1"
    assert found(*both, ("lstm", "a", 1), ("lstm", "b", 1)) == "GRU and LSTM solve all 2 tasks"
    assert found(*both, ("rnn", "a", 0)) == "GRU solves all 2 tasks, RNN none"
    three = *both, ("lstm", "a", 1), ("lstm", "b", 0), ("rnn", "a", 0), ("rnn", "b", 0)
    assert found(*three) == "GRU solves all 2 tasks, LSTM 1, RNN none"
    assert found(*both) == "GRU solves all 2 tasks"
    assert found(("gru", "adding", 1), ("rnn", "adding", 0)) == (
        "GRU solved: adding problem; RNN did not"
    )


def test_the_marks_of_the_first_figures_say_what_they_are_and_lead_to_their_runs(tables):
    tasks, shown, palette = accuracy.figures(tables)["overall"][1]
    svg = accuracy.overall(tasks, shown.assign(task="<b>"), palette)
    assert svg == "", "no task of that name"
    svg = accuracy.overall(tasks, shown, palette)
    link = 'data-task="adding" data-framework="equinox" data-cell="gru" data-track="matched"'
    assert f'<a href="#runs" {link} aria-label="Equinox GRU, adding problem: median' in svg
    assert "<title>Equinox GRU, adding problem: median mean squared error" in svg
    assert 'role="group"' in svg
    drawn = speed.figures(tables)["overall"][0](*speed.figures(tables)["overall"][1])
    assert "<title>JAX, GRU: a training step takes 1 ms" in drawn
    assert "tip-" not in svg + drawn
