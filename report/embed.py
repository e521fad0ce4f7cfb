"""What the page carries inside: its tables as JSON, its script, the library for tables."""

import base64
import hashlib
import json
import math
import re
from itertools import accumulate
from pathlib import Path
from typing import Any

import itables
import pandas as pd
from markupsafe import Markup

from harness import layout
from harness.errors import UserError

HERE = Path(__file__).resolve().parent
SCRIPTS = ("page.js", "frame.js", "tables.js", "runs.js")
# A table with more values than these lies beside the page only, unless it is the runs; so do the
# longest ones when all together are longer than these characters.
MOST_VALUES = 120_000
MOST_CHARACTERS = 1_500_000
ALWAYS = ("methods", "runs")


def data_block(tables: dict[str, pd.DataFrame]) -> tuple[Markup, list[str]]:
    """The tables as the text of a ``<script type="application/json">``, and which found room.

    No ``<`` is left in it, so that nothing in the data can end the element. JSON knows no
    infinity: it is the text ``inf`` or ``-inf``, and what is missing is null.
    """
    texts = {
        name: json.dumps(
            _table(name, frame), ensure_ascii=False, allow_nan=False, separators=(",", ":")
        ).replace("<", "\\u003c")
        for name, frame in tables.items()
        if frame.size <= MOST_VALUES or name in ALWAYS
    }
    others = sorted(set(texts) - set(ALWAYS), key=lambda name: len(texts[name]))
    ends = accumulate(len(texts[name]) for name in others)
    dropped = {name for name, end in zip(others, ends, strict=True) if end > MOST_CHARACTERS}
    kept = [name for name in texts if name not in dropped]
    return Markup("{" + ",".join(f'"{name}":{texts[name]}' for name in kept) + "}"), kept


def _table(name: str, frame: pd.DataFrame) -> dict[str, Any]:
    # The methods are the summary and more.
    known = layout.TABLES["summary" if name == "methods" else name].columns.items()
    return {
        "rows": len(frame),
        "columns": {str(name): _column(frame[name]) for name in frame.columns},
        # The columns that are a value with its bounds, so that they are shown as one.
        "intervals": {
            name: [column.low, column.high] for name, column in known
            if column.low in frame and name in frame
        },
    }  # fmt: skip


def _column(values: pd.Series) -> dict[str, Any]:
    """A column by itself; text that repeats is said once and then called by its place."""
    if pd.api.types.is_bool_dtype(values):
        return {"kind": "flag", "values": values.tolist()}
    if pd.api.types.is_numeric_dtype(values):
        return {"kind": "number", "values": [_number(v) for v in values.tolist()]}
    texts = [None if pd.isna(v) else str(v) for v in values]
    known = list(dict.fromkeys(texts))
    if 2 * len(known) > len(texts):
        return {"kind": "text", "values": texts}
    places = {text: place for place, text in enumerate(known)}
    return {"kind": "text", "known": known, "values": [places[text] for text in texts]}


def _number(value: float) -> float | str | None:
    if isinstance(value, int):
        return value
    if not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    # Seven digits are what float32 knows.
    return int(value) if value.is_integer() and abs(value) < 1e15 else float(f"{value:.7g}")


def library() -> tuple[Markup, Markup]:
    """DataTables: its style sheet, and its code as text that gives the name ``DataTable``."""
    folder = Path(itables.__file__).parent / "html"
    code = (folder / "dt_bundle.js").read_text(encoding="utf-8")
    # The bundle is a module; the page has nobody to import it, so its own name is taken over.
    jquery = re.search(r"export\s*\{[^}]*?([\w$]+) as jQuery[^}]*\};?", code)
    if not jquery:
        raise UserError("itables: its bundle has another form; install the version that is pinned.")
    code = code.replace(jquery.group(), f"const DataTable = {jquery[1]}.fn.dataTable;")
    # In an inline script this would begin a comment of HTML.
    code = code.replace("<!--", r"<\!--")
    style = (folder / "dt_bundle.css").read_text(encoding="utf-8")
    return Markup(style), Markup(code)


def script() -> tuple[Markup, str]:
    """The page's whole script, and its hash, by which the page allows it and no other."""
    own = [(HERE / name).read_text(encoding="utf-8") for name in SCRIPTS]
    # In a block of its own, so that its names do not meet those of the library.
    text = "\n".join(["", str(library()[1]), "{", *own, "}", ""])
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Markup(text), f"sha256-{digest}"
