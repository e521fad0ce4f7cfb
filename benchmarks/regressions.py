"""``python -m benchmarks.regressions``: whether the clock finds the regressions that others found.

Each control below is a pair of methods whose ratio is known: from a thread in which users reported
it, or because it is one method twice. The size that should be found was written down before the
clock timed it: ``expected`` is what was reported, ``within`` the factor up to which another
machine's is of the same size. The control in float32 came in after a first look by hand. The clock
is the suite's own, with its interleaved fresh processes, its intervals and its rule for when to
stop. The table says of every control whether the interval is on the right side of 1, and whether
the ratio has the right size; of a control without a difference, that none is claimed.

Versions other than the installed ones are put into environments of their own by uv. Without uv
or without a network what needs them is left out, with a sentence.
"""

import argparse
import csv
import io
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.regression_worker import INTERPRETERS, STEP
from benchmarks.regression_workloads import WORKLOADS
from harness.clock import campaign as clock
from harness.clock.pairs import log_ratios
from harness.clock.samples import Samples
from harness.clock.stopping import WANTED, over_processes
from harness.files import write_text
from harness.plan.campaigns import Campaign, Method, Shape

HERE = Path(__file__).resolve().parent.parent
# What each environment has beside psutil, which the clock's workers need; the installed one is "".
ENVIRONMENTS: dict[str, tuple[str, ...]] = {
    "jax_0_4_31": ("jax==0.4.31", "jaxlib==0.4.31"),
    "jax_0_4_35": ("jax==0.4.35", "jaxlib==0.4.35"),
    "installed": (),
}


@dataclass(frozen=True)
class Control:
    """A pair (environment, setting) of a workload and the ratio of its times that is known.

    ``setting`` ends in ``-old`` where XLA's old runtime is asked for. Of the right size is what
    is ``within`` that factor of the expected ratio.
    """

    name: str
    workload: str
    one: tuple[str, str]
    other: tuple[str, str]
    expected: float
    within: float
    source: str

    @property
    def methods(self) -> tuple[Method, Method]:
        """Numerator and denominator; a method against itself has a twin."""
        one = Method(*self.one, self.workload)
        other = Method(*self.other, self.workload, twin=self.one == self.other)
        return one, other


def _same(workload: str, environment: str, setting: str) -> Control:
    method = (environment, setting)
    name = f"{workload} against itself"
    return Control(name, workload, method, method, 1.0, 1.03, "the same method twice")


NEW, OLD = "default", "default-old"
# Two machines told of 21 times (42 s to 2 s, on 96 devices) and 43 times (.086 s to .002 s, on
# one): what hangs on the processor may be three times as large or small elsewhere.
_GATHERS = 43, 3, "github.com/jax-ml/jax/issues/25190"
# Reported for 2,000 rows, JAX 0.9.1 / 0.4.31: in float64 a regression, in float32 the opposite.
_FACTOR = "github.com/jax-ml/jax/issues/36799"
# 60 ms to 35 ms, with the PyTorch of the end of 2026.
_ONEDNN = 1.7, 1.3, "github.com/pytorch/pytorch/issues/94457"
CONTROLS = (
    Control("XLA's two runtimes, gathers", "gathers",
            ("jax_0_4_35", NEW), ("jax_0_4_35", OLD), *_GATHERS),
    Control("JAX 0.4.35 and 0.4.31, gathers", "gathers",
            ("jax_0_4_35", NEW), ("jax_0_4_31", NEW), *_GATHERS),
    Control("JAX 0.4.35 and the installed one, gathers", "gathers",
            ("jax_0_4_35", NEW), ("installed", NEW), *_GATHERS),
    _same("gathers", "jax_0_4_35", NEW),
    Control("the installed JAX and 0.4.31, factorisation in float64", "factorisation",
            ("installed", "float64"), ("jax_0_4_31", "float64"), 10.2, 3, _FACTOR),
    Control("the installed JAX and 0.4.31, factorisation in float32", "factorisation",
            ("installed", "float32"), ("jax_0_4_31", "float32"), 0.67, 3, _FACTOR),
    Control("XLA's two runtimes, factorisation in float64", "factorisation",
            ("jax_0_4_35", "float64"), ("jax_0_4_35", "float64-old"), 10.2, 3, _FACTOR),
    _same("factorisation", "jax_0_4_31", "float64"),
    Control("PyTorch's LSTM without and with oneDNN", "lstm",
            ("installed", "off"), ("installed", "on"), *_ONEDNN),
    _same("lstm", "installed", "on"),
)  # fmt: skip
FOUND, NONE = "found", "none claimed, as it should be"
LEFT_OUT = "not timed"


def verdict(control: Control, low: float, ratio: float, high: float) -> str:
    """What the clock found of a control, from the ratio and its interval.

    A difference is claimed where the interval lies beyond the clock's 3 % on one side of 1.
    """
    near = math.exp(WANTED)
    claimed = low > near or high < 1 / near
    if control.expected == 1:
        return NONE if not claimed else "claimed where there is none"
    if not claimed:
        return "not found"
    if (ratio > 1) != (control.expected > 1):
        return "of the wrong sign"
    off = max(ratio / control.expected, control.expected / ratio)
    return FOUND if off <= control.within else "of the right sign, of another size"


def made(name: str, folder: Path) -> str:
    """The interpreter of an environment, which uv makes once; raises OSError if it cannot."""
    if not ENVIRONMENTS[name]:
        return sys.executable
    place = folder / name
    python = place / "bin" / "python"
    if not (place / "whole").exists():
        places = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        if (uv := shutil.which("uv", path=places)) is None:
            raise OSError("uv is not installed; pip install uv")
        shutil.rmtree(place, ignore_errors=True)
        for words in (
            ["venv", "--quiet", "--python", sys.executable, str(place)],
            ["pip", "install", "--quiet", "--python", str(python), "psutil", *ENVIRONMENTS[name]],
        ):
            done = subprocess.run([uv, *words], capture_output=True, text=True, check=False)
            if done.returncode:
                lines = done.stderr.strip().splitlines() or ["no reason given"]
                raise OSError(f"uv could not make it ({lines[-1].strip()})")
        (place / "whole").touch()
    return str(python)


