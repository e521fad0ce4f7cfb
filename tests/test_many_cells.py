"""A page of all cells of the suite: their order, names and looks, and that none is dropped."""

import re
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.tables import cells as cell_table
from benchmarks import report_page
from cells import CELLS, FIRST, cell
from report import tables as reading
from report import words
from report.answers import phrases
from report.figures.style import COLOURS, MOST_CELLS, Palette
from report.page import write_report
from report.sections import accuracy, insides, overview_figures
from report.sections.leading import MOST
from tests.axe import assert_accessible
from tests.test_insides import frame

ROOT = Path(__file__).parents[1]
LINES = {name: tuple(cell_table.lineage(name)) for name in CELLS}
TASKS = ("adding", "sine")


def test_a_family_stands_together_behind_its_parents():
    palette = Palette.of([], reversed(CELLS), LINES)
    assert sorted(palette.cells) == sorted(CELLS)
    assert palette.first == ["rnn", "gru", "lstm"]
    place = {name: i for i, name in enumerate(palette.cells)}
    for name in CELLS:
        parent = cell(name).parent
        assert parent is None or place[parent] < place[name]
    roots = [LINES[name][0] for name in palette.cells]
    assert [r for i, r in enumerate(roots) if r not in roots[:i]] == list(palette.first)
    assert all(
        len(set(roots[roots.index(r) : roots.index(r) + roots.count(r)])) == 1 for r in FIRST
    )


@pytest.mark.parametrize("most", [3, MOST_CELLS])
def test_families_are_parted_into_groups_that_one_can_tell_apart(most):
    strangers = [f"mine{n}" for n in range(12)]
    palette = Palette.of([], [*CELLS, *strangers], LINES)
    groups = palette.families(palette.cells, most)
    assert sorted(chain(*groups)) == sorted(palette.cells)
    assert max(map(len, groups)) <= most
    palette = Palette.of([], CELLS, LINES)
    assert palette.families(FIRST, most) == [["rnn", "gru", "lstm"]]
    if most == MOST_CELLS:
        peephole = next(g for g in palette.families(CELLS, most) if "peephole" in g)
        assert set(peephole) == {name for name in CELLS if "peephole" in LINES[name]}


def test_the_first_cells_keep_their_looks_and_no_two_cells_look_alike():
    palette, old = Palette.of([], CELLS, LINES), Palette.of([], FIRST)
    for name, colour in zip(("rnn", "gru", "lstm"), COLOURS[3:6], strict=True):
        assert palette.cell(name) == old.cell(name) == colour
        assert (palette.line(name), palette.mark(name)) == (old.line(name), old.mark(name))
    assert len({(palette.cell(n), str(palette.line(n))) for n in CELLS}) == len(CELLS)
    assert len({(palette.cell(n), palette.mark(n)) for n in CELLS}) == len(CELLS)


def test_a_parent_that_was_not_run_or_is_a_circle_does_no_harm(monkeypatch):
    alone = Palette.of([], ["nfg", "cifg", "gru"], LINES)
    assert alone.cells == ("gru", "cifg", "nfg"), "the family of the LSTM, which is not there"
    given = {"a": "b", "b": "a", "c": "unknown"}
    monkeypatch.setattr(cell_table, "CELLS", tuple(given))
    monkeypatch.setattr(cell_table, "cell", lambda n: type("C", (), {"parent": given[n]}))
    assert [cell_table.lineage(name) for name in given] == [["b", "a"], ["a", "b"], ["c"]]


