"""A worker of the clock for ``python -m benchmarks.regressions``, in a method's own environment.

The campaign starts every worker by one interpreter. So the first request, which says what is to be
timed, is read here; then this process becomes one of the method's interpreter, with the method's
variables, and answers.
"""

import json
import os
import sys
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from benchmarks.regression_workloads import OLD_RUNTIME, WORKLOADS
from harness.clock import block, worker
from harness.registry import framework as framework_named

# Set by the benchmark: the interpreter of each environment, as JSON.
INTERPRETERS = "GATEBENCH_REGRESSIONS"
STEP = "step"


class Timed(worker.Worker):
    """A worker that knows one workload in one setting; the campaign's shape says nothing."""

    def start(  # type: ignore[override]
        self, *, kernel: str, cell: str, shapes: list[dict[str, Any]], threads: int,
        cores: list[int], cache: str, **_: Any,
    ) -> dict[str, Any]:  # fmt: skip
        """Build the workload ``cell`` in the setting ``kernel`` and call it once."""
        pinned = block.pin(cores)
        workload, setting = WORKLOADS[cell], kernel.partition("-")[0]
        if workload[1]:
            framework_named(workload[1]).pin(threads, Path(cache), "cpu")
        if kernel.endswith("-old"):
            os.environ["XLA_FLAGS"] = f"{OLD_RUNTIME} {os.environ['XLA_FLAGS']}"
        (shape,) = shapes
        built: list[Any] = []
        first = block.timed(lambda: built.append(workload[0](setting)))
        self._blocks[shape["name"], STEP] = built[0], 1
        again = block.timed(partial(built[0]))
        samples = [first | {"phase": "build"}, again | {"phase": f"first_{STEP}"}]
        samples = [sample | {"shape": shape["name"]} for sample in samples]
        return {"samples": samples, "pinned": pinned, "accelerator": None}


def main() -> None:
    """Become the method's interpreter, or be it."""
    if len(sys.argv) > 1:
        sys.stdin = chain([sys.argv[1]], sys.stdin)
        worker.main(Timed())
        return
    line = b""
    while not line.endswith(b"\n"):  # and no byte of the next request
        if not (byte := os.read(0, 1)):
            return
        line += byte
    interpreters = json.loads(os.environ[INTERPRETERS])
    python = interpreters[json.loads(line)["framework"]]
    os.execv(python, [python, "-m", "benchmarks.regression_worker", line.decode()])


if __name__ == "__main__":
    main()
