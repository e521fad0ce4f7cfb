"""The view "Which gate?": its answer, its figures and its table, on made-up tables."""

import re
from pathlib import Path

import pandas as pd
import pytest

from analysis.evidence import changes as weighing
from benchmarks import report_page
from report import answers, words
from report import tables as reading
from report.answers.changes import by_cell
from report.answers.phrases import capital, count
from report.page import render, write_report
from report.sections import changes, changes_figures, frontier_figure
from report.tables import Tables
from tests.axe import assert_accessible
from tests.test_changes import HIGHER, MARGINS, around, method

PARENTS = {
    "peephole": "lstm", "nfg": "peephole", "cifg": "peephole", "gru_before": "gru", "mgu": "gru",
    "a_cell_of_somebody_else": "mgu",
}  # fmt: skip
CELLS = ("rnn", "gru", "lstm", *PARENTS)
PEEPHOLE = capital(words.cell("peephole"))
# By cell its share of the way on both tasks, its steps to solve and its parameters.
REACHED = {
    "lstm": ((1.0, 1.0), 300, 400), "peephole": ((1.0, 1.0), 310, 412),
    "nfg": ((0.3, 0.6), 300, 309), "cifg": ((1.0, 1.0), 280, 309), "gru": ((1.0, 1.0), 200, 300),
    "gru_before": ((1.0, 0.8), 200, 300), "mgu": ((1.0, 1.0), 150, 200),
    "a_cell_of_somebody_else": ((0.0, 1.0), None, 900),
}  # fmt: skip


def weighed(names: tuple[str, ...] = tuple(REACHED), seeds: int = 10) -> dict[str, pd.DataFrame]:
    """The tables of these cells, whose changes are known."""
    runs = pd.concat([
        method(cell, [w * 1.001 for w in around(way, seeds, 0.001)], steps, task=task)
        .assign(parameters=size, step_gflop=size / 100, gflop=10.0 * size)
        for cell, (ways, steps, size) in REACHED.items() if cell in names
        for task, way in zip(("adding", "copying"), ways, strict=True)
    ])  # fmt: skip
    runs["operations_to_solve"] = runs["steps_to_solve"] * runs["step_gflop"]
    found = weighing.changes(runs, PARENTS, HIGHER, MARGINS)
    return {"changes": found, "frontier": weighing.frontier(runs, found)}