def timed(workload: str, controls: list[Control], asked: argparse.Namespace) -> Samples:
    """One campaign of everything that the controls of a workload compare."""
    methods = dict.fromkeys(method for control in controls for method in control.methods)
    wanted = Campaign(
        workload, (Shape(workload, 1, 1, 1, 1, 1),), tuple(methods), asked.processes, asked.rounds,
        1, (STEP,), peak=False, most_processes=asked.most, minutes=asked.minutes,
        needed=("aa", "framework", "kernels"),
    )  # fmt: skip
    words = ("-m", "benchmarks.regression_worker")
    clock.run(wanted, asked.results, print, worker=words, verdicts={})
    return Samples.read(asked.results / "timing" / f"{workload}.json")


def row(control: Control, samples: Samples) -> dict[str, Any]:
    """A control's line of the table."""
    one, other = control.methods
    found = about(control)
    for method in (one, other):
        if problem := samples.problems.get(method.name):
            return found | {"verdict": f"{LEFT_OUT}: {problem}"}
    steps = samples.samples[(samples.samples["phase"] == STEP) & (samples.samples["round"] > 0)]
    times: list[dict[Any, Any]] = [
        steps[steps["method"] == method.name].set_index(["process", "round"])["ms"].to_dict()
        for method in (one, other)
    ]
    known = over_processes(log_ratios(*times), samples.campaign.may_go_on)
    ratio, low, high = known.ratio
    numbers = {"found": ratio, "found_low": low, "found_high": high}
    return (
        found
        | {name: f"{value:.3g}" for name, value in numbers.items()}
        | {"processes": known.df + 1, "verdict": verdict(control, low, ratio, high)}
    )


def about(control: Control) -> dict[str, Any]:
    """What of a control's line was known before."""
    one, other = control.methods
    return {
        "control": control.name, "versions": " / ".join(map(version, (one, other))),
        "numerator": one.name, "denominator": other.name,
        "expected": f"{control.expected:.3g}", "within": f"{control.within:.3g}",
        "found": "", "found_low": "", "found_high": "",
        "processes": "", "verdict": "", "source": control.source,
    }  # fmt: skip


def version(method: Method) -> str:
    """The version of the framework that a method computes with; of NumPy where there is none."""
    package = {"jax": "jax", "pytorch": "torch", None: "numpy"}[WORKLOADS[method.cell][1]]
    for requirement in ENVIRONMENTS[method.framework]:
        name, _, number = requirement.partition("==")
        if name == package:
            return f"{name} {number}"
    try:
        return f"{package} {metadata.version(package)}"
    except metadata.PackageNotFoundError:
        return f"{package}, not installed"


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as CSV."""
    text = io.StringIO()
    lines = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    lines.writeheader()
    lines.writerows(rows)
    return text.getvalue()


def carried_out(controls: tuple[Control, ...], asked: argparse.Namespace) -> list[dict[str, Any]]:
    """The lines of all controls, workload by workload; one without its environments says so."""
    interpreters, reasons = {}, {}
    for name in dict.fromkeys(side[0] for one in controls for side in (one.one, one.other)):
        try:
            interpreters[name] = made(name, asked.environments)
        except OSError as error:
            reasons[name] = f"{LEFT_OUT}: {name} is not there, {error}"
    os.environ[INTERPRETERS] = json.dumps(interpreters)
    rows = []
    for workload in dict.fromkeys(control.workload for control in controls):
        mine = [control for control in controls if control.workload == workload]
        there = [c for c in mine if not reasons.keys() & {c.one[0], c.other[0]}]
        samples = timed(workload, there, asked) if there else None
        for control in mine:
            if samples and control in there:
                rows.append(row(control, samples))
            else:
                why = next(reasons[s[0]] for s in (control.one, control.other) if s[0] in reasons)
                rows.append(about(control) | {"verdict": why})
    return rows


def main() -> int:
    """Time the controls, print and write the table; 1 where a control is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=5, help="at first, of each method")
    parser.add_argument("--most", type=int, default=20, help="processes of each method")
    parser.add_argument("--rounds", type=int, default=7, help="rounds in a process")
    parser.add_argument("--minutes", type=float, default=3.0, help="for each workload")
    parser.add_argument("--workload", action="append", help="only this one")
    parser.add_argument("--results", type=Path, help="a folder to keep samples and table in")
    parser.add_argument(
        "--environments", type=Path, default=HERE / ".environments" / "regressions",
        help="where the environments are made",
    )  # fmt: skip
    asked = parser.parse_args()
    controls = tuple(c for c in CONTROLS if c.workload in (asked.workload or [c.workload]))
    with tempfile.TemporaryDirectory(prefix="gatebench-regressions-") as scratch:
        asked.results = asked.results or Path(scratch)
        rows = carried_out(controls, asked)
        write_text(asked.results / "regressions.csv", table(rows))
    for line in rows:
        interval = f"{line['found']} [{line['found_low']}, {line['found_high']}]"
        should = f"expected {line['expected']} within a factor of {line['within']}"
        print(f"{line['control']}: {interval}, {should}: {line['verdict']}")
    proper = (FOUND, NONE)
    return int(
        any(r["verdict"] not in proper and not r["verdict"].startswith(LEFT_OUT) for r in rows)
    )


if __name__ == "__main__":
    sys.exit(main())
