"""The page: tables in, one self-contained HTML file out."""

import importlib.util
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import jinja2
from markupsafe import Markup

from harness.files import write_text
from report import embed, tables, words
from report.figures.drawing import Job, draw
from report.numbers import interval, number
from report.sections import choices, sides
from report.tables import Tables
from report.views import ALIASES, VIEWS

HERE = Path(__file__).resolve().parent


def write_report(results: Path) -> None:
    """Write ``report.html`` into ``results`` from the tables there.

    Raises :class:`UserError` when there are no runs or a table is damaged.
    """
    script, allowed = embed.script()
    given = tables.read(results)
    views = {name: view for name, view in VIEWS.items() if view.there(given)}
    names = [section for view in views.values() for section in view.sections]
    page = environment(HERE).get_template("page.html").render(
        library_style=embed.library()[0],
        style=Markup((HERE / "style.css").read_text(encoding="utf-8")),
        script=script,
        allowed=allowed,
        views=views,
        aliases=ALIASES,
        sections=dict(zip(names, render(given, *names), strict=True)),
        key=choices.key(given),
        terms=words.TERMS,
    )  # fmt: skip
    write_text(results / "report.html", page)


def render(given: Tables, *names: str) -> list[Markup]:
    """The sections of these names as HTML."""
    modules = {name: _module(f"report.sections.{name}") for name in names}
    wanted: dict[tuple[str, Any], Job] = {
        (name, key): job
        for name, module in modules.items() if module and hasattr(module, "figures")
        for key, job in module.figures(given).items()
    }  # fmt: skip
    drawn = draw(wanted) if wanted else {}
    sections = environment(HERE / "sections")
    sections.globals |= {
        "rows": given.rows, "command": given.command, "missing": given.missing,
        "side": partial(sides.content, given), "choices": choices.choices(given),
        "term": words.term,
    }  # fmt: skip
    macros: Any = sections.get_template("macros.html").module
    sections.globals |= {
        name: getattr(macros, name) for name in ("table", "fold", "lead", "filters")
    }
    return [
        Markup(sections.get_template(f"{name}.html").render(
            module.content(given) if module else {},
            figures={key: one for (section, key), one in drawn.items() if section == name},
        ))
        for name, module in modules.items()
    ]  # fmt: skip


def _module(name: str) -> ModuleType | None:
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def environment(folder: Path) -> jinja2.Environment:
    """What renders the templates of ``folder``, which escape all that they are given."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "number": number, "interval": interval, "framework": words.framework, "task": words.task,
        "cell": words.cell, "track": words.track, "told": words.told,
    }  # fmt: skip
    return made
