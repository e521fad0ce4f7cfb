"""The page, in real Chromium: whole, offline, escaped, readable on a phone."""

import html
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Locator, Page

from analysis.evidence import evidence_tables
from analysis.tables import stage, tracks
from benchmarks.report_page import made_up, write
from harness import layout
from harness.conformance import against_reference
from harness.errors import UserError
from harness.plan import asked
from harness.plan.run import Run
from harness.plan.settings import resolve
from harness.run import records
from harness.run.records import Record
from report import tables as reading
from report import words
from report.page import render, write_report
from report.sections.provenance import versions

EVIL = "<script>window.hacked = 1</script>\"'&"


def record(run: Run, score: float | None, status: str = "ok", reason: str = "") -> Record:
    """A record as a run would leave it, with the given outcome."""
    settings = resolve(run.task, {}, "test")
    return {
        "schema": records.SCHEMA,
        **vars(run),
        "status": status,
        "reason": reason,
        "settings": settings.as_dict(),
        "command": settings.command(run, 1),
        "score": score,
        "metric": settings.task.metric,
        "higher_is_better": settings.task.higher_is_better,
        "baseline": settings.task.baseline,
        "solved_at": settings.task.solved,
        "solved": None if score is None else settings.task.is_solved(score),
        "steps": 1200,
        "steps_to_solve": 500 if score is not None and settings.task.is_solved(score) else None,
        "curve": [{"step": s, "loss": 0.1, "score": 0.1 / (1 + s)} for s in (0, 600, 1200)],
        "parameters": {"total": 17_000, "by_name": {"w": 17_000}},
        "seconds": dict.fromkeys(
            ("start", "import", "build", "first_chunk", "evaluation", "data"), 1.0
        )
        | {"training": 23.0, "total": 30.0},
        "peak_rss_mb": 400.0,
        "data_sha256": {"train": "a" * 64, "test": "b" * 64},
        "weights_sha256": {"initial": "c" * 64, "final": "d" * 64},
        "versions": {"python": "3.11", "thing": "1.0 " + EVIL},
        "machine": {"processor": EVIL, "cores": 2, "memory_gb": 8.0, "system": "Linux"},
        "threads": 1,
        "device": "cpu",
        "kernel": "stock",
        "git_commit": "0123456789abcdef" * 4 + "+changes",
        "finished": "2026-01-01T00:00:00+00:00",
    }


def test_the_versions_are_those_that_the_records_name():
    """Whatever the framework's folder is called; a damaged record names none."""
    packages = ["python 3.11.7, numpy 2.1, mine 1.0, jax 0.10", "python 3.11.7, numpy 2.1", None]
    machines = [{"framework": "yours", "packages": text} for text in packages]
    assert versions(machines) == ["Python 3.11.7", "yours 1.0", "yours 2.1"]


def checked(framework: str, cell: str, check: str, error: float, detail: str = "") -> dict:
    """A row of the gate as it would be written."""
    return {
        "framework": framework, "kernel": "stock", "track": "matched", "cell": cell, "layers": 1,
        "outputs": "last step", "dtype": "float64", "check": check, "max_error": error,
        "tolerance": 1e-10, "passed": error <= 1e-10, "detail": detail,
    }  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    runs = []
    for seed in range(3):
        for cell, score in (("lstm", 1e-3 * (seed + 1)), ("gru", 0.1), ("rnn", 0.17)):
            for framework in ("jax", "pytorch"):
                run = Run("adding", framework, cell, "matched", seed)
                runs.append(run)
                found = record(run, score)
                changed = [replace(run, track=t) for t in ("native", "initialisation")]
                if cell == "lstm" and framework == "jax":
                    for factor in changed:
                        runs.append(factor)
                        faster = record(factor, score) | {"steps_to_solve": 250 + 5 * seed}
                        records.write(factor.path(folder), faster)
                if framework == "pytorch" and cell == "gru":
                    found = record(run, None, "failed", EVIL)
                records.write(run.path(folder), found)
    asked.write_plan(folder, tuple(runs), [])
    good = checked("jax", "gru", "forward", 1e-16)
    gate = {
        "jax": [
            good,
            checked("jax", "rnn", "forward", 0.25),
            checked("jax", "lstm", "run", np.inf),
        ],
        "pytorch": [checked("pytorch", "gru", "forward", 0.5, EVIL)],
    }
    for framework, rows in gate.items():
        against_reference.write(folder / "conformance" / f"{framework}.csv", rows)
    stage.write(folder)
    write_report(folder)
    before = (folder / "report.html").read_text(encoding="utf-8")
    assert "No advice yet" in before
    assert "Not judged yet" in before
    evidence_tables.write(folder)
    write_report(folder)
    return folder


