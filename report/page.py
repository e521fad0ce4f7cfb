"""The page: tables in, one self-contained HTML file out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from harness import evidence
from harness.claims import VERDICTS
from harness.errors import UserError
from harness.files import write_text
from harness.insides import NAMES as INSIDES
from harness.tables import NAMES
from harness.timing import NAMES as TIMING
from report import insides, speed
from report.figures import CELL_ORDER, attribution, learning_curves
from report.forest import forest
from report.numbers import number

HERE = Path(__file__).resolve().parent


def write_report(results: Path) -> None:
    """Write ``report.html`` into ``results`` from the tables there.

    Raises :class:`UserError` when a table is missing.
    """
    tables = {name: _read(results / f"{name}.csv") for name in NAMES}
    weighed = {
        name: _read(results / f"{name}.csv")
        for name in evidence.NAMES
        if (results / f"{name}.csv").exists()
    }
    claims = weighed.get("claims", pd.DataFrame(columns=["group"]))
    frameworks = sorted(set(tables["runs"]["framework"]))
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "paragraphs": paragraphs}
    page = environment.get_template("page.html").render(
        style=Markup((HERE / "style.css").read_text(encoding="utf-8")),
        tables={name: _rows(frame) for name, frame in tables.items()},
        methods=_methods(tables["scores"]),
        cells=_present(tables["scores"]["cell"], CELL_ORDER),
        cost=dict(zip(tables["cost"]["phase"], tables["cost"]["share"], strict=True)),
        problems=_rows(tables["runs"][tables["runs"]["status"] != "ok"]),
        frameworks=frameworks,
        figures={
            (task, track): Markup(learning_curves(tables["curves"], row, track))
            for task, row in tables["tasks"].set_index("task", drop=False).iterrows()
            for track in ("matched", "native")
        },
        gate=_by_check(tables["conformance_summary"]),
        horizons=_horizons(tables["divergence_summary"]),
        thresholds=sorted(set(tables["divergence_summary"]["threshold"])),
        attributions={
            row["task"]: Markup(attribution(tables["attribution"], row, frameworks))
            for _, row in tables["tasks"].iterrows()
        },
        advice=_rows(weighed.get("advice", pd.DataFrame())),
        claims=_by_group(claims),
        forests={g: Markup(forest(claims, g, frameworks)) for g in claims["group"].unique()},
        verdict_class=dict(zip(VERDICTS, ("solved", "failed", "above", "at"), strict=True)),
        verdict_mark=dict(zip(VERDICTS, "✓✕?–", strict=True)),
        insides=_insides(results, list(tables["tasks"]["task"])),
        speed=_speed(results, frameworks),
        names=[
            f"{name}.csv"
            for name in (*NAMES, *INSIDES, *TIMING, *evidence.NAMES)
            if (results / f"{name}.csv").exists()
        ],
    )
    write_text(results / "report.html", page)


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({error}); run the pipeline first.") from error


def _insides(results: Path, tasks: list[str]) -> dict[str, Any]:
    """The section "Inside the gates"; without one of its tables, the name of that table."""
    for name in INSIDES:
        if not (results / f"{name}.csv").exists():
            return {"tables": None, "missing": f"{name}.csv", "folder": results}
    tables = {name: _read(results / f"{name}.csv") for name in INSIDES}
    draw = {
        "gradient_flow": (insides.gradient_flow, "gradient_flow"),
        "decay": (insides.decay, "gradient_flow"),
        "saturation": (insides.saturation, "gates"),
        "time_scales": (insides.time_scales, "gates"),
        "memory_probe": (insides.memory_probe, "memory_probe"),
        "dynamics": (insides.dynamics, "dynamics"),
    }
    figures = {
        name: {task: Markup(figure(tables[table], task)) for task in tasks}
        for name, (figure, table) in draw.items()
    }
    probes = tables["memory_probe"].drop_duplicates("task")
    return figures | {
        "tables": {"insides_skipped": _rows(tables["insides_skipped"])},
        "metrics": dict(zip(probes["task"], probes["metric"], strict=True)),
    }


def _speed(results: Path, frameworks: list[str]) -> dict[str, Any]:
    """The section "Speed": a part for each shape; none without the clock's tables."""
    if not all((results / f"{name}.csv").exists() for name in TIMING):
        return {"shapes": []}
    tables = {name: _read(results / f"{name}.csv") for name in TIMING}
    frameworks = sorted({*frameworks, *tables["timing"]["framework"]})
    peaks = tables["peaks"]
    shapes = [
        {
            "name": name,
            "sizes": rows.iloc[0],
            "peak": _rows(peaks[(peaks["shape"] == name) & peaks["attainable"].astype(bool)]),
            "methods": _phases(rows),
            "ratios": _rows(tables["speed_ratios"][tables["speed_ratios"]["shape"] == name]),
            "steps": Markup(speed.steps(rows, frameworks)),
            "fractions": Markup(speed.fractions(rows, frameworks)),
        }
        for name, rows in tables["timing"].groupby("shape", sort=False)
        # The sweeps' shapes stand in the fits.
        if name in set(peaks["shape"]) or tables["scaling"].empty
    ]
    return {
        "shapes": shapes,
        "scaling": _rows(tables["scaling"]),
        "growth": Markup(speed.growth(tables["scaling_points"], frameworks)),
    }


