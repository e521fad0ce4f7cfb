"""Checks that passed are kept for this user, and not made again while nothing they hang on changes.

An entry's name is a digest of all of that: the files that decide a check, every installed package,
the processor with its instructions, the options, and the variables that frameworks read. It lies in
the user's cache folder; ``GATEBENCH_GATES`` names another folder, or is ``off``. Only a whole gate
whose every check passed on a CPU is kept, and one that is damaged is made again.
"""

import hashlib
import json
import math
import os
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from harness import machine
from harness.errors import UnwritableError
from harness.files import digest, write_text
from harness.registry import ROOT, frameworks_under
from implementations import DEVICES, Framework
from tasks import _handed

PLACE, OFF = "GATEBENCH_GATES", "off"
FORM = 1  # counts the forms that entries have had
MOST = 40  # entries; a configuration has a few
# What frameworks and their libraries for matrices read begins with one of these.
VARIABLES = (
    "ATEN_", "CUDA_", "DNNL_", "JAX_", "KERAS_", "KMP_", "MKL_", "OMP_", "ONEDNN_", "OPENBLAS_",
    "PYTORCH_", "TF_", "TORCH_", "XLA_",
)  # fmt: skip
Row = dict[str, Any]


@dataclass(frozen=True)
class Gate:
    """Where the checks of a framework are kept; nowhere where ``path`` is None."""

    path: Path | None

    def read(self) -> list[Row] | None:
        """The rows that were kept, each with the day that it is of; None where there are none."""
        if self.path is None:
            return None
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            whole = found["sha256"] == _digest_of(found["rows"]) and found["rows"]
            return [row | {"kept": found["made"]} for row in found["rows"]] if whole else None
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def write(self, rows: list[Row]) -> None:
        """Keep the rows, if every check passed; where they cannot be kept, nothing is lost."""
        if self.path is None or not rows or not all(row["passed"] for row in rows):
            return
        plain = [{key: _plain(value) for key, value in row.items()} for row in rows]
        if any(
            isinstance(v, float) and not math.isfinite(v) for row in plain for v in row.values()
        ):
            return
        made = time.strftime("%Y-%m-%d", time.gmtime())
        about = {"made": made, "sha256": _digest_of(plain), "rows": plain}
        try:
            write_text(self.path, json.dumps(about) + "\n")
            entries = sorted(self.path.parent.glob("*.json"), key=lambda one: one.stat().st_mtime)
            for old in entries[:-MOST]:
                old.unlink(missing_ok=True)
        except (OSError, UnwritableError):
            return


def gate(
    framework: Framework, chosen: Mapping[str, list[str]], threads: int, device: str,
    precision: str, together: bool = False,
) -> Gate:  # fmt: skip
    """Where the checks of these kernels, by cell, are kept."""
    place = os.environ.get(PLACE, "")
    # What a card computes hangs on more than is known here.
    if place == OFF or device != DEVICES[0]:
        return Gate(None)
    # What the implementation sets by itself follows from its files, but for the results folder.
    own = framework.environment(threads, Path(), device)
    read = {k: v for k, v in os.environ.items() if k.startswith(VARIABLES) and k not in own}
    hangs_on = {
        "form": FORM,
        "framework": framework.name,
        "options": [dict(chosen), threads, device, precision, *(["together"] if together else [])],
        "files": _files(framework.name),
        "packages": sorted({f"{one.name} {one.version}" for one in metadata.distributions()}),
        "python": platform.python_version(),
        "machine": {k: v for k, v in machine.description().items() if k != "memory_gb"},
        "instructions": machine.instructions(),
        "variables": read,
        "answers": _handed_over(),
    }
    name = f"{framework.name}-{_digest_of(hangs_on)[:32]}.json"
    return Gate((Path(place) if place else _cache_folder()) / name)


def _cache_folder() -> Path:
    # Not Path.expanduser, which raises where there is no home.
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "gatebench" / "gates"


def _files(name: str) -> dict[str, str]:
    """The digests of the files that decide what is checked, and how."""
    own = (f"implementations/{one}" for one in sorted(frameworks_under(name)))
    folders = ("harness/conformance", "cells", "implementations", *own)
    return {
        str(path.relative_to(ROOT)): digest(path)
        for folder in folders
        for path in sorted((ROOT / folder).glob("*.py"))
    }


def _handed_over() -> dict[str, str]:
    """The digests of the reference's answers, where another interpreter has computed them."""
    given = _handed.folder()
    answers = sorted(given.glob("answers-*.npz")) if given else ()
    return {path.name: digest(path) for path in answers}


def _digest_of(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """A number of NumPy's as one of Python's, which is the same to the last bit."""
    return value.item() if hasattr(value, "item") else value