def view(page: Page, name: str) -> Locator:
    """Open a view of the page, with all that is folded in it."""
    page.goto(page.url.split("#")[0] + f"#{name}")
    place = page.locator(f"#{name}")
    place.locator("details").evaluate_all("all => all.forEach((one) => (one.open = true))")
    return place


@pytest.fixture
def page(browser, results) -> Page:
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.requests = []
    page.errors = []
    page.on("request", lambda request: page.requests.append(request.url))
    page.on("pageerror", lambda error: page.errors.append(error))
    page.goto((results / "report.html").as_uri())
    yield page
    page.close()


def test_one_file_and_no_request(page):
    assert len(page.requests) == 1
    assert page.errors == []


def test_scores_and_their_states(page):
    cells = page.locator("#matrix tbody tr").first.locator("td")
    rnn, gru, lstm = (cells.nth(i).inner_text() for i in range(3))
    assert "○ 0.17" in rnn
    assert "◐ 0.1" in gru
    assert "✓ 0.002" in lstm
    assert "0.001 to 0.003, range" in lstm, "three seeds have no interval"
    assert "3 of 3 solved" in lstm
    assert "0 of 3 solved" in gru
    failed = cells.nth(4).inner_text()
    assert "✕ no score" in failed
    assert f"seed 0 failed: {EVIL}" in failed


def test_what_failed_is_shown_and_escaped(page):
    runs = view(page, "runs")
    assert "3 of them did not end well" in runs.locator(".lead").inner_text()
    assert page.locator("#problems tbody tr").count() == 3
    assert EVIL in page.locator("#problems").inner_text()
    assert page.evaluate("window.hacked") is None
    assert html.escape("<script>window.hacked", quote=False) in page.content()


def test_many_failures_and_studies_are_folded(tmp_path):
    """The first five failures and the eight longest studies stand open."""
    tables = made_up(["adding"], 2, 2)
    tables["runs"] = tables["runs"].assign(status="failed", error=EVIL)
    questions = [f"Question {place}?" for place in range(10)]
    minutes = [1.0] * 9 + [31.0]
    write(
        tmp_path,
        tables | {"studies": pd.DataFrame({
            "study": [f"study{place}" for place in range(10)], "question": questions, "runs": 4,
            "ended_well": 3, "core_minutes": minutes,
        })},
    )  # fmt: skip
    (section,) = render(reading.read(tmp_path), "runs")
    assert "36 of them did not end well" in section
    assert "31 more runs that failed" in section
    assert "2 more questions that took less time" in section
    assert "that of the study “study9” took the most time: 78 %" in section
    assert section.index("Question 9?") < section.index("Question 0?")
    assert EVIL not in section


def test_what_does_not_conform_is_marked_and_escaped(page):
    same = view(page, "same")
    summary = same.locator("table.checks").inner_text()
    assert "Outputs of a forward pass\t✕ not comparable: RNN; 0.25 in 64-bit" in summary
    assert "0 of 3 checks against the reference model pass" not in same.inner_text()
    table = page.locator("#checks table").inner_text()
    assert "✓ 1.0·10⁻¹⁶" in table
    assert "✕ not comparable: 0.5" in table
    assert EVIL in table
    assert "✕ not comparable: 0.25\n0 of 1\n" in table, "no detail is given, so none is shown"
    assert f"0 of 1; {EVIL}" in table
    view(page, "accuracy")
    cells = page.locator("#matrix tbody tr").first.locator("td")
    marked = ["see the checks" in cells.nth(i).inner_text() for i in range(3)]
    assert marked == [True, False, True], "RNN and LSTM did not pass"


def test_what_a_default_changes_is_shown_with_its_interval(page, results):
    rows = pd.read_csv(results / "attribution.csv").set_index("factor")
    assert set(rows.index) == {"initialisation", "native", "left over"}
    one = rows.loc["initialisation"]
    assert one["steps_ratio"] == pytest.approx((250 * 255 * 260) ** (1 / 3) / 500)
    assert one["steps_ratio_low"] < one["steps_ratio"] < one["steps_ratio_high"]
    assert (one["n"], one["censored"]) == (3, 0)
    assert rows.loc["left over", "steps_ratio"] == pytest.approx(1)
    assert "lecun_normal" in view(page, "same").inner_text()


