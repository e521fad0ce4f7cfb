"""The gate on the device: every kernel of every cell against the reference model.

In both precisions: ``ieee`` at the tolerances that a CPU has, ``default`` at those that
``harness/conformance/against_reference.py`` names for TF32. One process for some cells of a
framework, as many side by side as there are cores: compiling takes most of the time.
"""

import argparse
import os
from pathlib import Path

import pandas as pd

from benchmarks.gpu import parts
from cells import CELLS
from harness.registry import framework
from implementations import DEFAULT, EQUATIONS, IEEE, OWN, PRECISIONS, SCAN

DRY = ("lstm",)
# What a check is of.
WHAT = ("framework", "kernel", "track", "cell", "layers", "outputs", "dtype", "check")


def main(arguments: argparse.Namespace) -> None:
    """Check, and put a table of each framework beside what was found before."""
    folder, precision = arguments.output / "conformance", arguments.precision
    jobs = {}
    there = parts.there(arguments.frameworks)
    shards = _shards(there, arguments.device, arguments.dry, precision)
    for number, (name, kernels, together) in enumerate(shards):
        its = f"{name}-{precision}-{number}"
        jobs[its] = parts.command(
            "conform", "--framework", name, "--device", arguments.device, "--precision", precision,
            "--threads", "1", "--output", str(folder / "parts" / f"{its}.csv"),
            *(word for kernel in kernels for word in ("--kernel", kernel)),
            *(["--together"] if together else []),
        )  # fmt: skip
    cores = len(os.sched_getaffinity(0))
    ends = parts.side_by_side(
        jobs, max(1, cores - 2), arguments.seconds - 5, arguments.output / "logs"
    )
    if late := [name for name, end in ends.items() if end is None]:
        print(f"gate: not done in time: {', '.join(late)}.", flush=True)
    for name in there:
        _join(folder, name)


def _shards(
    there: list[str], device: str, dry: bool, precision: str
) -> list[tuple[str, list[str], bool]]:
    """A framework and the kernels of some cells, ``CELL=KERNEL``: what one process looks at.

    The equations of cells that no framework has are looked at as IEEE alone. What is True is
    looked at in a batch of models, too.
    """
    found: list[tuple[str, list[str], bool]] = []
    for name in there:
        its = framework(name)
        own = {c: [k for k in its.kernels_of(c, device) if k != EQUATIONS] for c in OWN}
        for cell in DRY if dry else OWN:
            # XLA compiles each; one of several cells is enough of a part.
            compiled = name in ("jax", "tensorflow")
            groups = [[k] for k in own[cell]] if compiled else [own[cell]]
            found += [(name, [f"{cell}={k}" for k in group], False) for group in groups]
        if dry:
            continue
        every = [
            f"{cell}={kernel}"
            for cell in (CELLS if precision == IEEE else OWN)
            for kernel in its.kernels_of(cell, device)
            if kernel in (EQUATIONS, SCAN)
        ]
        if name == "equinox":  # its equations are JAX's, in a module
            every = [f"{cell}={EQUATIONS}" for cell in OWN]
        # What is late is lost, so that of the frameworks that compile a part is one cell.
        count = 5 if name == "pytorch" else len(every)
        found += [(name, every[start::count], False) for start in range(count)]
        if name == "jax" and precision == IEEE:
            found += [(name, [f"{cell}=unrolled"], True) for cell in OWN]
            found.append((name, [f"lstm={EQUATIONS}"], True))
    # The cells that users have first.
    return sorted(found, key=lambda one: all(k.partition("=")[0] not in OWN for k in one[1]))


def _join(folder: Path, name: str) -> None:
    """One table of a framework, of all parts; float32 by default has a name of its own there."""
    tables = []
    for precision in PRECISIONS:
        for path in sorted((folder / "parts").glob(f"{name}-{precision}-*.csv")):
            table = pd.read_csv(path, dtype={"detail": str})
            if precision == DEFAULT:
                table["dtype"] = table["dtype"].replace("float32", "float32, default precision")
            tables.append(table)
    if tables:
        # A kernel that is looked at alone and in a batch is looked at twice; once counts.
        whole = pd.concat(tables).drop_duplicates(list(WHAT))
        whole.to_csv(folder / f"{name}.csv", index=False)
        for tf32, rows in whole.groupby(whole["dtype"].str.contains("default")):
            bad = rows[~rows["passed"]]
            kinds = sorted({f"{r['kernel']}/{r['cell']}/{r['check']}" for _, r in bad.iterrows()})
            print(
                f"gate, {name}, {DEFAULT if tf32 else IEEE}: {len(rows) - len(bad)} of "
                f"{len(rows)} checks passed" + (f"; not: {', '.join(kinds[:12])}" if kinds else "")
                + ".", flush=True,
            )  # fmt: skip


def verdicts(results: Path, precision: str) -> dict[str, str]:
    """What the gate found wrong with each method, by its name in the clock's tables."""
    found: dict[str, str] = {}
    for path in sorted((results / "conformance" / "parts").glob(f"*-{precision}-*.csv")):
        table = pd.read_csv(path, dtype={"detail": str})
        table = table[~table["passed"] & (table["track"] == "matched")]
        for row in table.sort_values("max_error").to_dict("records"):
            found[f"{row['framework']}/{row['kernel']}/{row['cell']}"] = (
                f"does not conform: {row['check']} in {row['dtype']} is off by "
                f"{row['max_error']:.2g}, allowed {row['tolerance']:.2g}"
            )
    return found
