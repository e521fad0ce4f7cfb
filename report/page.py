"""The page: tables in, one self-contained HTML file out."""

import importlib.util
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import jinja2
from markupsafe import Markup

from harness.files import write_text
from report import embed, tables
from report.figures.drawing import Job, draw
from report.numbers import interval, number
from report.sections import SECTIONS, sides
from report.tables import Tables

HERE = Path(__file__).resolve().parent


def write_report(results: Path) -> None:
    """Write ``report.html`` into ``results`` from the tables there.

    Raises :class:`UserError` when there are no runs or a table is damaged.
    """
    script, allowed = embed.script()
    page = _environment(HERE).get_template("page.html").render(
        library_style=embed.library()[0],
        style=Markup((HERE / "style.css").read_text(encoding="utf-8")),
        script=script,
        allowed=allowed,
        navigation=SECTIONS,
        sections=zip(SECTIONS.items(), render(tables.read(results), *SECTIONS), strict=True),
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
    environment = _environment(HERE / "sections")
    macros: Any = environment.get_template("macros.html").module
    environment.globals |= {
        "rows": given.rows, "command": given.command, "missing": given.missing,
        "side": partial(sides.content, given), "table": macros.table,
    }  # fmt: skip
    return [
        Markup(environment.get_template(f"{name}.html").render(
            module.content(given) if module else {},
            figures={key: one for (section, key), one in drawn.items() if section == name},
        ))
        for name, module in modules.items()
    ]  # fmt: skip


def _module(name: str) -> ModuleType | None:
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def _environment(folder: Path) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "interval": interval}
    return environment
