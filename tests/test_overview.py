"""The overview, in real Chromium: one screen, whatever was run; on a phone the answers first."""

import math
import re
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page

from benchmarks.report_page import made_up, write
from harness import layout
from report import answers, tables, views
from report.answers.phrases import count
from report.page import write_report
from report.sections import overview, overview_figures, overview_table
from report.sections.overview_table import MOST_TASKS, Shown
from tests.axe import assert_accessible

EVIL = "<script>alert(1)</script>"
LONG = "a_very_long_name_of_a_task_that_somebody_made_up_for_this_test_x"
REFERENCE = Path(__file__).parents[1] / "results" / "reference"


def timing(shape: str = "article") -> pd.DataFrame:
    """Times of LSTM and GRU in three frameworks."""
    sizes = {"batch": 32, "sequence_length": 10, "input_size": 1, "hidden": 50, "layers": 2}
    return pd.DataFrame([
        sizes | {
            "shape": shape, "framework": name, "kernel": "stock", "cell": cell, "phase": "step",
            "median_ms": 0.5 + place, "low_ms": 0.4 + place, "high_ms": 0.6 + place,
            "processes": 5,
        }
        for cell in ("gru", "lstm")
        for place, name in enumerate(("jax", "pytorch", "tensorflow"))
    ])  # fmt: skip


def most(seeds: int, tasks: list[str], extra: bool = False) -> dict[str, pd.DataFrame]:
    """As much as a page can have: times, a method without a network, and a cell of one's own."""
    found = made_up(tasks, seeds, 6) | {"timing": timing()}
    found["classical"] = pd.DataFrame(
        {"task": tasks, "method": "ridge", "seed": 0, "score": 0.02}
    )  # fmt: skip
    if extra:
        for name, table in found.items():
            if "cell" in table:
                mine = table[table["cell"] == "gru"].assign(cell="peephole_lstm")
                found[name] = pd.concat([table, mine], ignore_index=True)
    return found


SETS = {
    "default": most(10, ["adding", "copying", "sine", "counting"]),
    "four cells": most(10, ["adding", "copying", "sine", "counting"], extra=True),
    "one run": most(1, ["adding", "copying", "sine", "counting"]),
    "many tasks": most(5, [f"task{i}" for i in range(15)]),
    "odd names": most(2, ["adding", EVIL, LONG]),
    "runs alone": {"runs": most(5, ["adding"])["runs"]},
}


