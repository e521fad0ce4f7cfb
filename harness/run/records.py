"""Run records: one JSON file a run, checked before it is written and after it is read."""

import json
import zipfile
import zlib
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from cells import CELLS, Weights
from harness import documents
from harness.errors import UserError
from harness.files import replacing, write_text
from harness.plan.run import Run

Record = dict[str, Any]
SCHEMA = 4  # counts the forms that records have had
NAMES = [field.name for field in fields(Run)]  # what names a run
LONGEST = 10_000  # characters of a reason, as in the form
FORM = Path(__file__).with_name("record.schema.json")


def prepare() -> None:
    """Compile the form of records, for a process whose children check theirs by it."""
    documents.prepare(FORM)


def check(record: Record, where: str) -> None:
    """Raise :class:`UserError` unless ``record`` fits the schema."""
    documents.check(record, FORM, where)


def write(path: Path, record: Record) -> None:
    """Check ``record`` and put it at ``path`` in one step; a long reason is cut."""
    record = record | {"reason": record["reason"][:LONGEST]}
    check(record, str(path))
    write_text(path, json.dumps(record, indent=1, allow_nan=False) + "\n")


def write_arrays(path: Path, initial: Weights, final: Weights, dynamics: Weights) -> None:
    """Keep the canonical weights and every step's loss and norm beside the record ``path``."""
    arrays = {f"initial.{k}": v for k, v in initial.items()} | final | dynamics
    with replacing(path.with_suffix(".npz")) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def read_arrays(path: Path, *names: str) -> Weights:
    """The arrays in ``path`` of these names, or all; :class:`UserError` when it is damaged.

    Losses and gradient norms, which every run leaves, are among all, or it is damaged too.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            wanted = names or dict.fromkeys([*file.files, "losses", "gradient_norms"])
            return {name: file[name] for name in wanted}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{path}: cannot be read ({error}); repeat the run.") from error


def read(path: Path) -> Record:
    """The record at ``path``; :class:`UserError` when it is damaged or of another run."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: is not a readable record ({error}).") from error
    if not isinstance(record, dict):
        raise UserError(f"{path}: is not a record.")
    if (version := record.get("schema")) != SCHEMA:
        raise UserError(f"{path}: is a record of another version (schema {version}, not {SCHEMA}).")
    check(record, str(path))
    if record["cell"] not in CELLS:
        raise UserError(
            f"{path}: its cell {record['cell']!r} is not in cells/; put its file back, or remove "
            "the record."
        )
    if identity(record).name != path.stem:
        raise UserError(f"{path}: is the record of another run, {identity(record).title}.")
    return record


def _refuse(constant: str) -> None:
    raise ValueError(f"it has the value {constant}")


def identity(record: Record) -> Run:
    """The run that a record is of."""
    return Run(**{name: record[name] for name in NAMES})


def unfinished(path: Path) -> str:
    """Why the run at ``path`` must be done again; empty when its record stands.

    A diverged run stands: it would diverge again. A failed one, or one whose
    framework was not installed, may go differently the next time. Weights that were taken
    away do no harm, but those that are cut off do.
    """
    try:
        record = read(path)
    except UserError as error:
        return str(error)
    if record["status"] in ("failed", "unavailable"):
        return f"{path}: {record['status']} ({record['reason']})."
    weights = path.with_suffix(".npz")
    if weights.exists() and not zipfile.is_zipfile(weights):
        return f"{weights}: is not a readable file of weights."
    return ""
