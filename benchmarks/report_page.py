"""How long the page takes with 20,000 runs: ``python -m benchmarks.report_page``.

The tables are made up, of the size and form of real ones; their numbers mean nothing. With
``--browser`` it also says how long a reader waits in Chromium for what one click does.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from playwright.sync_api import Page, sync_playwright

from analysis.evidence.comparisons import RATIOS
from harness import layout
from harness.layout import SETTING

METHOD = ["task", "framework", "cell", "track"]
FRAMEWORKS, CELLS, TRACKS = ("jax", "pytorch", "tensorflow"), ("rnn", "gru", "lstm"), (
    "matched", "native")  # fmt: skip
SETTINGS = {
    "layers": 1, "hidden": 64, "batch": 32, "steps": 2000, "learning_rate": 0.01,
    "evaluate_every": 100,
}  # fmt: skip


def made_up(tasks: list[str], seeds: int, points: int) -> dict[str, pd.DataFrame]:
    """Tables of ``seeds`` runs of every method on ``tasks``, with ``points`` on every curve."""
    rng = np.random.default_rng(0)
    names = [*METHOD, "seed"]
    grid = pd.MultiIndex.from_product([tasks, FRAMEWORKS, CELLS, TRACKS, range(seeds)], names=names)
    runs = grid.to_frame(index=False)
    n = len(runs)
    solves = runs["cell"].ne("rnn")
    runs = runs.assign(
        status="ok", error=None, parameters=17_217,
        score=np.where(solves, 0.004, 0.16) * rng.lognormal(0, 0.3, n),
        baseline=1 / 6, solved_at=0.01, solved=solves, steps=2000,
        steps_to_solve=np.where(solves, rng.integers(3, 15, n) * 100.0, np.nan),
        train_seconds=rng.lognormal(3, 0.2, n).round(3), step_ms=rng.lognormal(2, 0.2, n).round(4),
        total_seconds=30.0, peak_rss_mb=400.0, device="cpu", kernel="stock", threads=1,
        data_sha256="a" * 64, weights_sha256=[f"{i:064x}" for i in range(n)],
        losses_sha256=[f"{i + n:064x}" for i in range(n)],
        machine=runs["framework"].map({name: place for place, name in enumerate(FRAMEWORKS)}),
        git_commit="0123456789abcdef", finished="2026-01-01T00:00:00+00:00",
        **{f"{SETTING}{name}": value for name, value in SETTINGS.items()},
    )  # fmt: skip
    words = ("--task ", "--framework ", "--cell ", "--track ", "--seed ")
    runs["command"] = "python -m harness train"
    for word, name in zip(words, names, strict=True):
        runs["command"] += f" {word}" + runs[name].astype(str)
    curves = runs[names].loc[runs.index.repeat(points)].reset_index(drop=True)
    curves["step"] = np.tile(np.linspace(0, 2000, points).astype(int), n)
    curves["seconds"] = curves["step"] * 0.01
    final = np.repeat(runs["score"].to_numpy(), points)
    curves["loss"] = curves["score"] = final + 0.2 * np.exp(-curves["step"] / 300)
    by = runs.groupby(METHOD, sort=False)["score"]
    scores = by.agg(median="median", lowest="min", highest="max").reset_index()
    scores = scores.assign(
        runs=seeds, ended_well=seeds, solved=np.where(scores["cell"] == "rnn", 0, seeds),
        progress=1.0, to_best=2.0, state=np.where(scores["cell"] == "rnn", "at baseline", "solved"),
        median_steps_to_solve=700.0, comparable=True, errors=None,
    )  # fmt: skip
    summary = scores[[*METHOD, "median", "lowest", "highest", "solved"]].assign(
        n=seeds, median_low=scores["lowest"], median_high=scores["highest"], solve_rate=1.0,
        rate_low=0.6, rate_high=1.0, steps=700.0, steps_low=500.0, steps_high=900.0,
    )  # fmt: skip
    points_by = curves.groupby([*METHOD, "step"], sort=False)
    curves_summary = points_by["score"].agg(
        n="count", median="median", lowest="min", highest="max").reset_index()  # fmt: skip
    curves_summary["seconds"] = curves_summary["step"] * 0.01
    return {
        "runs": runs, "curves": curves, "curves_summary": curves_summary, "scores": scores,
        "summary": summary, "ratios": _ratios(scores),
        "tasks": pd.DataFrame({
            "task": tasks, "summary": "A task.", "metric": "mean squared error",
            "direction": "lower", "baseline": 1 / 6, "solved": 0.01,
            "settings": "; ".join(f"{k} {v}" for k, v in SETTINGS.items()),
            "references": "Nobody 2026", "documentation": "A task that was made up.",
        }),
        "machines": pd.DataFrame({
            "machine": range(len(FRAMEWORKS)), "framework": FRAMEWORKS, "generation": "one",
            "packages": [f"python 3.11, {f} 1.0" for f in FRAMEWORKS],
            "processor": "a processor", "cores": 2, "memory_gb": 8.0, "system": "Linux",
            "runs": n // len(FRAMEWORKS),
        }),
        "cost": pd.DataFrame({"phase": ["training"], "core_seconds": [30.0 * n], "share": [1.0]}),
    }  # fmt: skip


def _ratios(scores: pd.DataFrame) -> pd.DataFrame:
    """Every method to every other one of its task and track."""
    pairs = scores.merge(scores, on=["task", "track"], suffixes=("", "_b"))
    pairs = pairs[(pairs["framework"] != pairs["framework_b"]) | (pairs["cell"] != pairs["cell_b"])]
    ratio = pairs["median"] / pairs["median_b"]
    one = pairs[METHOD].assign(
        baseline=pairs["framework_b"] + "/" + pairs["cell_b"], n=5, ratio=ratio, low=0.9 * ratio,
        high=1.1 * ratio,
    )  # fmt: skip
    return pd.concat([one.assign(metric=metric) for metric in RATIOS], ignore_index=True)


def write(folder: Path, tables: dict[str, pd.DataFrame]) -> None:
    """Write ``tables`` as the results folder ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        layout.write(folder, name, table)


