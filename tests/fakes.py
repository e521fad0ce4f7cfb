"""What tests make up: a framework that does as told, a tiny campaign, what a gate leaves."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from harness.plan.campaigns import Campaign, Method, Shape
from implementations import Framework

# The tiniest campaign: two cells and the control.
TINY = Shape("tiny", 4, 3, 2, 4, 1)
METHODS = (
    Method("pytorch", "stock", "lstm"),
    Method("pytorch", "stock", "gru"),
    Method("pytorch", "stock", "lstm", twin=True),
)
PLAN = Campaign("tiny", (TINY,), METHODS, processes=2, rounds=2, threads=1)

# What native code does that hangs: it keeps the interpreter's lock, so no thread can run.
HANG = "ctypes.PyDLL(None).sleep(1000)"
# 700 MB that are really there, and kept until they are seen.
GROW = "much = bytearray(b'x') * 700_000_000; time.sleep(1000)"

INIT = '''"""{name}, a framework that a test made up."""

from implementations import Framework, Kernel

FRAMEWORK = Framework(
    name="{name}",
    packages=(),
    environment=lambda threads, cache, device: {{}},
    biases={{"matched": {{"rnn": 1, "lstm": 4, "gru": 4}}, "native": {{}}}},
    kernels={{"stock": Kernel("none")}},
    fastest=lambda spec, batch, length: "stock",
    optional={optional},
)
'''

MODEL = """
import ctypes, faulthandler, os, time
from pathlib import Path

import numpy as np

ACTS = {acts!r}


def build(spec, weights, kernel, device):
    exec(ACTS.get("build", ""), globals(), {{"spec": spec}})
    return Model(spec, weights)


def product(m, k, n, count, device):
    return lambda: None


class Model:
    def __init__(self, spec, weights):
        self.spec, self.canonical = spec, weights

    def place(self, inputs, targets, constants):
        return len(inputs)

    def train(self, placed):
        exec(ACTS.get(self.spec.cell, ""))
        return np.ones(placed, np.float32), np.ones(placed, np.float32)

    gradients = losses = train

    def predict(self, inputs):
        return np.zeros((len(inputs), self.spec.outputs), np.float32)

    def weights(self):
        return self.canonical

    def parameter_counts(self):
        return {{"all": sum(w.size for w in self.canonical.values())}}

    def device(self):
        return "cpu"
"""


def with_model(its: Framework, model: Any) -> Framework:
    """The framework with another module or class in place of its ``model.py``."""
    changed = replace(its)
    object.__setattr__(changed, "load", lambda part="model": model)
    return changed


def add(project: Path, name: str, optional: bool = False, **acts: str) -> None:
    """Put the framework ``name`` into a copy of the project.

    ``acts`` is code that runs before each chunk of training, by cell, or on ``build``.
    """
    folder = project / "implementations" / name
    folder.mkdir(exist_ok=True)
    (folder / "__init__.py").write_text(INIT.format(name=name, optional=optional))
    (folder / "model.py").write_text(MODEL.format(acts=acts))


def with_sides(ratios: pd.DataFrame) -> pd.DataFrame:
    """A table of the clock's ratios with each side's columns, read off the names, log_se and df."""
    found = ratios.assign(machine=ratios.get("machine", ""), processes=ratios.get("processes", 10))
    found["df"] = found["processes"] - 1
    width = np.log(found["high"] / found["low"])
    found["log_se"] = width / 2 / stats.t.ppf(0.975, found["df"])
    for side in ("numerator", "denominator"):
        parts = found[side].str.removesuffix("/again").str.split("/")
        found[f"{side}_framework"], found[f"{side}_cell"] = parts.str[0], parts.str[-1]
        found[f"{side}_hidden"] = ratios.get(f"{side}_hidden", 50)
    return found


def pass_the_gate(results: Path, framework: str = "pytorch") -> None:
    """Leave in ``results`` what the pipeline's gate would, so that no test has to wait for it."""
    rows = [
        {"framework": framework, "kernel": "stock", "track": "matched", "cell": cell, "layers": 1,
         "outputs": "last step", "dtype": dtype, "check": "forward",
         "max_error": 0.0, "tolerance": 1.0, "passed": True, "counted": None, "detail": ""}
        for cell in ("lstm", "gru") for dtype in ("float32", "float64")
    ]  # fmt: skip
    (results / "conformance").mkdir(parents=True)
    pd.DataFrame(rows).to_csv(results / "conformance" / f"{framework}.csv", index=False)