def test_cells_are_written_as_people_write_them():
    words.entitle({name: cell(name).title for name in CELLS if cell(name).title}, {})
    said = {name: words.cell(name) for name in CELLS}
    for name, title in {
        "rnn": "RNN", "lstm": "LSTM", "gru": "GRU", "gru_before": "reset-first GRU",
        "layernorm_lstm": "LayerNorm-LSTM", "mingru": "minGRU", "nfg": "NFG", "janet": "JANET",
        "indrnn": "IndRNN", "slstm": "sLSTM",
    }.items():  # fmt: skip
        assert said[name] == title
    assert len(set(said.values())) == len(CELLS)
    assert not [title for title in said.values() if "_" in title]
    assert words.cell("mine") == "MINE"
    assert words.cell("my_own_cell") == "my own cell"
    words.entitle({}, {})
    assert words.cell("mingru") == "mingru", "only what the tables say"


def test_nothing_in_the_look_inside_knows_a_cell_by_its_name():
    for path in (ROOT / "analysis" / "inside").glob("*.py"):
        found = set(re.findall(r"\w+", path.read_text().lower())) & set(CELLS)
        assert not found, (path.name, found)


def test_a_lot_of_cells_is_counted_and_a_few_are_named():
    assert phrases.cells(["gru", "lstm"]) == "GRU and LSTM"
    assert phrases.cells(CELLS[:7]) == "7 cells"
    assert phrases.cells(CELLS[:7], "or") == "one of 7 cells"
    palette = Palette.of([], CELLS, LINES)

    def found(**solves: int) -> str:
        rows = [
            {"cell": name, "task": task, "state": "solved" if place < solved else "at baseline"}
            for name, solved in (dict.fromkeys(CELLS, 1) | solves).items()
            for place, task in enumerate("abc")
        ]
        return accuracy.finding(pd.DataFrame(rows), palette)

    assert found(gru=3, rnn=0) == "GRU solves all 3 tasks; RNN solves none"
    assert found(gru=2, lstm=2) == "GRU and LSTM solve the most tasks, 2 of 3"
    assert found(**dict.fromkeys(CELLS[3:12], 3)) == "9 of 21 cells solve all 3 tasks"
    assert found(**dict.fromkeys(CELLS, 0)) == "None of 21 cells solves a task"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Two tasks in all cells and one framework, looked into."""
    folder = tmp_path_factory.mktemp("many")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report_page, "CELLS", CELLS)
        patch.setattr(report_page, "FRAMEWORKS", ("jax",))
        patch.setattr(report_page, "TRACKS", ("matched",))
        found = frame(TASKS, CELLS)
    found["cells"] = pd.DataFrame(cell_table.rows(CELLS))
    means = pd.DataFrame({"cell": CELLS, "mean": np.linspace(0, 1, len(CELLS))})
    found["aggregate"] = means.assign(
        framework="jax", track="matched", tasks=2, n=2, low=0.0, high=1.0
    )
    gated = found["gates"]["cell"].map(lambda name: bool(cell(name).sigmoids))
    found["gates"] = found["gates"][gated]
    checks = pd.DataFrame({"check": ["forward", "gradient"], "dtype": "float64"})
    found["conformance_summary"] = pd.DataFrame({"cell": CELLS, "framework": "jax"}).merge(
        checks.assign(checks=4, passed=4, max_error=1e-15, tolerance=1e-10), how="cross"
    )
    report_page.write(folder, found)
    write_report(folder)
    return folder


@pytest.fixture
def page(browser, folder):
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.goto((folder / "report.html").as_uri())
    yield page
    page.close()


def titles() -> dict[str, str]:
    return {name: cell(name).title or name.upper() for name in CELLS}


def test_the_overview_is_one_screen_and_says_where_the_others_are(page):
    assert page.evaluate("document.documentElement.scrollHeight") == 900
    box = page.locator("#overview .provenance").bounding_box()
    assert box["y"] + box["height"] <= 900
    shown = page.locator("#overview .cells tbody th[scope=row]").all_inner_texts()
    # What the page has always shown, and the last three, which have the highest means.
    assert len(shown) == MOST
    assert shown[:1] == ["RNN"]
    assert {titles()[name] for name in ("rnn", "gru", "lstm", *CELLS[-3:])} == set(shown)
    legend = page.locator("#overview .legend").inner_text()
    assert "RNN, GRU, LSTM and the 3 others that get furthest over all tasks" in legend
    assert f"{len(CELLS) - MOST} more cells under Accuracy" in legend


def test_the_key_is_folded_and_has_every_cell_with_what_it_is(page):
    key = page.locator("#navigation details")
    assert key.locator("summary").inner_text() == f"{len(CELLS)} cells"
    assert not key.locator(".key").is_visible()
    key.locator("summary").click()
    entries = key.locator("[data-cell]")
    assert [e.strip() for e in entries.all_inner_texts()] == [
        titles()[name] for name in Palette.of([], CELLS, LINES).cells
    ]
    assert all(e.get_attribute("title") for e in entries.all())


def test_the_matrix_has_a_row_for_every_cell(page):
    page.goto(page.url.split("#")[0] + "#accuracy")
    rows = page.locator("#matrix tbody tr[data-cell]")
    assert rows.count() == len(CELLS)
    assert page.locator("#matrix .scroll").evaluate("e => e.scrollWidth - e.clientWidth") <= 1
    page.locator("#accuracy [data-key=cell]").first.select_option("nfg")
    assert page.locator("#matrix tbody tr[data-cell]:visible").count() == 1
    page.locator("#accuracy [data-key=task]").first.select_option("sine")
    assert page.locator("#matrix tbody td:visible").count() == 1


def test_every_check_has_a_row_for_every_cell(page):
    page.goto(page.url.split("#")[0] + "#checks")
    assert page.locator("#checks tbody tr[data-cell]").count() == len(CELLS)
    assert page.locator("#checks thead th").all_inner_texts()[1].startswith("forward, 64-bit")


def test_every_view_has_every_cell(page):
    """In a figure, a table or a fold; the overview says what it leaves out."""
    views = {name: page.locator(f"#{name}").text_content() for name in (
        "accuracy", "same", "inside", "methods")}  # fmt: skip
    for name, title in titles().items():
        assert [view for view, text in views.items() if title not in text] == [], name


def test_a_chosen_cell_shows_its_example_alone(page):
    page.goto(page.url.split("#")[0] + "#inside")
    examples = page.locator(".example [data-cell]:visible")
    assert [e.get_attribute("data-cell") for e in examples.all()] == ["rnn", "gru", "lstm"]
    page.locator("#inside [data-key=cell]").select_option("nfg")
    assert [e.get_attribute("data-cell") for e in examples.all()] == ["nfg"]
    page.reload()
    assert [e.get_attribute("data-cell") for e in examples.all()] == ["nfg"]
    assert_accessible(page)


def test_lines_of_many_cells_are_parted_by_family(folder):
    given = reading.read(folder)
    jobs = insides.figures(given)
    draw, arguments = jobs["reach", "adding"]
    drawn = [" ".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg)) for svg in draw(*arguments)]
    assert len(drawn) == 3
    for name, title in titles().items():
        assert sum(
            bool(re.search(rf"(?<![\w-]){re.escape(title)} ", f"{one} ")) for one in drawn
        ), name
    assert sum("peephole LSTM family" in one for one in drawn) == 1
    said = insides.content(given)
    assert said["unkept"] == "RNN, IRNN and IndRNN", "these have no gate"
    assert max(map(phrases.count, (said["kept"], said["reached"], said["held"]))) <= 30
    assert phrases.count(said["answer"].text) <= 40


def test_who_is_first_to_solve_is_drawn_even_where_it_has_no_place_in_the_table(folder):
    given = reading.read(folder)
    its = [
        overview_figures.Line(name, 2, pd.DataFrame(), 1.0 if name == "cifg" else 2.0)
        for name in given.palette.cells
    ]
    drawn = [line.cell for line in overview_figures.shown(given, its)]
    assert "cifg" in drawn
    assert len(drawn) == MOST + 1