@pytest.fixture(scope="module", params=SETS)
def folder(request, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp(request.param.replace(" ", "_"))
    write(folder, SETS[request.param])
    write_report(folder)
    return folder


def test_the_overview_is_one_screen_light_and_dark(browser, folder):
    # Colours are those of the default page on every other one.
    for scheme in ("light", "dark") if folder.name.startswith("default") else ("light",):
        page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
        page.on("pageerror", lambda error: pytest.fail(str(error)))
        page.goto((folder / "report.html").as_uri())
        size = page.evaluate(
            "[document.documentElement.scrollHeight, document.documentElement.scrollWidth]"
        )
        assert size == [900, 1440]
        box = page.locator("#overview .provenance").bounding_box()
        assert box["y"] + box["height"] <= 900
        for one in page.locator("#overview .scroll").all():
            assert one.evaluate("e => e.scrollWidth - e.clientWidth") <= 1, "the table has room"
        for figure in page.locator("#overview figure").all():
            assert figure.bounding_box()["height"] >= 200
            assert figure.evaluate("e => e.scrollHeight - e.clientHeight") <= 1
        assert_accessible(page)
        page.close()


def test_on_a_phone_the_answers_come_first_and_nothing_is_wider(browser, folder):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto((folder / "report.html").as_uri() + "#overview")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("#overview .answers").bounding_box()["y"] < 300
    last = page.locator("#overview .answers dd").last.bounding_box()
    for other in page.locator("#overview :is(.cells, figure)").all():
        assert other.bounding_box()["y"] > last["y"]
    page.close()


def test_every_answer_leads_to_its_view(browser, folder):
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    for place in range(4):
        page.goto((folder / "report.html").as_uri() + "#overview")
        link = page.locator("#overview .answers a").nth(place)
        view = link.get_attribute("href").strip("#")
        assert view in views.VIEWS
        link.click()
        assert page.locator(f"#{view}").is_visible()
        assert not page.locator("#overview").is_visible()
    page.close()


@pytest.fixture
def page(browser, tmp_path) -> Page:
    """The page of ten seeds; one run of RNN failed."""
    found = most(10, ["adding", "copying", "sine", "counting", "strings"])
    found["runs"].loc[0, ["status", "error"]] = ["failed", "no memory"]
    write(tmp_path, found)
    write_report(tmp_path)
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto((tmp_path / "report.html").as_uri())
    yield page
    page.close()


def test_the_table_and_the_line_below_say_what_was_run(page):
    table = page.locator("#overview .cells").inner_text()
    for text in ("Adding problem", "10 seeds in JAX", "17,217", "10 of 10", "2 layers of 50 units"):
        assert text.lower() in table.lower(), text
    assert "1 more task under Accuracy" in page.locator("#overview .legend").inner_text()
    line = page.locator("#overview .provenance").inner_text()
    assert "2 cores of a processor" in line
    assert "JAX 1.0" in line
    assert "900 runs · 1 failed" in line
    assert "2026-01-01" in line
    page.locator("#overview .provenance a").last.click()
    assert page.locator("#problems").is_visible()


def test_a_score_leads_to_its_runs_whatever_the_filters_are(page):
    page.goto(page.url.split("#")[0] + "#overview?task=copying")
    link = page.locator("#overview a[data-task=adding][data-cell=gru]")
    assert link.is_visible()
    link.click()
    assert page.locator("#runs").is_visible()
    assert "task=adding" in page.url
    assert "cell=gru" in page.url


def test_the_figure_says_its_finding_and_its_values(page):
    figure = page.locator("#overview figure")
    assert figure.locator("strong").inner_text() == (
        "GRU and LSTM are the first to solve the adding problem, copy memory, sine forecasting "
        "and counting aⁿbⁿ."
    )
    says = figure.locator("title").first.text_content()
    assert re.fullmatch(r"RNN, 10 seeds: median \S+, all from \S+ to \S+, after 20 s", says)


def test_a_single_run_says_once_what_it_can_tell(browser, tmp_path):
    write(tmp_path, SETS["one run"])
    write_report(tmp_path)
    page = browser.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    text = page.locator("#overview").inner_text()
    assert "Each model was trained once" in text
    assert text.count("make report") == 1
    assert "cannot tell" not in text
    page.close()


def shown(**more: object) -> Shown:
    task = {"task": "adding", "baseline": 0.2, "solved": 0.01, "metric": "error"}
    return Shown(task | more, "jax", "matched", 5, 3, 1000.0)


def lines(**after: float) -> list[overview_figures.Line]:
    return [overview_figures.Line(cell, 5, pd.DataFrame(), s) for cell, s in after.items()]


@pytest.mark.parametrize(
    ("tasks", "text"),
    [
        (
            [(shown(), lines(gru=1.0, lstm=2.0)), (shown(task="sine"), lines(gru=3.0, lstm=1.0))],
            "GRU is the first to solve the adding problem, LSTM sine forecasting",
        ),
        (
            [(shown(), lines(gru=1.0, lstm=1.0)),
             (shown(task="sine"), lines(gru=math.inf, lstm=math.inf))],
            "GRU and LSTM are the first to solve the adding problem; no cell solves sine "
            "forecasting",
        ),
        ([(shown(), lines(gru=math.inf))], "No cell solves the adding problem here"),
        ([(shown(), lines(gru=5.0))], "GRU solves the adding problem"),
        ([], ""),
    ],
)  # fmt: skip
def test_the_figures_title_is_what_it_shows(tasks, text):
    assert overview_figures.finding(tasks) == text


def test_a_task_stands_in_the_framework_with_most_cells_and_seeds(tmp_path):
    found = most(5, [f"task{i}" for i in range(6)])
    runs = found["summary"]
    keep = (runs["framework"] == "pytorch") | (runs["cell"] == "gru")
    found["summary"] = runs[keep & ((runs["task"] != "task0") | (runs["cell"] == "gru"))]
    write(tmp_path, found)
    chosen = overview_table.shown(tables.read(tmp_path))
    assert len(chosen) == MOST_TASKS
    assert {one.framework for one in chosen} == {"pytorch"}
    assert "task0" not in {one.name for one in chosen}, "it has only one cell"


def test_bars_end_where_the_task_is_solved():
    one = shown()
    assert [one.place(score) for score in (0.2, 0.01)] == [0, 1]
    row = {"n": 5, "median": 0.001, "solved": 5, "steps": 250.0, "median_low": 0.0005,
           "median_high": 0.02, "rate_low": 0.5, "rate_high": 1.0, "steps_low": 250.0,
           "steps_high": 250.0}  # fmt: skip
    score, share, steps = overview_table._results(one, row)
    assert (score.bar, score.ends[1]) == (100, 100)
    assert (share.text, share.interval, share.bar) == ("5 of 5", "50–100 %", 100)
    assert (steps.text, steps.interval, steps.bar) == ("250", "", 25)
    never = overview_table._results(one, row | {"steps": math.inf})[2]
    assert (never.text, never.bar) == ("> 1,000", None)
    few = overview_table._results(one, row | {"n": 4})
    assert [value.interval for value in few] == ["", "", ""], "four seeds have no interval"


def test_the_reference_results_are_answered_in_few_words(tmp_path):
    """The tables that are kept with the code: those of a default run."""
    for path in REFERENCE.glob("*.csv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    given = tables.read(tmp_path)
    for answer in (answers.cell, answers.framework, answers.same, answers.claims):
        found = answer(given)
        assert 5 <= count(found.text) <= 30, found.text
    assert overview.content(given)["beside"]["cells"]
    assert set(layout.TABLES) >= set(given)
