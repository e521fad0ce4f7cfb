"""What the page does when a reader uses it, in real Chromium, on made-up tables."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Locator, Page

from benchmarks.report_page import made_up, write
from report.numbers import interval, number
from report.page import write_report
from tests.axe import assert_accessible

EVIL = "<script>alert(1)</script>"
ABSURD = [float("nan"), float("inf"), -float("inf"), 1e300, 5e-324, -0.0154, 1234.6, 2e12, 0.1, 7.0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Two tasks, one with a name like no other; a run that failed, and scores beyond belief."""
    folder = tmp_path_factory.mktemp("views")
    tables = made_up(["adding", EVIL], 5, 4)
    runs = tables["runs"]
    failed = (runs["task"] == EVIL) & (runs["framework"] == "jax") & (runs["seed"] == 0)
    runs.loc[failed, ["status", "error", "score"]] = ["failed", f"no & {EVIL} $x^", float("nan")]
    runs.loc[[0, 1, 2, 3], "score"] = [float("inf"), 1e300, float("nan"), -5.0]
    curves = tables["curves"]
    curves.loc[[0, 1, 2], "score"] = [float("inf"), 1e300, float("nan")]
    write(folder, tables)
    write_report(folder)
    return folder


@pytest.fixture
def page(browser, folder) -> Page:
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.set_default_timeout(10_000)
    noise: list[str] = []
    page.on("console", lambda message: noise.append(message.text))
    page.on("pageerror", lambda error: noise.append(str(error)))
    page.on("dialog", lambda dialog: noise.append("a dialog"))
    page.on("request", lambda request: noise.append(request.url))
    page.goto((folder / "report.html").as_uri())
    yield page
    assert noise == [(folder / "report.html").as_uri()], "one file, and not a word"
    page.close()


def show(page: Page, view: str) -> None:
    """Go to a view, or to what stands in one, as its link in the navigation does."""
    page.evaluate(
        "view => { const link = document.createElement('a'); link.href = '#' + view; "
        "document.body.append(link); link.click(); link.remove(); }",
        view,
    )


def choose(page: Page, key: str, value: str) -> None:
    page.locator(f"[data-key={key}]:visible").first.select_option(value)


def sort(heading: Locator) -> None:
    """Click on the arrows of a heading, and wait until the table is in that order.

    DataTables sorts in a timer of no delay, so a later timer finds it done.
    """
    heading.locator(".dt-column-order").click()
    heading.page.evaluate("new Promise((done) => setTimeout(done))")


def cells(page: Page, host: str, heading: str) -> list[str]:
    """What stands in a column of a shown table."""
    headings = page.locator(f"{host} thead th .dt-column-title").all_inner_texts()
    place = headings.index(heading) + 1
    return page.locator(f"{host} tbody tr td:nth-child({place})").all_inner_texts()


def counted(page: Page, host: str) -> int:
    text = page.locator(f"{host} .dt-info").inner_text()
    return int(text.split(" of ")[1].split(" ")[0].replace(",", ""))


@pytest.mark.parametrize(
    ("key", "value", "methods", "runs"),
    [
        ("task", "adding", 18, 90), ("framework", "jax", 12, 60), ("cell", "lstm", 12, 60),
        ("track", "native", 18, 90), ("status", "failed", 36, 6),
    ],
)  # fmt: skip
def test_each_filter_holds_for_the_matrix_the_tables_and_the_runs(page, key, value, methods, runs):
    shown = page.locator("#matrix tbody td a[data-task]:visible")
    show(page, "accuracy")
    assert shown.count() == 36
    show(page, "runs")
    assert (counted(page, "#view"), counted(page, "#run-view")) == (36, 180)
    choose(page, key, value)
    assert counted(page, "#view") == methods
    assert counted(page, "#run-view") == runs
    show(page, "accuracy")
    assert shown.count() == methods
    assert f"{key}={value}" in page.url
    page.get_by_role("button", name="Reset").click()
    assert counted(page, "#run-view") == 180
    assert "=" not in page.url


def test_a_filter_of_the_task_and_the_framework_holds_for_the_curves(page):
    figures = page.locator("#curves figure:visible")
    show(page, "learning")
    assert figures.count() == 2
    choose(page, "task", EVIL)
    assert figures.count() == 1
    choose(page, "framework", "jax")
    lines = figures.locator("svg .layer.band")
    drawn = lines.evaluate_all("all => all.filter(l => getComputedStyle(l).display != 'none')")
    assert len(drawn) == lines.count() / 3


