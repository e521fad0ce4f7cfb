"""The contract of a results folder: its tables with their columns, its other files and folders.

Whatever writes a table, reads one, lists them or describes them takes it from here. A new table is
one entry in ``tables.py`` and the function that makes its rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import UserError
from harness.files import write_text
from harness.layout.columns import Column, Table
from harness.layout.tables import METHOD, RUN, TABLES

# Only where a table is read or written: a run knows the columns alone.
if TYPE_CHECKING:
    import pandas as pd

__all__ = ["METHOD", "RUN", "TABLES", "Column", "Table"]

# Before the name of a column that holds one setting of a run: set_hidden, set_steps.
SETTING = "set_"
# Between the name of a campaign and what stands for another machine that timed it, too.
ELSEWHERE = "@"

# What makes the tables of each stage.
COMMANDS = {
    "tables": "python -m analysis tables --results {folder}",
    "rates": "python -m analysis rates --results {folder}",
    "insides": "python -m analysis insides --results {folder}",
    "timing": "snakemake --cores all timing --config results={folder}",
    "evidence": "python -m analysis evidence --results {folder}",
    "published": "python -m analysis published --results {folder}",
    "verify": "python -m analysis verify --results {folder}",
    "compare": "python -m analysis compare --results {folder} --other PATH",
}
FILES = {
    "report.html": "The report: one page that works offline",
    "verify.json": "The verdict of the comparison with the reference results",
    "compare.json": "What the comparison with another results folder came to",
    "workflow/Snakefile": "The workflow that made this folder; its parts lie beside it",
    "workflow/configuration.yaml": "The configuration of the run, all values resolved",
}
FOLDERS = {
    "runs": "A record of each run (JSON) with its final weights and the loss of every step (npz)",
    "conformance": "The checks against the reference model, a table for each framework",
    "insides": "What was found inside the models, a part for each task",
    "timing": "Every sample of the clock, with the load and disturbances around it",
    "logs": "What each job printed",
    "benchmarks": "Seconds and memory of each job, as Snakemake saw them",
}


def names(*stages: str) -> tuple[str, ...]:
    """The tables of these stages; all tables where none is named."""
    return tuple(name for name, table in TABLES.items() if not stages or table.stage in stages)


def path(results: Path, name: str) -> Path:
    """Where table ``name`` of the folder ``results`` lies."""
    return results / f"{TABLES[name].name}.csv"


def timed(results: Path, campaign: str) -> list[Path]:
    """Where a campaign of the clock lies, and the same of other machines, from merged folders."""
    folder = results / "timing"
    return [folder / f"{campaign}.json", *sorted(folder.glob(f"{campaign}{ELSEWHERE}*.json"))]


def says(file: str) -> str:
    """What a file at the top of a results folder is, in a line."""
    table = TABLES.get(file.removesuffix(".csv"))
    return table.says if table else FILES.get(file, "A file of the results")


def write(results: Path, name: str, rows: pd.DataFrame | Iterable[Mapping[str, Any]]) -> None:
    """Write a table in one step; what a row does not have is empty.

    Raises ValueError for a column that is not in the contract.
    """
    import pandas as pd

    table = TABLES[name]
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    settings = [c for c in frame.columns if table.settings and str(c).startswith(SETTING)]
    if unknown := set(frame.columns) - {*table.columns, *settings}:
        raise ValueError(f"{name}.csv has no column {', '.join(sorted(map(str, unknown)))}")
    frame = frame.reindex(columns=[*table.columns, *settings])
    for column, about in table.columns.items():
        if about.kind == "int":  # or a missing value would make 5 into 5.0
            frame[column] = frame[column].astype("Int64")
    digits = None if table.digits is None else f"%.{table.digits}g"
    write_text(path(results, name), frame.to_csv(index=False, float_format=digits))


def read(results: Path, name: str, needed: bool = True) -> pd.DataFrame:
    """A table by the kinds of its columns; settings are numbers where all of a column are.

    Where it is not there and not ``needed``, it is empty, with its columns. Raises
    :class:`UserError` when it is missing, damaged, or of another version.
    """
    import pandas as pd

    table, file = TABLES[name], path(results, name)
    if not needed and not file.exists():
        return pd.DataFrame(columns=list(table.columns))
    kinds = {
        column: "float64" if about.kind in ("int", "float") else "str"
        for column, about in table.columns.items()
    }
    try:
        frame = pd.read_csv(file, dtype=kinds, keep_default_na=False, na_values=[""])
        settings = setting_columns(map(str, frame.columns), table, file)
        for column, about in table.columns.items():
            if column not in frame:
                raise another_version(file, f"it has no column {column}")
            if about.kind == "int" and frame[column].notna().all():
                frame[column] = frame[column].astype("int64")
            elif about.kind == "bool":
                known = frame[column].map({"True": True, "False": False})
                frame[column] = known.astype(bool) if known.notna().all() else known
    except FileNotFoundError:
        raise UserError(f"{file}: is not there; {_make(results, table)}.") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: cannot be read ({error}); {_make(results, table)}.") from error
    return frame[[*table.columns, *settings]]


def setting_columns(columns: Iterable[str], table: Table, file: Path) -> list[str]:
    """The columns that hold settings; :class:`UserError` when they are in an older form."""
    known = list(columns)
    found = [c for c in known if re.fullmatch(rf"{SETTING}[a-z][a-z0-9_]*", c)]
    if table.settings and not found and "settings" in known:
        raise another_version(file, "it has all settings in one column")
    return found if table.settings else []


def another_version(file: Path, why: str) -> UserError:
    """The sentence for a table that this version cannot read."""
    return UserError(
        f"{file}: is of another version of GateBench ({why}); run the pipeline into its folder "
        "again, or read it with the version that made it."
    )


def _make(results: Path, table: Table) -> str:
    return f"run the pipeline first, or {COMMANDS[table.stage].format(folder=results)}"
