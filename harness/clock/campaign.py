"""A campaign: methods timed against each other in shuffled rounds, replicate after replicate.

A replicate is one fresh process for every method, but of the twins, the A/A control, one after
the other takes part. They start side by side, each on cores of its own; then only one works at
a time, all of them on the same cores. :mod:`harness.clock.stopping` says when they are enough.
Every sample is appended to ``timing/NAME.csv`` at once. At the end ``timing/NAME.json`` says
which campaign of that file is whole, and only a whole campaign reaches the tables.
"""

import json
import random
import secrets
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness import environment, limits, machine, quiet
from harness.clock import checks
from harness.clock.course import Course
from harness.clock.processes import (
    WORKER,
    Process,
    WorkerFailed,
    core_groups,
    cores_here,
    side_by_side,
)
from harness.clock.samples import appended, with_a_core
from harness.clock.stopping import replicates
from harness.clock.worker import PRODUCTS
from harness.errors import UserError
from harness.files import write_text
from harness.plan.campaigns import PHASES, Campaign, Method
from implementations import CPU, NATIVE

# Seconds of a block. A GPU's clock speeds up and down within tenths of a second, and its power is
# a mean over as long.
TARGET, TARGET_ON_GPU = 0.04, 0.1
# On a GPU each method has one more block of steps, this long: energy is counted ten times a second.
ENERGY, ENERGY_SECONDS = "energy", 1.2
# The phases beside the training step, and the products, decide nothing: they are asked in the
# first rounds of the first processes only.
OTHER_ROUNDS, OTHER_PROCESSES = 2, 3


def run(
    campaign: Campaign,
    results: Path,
    say: Callable[[str], None],
    checked: Path | None = None,
    worker: tuple[str, ...] = WORKER,
    verdicts: Mapping[str, str] | None = None,
) -> None:
    """Carry out the campaign anew; its samples and what is known of it go to ``timing/``.

    ``checked`` is the folder of what the pipeline's conformance checks found, when that is up to
    date; ``worker`` is what Python runs in the processes that are timed. With ``verdicts``, what
    other checks found wrong with each method by its name, nothing is checked here, and what was
    found is a note: so a card shows the times of a kernel that is not exact enough, too.
    """
    folder = results / "timing"
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / f"{campaign.name}.json"
    with quiet.alone(results, say):
        done.unlink(missing_ok=True)
        begin = time.monotonic()

        def keep(course: Course) -> None:
            about = {
                "campaign": course.number,
                "gatebench": machine.gatebench(),
                "asked": campaign.as_dict(),
                "problems": course.problems,
                "notes": course.notes,
                "machine": machine.description(),
                **({"accelerators": course.accelerators} if campaign.device != CPU else {}),
                **_environments(campaign),
                "commit": machine.git_commit(),
                "seconds": round(time.monotonic() - begin, 1),
            }
            write_text(done, json.dumps(about, indent=1) + "\n")

        # A card is lent for minutes: there, the replicates so far are a campaign.
        so_far = keep if verdicts is not None else None
        keep(_carried_out(campaign, folder, say, checked, worker, verdicts, so_far))


def _carried_out(
    campaign: Campaign,
    folder: Path,
    say: Callable[[str], None],
    checked: Path | None,
    worker: tuple[str, ...],
    verdicts: Mapping[str, str] | None,
    so_far: Callable[[Course], None] | None,
) -> Course:
    begin = time.monotonic()
    number = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
    with (
        (folder / f"{campaign.name}.log").open("w", encoding="utf-8") as log,
        tempfile.TemporaryDirectory(prefix="gatebench-") as scratch,
        appended(folder / f"{campaign.name}.csv", number) as write,
    ):
        cores = core_groups(campaign.threads)
        handed = environment.handed_by(folder.parent)
        course = Course(campaign, number, write, log, Path(scratch), cores, worker, handed)
        if len(cores_here()) == 1:
            course.note("one core only, which the machine's own work shares")
        if campaign.threads > len(cores_here()):
            course.note(f"{campaign.threads} threads on {len(cores_here())} cores")
        for label, file in campaign.environments.items():
            if problem := environment.problem(file):
                of_it = (m.name for m in campaign.methods if m.framework == label)
                course.problems |= dict.fromkeys(of_it, problem)
        if verdicts is None:
            checks.look_up_or_check(course, checked)
        for method in campaign.methods if verdicts else ():
            if found := (verdicts or {}).get(method.name):
                course.note(f"{method.name} {found}")
        say(f"{campaign.name}: {len(campaign.methods)} methods, checked in {_since(begin)}")
        order = random.Random(number)

        def replicate(process: int) -> float:
            start = time.monotonic()
            starting = _replicate(course, process, order)
            most = f"{'at most ' * campaign.may_go_on}{campaign.last}"
            say(f"{campaign.name}: replicate {process + 1} of {most}, {_since(start)}")
            if so_far:
                so_far(course)
            return 0.0 if process else starting

        if stopped := replicates(campaign, replicate, course.needed):
            course.note(stopped)
            say(f"{campaign.name}: {stopped}")
    return course


