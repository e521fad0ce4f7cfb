"""The page: tables in, one self-contained HTML file out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from analysis.evidence import published
from analysis.evidence.claims import VERDICTS
from harness.files import write_text
from report import cell_styles, curves, drawing, embed, figures, reading, sections, sides
from report.answers import answers
from report.numbers import interval, number
from report.reading import Tables
from report.references import references

HERE = Path(__file__).resolve().parent


def write_report(results: Path) -> None:
    """Write ``report.html`` into ``results`` from the tables there.

    Raises :class:`UserError` when there are no runs or a table is damaged.
    """
    tables = reading.read(results)
    frameworks = sorted(set(tables["runs"]["framework"]))
    scripts, allowed = embed.script()
    carried = _carried(tables)
    data, embedded = embed.data_block(carried)
    everyone = sorted({*frameworks, *tables["timing"]["framework"]})
    drawn = drawing.draw(drawing.jobs(tables, everyone))
    page = _environment(results).get_template("page.html").render(
        style=Markup((HERE / "style.css").read_text(encoding="utf-8")),
        library_style=embed.library()[0],
        script=scripts,
        allowed=allowed,
        data=data,
        embedded=[name for name in embedded if len(carried[name])],
        tables={
            name: sections.rows(tables[name])
            for name in (
                "attribution", "classical", "cost", "frameworks", "machines",
                "parameter_counts", "published", "published_runs", "tasks",
            )
        },
        count=len(tables["runs"]),
        answers=answers(tables),
        provenance=_provenance(tables),
        choices=_choices(tables),
        matrix=sections.matrix(tables),
        columns=sections.methods(tables["scores"]),
        cells=cell_styles.in_order(tables["scores"]["cell"]),
        equations=cell_styles.equations(tables["runs"]["cell"]),
        problems=sections.rows(tables["runs"][tables["runs"]["status"] != "ok"]),
        frameworks=frameworks,
        key=figures.key(everyone, cell_styles.in_order(tables["runs"]["cell"])),
        curves={
            task: [figure | {"svg": Markup(figure["svg"])} for figure in drawn["curves", task]]
            for task in tables["tasks"]["task"]
        },
        most_seeds=curves.MOST_SEEDS,
        gate=sections.by_check(tables["conformance_summary"]),
        horizons=sections.horizons(tables["divergence_summary"]),
        thresholds=sorted(set(tables["divergence_summary"]["threshold"])),
        attributions={
            task: Markup(drawn["attribution", task]) for task in tables["tasks"]["task"]
        },
        claims=sections.by_group(tables["claims"]),
        advice=sections.advice(tables, drawn),
        forests={key[1]: Markup(svg) for key, svg in drawn.items() if key[0] == "forest"},
        verdict_class=dict(zip(VERDICTS, ("solved", "failed", "above", "at"), strict=True)),
        verdict_mark=dict(zip(VERDICTS, "✓✕?–", strict=True)),
        reached=dict(zip(published.VERDICTS, (
            ("solved", "✓"), ("solved", "✓"), ("failed", "✕"), ("above", "?"), ("at", "–")
        ), strict=True)),
        verified=sides.section(tables, "verify"),
        compared=sides.section(tables, "compare"),
        insides=sections.inside(tables, drawn),
        speed=sections.clock(tables, drawn),
        references=references(_sources(tables)),
        missing=tables.missing,
        long=sorted(set(tables) - set(embedded) - {"frameworks"}),
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


def _carried(tables: Tables) -> dict[str, pd.DataFrame]:
    """What the page would carry inside; methods are summaries with their scores' states."""
    method = ["task", "framework", "cell", "track"]
    states = [*method, "state", "to_best", "comparable"]
    summary = tables["summary"] if len(tables["summary"]) else tables["scores"]
    methods = summary.drop(columns=["state", "to_best", "comparable"], errors="ignore").merge(
        tables["scores"][states], how="outer", on=method
    )
    first = [*method, "state", "n", "median", "to_best", "solve_rate", "steps"]
    first = [name for name in first if name in methods]
    methods = methods[[*first, *(name for name in methods if name not in first)]]
    return {"methods": methods} | {n: t for n, t in tables.items() if n != "frameworks"}


def _choices(tables: Tables) -> dict[str, list[str]]:
    """What can be filtered by, and the baselines."""
    runs = tables["runs"]
    return {
        "task": list(dict.fromkeys(runs["task"])),
        "framework": sorted(set(runs["framework"])),
        "cell": cell_styles.in_order(runs["cell"]),
        "track": sections.present(runs["track"], sections.TRACKS),
        "status": sections.present(runs["status"], ("ok",)),
        "baseline": sorted(set(tables["ratios"]["baseline"])),
    }


def _provenance(tables: Tables) -> dict[str, Any]:
    """Machine, versions, commits, dates, budget, and what the clock can tell."""
    runs, machines = tables["runs"], sections.rows(tables["machines"])
    ratios = tables["speed_ratios"]
    # Not those of the sweeps, which have no peak of their own.
    shapes = set(tables["peaks"]["shape"])
    return {
        "machines": list(dict.fromkeys(
            f"{m['processor']}, {m['cores']} cores, {m['memory_gb']} GB, {m['system']}"
            for m in machines)),
        "versions": versions([row["packages"] for row in machines]),
        "commits": [str(commit)[:12] for commit in dict.fromkeys(runs["git_commit"].dropna())],
        "changed": any("+changes" in str(commit) for commit in runs["git_commit"]),
        "first": str(runs["finished"].min())[:10],
        "last": str(runs["finished"].max())[:10],
        "seeds": runs["seed"].nunique(),
        "threads": ", ".join(str(n) for n in dict.fromkeys(runs["threads"].dropna())),
        "devices": ", ".join(str(n) for n in dict.fromkeys(runs["device"].dropna())),
        "core_hours": float(tables["cost"]["core_seconds"].sum()) / 3600 or None,
        "controls": sections.rows(ratios[(ratios["kind"] == "aa") & ratios["shape"].isin(shapes)]),
    }  # fmt: skip


def versions(packages: list[str | None]) -> list[str]:
    """Python and, of every record's packages, the framework's own: the first that it names."""
    found: list[str] = []
    for text in packages:
        beside = [part for part in (text or "").split(", ") if not part.startswith("numpy ")]
        found += filter(None, beside[:2])
    return list(dict.fromkeys(found))


def _sources(tables: Tables) -> list[str]:
    return [
        *(cell["source"] for cell in cell_styles.equations(tables["runs"]["cell"])),
        *tables["tasks"]["references"].dropna(),
        *tables["claims"]["source"].dropna(),
        *tables["published"]["source"].dropna(),
    ]


def paragraphs(text: str | None) -> list[tuple[str, str]]:
    """A docstring's paragraphs without code quotes: ``text``, or ``equation`` if indented.

    An equation keeps its lines; all else is one line.
    """
    found = []
    for part in re.split(r"\n\s*\n", (text or "").strip().replace("``", "")):
        lines = part.splitlines()
        if lines and all(line.startswith("    ") for line in lines):
            found.append(("equation", "\n".join(line.strip() for line in lines)))
        else:
            found.append(("text", re.sub(r"\s+", " ", part)))
    return found
