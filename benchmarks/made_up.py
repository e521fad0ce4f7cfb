"""A copy of the project whose frameworks train nothing, so that all else can be measured.

Tasks, cells, records, weights, tables and the page are the project's own. A model that is made up
keeps the weights that it was given, and its outputs and losses are drawn from these, so that no
two runs are alike.
"""

import ctypes
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FRAMEWORKS = ("blank_a", "blank_b", "blank_c", "blank_d")
CELLS = ("rnn", "lstm", "gru", "mgu", "janet")
TASKS = ("adding", "copying", "sine", "counting", "dyck")
# Runs of one seed.
EACH = len(FRAMEWORKS) * len(CELLS) * len(TASKS)
BUDGET = {
    "layers": 1, "hidden": 4, "batch": 4, "steps": 20, "evaluate_every": 1,
    "train_examples": 0, "validation_examples": 8, "test_examples": 8,
}  # fmt: skip

INIT = '''"""{name}: made up, trains nothing."""

from implementations import Framework, Kernel

FRAMEWORK = Framework(
    name="{name}",
    packages=(),
    environment=lambda threads, cache, device: {{}},
    biases={{"matched": {{"rnn": 1, "lstm": 4, "gru": 4}}, "native": {{}}}},
    kernels={{"equations": Kernel("nothing", cells=None)}},
    fastest=lambda spec, batch, length: "equations",
)
'''
MODEL = '''"""A model that stays as it is."""

import time

import numpy as np


def build(spec, weights, kernel, device):
    return Model(spec, weights)


def product(m, k, n, count, device):
    return lambda: None


class Model:
    def __init__(self, spec, weights):
        self.spec, self.canonical = spec, weights
        first = next(iter(weights.values())).tobytes()
        self.random = np.random.default_rng(list(first))

    def place(self, inputs, targets, constants, sample_weights=None):
        return len(inputs)

    def train(self, placed):
        time.sleep({seconds})
        return self.random.random((2, placed), np.float32)

    def gradients(self, placed):
        return self.train(placed)[1]

    losses = gradients

    def predict(self, inputs):
        steps = [inputs.shape[1]] if self.spec.every_step else []
        return self.random.random((len(inputs), *steps, self.spec.outputs), np.float32)

    def weights(self):
        return self.canonical

    def parameter_counts(self):
        return {{"all": sum(w.size for w in self.canonical.values())}}

    def device(self):
        return "cpu"
'''


def project(folder: Path, seeds: int, seconds: float = 0.0) -> Path:
    """Copy the project to ``folder``, with a study ``scale`` of :data:`EACH` runs a seed.

    A run's training sleeps ``seconds`` at each of its steps.
    """
    ignored = shutil.ignore_patterns(".*", "results", "*_cache", "__pycache__")
    shutil.copytree(ROOT, folder, ignore=ignored)
    shutil.copytree(ROOT / "results" / "reference", folder / "results" / "reference")
    for name in FRAMEWORKS:
        own = folder / "implementations" / name
        own.mkdir()
        (own / "__init__.py").write_text(INIT.format(name=name), encoding="utf-8")
        (own / "model.py").write_text(MODEL.format(seconds=seconds), encoding="utf-8")
    study = (
        "\nscale:\n  question: What does all but training cost?\n"
        f"  seeds: {seeds}\n  tracks: [matched]\n"
    )
    for axis, names in (("tasks", TASKS), ("frameworks", FRAMEWORKS), ("cells", CELLS)):
        study += f"  {axis}: [{', '.join(names)}]\n"
    with (folder / "workflows" / "studies.yaml").open("a", encoding="utf-8") as file:
        file.write(study)
    return folder


def configuration(results: str = "results/scale", **more: object) -> dict[str, object]:
    """What ``--config`` says of the study: tiny budgets, no gate, no clock."""
    each = ", ".join(f"{key}: {value}" for key, value in BUDGET.items())
    return {
        "results": results, "studies": "[scale]", "conformance": "false",
        "timing": "{shapes: [], sweeps: []}",
        "overrides": "{" + ", ".join(f"{task}: {{{each}}}" for task in TASKS) + "}",
    } | more  # fmt: skip


def snakemake(cores: int, *words: str, **config: object) -> list[str]:
    """The command line of a pipeline of the study."""
    items = [f"{key}={value}" for key, value in configuration(**config).items()]  # type: ignore[arg-type]
    return [
        sys.executable, "-m", "snakemake", "--cores", str(cores), "--nocolor", *words,
        "--config", *items,
    ]  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """Of a command: seconds of the clock and of the processor, and the MB of its largest process.

    ``cpu`` is that of all processes that it started, ``main`` that of its first one.
    """

    status: int
    wall: float
    cpu: float
    main: float
    most_mb: float
    said: str


def clean() -> dict[str, str]:
    """The environment of a command, without what another pipeline may have left in it."""
    names = ("SNAKEMAKE", "GATEBENCH", "PYTEST")
    return {key: value for key, value in os.environ.items() if not key.startswith(names)}


def measure(words: list[str], folder: Path, log: Path | None = None) -> Cost:
    """Carry out a command in ``folder``; its output goes to ``log``, its last lines come back.

    Every process that it leaves behind is waited for: orphans become children of this one (Linux).
    """
    ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
    log = log or folder / "command.log"
    with log.open("w", encoding="utf-8") as file:
        begin = time.monotonic()
        process = subprocess.Popen(
            words, cwd=folder, env=clean(), stdin=subprocess.DEVNULL, stdout=file,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        wall = main = cpu = most = 0.0
        while True:
            try:
                # An orphan is buried at once: thousands that wait would slow down all who look
                # through the table of processes, as Snakemake does for each job.
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            except ChildProcessError:
                break
            if ended and ended.si_pid == process.pid:
                wall = time.monotonic() - begin
                # Before it is buried, since what comes then has its children's seconds in it.
                stat = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8")
                ticks = sum(map(int, stat.rpartition(")")[2].split()[11:13]))
                main = ticks / os.sysconf("SC_CLK_TCK")
            buried, code, used = os.wait4(ended.si_pid if ended else -1, 0)
            cpu += used.ru_utime + used.ru_stime
            most = max(most, used.ru_maxrss / 1024)
            if buried == process.pid:
                process.returncode = os.waitstatus_to_exitcode(code)
        status = process.returncode
    return Cost(status, wall, cpu, main, most, log.read_text(encoding="utf-8", errors="replace"))


def table(rows: Sequence[Mapping[str, object]], path: Path | None) -> None:
    """Print the rows, and write them as CSV where a path is given."""
    import pandas as pd

    frame = pd.DataFrame(rows)
    print(frame.to_string(index=False), flush=True)
    if path is not None:
        frame.to_csv(path, index=False)
