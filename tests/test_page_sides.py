"""The page's sections on verification and comparison, on made-up tables, in real Chromium."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Locator, Page

from analysis.folders import compare, verification
from benchmarks.report_page import made_up, write
from report import tables as reading
from report import words
from report.numbers import interval
from report.page import render, write_report
from tests.axe import assert_accessible

EVIL = "<script>alert(1)</script>\"'&"
OTHER = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def there(tmp_path_factory) -> Path:
    """The other side: no JAX, a task more, another machine and versions, some scores far off."""
    folder = tmp_path_factory.mktemp("there") / OTHER
    tables = made_up(["adding", "sine"], 6, 4)
    runs = tables["runs"]
    runs["losses_sha256"] = "b" * 64
    worse = (runs["framework"] == "pytorch") & (runs["cell"] == "lstm")
    runs.loc[worse, "score"] += 1
    tables["runs"] = runs[runs["framework"] != "jax"]
    tables["machines"]["processor"] = EVIL
    tables["machines"]["packages"] += ", evil " + EVIL.replace(",", "")
    write(folder, tables)
    return folder


@pytest.fixture(scope="module")
def folder(there, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sides")
    tables = made_up(["adding"], 5, 4)
    rnn = (tables["runs"]["cell"] == "rnn") & (tables["runs"]["framework"] == "tensorflow")
    tables["runs"].loc[rnn, "set_extra"] = EVIL
    write(folder, tables)
    verification.verify(folder, there)
    compare.compare(folder, there)
    write_report(folder)
    return folder


@pytest.fixture
def opened(browser, folder) -> Page:
    opened = browser.new_page(viewport={"width": 1200, "height": 900})
    opened.on("dialog", lambda dialog: pytest.fail("text was run as code"))
    opened.on("pageerror", lambda error: pytest.fail(str(error)))
    opened.goto((folder / "report.html").as_uri())
    yield opened
    opened.close()


def go(page: Page, view: str) -> Locator:
    """Open a view of the page."""
    page.goto(page.url.split("#")[0] + f"#{view}")
    return page.locator(f"#{view}")


def test_the_verdict_stands_with_its_items_and_failures_first(opened, folder):
    section = go(opened, "verify")
    assert "No: these runs do not agree with the reference." in section.inner_text()
    assert "✕ not verified" in section.inner_text()
    passed = section.locator("table.items tbody td:nth-child(2)").all_inner_texts()
    assert passed == ["✓ passed", "–", "✕ failed", "informs", "informs"]
    table = pd.read_csv(folder / "verify.csv")
    failed = table[table["verdict"].isin(verification.FAIL)]
    shown = section.locator("table.sides").first.locator("tbody tr")
    assert shown.count() == len(failed) > 0
    better = shown.filter(has_text="better").filter(has_text="score").first.inner_text()
    assert "PyTorch, LSTM" in better
    assert "a leak, or another task?" in better
    folded = section.locator("details").filter(has_text="Scored alike")
    assert not folded.locator("table").is_visible()
    folded.locator("summary").click()
    assert folded.locator("tbody tr").count() == (table["item"] == "equivalence").sum()


def test_a_comparison_has_intervals_and_no_failure(opened, folder):
    section = go(opened, "compare")
    assert "comparisons of the two folders" in section.locator(".lead").inner_text()
    assert section.locator(".failed").count() == 0
    assert OTHER in section.inner_text()
    folded = section.locator("details").filter(has_text="Speed")
    folded.locator("summary").click()
    table = pd.read_csv(folder / "compare.csv")
    one = table[(table["check"] == "training") & (table["cell"] == "gru")].iloc[0]
    row = folded.locator("tbody tr").filter(
        has_text=(
            f"adding problem, {words.framework(one['framework'])}, GRU, {words.track(one['track'])}"
        )
    )
    effect = interval(one["effect"], one["low"], one["high"])
    assert f"× {effect}" in row.inner_text()


@pytest.mark.parametrize("name", ["verify", "compare"])
def test_what_differs_and_what_was_left_out_is_named_and_escaped(opened, name):
    section = go(opened, name)
    assert f"processor a processor here, {EVIL} there" in section.inner_text()
    section.locator("details").filter(has_text="not compared, and why").locator("summary").click()
    text = section.inner_text()
    assert "framework jax: only here (6 methods), not compared" in text
    assert "task sine: only there (12 methods), not compared" in text
    assert f"other settings (extra {EVIL} here, none there), not compared" in text
    assert "seed 5 of 12 methods: only there, not compared" in text


def test_the_filters_hold_for_the_rows(opened):
    opened.goto(opened.url.split("#")[0] + "#compare?framework=pytorch")
    folded = opened.locator("#compare details").filter(has_text="Speed")
    folded.locator("summary").click()
    seen = folded.locator("tbody tr:visible").all_inner_texts()
    assert seen
    assert all("PyTorch" in text for text in seen)


@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1200, "light")])
def test_open_sections_are_whole_and_accessible(browser, folder, width, theme):
    opened = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
    opened.goto((folder / "report.html").as_uri())
    for name in ("verify", "compare"):
        folded = go(opened, name).locator("details")
        folded.evaluate_all("all => all.forEach((one) => (one.open = true))")
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
        assert_accessible(opened, f"#{name}")
    opened.close()


def text_of(folder: Path, template: str) -> str:
    """A section alone, which is quicker than the page."""
    return render(reading.read(folder), template)[0]


@pytest.mark.parametrize(
    ("name", "template", "command"),
    [
        ("verify", "verified", "snakemake --cores all verify"),
        ("compare", "compared", "snakemake --cores all compare --config other=PATH"),
    ],
)  # fmt: skip
def test_nothing_stale_or_damaged_is_shown(folder, tmp_path, name, template, command):
    mine = shutil.copytree(folder, tmp_path / "mine")
    assert "What differs" in text_of(mine, template)
    with (mine / "runs.csv").open("a") as file:
        file.write("\n")
    stale = text_of(mine, template)
    assert f"{name}.json</code> of 20" in stale
    assert "is not of these runs" in stale
    assert "What differs" not in stale
    tables = reading.read(mine)
    assert tables[name].empty
    assert name in tables.missing, "nor is its table shown"
    (mine / f"{name}.json").write_text("{}")
    assert "cannot be read or is of another version" in text_of(mine, template)
    (mine / f"{name}.json").unlink()
    missing = text_of(mine, template)
    assert command in missing
    assert f"python -m analysis {name} --results {mine}" in missing


def test_nothing_in_common_is_said(folder, tmp_path):
    mine, other = (shutil.copytree(folder, tmp_path / name) for name in ("mine", "other"))
    runs = pd.read_csv(other / "runs.csv")
    runs.assign(set_layers=2).to_csv(other / "runs.csv", index=False)
    verification.verify(mine, other)
    compare.compare(mine, other)
    assert "such as the default one" in text_of(mine, "verified")
    assert "no run here has the settings and the seed" in text_of(mine, "compared")
