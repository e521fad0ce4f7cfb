"""The page: tables in, one self-contained HTML file out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from harness.claims import VERDICTS
from harness.files import write_text
from harness.insides import NAMES as INSIDES
from report import curves, embed, insides, reading
from report.answers import answers
from report.figures import CELL_ORDER, attribution
from report.forest import forest
from report.numbers import interval, number
from report.reading import Tables

HERE = Path(__file__).resolve().parent
TRACKS = ("matched", "native")
STATISTICS = {
    "Agarwal et al. 2021, Deep reinforcement learning at the edge of the statistical precipice",
    "Holm 1979, A simple sequentially rejective multiple test procedure",
    "Newcombe 1998, Interval estimation for the difference between independent proportions",
    "Schuirmann 1987, A comparison of the two one-sided tests procedure and the power approach",
    "Wilson 1927, Probable inference, the law of succession, and statistical inference",
}


def write_report(results: Path) -> None:
    """Write ``report.html`` into ``results`` from the tables there.

    Raises :class:`UserError` when there are no runs or a table is damaged.
    """
    tables = reading.read(results)
    frameworks = sorted(set(tables["runs"]["framework"]))
    scripts, allowed = embed.script()
    embedded = _embedded(tables)
    page = _environment(results).get_template("page.html").render(
        style=Markup((HERE / "style.css").read_text(encoding="utf-8")),
        library_style=embed.library()[0],
        script=scripts,
        allowed=allowed,
        data=embed.data_block(embedded),
        embedded=[name for name, frame in embedded.items() if len(frame)],
        tables={
            name: rows(tables[name])
            for name in (
                "advice", "attribution", "classical", "cost", "frameworks", "machines",
                "parameter_counts", "tasks",
            )
        },
        count=len(tables["runs"]),
        answers=answers(tables),
        provenance=_provenance(tables),
        choices=_choices(tables),
        matrix=_matrix(tables),
        columns=_methods(tables["scores"]),
        cells=_present(tables["scores"]["cell"], CELL_ORDER),
        problems=rows(tables["runs"][tables["runs"]["status"] != "ok"]),
        frameworks=frameworks,
        curves={
            row["task"]: [v | {"svg": Markup(v["svg"])} for v in curves.variants(
                tables["curves"], tables["curves_summary"], row, frameworks)]
            for _, row in tables["tasks"].iterrows()
        },
        most_seeds=curves.MOST_SEEDS,
        gate=_by_check(tables["conformance_summary"]),
        horizons=_horizons(tables["divergence_summary"]),
        thresholds=sorted(set(tables["divergence_summary"]["threshold"])),
        attributions={
            row["task"]: Markup(attribution(tables["attribution"], row, frameworks))
            for _, row in tables["tasks"].iterrows()
        },
        claims=_by_group(tables["claims"]),
        forests={
            group: Markup(forest(tables["claims"], group, frameworks))
            for group in tables["claims"]["group"].unique()
        },
        verdict_class=dict(zip(VERDICTS, ("solved", "failed", "above", "at"), strict=True)),
        verdict_mark=dict(zip(VERDICTS, "✓✕?–", strict=True)),
        insides=_insides(tables),
        references=_references(tables),
        missing=tables.missing,
        names=[f"{n}.csv" for n in reading.COLUMNS if n not in tables.missing],
    )  # fmt: skip
    write_text(results / "report.html", page)


def _environment(results: Path) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "interval": interval, "paragraphs": paragraphs}
    environment.globals["command"] = lambda name: reading.COMMANDS[name].format(folder=results)
    return environment


def _embedded(tables: Tables) -> dict[str, pd.DataFrame]:
    """The tables that the page carries inside; methods are summaries with their scores' states."""
    method = ["task", "framework", "cell", "track"]
    states = [*method, "state", "to_best", "comparable"]
    summary = tables["summary"] if len(tables["summary"]) else tables["scores"]
    methods = summary.drop(columns=["state", "to_best", "comparable"], errors="ignore").merge(
        tables["scores"][states], how="outer", on=method
    )
    everything = {"methods": methods} | {n: t for n, t in tables.items() if n != "frameworks"}
    return {n: t for n, t in everything.items() if len(t) <= embed.MOST_ROWS}


def _choices(tables: Tables) -> dict[str, list[str]]:
    """What can be filtered by, and the baselines."""
    runs = tables["runs"]
    return {
        "task": list(dict.fromkeys(runs["task"])),
        "framework": sorted(set(runs["framework"])),
        "cell": _present(runs["cell"], CELL_ORDER),
        "track": _present(runs["track"], TRACKS),
        "status": _present(runs["status"], ("ok",)),
        "baseline": sorted(set(tables["ratios"]["baseline"])),
    }


