"""One row a run, and the machines they ran on."""

from collections import Counter
from functools import cache
from typing import Any

from analysis.tables.groups import Rows
from harness import layout
from harness.errors import UserError
from harness.plan import cost
from harness.plan.settings import resolve
from harness.run import streams
from harness.run.records import Record

MACHINE = ("processor", "generation", "cores", "memory_gb", "system")
# Machines that share these count as one: times hang on the rest no more than on the hour.
KIND = MACHINE[:3]


def rows(found: list[Record]) -> Rows:
    """A row a run, its settings in columns of their own, its machine by number."""
    numbers = {kind: number for number, kind in enumerate(dict.fromkeys(map(_machine, found)))}
    return [_row(record) | {"machine": numbers[_machine(record)]} for record in found]


def _row(record: Record) -> dict[str, Any]:
    seconds, digests = record["seconds"], record["data_sha256"]
    step = steady_step_seconds(record)
    values = {name: record.get(name) for name in layout.TABLES["runs"].columns}
    settings = {f"{layout.SETTING}{k}": str(v) for k, v in record["settings"].items()}
    return values | settings | {
        "error": record["reason"],
        "parameters": record["parameters"]["total"],
        "train_seconds": round(seconds["first_chunk"] + seconds["training"], 3),
        "step_ms": None if step is None else round(1000 * step, 4),
        "total_seconds": seconds["total"],
        "gflop": _gflop(record["task"], record["cell"], tuple(record["settings"].items())),
        "data_sha256": streams.sha256_of_text(digests["train"], digests["test"]),
        "weights_sha256": record["weights_sha256"]["final"],
    }  # fmt: skip


@cache
def _gflop(task: str, cell: str, settings: tuple[tuple[str, Any], ...]) -> float | None:
    try:
        return float(f"{cost.gflop(cell, resolve(task, dict(settings), task)):.6g}")
    except UserError:  # a task that is no longer there
        return None


def steady_step_seconds(record: Record) -> float | None:
    """Seconds of one training step after the first chunk, in which code is compiled."""
    later = record["steps"] - first_chunk(record)
    return record["seconds"]["training"] / later if later else None


def first_chunk(record: Record) -> int:
    """How many steps the first chunk has."""
    return int(min(record["steps"], record["settings"]["evaluate_every"]))


def of_one_machine(found: list[Record]) -> set[tuple[Any, ...]]:
    """The runs, by what names them, that the machine made which made most of all."""
    kinds = [tuple(map(str, _machine(record)[2 : 2 + len(KIND)])) for record in found]
    most = min(Counter(kinds).items(), key=lambda item: (-item[1], item[0]), default=((), 0))[0]
    made = (r for r, kind in zip(found, kinds, strict=True) if kind == most)
    return {tuple(record[name] for name in layout.RUN) for record in made}


def machines(found: list[Record]) -> Rows:
    """The machines with their packages, by number."""
    names = layout.TABLES["machines"].columns
    return [
        dict(zip(names, (number, *kind, runs), strict=True))
        for number, (kind, runs) in enumerate(Counter(map(_machine, found)).items())
    ]


def _machine(record: Record) -> tuple[Any, ...]:
    """What a run's numbers hang on beside its settings: packages and machine."""
    packages, values = dict(record["versions"]), dict(record["machine"])
    if gpu := record.get("accelerator"):
        packages |= {name: gpu[name] for name in ("cuda", "cudnn", "driver") if gpu[name]}
        card = f"{gpu['card']} (float32 {gpu['precision']})"
        values["processor"] = f"{values['processor']} with {card}"
    said = ", ".join(f"{k} {v}" for k, v in packages.items())
    return record["framework"], said, *(values.get(name) for name in MACHINE)