def _environments(campaign: Campaign) -> dict[str, Any]:
    """What was installed where, by label; nothing where all is in the project's own environment."""
    files = campaign.environments.items()
    found = {label: environment.read(Path(file)).of_a_record() for label, file in files}
    return {"environments": found} if found else {}


def _since(start: float) -> str:
    return f"{time.monotonic() - start:.0f} s"


def _replicate(course: Course, process: int, order: random.Random) -> float:
    """A fresh process for every method, started, warmed up and asked in shuffled rounds.

    Returns the seconds until all of them had started.
    """
    campaign, begin = course.campaign, time.monotonic()
    twins = [m for m in campaign.methods if m.twin]
    away = [m for i, m in enumerate(twins) if i != process % len(twins)]
    methods = [m for m in campaign.methods if m.name not in course.problems and m not in away]
    workers = {m: course.process(m.framework) for m in methods}
    measuring, phases = course.cores[0], _phases(campaign, process)

    def start(method: Method, cores: list[int]) -> Any:
        # The first process of a method finds no compiled code, the later ones its own.
        cache = course.scratch / method.name.replace("/", "-")
        try:
            return workers[method].ask(
                "start", framework=method.framework, kernel=method.kernel, cell=method.cell,
                shapes=[vars(s) for s in campaign.shapes], threads=campaign.threads, cores=cores,
                cache=str(cache), phases=_those_of(method, phases), device=campaign.device,
                precision=campaign.precision,
            )  # fmt: skip
        except WorkerFailed as error:
            return error

    try:
        for method, answer in side_by_side(course.cores, methods, start):
            if isinstance(answer, WorkerFailed):
                course.problems[method.name] = str(answer)
                continue
            if answer.get("accelerator"):
                course.accelerators[method.framework] = answer["accelerator"]
            for sample in answer["samples"]:
                if process and str(sample["phase"]).startswith("first_"):
                    sample["phase"] += "_cached"
                course.write(method, process, -1, sample)
            with course.problem_of(method):
                if workers[method].ask("pin", cores=measuring)["pinned"] != sorted(measuring):
                    course.note("processes cannot be pinned to a core here")
        started = time.monotonic() - begin
        # Round 0 warms up and, in the first process, settles how long a block is.
        for turn in range(campaign.rounds + 1):
            for method in order.sample(methods, len(methods)):
                if method.name not in course.problems:
                    with course.problem_of(method):
                        _round(course, workers[method], method, process, turn)
        for method in methods if campaign.device != CPU and process == 0 else ():
            if method.name not in course.problems:
                with course.problem_of(method):
                    _energy(course, workers[method], method, process)
    finally:
        for worker in workers.values():
            worker.end()
    return started


def _round(course: Course, worker: Process, method: Method, process: int, turn: int) -> None:
    """A block of every phase that is due."""
    if limits.pipeline_is_gone():
        raise UserError("The pipeline that started this campaign is gone: stopping.")
    campaign = course.campaign
    early = turn <= OTHER_ROUNDS and process < OTHER_PROCESSES
    phases = _phases(campaign, process) if early else PHASES[:1]
    products = PRODUCTS if early and campaign.peak and _finds_peak(course, method) else ()
    cores = " ".join(map(str, course.cores[0]))
    for shape in campaign.shapes:
        for phase in (*_those_of(method, phases), *products):
            key = (method.original, shape.name, phase)
            if turn:
                calls = course.counts[key]
                sample = worker.ask("block", shape=shape.name, phase=phase, calls=calls)
            else:
                sample = worker.ask("warm", shape=shape.name, phase=phase)
                seconds = TARGET if campaign.device == CPU else TARGET_ON_GPU
                course.counts.setdefault(key, max(1, round(seconds / sample["wall_s"])))
            known = {"phase": phase, "shape": shape.name, "cores": cores}
            course.write(method, process, turn, sample | known)
            if turn and phase == PHASES[0]:
                seconds = with_a_core(sample, campaign.threads)
                course.steps[shape.name, method][process, turn] = seconds / sample["steps"]


def _phases(campaign: Campaign, process: int) -> tuple[str, ...]:
    return campaign.phases if process < OTHER_PROCESSES else PHASES[:1]


def _energy(course: Course, worker: Process, method: Method, process: int) -> None:
    """One long block of training steps at each shape, by which their energy is known."""
    for shape in course.campaign.shapes if not method.twin else ():
        calls = course.counts[method.original, shape.name, PHASES[0]]
        calls = round(calls * ENERGY_SECONDS / TARGET_ON_GPU) or 1
        sample = worker.ask("block", shape=shape.name, phase=PHASES[0], calls=calls)
        course.write(method, process, -1, sample | {"phase": ENERGY, "shape": shape.name})


def _those_of(method: Method, phases: tuple[str, ...]) -> tuple[str, ...]:
    """The phases that a method has: a native model only trains."""
    return PHASES[:1] if method.kernel == NATIVE else phases


def _finds_peak(course: Course, method: Method) -> bool:
    """Whether the method's process does the products: one for each framework and cell."""
    measured = (m for m in course.campaign.methods if m.name not in course.problems)
    kind = (method.framework, method.cell)
    return method == next(m for m in measured if (m.framework, m.cell) == kind)