def test_a_baseline_turns_numbers_into_ratios_with_their_intervals(page, folder):
    show(page, "accuracy")
    choose(page, "baseline", "jax/lstm")
    ratios = pd.read_csv(folder / "ratios.csv")
    one = ratios[
        (ratios["baseline"] == "jax/lstm") & (ratios["metric"] == "score")
        & (ratios["task"] == "adding") & (ratios["framework"] == "pytorch")
        & (ratios["cell"] == "rnn") & (ratios["track"] == "matched")
    ].iloc[0]  # fmt: skip
    text = interval(one["ratio"], one["low"], one["high"])
    link = "a[data-task=adding][data-framework=pytorch][data-cell=rnn][data-track=matched]"
    assert f"× {text}" in page.locator(f"#matrix td:has({link})").inner_text()
    own = page.locator("#matrix td:has(a[data-framework=jax][data-cell=lstm])").first
    assert "the baseline" in own.inner_text()
    show(page, "runs")
    page.locator("#view .dt-search input").fill("pytorch rnn matched adding")
    assert cells(page, "#view", "score / jax/lstm") == [text]
    show(page, "accuracy")
    choose(page, "baseline", "")
    assert "×" not in page.locator(f"#matrix td:has({link}) .interval").inner_text()


def test_numbers_sort_as_numbers_and_what_is_missing_comes_last(page, folder):
    show(page, "runs")
    choose(page, "task", "adding")
    order = page.locator("#run-view thead th", has_text="score").first
    sort(order)
    first = cells(page, "#run-view", "score")
    assert first[0] == "−5"
    known = pd.read_csv(folder / "runs.csv").query("task == 'adding'")["score"].dropna()
    assert first[1:] == [number(v) for v in sorted(known)[1:25]]
    page.locator("#run-view .dt-paging-button.last").click()
    assert cells(page, "#run-view", "score")[-3:] == ["1.00·10³⁰⁰", "∞", "–"]
    sort(order)
    assert cells(page, "#run-view", "score")[:2] == ["∞", "1.00·10³⁰⁰"]
    page.locator("#run-view .dt-paging-button.last").click()
    assert cells(page, "#run-view", "score")[-1] == "–"


def test_the_address_keeps_the_view(page, browser):
    show(page, "learning")
    choose(page, "task", "adding")
    choose(page, "theme", "dark")
    choose(page, "show", "seeds")
    choose(page, "baseline", "jax/gru")
    show(page, "runs")
    choose(page, "table", "methods")
    sort(page.locator("#view thead th", has_text="median").first)
    page.locator("#view .dt-search input").fill("native")
    page.locator("#run-view a", has_text="adding-jax-rnn-matched-0").click()
    again = browser.new_page()
    again.goto(page.url)
    for one in (page, again):
        assert one.evaluate("document.documentElement.dataset.theme") == "dark"
        assert one.locator("[data-key=baseline]").input_value() == "jax/gru"
        assert one.locator("#run h3").inner_text() == "adding-jax-rnn-matched-0"
        assert one.locator("#curves").get_attribute("data-show") == "seeds"
        assert one.locator("#learning").get_attribute("open") is not None
        assert counted(one, "#view") == 9
    assert cells(page, "#view", "median") == cells(again, "#view", "median")
    assert again.locator("#view .dt-search input").input_value() == "native"
    again.close()
    page.go_back()
    assert page.locator("#run h3").count() == 0


def test_a_click_in_the_matrix_shows_the_runs_and_one_of_them(page, folder):
    show(page, "accuracy")
    page.locator("#matrix a[data-framework=jax][data-cell=gru][data-track=native]").first.click()
    assert counted(page, "#run-view") == 5
    page.locator("#run-view a").first.focus()
    page.keyboard.press("Enter")
    detail = page.locator("#run").inner_text()
    assert "--task adding --framework jax --cell gru --track native --seed 0" in detail
    assert "python 3.11, jax 1.0" in detail
    assert page.locator("#run svg polyline").count() == 1
    assert page.locator("#run tbody tr").count() == 4


def test_a_click_on_a_mark_of_the_figure_shows_its_runs(page):
    show(page, "accuracy")
    mark = "svg a[data-task=adding][data-framework=jax][data-cell=gru] use"
    page.locator("#accuracy figure").first.locator(mark).first.click(force=True)
    assert counted(page, "#run-view") == 5
    assert "task=adding&framework=jax&cell=gru" in page.url


def saved(page: Page, what: str) -> str:
    with page.expect_download() as download:
        page.locator(f"[data-download={what}]").click()
    return download.value.path().read_text(encoding="utf-8")