def test_claims_stand_with_their_rules_and_cases(page, results):
    rows = pd.read_csv(results / "claims.csv")
    section = view(page, "claims")
    assert section.locator("figure.verdicts .chip").count() > 0
    entries = section.locator(".claim")
    assert entries.count() == rows["claim"].nunique()
    fails = entries.filter(has_text="The plain RNN fails on long lags that LSTM solves.")
    said = fails.inner_text()
    assert "? open" in said
    assert "3 of at least 5 seeds" in said
    assert "It takes at least 5 seeds; here are 3." in said
    assert "snakemake --cores all --config results=results/cells 'studies=[cells]'" in said
    assert "It does not if the one does, and the interval of the difference" in said
    assert re.search(r"\d \(\S+ to \S+\), 3 seeds", said)
    assert "JAX" not in said, "what did not pass the gate is in no claim"
    pascanu = entries.filter(has_text="Pascanu").first.inner_text()
    assert "– not run" in pascanu
    assert "'studies=[clipping]'" in pascanu
    assert section.locator("figure svg").count() > 0


def test_a_claim_on_the_board_leads_to_its_numbers(page):
    page.goto(page.url.split("#")[0] + "#claims")
    chip = page.locator(".chip", has_text="The plain RNN fails on long lags that LSTM solves").first
    assert chip.get_attribute("title").endswith("3 seeds")
    chip.click()
    claim = page.locator(".claim:focus")
    assert "The plain RNN fails on long lags" in claim.inner_text()
    assert "?open=claims-" in page.url


def test_parameters_by_framework_take_two_clicks(page):
    page.locator("#navigation a", has_text="Same model?").click()
    page.locator("#parameters > summary").click()
    table = page.locator("#parameters table").first
    assert table.is_visible()
    heads = table.locator("thead th").all_inner_texts()
    row = table.locator("tbody tr", has_text="adding problem").first
    assert heads == ["model", "cell", "JAX", "PyTorch"]
    assert re.search(r"\d", row.inner_text())


@pytest.mark.parametrize("name", ["verified", "verify", "compare", "published"])
def test_what_the_page_has_no_view_for_is_said_among_the_runs(page, name):
    page.goto(page.url.split("#")[0] + f"#{name}")
    beyond = page.locator("#beyond")
    assert beyond.is_visible()
    assert "make verify" in beyond.inner_text()
    assert "make compare OTHER=PATH" in beyond.inner_text()


def test_the_advice_says_what_it_cannot_tell(page):
    view(page, "accuracy")
    row = page.locator("#advice tbody tr").first.inner_text()
    assert "adding" in row
    assert "we cannot tell" in row
    assert "3 of at least 5 seeds" in row


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        ("the clock's interval of jax/manual/gru / jax_0_4_31/scan/lstm",
         "the clock's interval of JAX GRU (manual) / JAX 0.4.31 LSTM (scan)"),
        ("furthest apart of 3 pairs: jax and pytorch",
         "furthest apart of 3 pairs: JAX and PyTorch"),
        ("refuted if it were the only claim, not after Holm over the 8 of long lags; -0.20",
         "would be refuted if it were the only claim, but not after Holm's correction for the 8 "
         "claims on long lags; −0.20"),
        ("needs the studies gates, recall", "needs the studies “gates” and “recall”"),
        ("mean lead by sequence_length 50: 0, 100: -0.099; p 9.5e-12",
         "mean lead by sequence length 50: 0, 100: −0.099; p 9.5·10⁻¹²"),
        # What only looks like it stays: dates, files, options, quotients.
        ("2026-11-28, results/runs/a-1.json, commit 4e12, --seed 0, within 1/1.25",
         "2026-11-28, results/runs/a-1.json, commit 4e12, --seed 0, within 1/1.25"),
        (None, ""),
    ],
)  # fmt: skip
def test_details_have_the_pages_names_and_signs(detail, said):
    assert words.told(detail) == said


def test_a_track_is_called_by_what_it_changes():
    known = tracks.rows(["matched", "recall20", "gone"])
    assert known == [{"track": "recall20", "what": "delayed recall at a delay of 20"}]
    words.entitle({}, {"recall20": known[0]["what"]})
    names = ("recall20", "matched", "recall_40")
    assert [words.track(name) for name in names] == [
        "delayed recall at a delay of 20", "same start and rule", "recall 40",
    ]  # fmt: skip
    words.entitle({}, {})