def made(folder: Path, names: tuple[str, ...], seeds: int = 10) -> Tables:
    """A folder of tables with these changes, read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report_page, "CELLS", names)
        patch.setattr(report_page, "FRAMEWORKS", ("jax",))
        found = report_page.made_up(["adding", "copying"], seeds, 3)
    report_page.write(folder, found | weighed(names, seeds))
    return reading.read(folder)


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> Tables:
    return made(tmp_path_factory.mktemp("changes"), CELLS)


def test_the_answer_names_what_costs_most_and_what_is_simpler_and_as_good(tables):
    answer = answers.change(tables)
    assert answer.text == (
        f"{PEEPHOLE} with no forget gate loses most, on both tasks. MGU does as well as GRU on "
        "both tasks with 33\u00a0% fewer parameters."
    )
    assert (
        f"NFG against {words.cell('peephole')} on the adding problem: 70\u00a0% of the way"
        in answer.evidence
    )
    assert "10 seeds in JAX" in answer.evidence
    assert "Until solved MGU takes 50\u00a0% fewer operations than GRU" in answer.evidence


@pytest.mark.parametrize(
    ("names", "seeds", "text"),
    [
        (
            ("lstm", "peephole"), 10,
            "LSTM with peepholes does as well on both tasks.",
        ),
        (
            ("lstm", "peephole"), 3,
            "In these 3 runs of each model no change of a cell loses anything.",
        ),
        (
            ("lstm", "peephole", "nfg"), 1,
            f"In this single run {words.cell('peephole')} with no forget gate loses most: "
            "70\u00a0% of the way to solved on the adding problem.",
        ),
        (
            ("lstm", "peephole", "nfg"), 10,
            f"{PEEPHOLE} with no forget gate loses most, on both tasks, up to 70\u00a0% of the "
            "way to solved. No smaller cell is shown to do as well everywhere.",
        ),
        (
            ("lstm", "peephole", "cifg"), 10,
            "No change of a cell was found to lose anything on 2 tasks. CIFG does as well as "
            f"{words.cell('peephole')} on both tasks with 25\u00a0% fewer parameters.",
        ),
        (
            ("mgu", "a_cell_of_somebody_else"), 10,
            f"{capital(words.cell('a_cell_of_somebody_else'))} beside MGU loses on 1 of 2 "
            "tasks, does as well on 1 of 2 tasks.",
        ),
    ],
)  # fmt: skip
def test_the_answer_is_right_where_there_is_little(tmp_path, names, seeds, text):
    found = made(tmp_path, names, seeds)
    answer = answers.change(found)
    assert answer.text == text
    assert count(answer.text) <= 30
    assert "nan" not in f"{answer.evidence} {answer.tell}"
    assert ("make cells" in answer.tell) == (seeds < 5)
    [html] = render(found, "changes")
    assert "nan" not in re.sub(r"<[^>]*>", " ", html).lower().split()


def test_what_no_cell_learns_is_said(tables):
    none = Tables(tables)
    none.folder, none.missing = tables.folder, []
    none["changes"] = tables["changes"].assign(learned=False, verdict="neither learns")
    assert answers.change(none).text.startswith("Neither these cells")
    [html] = render(none, "changes")
    assert "neither learns it" in html


def test_every_change_is_in_the_figures_and_says_its_numbers(tables):
    jobs = changes.figures(tables)
    for name in ("score", "steps"):
        draw, given = jobs[name]
        svg = draw(*given)
        texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
        assert {"MGU", "NFG", "a cell of somebody else", "no forget gate", "LSTM with"} <= set(
            texts
        )
    draw, given = jobs["score"]
    svg = str(draw(*given))
    start = f"NFG against {words.cell('peephole')}, adding problem: worse; "
    assert f"{start}70\u00a0% of the way to solved lost" in svg
    assert "0 against 10 of 10 runs solve it" in svg
    assert 'data-task="copying" data-framework="jax" data-cell="mgu"' in svg
    assert "−33\u00a0%" in svg, "the parameters that MGU saves"
    draw, given = jobs["frontier"]
    texts = set(re.findall(r"<text[^>]*>([^<]*)</text>", draw(*given)))
    assert set(map(words.cell, REACHED)) <= texts


def test_what_is_decided_is_filled(tables):
    one = tables["changes"]
    shown = []
    for verdict in ("worse", "open"):
        row = one[(one["cell"] == "nfg") & (one["task"] == "adding")].assign(verdict=verdict)
        svg = changes_figures.draw(
            "score", row, {"nfg": 0.75}, tables["frontier"], {}, tables.palette
        )
        shown.append(str(svg).count("fill-opacity: 0") + str(svg).count("fill: none"))
    assert shown[1] > shown[0]


def test_changes_of_one_cell_stand_together_the_greatest_loss_first(tables):
    order = [(one.parent, one.cell) for one in by_cell(tables)]
    parents = [parent for parent, _ in order]
    assert parents == sorted(parents, key=parents.index), "no parent comes twice"
    under = [cell for parent, cell in order if parent == "peephole"]
    assert under == ["nfg", "cifg"]


def test_titles_count(tables):
    every = by_cell(tables)
    assert changes.finding(every) == (
        "Of 6 changed cells 3 lose on some task, 3 are as good on every task"
    )
    names = capital(words.cell(every[0].cell)), words.cell(every[0].parent)
    assert changes.finding(every[:1]) == f"{names[0]} beside {names[1]}, task by task"
    found = changes.frontier(tables)
    assert found.startswith("MGU gets nearly as far as any cell, for")
    best = tables["frontier"].assign(progress=tables["frontier"]["cell"].map({"mgu": 1.0}))
    other = Tables(tables)
    other["frontier"] = best.fillna({"progress": 0.5})
    assert changes.frontier(other) == "MGU gets furthest, and no other cell as far for less"


def test_names_beside_marks_do_not_overlap():
    taken: list = []
    spots = [
        frontier_figure._free(100, 100, 30, 8, taken, (0, 0, 400, 400)) for _ in range(6)
    ]  # fmt: skip
    assert len(set(spots)) == 6
    assert not any(
        frontier_figure._overlap(one, other)
        for place, one in enumerate(taken) for other in taken[:place]
    )  # fmt: skip


@pytest.mark.parametrize(("width", "theme"), [(390, "light"), (1440, "dark")])
def test_the_view_is_whole_and_accessible_and_its_table_can_be_filtered(
    browser, tables, width, theme
):
    write_report(tables.folder)
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.goto((tables.folder / "report.html").as_uri() + "#changes")
    place = page.locator("#changes")
    place.locator("details").evaluate_all("all => all.forEach((one) => (one.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert_accessible(page)
    rows = place.locator("tbody tr:visible")
    assert rows.count() == 12
    first = rows.filter(has_text="no forget gate").filter(has_text="adding").inner_text()
    assert "✕ worse" in first
    assert "0 of 10" in first
    assert "25 % fewer" in first
    place.locator("[data-key=task]").select_option("copying")
    assert rows.count() == 6
    page.close()


def test_a_page_without_changes_has_no_such_view(tmp_path):
    report_page.write(tmp_path, report_page.made_up(["adding"], 2, 3))
    write_report(tmp_path)
    assert 'id="changes"' not in (tmp_path / "report.html").read_text(encoding="utf-8")
