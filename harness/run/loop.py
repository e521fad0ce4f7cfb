"""One run: build a model, train it on its stream, evaluate it, and say what happened."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from cells import Array, Weights
from harness import environment, machine
from harness.errors import in_one_line
from harness.plan.run import Run
from harness.plan.settings import Settings
from harness.plan.tracks import kernel_of
from harness.run import learners, records, solving, streams
from harness.run.records import Record
from implementations import NATIVE, Described, Framework, NoDevice, device_of, lacking
from tasks import Examples

PHASES = ("start", "import", "build", "first_chunk", "training", "evaluation", "data")
OnChunk = Callable[[int, float, float], None]


@dataclass
class Progress:
    """What a run has come to; filled as it goes, so that a failure keeps what was reached."""

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PHASES, 0.0))
    curve: list[dict[str, Any]] = field(default_factory=list)
    losses: list[Array] = field(default_factory=list)
    norms: list[Array] = field(default_factory=list)
    steps: int = 0
    score: float | None = None
    parameters: dict[str, int] = field(default_factory=dict)
    digests: dict[str, str | None] = field(default_factory=dict)
    device: str | None = None
    accelerator: dict[str, Any] | None = None
    kernel: str | None = None
    initial: Weights = field(default_factory=dict)
    weights: Weights | None = None

    def dynamics(self) -> dict[str, Array]:
        """The loss and the global gradient norm of every step taken, in order."""
        kinds = {"losses": self.losses, "gradient_norms": self.norms}
        none = np.empty(0, np.float32)
        return {name: np.concatenate(parts) if parts else none for name, parts in kinds.items()}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the time spent inside to the phase ``name``."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - start


def run(
    framework: Framework,
    identity: Run,
    settings: Settings,
    threads: int,
    cache: Path,
    on_chunk: OnChunk,
) -> tuple[Record, Progress]:
    """Carry out one run and describe it; whatever the framework raises ends in the record.

    ``on_chunk(step, loss, score)`` is called at every evaluation. ``cache`` is a
    folder for compiled code.
    """
    progress = Progress()
    progress.seconds["start"] = machine.process_age()
    if problem := environment.problem(settings.environment):
        whole = describe(framework, identity, settings, threads, progress, "unavailable", problem)
        return whole, progress
    try:
        try:
            framework.pin(threads, cache, settings.device)
            with progress.phase("import"):
                learners.load(identity, framework)
                progress.accelerator = machine.accelerator(
                    framework.prepare(settings.device, settings.precision)
                )
        except ImportError as error:
            reason = f"{error.name or identity.framework} cannot be imported: {error}"
            status = "unavailable"
        except NoDevice as error:
            reason, status = str(error), "unavailable"
        else:
            status, reason = _trained(framework, identity, settings, progress, on_chunk)
        if progress.accelerator is not None:
            peak = framework.device_peak_mb(settings.device)
            progress.accelerator["peak_mb"] = round(peak, 1) if peak and isfinite(peak) else None
    except Exception as error:
        status, reason = "failed", in_one_line(error)
    return describe(framework, identity, settings, threads, progress, status, reason), progress


def _trained(
    framework: Framework, identity: Run, settings: Settings, progress: Progress, on_chunk: OnChunk
) -> tuple[str, str]:
    """The status after training and its reason; a kernel that is not to be had here is no error."""
    try:
        reason = _train(framework, identity, settings, progress, on_chunk)
    except (ImportError, AttributeError) as error:
        if not (lacks := lacking.lack(error)):
            raise
        native = identity.track == NATIVE
        kernel = NATIVE if native else kernel_of(framework, identity.cell, settings)
        return "unavailable", lacking.sentence(framework.name, kernel, lacks)
    return "diverged" if reason else "ok", reason


def _train(
    framework: Framework, identity: Run, settings: Settings, progress: Progress, on_chunk: OnChunk
) -> str:
    """Train and evaluate; returns why the run diverged, or nothing."""
    task, budget = settings.task, settings.budget
    with progress.phase("data"):
        stream = streams.TrainingStream(task, budget, identity.seed)
        validation = streams.examples(task, "validation", identity.seed, budget.validation_examples)
    with progress.phase("build"):
        learner = learners.learner(identity, settings, framework)
        model, progress.kernel = learner.model, learner.kernel
        progress.initial = learner.initial
        progress.digests["initial"] = streams.sha256(learner.initial.values())
        progress.parameters = model.parameter_counts()
        progress.device = device_of(model)
    if progress.device != settings.device:
        raise RuntimeError(f"the model is on {progress.device}, not on {settings.device}")

    score = _evaluate(model, settings, validation, progress)
    progress.curve.append({"step": 0, "loss": None, "score": score})
    while progress.steps < budget.steps:
        count = min(budget.evaluate_every, budget.steps - progress.steps)
        with progress.phase("data"):
            batches = stream.chunk(progress.steps, count)
        with progress.phase("training" if progress.losses else "first_chunk"):
            losses, norms = learner.train(batches, progress.steps)
        progress.losses.append(losses)
        progress.norms.append(norms)
        progress.steps += count
        if not np.isfinite(losses).all():
            step = progress.steps - count + int(np.argmin(np.isfinite(losses))) + 1
            return f"the loss was not finite at step {step}"
        score = _evaluate(model, settings, validation, progress)
        loss = float(losses.mean(dtype=np.float64))
        progress.curve.append({"step": progress.steps, "loss": loss, "score": score})
        if score is None:
            return f"the outputs were not finite after step {progress.steps}"
        on_chunk(progress.steps, loss, score)

    with progress.phase("data"):
        test = streams.examples(task, "test", identity.seed, budget.test_examples)
        progress.digests |= {"train": stream.sha256, "test": streams.sha256(test)}
    progress.score = _evaluate(model, settings, test, progress)
    progress.weights = model.weights()
    progress.digests["final"] = streams.sha256(progress.weights.values())
    return "" if progress.score is not None else "the outputs on the test data were not finite"


def _evaluate(
    model: Described, settings: Settings, data: Examples, progress: Progress
) -> float | None:
    """The score on ``data``, or None when an output or the score is not finite.

    Examples go through the model a training batch at a time: larger blocks fall
    out of the processor's caches.
    """
    inputs, targets, *weights = data
    size = settings.budget.batch
    with progress.phase("evaluation"):
        outputs = np.concatenate(
            [model.predict(inputs[i : i + size]) for i in range(0, len(inputs), size)]
        )
        score = settings.task.score(outputs, targets, inputs, *weights)
    return score if np.isfinite(outputs).all() and np.isfinite(score) else None


def describe(
    framework: Framework,
    identity: Run,
    settings: Settings,
    threads: int,
    progress: Progress,
    status: str,
    reason: str,
) -> Record:
    """The record of a run that came to ``progress``."""
    task = settings.task
    seconds = progress.seconds | {"total": machine.process_age()}
    losses = progress.dynamics()["losses"]
    solved = None if progress.score is None else task.is_solved(progress.score)
    lasting = solving.first_lasting(progress.curve, task.solved, task.higher_is_better)
    # On a CPU there is no such key.
    accelerator = {"accelerator": progress.accelerator} if progress.accelerator else {}
    return {
        **accelerator,
        **_where(framework, settings),
        "schema": records.SCHEMA,
        **asdict(identity),
        "status": status,
        "reason": reason,
        "settings": settings.as_dict(),
        "command": settings.command(identity, threads),
        "score": progress.score,
        "metric": task.metric,
        "higher_is_better": task.higher_is_better,
        "baseline": task.baseline,
        "solved_at": task.solved,
        "solved": solved,
        "steps": progress.steps,
        # What the test does not confirm was no solve.
        "steps_to_solve": lasting if solved else None,
        "curve": progress.curve,
        "parameters": {
            "total": sum(progress.parameters.values()) or None,
            "by_name": progress.parameters,
        },
        "seconds": {name: round(value, 4) for name, value in seconds.items()},
        "peak_rss_mb": machine.peak_rss_mb(),
        "data_sha256": {name: progress.digests.get(name) for name in ("train", "test")},
        "weights_sha256": {name: progress.digests.get(name) for name in ("initial", "final")},
        "losses_sha256": streams.sha256([losses]) if len(losses) else None,
        "versions": _versions(framework, settings),
        "machine": machine.description(),
        "threads": threads,
        "device": progress.device,
        "kernel": progress.kernel,
        "git_commit": machine.git_commit(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _where(framework: Framework, settings: Settings) -> dict[str, Any]:
    """What a label stands for; nothing of a framework that goes by its own name."""
    found: dict[str, Any] = {}
    if framework.folder != framework.name:
        found["implementation"] = framework.folder
    if settings.environment:
        found["environment"] = environment.read(Path(settings.environment)).of_a_record()
    return found


def _versions(framework: Framework, settings: Settings) -> dict[str, str]:
    if settings.environment:
        return environment.versions(Path(settings.environment), framework.packages)
    return machine.versions(framework.packages)