def test_speed_without_and_with_times(results, tmp_path, browser):
    """Empty tables, then a shape with a kernel that was not there, whose reason is escaped."""
    for path in results.glob("*.csv"):
        (tmp_path / path.name).write_text(path.read_text())
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in layout.names("timing")}

    def shown() -> str:
        for name, table in rows.items():
            layout.write(tmp_path, name, table)
        write_report(tmp_path)
        page = browser.new_page()
        page.goto((tmp_path / "report.html").as_uri())
        text = page.locator("#speed").inner_text()
        assert page.evaluate("window.hacked") is None
        page.close()
        return text

    assert "Nothing has been timed" in shown()
    sizes = {"shape": "tiny", "batch": 4, "sequence_length": 3, "input_size": 2, "hidden": 4}
    method = {"framework": "jax", "kernel": "manual", "cell": "gru", "phase": "step"}
    row = sizes | {"layers": 1} | method
    milliseconds = {"median_ms": 1.5, "low_ms": 1.25, "high_ms": 1.75, "peak_fraction": 0.41}
    rows["timing"] = [row | milliseconds, row | {"cell": "lstm", "warning": EVIL}]
    names = {"numerator": "jax/manual/gru/again", "denominator": "jax/manual/gru"}
    rows["speed_ratios"] = [
        {"shape": "tiny", "kind": "aa", "ratio": 1.01, "low": 0.99, "high": 1.03} | names
    ]
    text = shown()
    assert "1.25 to 1.75" in text
    assert "41 %" in text
    assert EVIL in text
    assert "1.01 [0.99, 1.03]" in text
    assert "No sweeps" in text


def test_every_link_leads_somewhere(page, results):
    for link in page.locator("a").all():
        target = link.get_attribute("href")
        if target.startswith("#"):
            assert page.locator(target).count() == 1, target
        else:
            assert (results / target).is_file(), target


def test_figures_are_named_and_drawn_in_the_pages_colours(page):
    view(page, "same")
    assert page.locator("#defaults figure svg").get_attribute("aria-label") == (
        "What each framework's defaults change on adding problem"
    )
    view(page, "learning")
    figures = page.locator("#curves figure svg")
    assert figures.first.get_attribute("aria-label").startswith("Learning curves, adding problem")
    box = figures.first.bounding_box()
    assert box["width"] > 600
    assert box["height"] > 100
    assert "currentColor" in figures.first.inner_html()


def test_dark_and_light_differ(browser, results):
    colours = set()
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme)
        page.goto((results / "report.html").as_uri())
        colours.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        page.close()
    assert len(colours) == 2


def test_nothing_is_wider_than_a_phone(browser, results):
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto((results / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(UserError, match=r"runs\.csv: is not there; run the pipeline first"):
        write_report(tmp_path)


def test_tables_of_an_empty_folder(tmp_path):
    with pytest.raises(UserError, match="there is no record"):
        stage.write(tmp_path)


def test_scores_table(results):
    scores = pd.read_csv(results / "scores.csv")
    scores = scores[scores["track"] == "matched"].set_index(["framework", "cell"])
    solved = scores.loc[("jax", "lstm")]
    assert (solved["median"], solved["lowest"], solved["highest"]) == (0.002, 0.001, 0.003)
    assert (solved["state"], solved["solved"], solved["median_steps_to_solve"]) == (
        "solved", 3, 500,
    )  # fmt: skip
    assert scores.loc[("jax", "rnn"), "state"] == "at baseline"
    assert scores.loc[("jax", "gru"), "state"] == "above baseline"
    failed = scores.loc[("pytorch", "gru")]
    assert (failed["state"], failed["ended_well"]) == ("failed", 0)


def test_a_seed_that_did_not_solve_counts_as_later_and_only_planned_runs_count(tmp_path):
    runs = [Run("adding", "jax", "gru", "matched", seed) for seed in range(4)]
    for run, score, steps in zip(runs, (1e-3, 1e-3, 0.1, 1e-3), (400, 600, None, 100), strict=True):
        records.write(run.path(tmp_path), record(run, score) | {"steps_to_solve": steps})
    asked.write_plan(tmp_path, tuple(runs[:3]), [])
    stage.write(tmp_path)
    (row,) = pd.read_csv(tmp_path / "scores.csv").to_dict("records")
    assert (row["runs"], row["solved"], row["median_steps_to_solve"]) == (3, 2, 600)
    assert row["comparable"], "nothing was checked"


def test_cost_table(results):
    """Twenty-four runs of 30 s, 23 s of them in 23 later chunks and 1 s in the first one."""
    cost = pd.read_csv(results / "cost.csv").set_index("phase")
    assert cost["core_seconds"].sum() == pytest.approx(24 * 30)
    assert cost.loc["training", "core_seconds"] == pytest.approx(24 * 24)
    assert cost.loc["compile", "core_seconds"] == pytest.approx(0)
    assert cost.loc["rest", "core_seconds"] == pytest.approx(24 * 1)
    assert cost["share"].sum() == pytest.approx(1, abs=1e-3)
