"""The loss of each run at its first, second, fourth, eighth and so on step.

Rounding grows while a model trains, so that its first losses tell best whether two runs compute
the same: another epsilon shows in the second step, where rounding is still at the last digit.
"""

from contextlib import suppress
from pathlib import Path

from analysis.tables.groups import Rows
from harness import layout
from harness.errors import UserError
from harness.run import records
from harness.run.records import Record


def rows(results: Path, found: list[Record]) -> Rows:
    """Step and loss at every power of two up to the last step, of the runs that ended well.

    What lies beside another's record may be of an earlier run. Losses that cannot be read are left
    out; the table of what is skipped inside the models says so.
    """
    result: Rows = []
    for record in found:
        path = records.identity(record).path(results).with_suffix(".npz")
        if record["status"] != "ok" or not path.exists():
            continue
        identity = {name: record[name] for name in layout.RUN}
        with suppress(UserError):
            losses = records.read_arrays(path, "losses")["losses"]
            steps = (2**power for power in range(len(losses).bit_length()))
            result += [identity | {"step": s, "loss": float(losses[s - 1])} for s in steps]
    return result
