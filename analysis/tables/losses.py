"""The loss of each run at its first, second, fourth, eighth and so on step.

Rounding grows while a model trains, so that its first losses tell best whether two runs compute
the same: another epsilon shows in the second step, where rounding is still at the last digit.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from analysis.tables.groups import Rows
from cells import Array
from harness import layout
from harness.errors import UserError
from harness.plan.run import Run
from harness.run import records
from harness.run.records import Record


def all_kept(results: Path, found: list[Record]) -> dict[Run, Array]:
    """The losses of every run whose are kept, read once for all tables."""
    its = ((records.identity(record), kept(results, record)) for record in found)
    return {run: losses for run, losses in its if losses is not None}


def rows(found: list[Record], its: Mapping[Run, Array]) -> Rows:
    """Step and loss at every power of two up to the last step, of the runs whose are kept."""
    result: Rows = []
    for record in found:
        if (losses := its.get(records.identity(record))) is not None:
            identity = {name: record[name] for name in layout.RUN}
            steps = (2**power for power in range(len(losses).bit_length()))
            result += [identity | {"step": s, "loss": float(losses[s - 1])} for s in steps]
    return result


def kept(results: Path, record: Record) -> Array | None:
    """The losses [steps] of a run that ended well; None of another, or where there are none.

    What lies beside another's record may be of an earlier run. Losses that cannot be read count as
    none; the table of what is skipped inside the models says so.
    """
    path = records.identity(record).path(results).with_suffix(".npz")
    if record["status"] == "ok" and path.exists():
        with suppress(UserError):
            return records.read_arrays(path, "losses")["losses"]
    return None