def _provenance(tables: Tables) -> dict[str, Any]:
    """Machine, versions, commits, dates, budget, and what the clock can tell."""
    runs, machines = tables["runs"], rows(tables["machines"])
    versions: dict[str, str] = {}
    for row in machines:
        found = dict(part.split(" ", 1) for part in row["packages"].split(", ") if " " in part)
        own = {"pytorch": "torch"}.get(row["framework"], row["framework"])
        for name in ("python", own):
            versions[name] = found.get(name, found.get(f"{name}-cpu", "?"))
    ratios = tables["speed_ratios"]
    return {
        "machines": list(dict.fromkeys(
            f"{m['processor']}, {m['cores']} cores, {m['memory_gb']} GB, {m['system']}"
            for m in machines)),
        "versions": [f"{name} {version}" for name, version in versions.items()],
        "commits": [str(commit)[:12] for commit in dict.fromkeys(runs["git_commit"].dropna())],
        "changed": any("+changes" in str(commit) for commit in runs["git_commit"]),
        "first": str(runs["finished"].min())[:10],
        "last": str(runs["finished"].max())[:10],
        "seeds": runs["seed"].nunique(),
        "threads": ", ".join(str(n) for n in dict.fromkeys(runs["threads"].dropna())),
        "devices": ", ".join(str(n) for n in dict.fromkeys(runs["device"].dropna())),
        "core_hours": float(tables["cost"]["core_seconds"].sum()) / 3600,
        "controls": rows(ratios[ratios["kind"] == "aa"]),
    }  # fmt: skip


def _references(tables: Tables) -> list[str]:
    """What the tasks, the claims and the statistics are from."""
    texts = [*tables["tasks"]["references"].dropna(), *tables["claims"]["source"].dropna()]
    return sorted({part.strip() for text in texts for part in str(text).split(";")} | STATISTICS)


def _insides(tables: Tables) -> dict[str, Any]:
    """The section "Inside the gates"; without one of its tables, the name of that table."""
    missing = [name for name in INSIDES if name in tables.missing]
    if missing:
        return {"tables": None, "missing": missing[0]}
    draw = {
        "gradient_flow": (insides.gradient_flow, "gradient_flow"),
        "decay": (insides.decay, "gradient_flow"),
        "saturation": (insides.saturation, "gates"),
        "time_scales": (insides.time_scales, "gates"),
        "memory_probe": (insides.memory_probe, "memory_probe"),
        "dynamics": (insides.dynamics, "dynamics"),
    }
    figures = {
        name: {task: Markup(figure(tables[table], task)) for task in tables["tasks"]["task"]}
        for name, (figure, table) in draw.items()
    }
    probes = tables["memory_probe"].drop_duplicates("task")
    return figures | {
        "tables": {"insides_skipped": rows(tables["insides_skipped"])},
        "metrics": dict(zip(probes["task"], probes["metric"], strict=True)),
    }


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The table's rows, with None where a value is missing."""
    return [
        {str(k): (None if pd.isna(v) else v) for k, v in row.items()}
        for row in frame.to_dict("records")
    ]


def _present(column: Iterable[Any], order: tuple[str, ...]) -> list[str]:
    found = {str(name) for name in column}
    return [name for name in order if name in found] + sorted(found - set(order))


def _methods(scores: pd.DataFrame) -> list[tuple[str, str]]:
    """The matrix's columns, (framework, cell)."""
    found = set(zip(scores["framework"], scores["cell"], strict=True))
    cells = _present(scores["cell"], CELL_ORDER)
    return sorted(found, key=lambda method: (method[0], cells.index(method[1])))


def _matrix(tables: Tables) -> dict[str, dict[str, dict[tuple[str, str], Any]]]:
    """The matrix: by task and track, each (framework, cell) with its state and its interval."""
    method = ["task", "framework", "cell", "track"]
    summary = tables["summary"][[*method, "n", "median_low", "median_high"]]
    joined = tables["scores"].merge(summary, how="left", on=method)
    matrix: dict[str, dict[str, dict[tuple[str, str], Any]]] = {}
    for row in rows(joined[joined["track"].isin(TRACKS)]):
        tracks = matrix.setdefault(row["task"], {})
        tracks.setdefault(row["track"], {})[row["framework"], row["cell"]] = row
    return matrix


def _by_check(summary: pd.DataFrame) -> dict[tuple[str, str], dict[tuple[str, str], Any]]:
    """The gate's matrix: rows (check, type), columns (framework, cell)."""
    matrix: dict[tuple[str, str], dict[tuple[str, str], Any]] = {}
    for row in rows(summary):
        matrix.setdefault((row["check"], row["dtype"]), {})[row["framework"], row["cell"]] = row
    return matrix


def _horizons(summary: pd.DataFrame) -> dict[tuple[str, ...], dict[float, Any]]:
    """When frameworks part: rows (task, cell, framework, other), columns the thresholds."""
    matrix: dict[tuple[str, ...], dict[float, Any]] = {}
    for row in rows(summary):
        key = (row["task"], row["cell"], row["framework"], row["other_framework"])
        matrix.setdefault(key, {})[row["threshold"]] = row
    return matrix


def _by_group(claims: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """The claims by group: what is said once, how many cases have which verdict, and the cases."""
    groups: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows(claims):
        entry = groups.setdefault(row["group"], {}).setdefault(
            row["claim"], row | {"rows": [], "verdicts": {}}
        )
        entry["rows"].append(row)
        entry["verdicts"][row["verdict"]] = entry["verdicts"].get(row["verdict"], 0) + 1
    return {group: list(entries.values()) for group, entries in groups.items()}


def paragraphs(text: str | None) -> list[str]:
    """A docstring's paragraphs, each on one line, without code quotes."""
    parts = re.split(r"\n\s*\n", (text or "").strip())
    return [re.sub(r"\s+", " ", part).replace("``", "") for part in parts]
