"""``python -m benchmarks.scale``: what twenty thousand runs cost beside their training.

The runs are made up (:mod:`benchmarks.made_up`): they train nothing, all else is real. There is no
gate and no clock, whose cost does not hang on the number of runs. With each size: the plan (a dry
run), the whole pipeline, a second call that has nothing to do, each stage of the tables and the
page alone, the page in Chromium, a merge of the same runs in parts, and Snakemake alone on the same
graph with jobs that do nothing. Seconds of the processor count all processes, whatever else the
machine does meanwhile; seconds of the clock mean something on a quiet one only.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from benchmarks import made_up, report_page
from benchmarks.made_up import Cost

Row = dict[str, object]
# What must hold at twenty thousand runs.
BOUNDS = {
    "plan": ("wall_s", 20.0), "second call": ("wall_s", 30.0), "a run": ("cpu_s", 0.15),
    "main process": ("share", 0.05), "tables and page": ("wall_s", 60.0),
    "page opened": ("wall_s", 2.0),
}  # fmt: skip
MEMORY_MB = 2000.0
# The same graph, and nothing of ours.
ANCHOR = """
R = "runs/{{task}}-{{framework}}-{{cell}}-matched-seed{{seed}}"

wildcard_constraints: task="[a-z]+", framework="[a-z_]+", cell="[a-z]+", seed="[0-9]+"

rule all:
    input: "page"

rule train:
    output: json=R + ".json", npz=R + ".npz"
    log: "logs/{{task}}-{{framework}}-{{cell}}-{{seed}}.log"
    benchmark: "benchmarks/{{task}}-{{framework}}-{{cell}}-{{seed}}.tsv"
    params: run=lambda wildcards: f"--seed {{wildcards.seed}}"
    shell: "touch {{output}} 2> {{log}} # {{params.run}}"

rule page:
    input:
        expand(R + ".json", task={tasks}, framework={frameworks}, cell={cells}, seed=range({seeds}))
    output: "page"
    shell: "touch {{output}}"
"""


def row(runs: int, what: str, cost: Cost, each: bool = False) -> Row:
    """A row of the table; with ``each``, the processor's seconds are those of one run."""
    cpu = cost.cpu / runs if each else cost.cpu
    return {
        "runs": runs, "what": what, "wall_s": round(cost.wall, 1), "cpu_s": round(cpu, 4),
        "share": round(cost.main / cost.wall, 4), "most_mb": round(cost.most_mb),
        "status": cost.status,
    }  # fmt: skip


def say(one: Row) -> Row:
    """Print a row as soon as it is there."""
    bound = BOUNDS.get(str(one["what"]))
    wanted = "" if bound is None else f" (wanted at 20,000: {bound[0]} at most {bound[1]})"
    print("; ".join(f"{key} {value}" for key, value in one.items()) + wanted, flush=True)
    return one


def pipeline(folder: Path, runs: int, cores: int) -> list[Row]:
    """The plan, all of the pipeline, and a second call."""
    log = folder / "pipeline.log"
    plan = made_up.measure(made_up.snakemake(cores, "-n"), folder, log)
    rows = [say(row(runs, "plan", plan))]
    records = made_up.measure(made_up.snakemake(cores, "--until", "train"), folder, log)
    rows.append(say(row(runs, "a run", records, each=True)))
    # What the plan costs comes once, however long the runs are.
    main = Cost(0, records.wall, records.main, records.main - plan.main, records.most_mb, "")
    rows.append(say(row(runs, "main process", main, each=True)))
    rest = made_up.measure(made_up.snakemake(cores), folder, log)
    rows.append(say(row(runs, "tables and page by the pipeline", rest)))
    again = made_up.measure(made_up.snakemake(cores), folder, log)
    return [*rows, say(row(runs, "second call", again))]


def stages(folder: Path, results: str, runs: int) -> list[Row]:
    """What makes the tables and the page, one after the other, and their sum."""
    analysis, costs = [sys.executable, "-m", "analysis"], []
    commands = {"tables": [*analysis, "tables"]}
    commands |= {f"insides {t}": [*analysis, "insides", "--task", t] for t in made_up.TASKS}
    commands |= {
        "insides": [*analysis, "insides", "--join"], "evidence": [*analysis, "evidence"],
        "published": [*analysis, "published"], "report": [sys.executable, "-m", "report"],
    }  # fmt: skip
    rows = []
    for name, words in commands.items():
        costs.append(made_up.measure([*words, "--results", results], folder))
        rows.append(say(row(runs, name, costs[-1])))
    total = Cost(
        max(cost.status for cost in costs), sum(cost.wall for cost in costs),
        sum(cost.cpu for cost in costs), 0.0, max(cost.most_mb for cost in costs), "",
    )  # fmt: skip
    return [*rows, say(row(runs, "tables and page", total))]


def browsed(page: Path, runs: int) -> list[Row]:
    """How long a reader waits for the page in Chromium."""
    seconds = report_page.opened(page)
    return [say({"runs": runs, "what": "page opened", "wall_s": round(seconds, 2)})]


def merged(folder: Path, results: str, runs: int, parts: int) -> list[Row]:
    """A merge of the same runs in parts."""
    cut = [sys.executable, "-m", "benchmarks.parts", results, str(parts)]
    made = made_up.measure(cut, folder)
    names = made.said.split() if not made.status else []
    merge = [sys.executable, "-m", "analysis", "merge", *names, "--results", f"{results}-merged"]
    return [say(row(runs, f"merge of {parts} parts", made_up.measure(merge, folder)))]


def anchor(folder: Path, runs: int, cores: int) -> list[Row]:
    """Snakemake alone on the same graph: its plan, its jobs that do nothing, its second call."""
    folder.mkdir()
    axes = {"tasks": made_up.TASKS, "frameworks": made_up.FRAMEWORKS, "cells": made_up.CELLS}
    text = ANCHOR.format(seeds=runs // made_up.EACH, **axes)
    (folder / "Snakefile").write_text(text, encoding="utf-8")
    profile = made_up.ROOT / "profiles" / "default"
    words = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--workflow-profile",
             str(profile)]  # fmt: skip
    rows = []
    for what, more in (("plan", ["-n"]), ("a run", []), ("second call", [])):
        cost = made_up.measure([*words, *more], folder)
        rows.append(say(row(runs, f"Snakemake alone: {what}", cost, each=what == "a run")))
    return rows


def main() -> None:
    """Measure each size, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, nargs="+", default=[2000, 20000])
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--parts", type=int, default=8, help="of the merge")
    parser.add_argument("--folder", type=Path, help="keep what is made here")
    parser.add_argument("--no-anchor", action="store_true", help="leave out Snakemake alone")
    parser.add_argument("--output", type=Path, help="write the table here (CSV)")
    asked = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="gatebench-") as name:
        for runs in asked.runs:
            home = (asked.folder or Path(name)) / f"{runs}"
            home.mkdir(parents=True)
            folder = made_up.project(home / "project", max(1, runs // made_up.EACH))
            results = str(made_up.configuration()["results"])
            rows += pipeline(folder, runs, asked.cores)
            rows += stages(folder, results, runs)
            rows += browsed(folder / results / "report.html", runs)
            rows += merged(folder, results, runs, asked.parts)
            if not asked.no_anchor:
                rows += anchor(home / "anchor", runs, asked.cores)
            made_up.table(rows, asked.output)


if __name__ == "__main__":
    main()
