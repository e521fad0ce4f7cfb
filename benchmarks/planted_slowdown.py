"""``python -m benchmarks.planted_slowdown``: whether the clock finds what is known to be there.

A kernel is timed against copies of itself that spin, after each call, for a share of the CPU time
of their own median call: 5 %, which the clock should find with the right size, and 0 %, where it
should find nothing. The campaign is the clock's own, with its rounds and its rule for when to
stop; only its workers know of the copies, ``manual+5`` of the kernel ``manual``. At the end of
each line stands what else the machine did meanwhile.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from analysis.speed import ratios, times
from analysis.speed.measured import Measured
from harness.clock import campaign, worker
from harness.plan.campaigns import PHASES, Campaign, Method, Shape

SHAPE = Shape("planted", 64, 100, 2, 128, 1)
CELLS = ("lstm", "gru")
MARK = "+"  # between a kernel and the percent by which its copy is slower


class Planted(worker.Worker):
    """A worker whose kernels may be copies that are slower by a share of their own time."""

    def start(self, *, kernel: str, **values: Any) -> dict[str, Any]:  # type: ignore[override]
        """As the worker's own, with the calls of a training step made slower."""
        name, _, percent = kernel.partition(MARK)
        answer = super().start(kernel=name, **values)
        if percent:
            for key, (call, steps) in self._blocks.items():
                if key[1] == PHASES[0]:
                    self._blocks[key] = slowed(call, float(percent) / 100), steps
        return answer

    def conform(self, *, methods: list[list[Any]], **values: Any) -> dict[str, str]:  # type: ignore[override]
        """As the worker's own, by the names of the copies."""
        plain = [[kernel.partition(MARK)[0], *rest] for kernel, *rest in methods]
        found = super().conform(methods=plain, **values)
        return {
            f"{kernel}/{cell}": found[f"{kernel.partition(MARK)[0]}/{cell}"]
            for kernel, cell, _ in methods
        }


def slowed(call: Callable[[], Any], share: float) -> Callable[[], Any]:
    """``call``, and after it a busy wait of ``share`` of its median CPU time so far."""
    taken: list[float] = []

    def both() -> Any:
        begin = time.process_time()
        result = call()
        end = time.process_time()
        taken.append(end - begin)
        until = end + share * statistics.median(taken)
        while time.process_time() < until:
            pass
        return result

    return both


def plan(arguments: argparse.Namespace) -> Campaign:
    """The copies and the kernel itself, of each cell."""
    names = [f"{arguments.kernel}{MARK}{p:g}" for p in arguments.percent] + [arguments.kernel]
    methods = [Method(arguments.framework, name, cell) for cell in CELLS for name in names]
    return Campaign(
        SHAPE.name, (SHAPE,), tuple(methods), arguments.processes, arguments.rounds, 1,
        PHASES[:1], peak=False, most_processes=arguments.most, minutes=arguments.minutes,
        needed=("kernels",),
    )  # fmt: skip


def main() -> None:
    """Run the campaign and print a line for each copy; or be one of its workers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--framework", default="pytorch")
    parser.add_argument("--kernel", default="manual")
    parser.add_argument("--percent", type=float, nargs="+", default=[5.0, 0.0])
    parser.add_argument("--processes", type=int, default=5, help="at first, of each copy")
    parser.add_argument("--most", type=int, default=30, help="processes of each copy")
    parser.add_argument("--rounds", type=int, default=9, help="rounds in a process")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--results", type=Path, help="a folder to keep the samples in")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker.main(Planted())
        return
    with tempfile.TemporaryDirectory(prefix="gatebench-planted-") as scratch:
        folder = arguments.results or Path(scratch)
        words = ("-m", "benchmarks.planted_slowdown", "--worker")
        campaign.run(plan(arguments), folder, print, worker=words)
        timed = Measured.read(folder / "timing" / f"{SHAPE.name}.json")
    other = {
        f"{row['framework']}/{row['kernel']}/{row['cell']}": row.get("other_cpu_percent")
        for row in times.rows(timed, []) if row["phase"] == PHASES[0]
    }  # fmt: skip
    print(timed.machine, *timed.notes, *timed.problems.values(), sep="\n")
    for row in ratios.rows(timed, ratios.noise([timed])):
        print(
            f"{row['numerator']} / {row['denominator']}: {row['ratio']:.3f} "
            f"[{row['low']:.3f}, {row['high']:.3f}], {row['processes']} processes, others worked "
            f"{other[row['numerator']]:.0f} % of a core"
        )


if __name__ == "__main__":
    main()
