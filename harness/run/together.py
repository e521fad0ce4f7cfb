"""Several seeds of a run in one batch of models: on a GPU they cost little more than one.

Each seed goes through :mod:`harness.run.loop` as if it were alone, in a thread of its own, with its
own data and its own record. Its model is a member of a batch: what it asks for is done once for all
members, as soon as each has asked. One that ends early, since it diverged or failed, leaves; its
row of the batch is computed on, and nobody reads it.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition
from typing import Any, cast

from cells import Array, ModelSpec, Weights
from harness.plan.run import Run
from harness.plan.settings import Settings
from harness.run import loop
from harness.run.loop import Progress
from harness.run.records import Record
from implementations import Batch, Framework, Model


class Lockstep:
    """Where the members of a batch wait; each asks for the same things in the same order."""

    def __init__(self, framework: Framework, members: int) -> None:
        self._framework, self._here = framework, set(range(members))
        self._batch: Batch | None = None
        self._asked: dict[int, tuple[str, Any]] = {}
        self._answers: dict[int, Any] = {}
        self._changed = Condition()

    def ask(self, member: int, what: str, given: Any) -> Any:
        """What ``what`` of all members comes to for this one, once every member has asked."""
        with self._changed:
            self._asked[member] = what, given
            self._serve_if_all_asked()
            self._changed.wait_for(lambda: member in self._answers)
            answer = self._answers.pop(member)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def leave(self, member: int) -> None:
        """The others go on without it."""
        with self._changed:
            self._here.discard(member)
            self._serve_if_all_asked()

    def _serve_if_all_asked(self) -> None:
        if not self._asked or self._asked.keys() != self._here:
            return
        # By member, whoever came first: which row is whose must not hang on that.
        asked, self._asked = dict(sorted(self._asked.items())), {}
        try:
            (what,) = {what for what, _ in asked.values()}
            self._answers |= getattr(self, what)(
                {member: given for member, (_, given) in asked.items()}
            )
        except Exception as error:
            self._answers |= dict.fromkeys(asked, error)
        self._changed.notify_all()

    def build(self, models: dict[int, Model]) -> dict[int, None]:
        """Make the batch; who is not here when it is made has no row."""
        self._rows = {member: row for row, member in enumerate(models)}
        self._batch = self._framework.together(list(models.values()))
        return dict.fromkeys(models)

    def train(self, placed: dict[int, Any]) -> dict[int, tuple[Array, Array]]:
        losses, norms = self._made().train(self._for_all_rows(placed))
        return {
            member: (losses[self._rows[member]], norms[self._rows[member]]) for member in placed
        }

    def predict(self, inputs: dict[int, Array]) -> dict[int, Array]:
        outputs = self._made().predict(self._for_all_rows(inputs))
        return {member: outputs[self._rows[member]] for member in inputs}

    def weights(self, members: dict[int, None]) -> dict[int, Weights]:
        return {member: self._made().weights(self._rows[member]) for member in members}

    def _made(self) -> Batch:
        if self._batch is None:
            raise RuntimeError("no batch of models was made")
        return self._batch

    def _for_all_rows(self, given: dict[int, Any]) -> list[Any]:
        """What each row is given; one whose member has left has what another one has."""
        any_other = next(iter(given.values()))
        return [given.get(member, any_other) for member in self._rows]


class Member:
    """A model of one seed whose computing the batch does; a
    :class:`implementations.Model`, as far as a run asks."""

    def __init__(self, lockstep: Lockstep, number: int, model: Model) -> None:
        self._lockstep, self._number, self._alone = lockstep, number, model
        self._ask("build", model)

    def _ask(self, what: str, given: Any) -> Any:
        return self._lockstep.ask(self._number, what, given)

    def place(self, *given: Any) -> Any:
        return self._alone.place(*given)

    def train(self, placed: Any) -> tuple[Array, Array]:
        found: tuple[Array, Array] = self._ask("train", placed)
        return found

    def predict(self, inputs: Array) -> Array:
        outputs: Array = self._ask("predict", inputs)
        return outputs

    def weights(self) -> Weights:
        weights: Weights = self._ask("weights", None)
        return weights

    def parameter_counts(self) -> dict[str, int]:
        return self._alone.parameter_counts()

    def device(self) -> str:
        return self._alone.device()


@dataclass(frozen=True, eq=False, kw_only=True)
class InLockstep(Framework):
    """A framework whose models are members of a batch."""

    lockstep: Lockstep = field(repr=False)
    member: int

    def build(self, spec: ModelSpec, weights: Weights, kernel: str, device: str = "cpu") -> Model:
        model = super().build(spec, weights, kernel, device)
        return cast("Model", Member(self.lockstep, self.member, model))


def run(
    framework: Framework,
    runs: Sequence[Run],
    settings: Settings,
    threads: int,
    cache: Path,
    on_chunk: Callable[[Run, int, float, float], None],
) -> list[tuple[Record, Progress]]:
    """Carry out runs that differ in their seeds alone, as :func:`harness.run.loop.run` does one.

    A record says how many were ``together``; its seconds are its share of those that all took.
    """
    lockstep = Lockstep(framework, len(runs))

    def one(member: int) -> tuple[Record, Progress]:
        mine, run = InLockstep(**vars(framework), lockstep=lockstep, member=member), runs[member]
        try:
            return loop.run(
                mine, run, settings, threads, cache, lambda *reached: on_chunk(run, *reached)
            )
        finally:
            lockstep.leave(member)

    with ThreadPoolExecutor(len(runs)) as threads_of_seeds:
        found = list(threads_of_seeds.map(one, range(len(runs))))
    return [(_share(record, len(runs)), progress) for record, progress in found]


def _share(record: Record, together: int) -> Record:
    seconds = {name: round(value / together, 4) for name, value in record["seconds"].items()}
    return record | {"seconds": seconds, "together": together}