def _phases(rows: pd.DataFrame) -> dict[tuple[str, str, str], dict[str, Any]]:
    """A shape's times: rows (framework, kernel, cell), columns the phases."""
    matrix: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in _rows(rows):
        place = matrix.setdefault((row["framework"], row["kernel"], row["cell"]), {})
        place[row["phase"]] = row
    return matrix


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The table's rows, with None where a value is missing."""
    return [
        {str(k): (None if pd.isna(v) else v) for k, v in row.items()}
        for row in frame.to_dict("records")
    ]


def _present(column: pd.Series[str], order: tuple[str, ...]) -> list[str]:
    found = set(column)
    return [name for name in order if name in found] + sorted(found - set(order))


def _methods(scores: pd.DataFrame) -> dict[tuple[str, str], dict[tuple[str, str], Any]]:
    """The matrix: rows (framework, track), columns (task, cell)."""
    matrix: dict[tuple[str, str], dict[tuple[str, str], Any]] = {}
    for row in _rows(
        scores[scores["track"].isin(["matched", "native"])].sort_values(["track", "framework"])
    ):
        place = matrix.setdefault((row["framework"], row["track"]), {})
        place[row["task"], row["cell"]] = row
    return matrix


def _by_check(summary: pd.DataFrame) -> dict[tuple[str, str], dict[tuple[str, str], Any]]:
    """The gate's matrix: rows (check, type), columns (framework, cell)."""
    matrix: dict[tuple[str, str], dict[tuple[str, str], Any]] = {}
    for row in _rows(summary):
        matrix.setdefault((row["check"], row["dtype"]), {})[row["framework"], row["cell"]] = row
    return matrix


def _horizons(summary: pd.DataFrame) -> dict[tuple[str, ...], dict[float, Any]]:
    """When frameworks part: rows (task, cell, framework, other), columns the thresholds."""
    matrix: dict[tuple[str, ...], dict[float, Any]] = {}
    for row in _rows(summary):
        key = (row["task"], row["cell"], row["framework"], row["other_framework"])
        matrix.setdefault(key, {})[row["threshold"]] = row
    return matrix


def _by_group(claims: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """The claims by group: what is said once, how many cases have which verdict, and the cases."""
    groups: dict[str, dict[str, dict[str, Any]]] = {}
    for row in _rows(claims):
        entry = groups.setdefault(row["group"], {}).setdefault(
            row["claim"], row | {"rows": [], "verdicts": {}}
        )
        entry["rows"].append(row)
        entry["verdicts"][row["verdict"]] = entry["verdicts"].get(row["verdict"], 0) + 1
    return {group: list(entries.values()) for group, entries in groups.items()}


def paragraphs(text: str) -> list[str]:
    """A docstring's paragraphs, each on one line, without code quotes."""
    return [
        re.sub(r"\s+", " ", part).replace("``", "") for part in re.split(r"\n\s*\n", text.strip())
    ]