# What a reader does, one after the other: something to click, or a control to set or type into.
# One of several alike is the one in the view that is shown.
CLICKS = {
    "another view": ("#navigation a[href='#accuracy']", None),
    "filter": ("#accuracy [data-key=framework]", "jax"),
    "filter two": ("#accuracy [data-key=task]", "task1"),
    "all again": ("#accuracy .reset", None),
    "baseline": ("#accuracy [data-key=baseline]", "jax/lstm"),
    "the runs": ("#navigation a[href='#runs']", None),
    "every run as a table": ("[data-key=table]", "runs"),
    "sort": ("#run-view th.number .dt-column-order", None),
    "search": ("#run-view .dt-search input", "task1 gru"),
    "one run": ("#run-view a", None),
}
# From the event to the frame that shows what came of it.
WAIT = """async ([selector, value]) => {
  const started = performance.now(), one = document.querySelector(selector);
  if (value === null) one.click();
  else {
    one.value = value;
    one.dispatchEvent(new Event(one.tagName === "SELECT" ? "change" : "input", { bubbles: true }));
  }
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - started;
}"""


def waits(page: Page) -> dict[str, float]:
    """Milliseconds that each of ``CLICKS`` takes on the page."""
    return {name: page.evaluate(WAIT, list(what)) for name, what in CLICKS.items()}


def opened(report: Path, say: bool = False) -> float:
    """Seconds that the page takes to open in Chromium; ``say`` also prints a reader's waits."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page()
        started = time.perf_counter()
        page.goto(report.resolve().as_uri())
        seconds = time.perf_counter() - started
        if say:
            print(f"opened in {seconds:.1f} s")
            for name, wait in waits(page).items():
                print(f"{name}: {wait:.0f} ms")
        browser.close()
    return seconds


def chromium() -> str | None:
    """The system's browser, if there is one, else the one that Playwright installs."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


def main() -> None:
    """Build the page of made-up tables and print seconds, memory and size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=56)
    parser.add_argument("--points", type=int, default=21)
    parser.add_argument("--folder", type=Path, help="keep the tables and the page here")
    parser.add_argument("--browser", action="store_true", help="measure a reader's waits too")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        tables = made_up([f"task{i}" for i in range(given.tasks)], given.seeds, given.points)
        write(folder, tables)
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "report", "--results", str(folder)], check=True)
        seconds = time.perf_counter() - started
        most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        size = (folder / "report.html").stat().st_size / 1e6
        print(
            f"{len(tables['runs']):,} runs, {len(tables['curves']):,} points: {seconds:.1f} s, "
            f"{most:.0f} MB at most in one process, page of {size:.1f} MB"
        )
        if given.browser:
            opened(folder / "report.html", say=True)


if __name__ == "__main__":
    main()