def test_what_is_shown_and_everything_can_be_saved(page, folder):
    show(page, "runs")
    choose(page, "framework", "pytorch")
    rows = list(csv.DictReader(io.StringIO(saved(page, "runs"))))
    runs = pd.read_csv(folder / "runs.csv")
    assert len(rows) == 60
    assert set(rows[0]) == set(runs.columns)
    assert {row["framework"] for row in rows} == {"pytorch"}
    everything = json.loads(saved(page, "json"))
    assert len(everything["runs"]) == 180
    assert everything["runs"][0]["score"] == "Infinity"
    assert EVIL in {row["task"] for row in everything["scores"]}
    assert saved(page, "csv").count("\n# ") + 1 == len(everything)
    choose(page, "table", "ratios")
    shown = list(csv.DictReader(io.StringIO(saved(page, "shown"))))
    assert {row["framework"] for row in shown} == {"pytorch"}


def test_curves_can_be_seen_as_median_or_seed_by_seed(page):
    show(page, "learning")
    figures = page.locator("#curves figure:visible")
    assert figures.count() == 2
    name = figures.first.locator("svg").get_attribute("aria-label")
    assert name.endswith("adding problem: mean squared error against training steps, log scale")
    seeds, band = (figures.first.locator(f".layer.{one}").first for one in ("seeds", "band"))
    assert (seeds.is_visible(), band.is_visible()) == (False, True)
    assert "a range and no confidence interval" in figures.first.inner_text().replace("\n", " ")
    choose(page, "show", "seeds")
    assert (seeds.is_visible(), band.is_visible()) == (True, False)
    assert "A line a seed" in figures.first.inner_text()


def test_what_looks_like_code_is_text(page):
    show(page, "accuracy")
    assert EVIL in page.locator("#matrix").inner_text()
    assert EVIL in page.locator("#accuracy figure svg").first.text_content()
    show(page, "runs")
    assert f"no & {EVIL} $x^" in page.locator("#problems").inner_text()
    choose(page, "task", EVIL)
    page.locator("#run-view a").first.click()
    assert f"no & {EVIL} $x^" in page.locator("#run").inner_text()
    curves = page.locator("#curves figure:not([hidden]) svg")
    assert curves.get_attribute("aria-label").count(EVIL)


def test_the_script_writes_numbers_as_the_page_does(page):
    texts = [number(value) for value in ABSURD]
    assert texts[:5] == ["–", "∞", "−∞", "1.00·10³⁰⁰", "4.94·10⁻³²⁴"]
    source = (Path(__file__).parents[1] / "report" / "page.js").read_text(encoding="utf-8")
    code = source[source.index("const minus") : source.index("/** Ratios to the chosen")]
    numbers = "[NaN, Infinity, -Infinity, 1e300, 5e-324, -0.0154, 1234.6, 2e12, 0.1, 7]"
    assert page.evaluate(f"(() => {{ {code}; return {numbers}.map(v => number(v)) }})()") == texts
    rng = np.random.default_rng(0)
    middle = rng.normal(size=200) * 10.0 ** rng.integers(-9, 9, 200)
    width = np.abs(middle) * 10.0 ** rng.integers(-5, 2, 200)
    three = [*np.stack([middle, middle - width, middle + 2 * width], axis=1).tolist(), [0, 0, 0.3]]
    whole = [[1920, 1280, 5248], [0.75, 0.75, 0.75], [1e300, 1, 1e300]]
    assert page.evaluate(
        f"values => {{ {code}; return values.map(v => interval(...v)) }}", three + whole
    ) == [interval(*values) for values in three + whole]


@pytest.mark.parametrize(("width", "theme"), [(390, "light"), (800, "dark"), (1200, "light")])
def test_every_width_and_theme_is_whole_and_accessible(browser, folder, width, theme):
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
    page.goto((folder / "report.html").as_uri() + "#run?run=adding-jax-gru-matched-0")
    for view in page.locator(".view").all():
        name = view.get_attribute("id")
        show(page, name)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    show(page, "run")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (theme == "dark")
    for name in ("run", "learning", "rules", "speed"):
        show(page, name)
        assert_accessible(page)
    page.close()


def test_a_page_of_runs_alone_says_what_else_to_run(tmp_path, browser, folder):
    (tmp_path / "runs.csv").write_bytes((folder / "runs.csv").read_bytes())
    write_report(tmp_path)
    page = browser.new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.goto((tmp_path / "report.html").as_uri())
    for section, command in (
        ("matrix", "analysis tables"), ("curves", "analysis tables"), ("speed", "snakemake"),
        ("claims", "analysis evidence"), ("rules", "analysis evidence"),
        ("insides", "analysis insides"), ("methods", "analysis tables"),
    ):  # fmt: skip
        assert command in page.locator(f"#{section}").inner_text(), section
    assert counted(page, "#run-view") == 180
    page.close()
