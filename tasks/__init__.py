"""The contract of a task: what a file in this folder must offer.

A task is one file in this folder that defines one frozen dataclass derived from
:class:`Regression`, :class:`Classification` or :class:`MultiLabel`, and from :class:`DataTask`
too where its examples are finite. Its fields are its parameters (each can be set in a
configuration under ``overrides``), its docstring is its documentation. What never changes is a
class attribute (``outputs: ClassVar = 4``), what follows from the parameters is a property. A
task knows NumPy and nothing of frameworks, loops or seeds. Files whose names begin with ``_`` are
what several tasks share.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
# Inputs, targets and, where a task gives some, weights: see Task.sample.
Examples = tuple[Array, ...]

OPTIMISERS = ("adam", "rmsprop", "sgd")
INITIAL_BIASES = ("standard", "zero", "chrono")


@dataclass(frozen=True)
class Budget:
    """The model a task is trained with and how long.

    ``steps`` and ``evaluate_every`` count optimiser steps, ``batch`` and the
    ``*_examples`` count sequences. ``train_examples = 0`` draws fresh examples
    for every step; a positive number draws that many once and goes through
    them in epochs, in a new order each time. ``hidden`` is the number of units of each
    layer. ``clip`` is the largest norm of the whole gradient; 0 clips nothing.
    ``initial_biases`` says what the gates' biases start from: ``standard`` (what the cell
    says, such as 0, and 1 for the LSTM's forget gate), ``zero``, or ``chrono`` (Tallec &
    Ollivier 2018). ``cooldown`` is the share of the steps, the last ones, over which the
    learning rate falls linearly to zero; 0 is a constant rate. Raises ValueError for a
    value out of its range.
    """

    layers: int
    hidden: int
    batch: int
    steps: int
    learning_rate: float
    optimiser: Literal["adam", "rmsprop", "sgd"] = "adam"
    clip: float = 1.0
    cooldown: float = 0.2
    evaluate_every: int = 100
    train_examples: int = 0
    validation_examples: int = 256
    test_examples: int = 2048
    initial_biases: Literal["standard", "zero", "chrono"] = "standard"

    def __post_init__(self) -> None:
        at_least(1, self, "layers", "hidden", "batch", "steps", "evaluate_every")
        at_least(1, self, "validation_examples", "test_examples")
        if self.train_examples != 0 and self.train_examples < self.batch:
            raise ValueError(
                f"train_examples must be 0 or at least one batch ({self.batch}), not "
                f"{self.train_examples}"
            )
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be positive, not {self.learning_rate}")
        if not self.clip >= 0:
            raise ValueError(f"clip must be 0 (none) or positive, not {self.clip}")
        if not 0 <= self.cooldown <= 1:
            raise ValueError(f"cooldown must be a share from 0 to 1, not {self.cooldown}")
        if self.optimiser not in OPTIMISERS:
            known = ", ".join(OPTIMISERS)
            raise ValueError(f"optimiser must be one of {known}, not {self.optimiser!r}")
        if self.initial_biases not in INITIAL_BIASES:
            known = ", ".join(INITIAL_BIASES)
            raise ValueError(f"initial_biases must be one of {known}, not {self.initial_biases!r}")


def at_least(least: int, owner: object, *names: str) -> None:
    """Raise ValueError where one of ``owner``'s values called ``names`` is below ``least``."""
    for name in names:
        if (value := getattr(owner, name)) < least:
            raise ValueError(f"{name} must be at least {least}, not {value}")


def squared_error(outputs: Array, targets: Array, weights: Array | None = None) -> float:
    """The mean squared error over all values, each answer counting as its weight [n] or [n, T]."""
    squares = (outputs - targets) ** 2
    if weights is None:
        return float(np.mean(squares, dtype=np.float64))
    return float(np.average(squares.mean(axis=-1, dtype=np.float64), weights=weights))


def binary_cross_entropy(outputs: Array, targets: Array, weights: Array | None = None) -> float:
    """The mean over answers of the sum of their outputs' binary cross-entropies, in nats.

    The outputs are logarithms of odds, the targets 0 or 1.
    """
    a = outputs.astype(np.float64)
    sums = (np.logaddexp(0, a) - targets * a).sum(axis=-1)
    return float(np.average(sums, weights=weights))


@dataclass(frozen=True)
class Task(ABC):
    """One task: examples, a loss, a score, and the values to judge the score by.

    ``margin`` is the largest difference between two scores that counts as none, in the unit of
    ``metric``, chosen before any run. Without one, whether scores are equal is not tested, and
    the tables say so.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    references: ClassVar[tuple[str, ...]]
    loss: ClassVar[Literal["mse", "cross_entropy", "binary_cross_entropy"]]
    every_step: ClassVar[bool] = False
    metric: ClassVar[str]
    higher_is_better: ClassVar[bool]
    margin: ClassVar[float | None] = None
    budget: ClassVar[Budget]

    @property
    @abstractmethod
    def input_size(self) -> int:
        """The number of features of one time step, ``d``."""

    @property
    @abstractmethod
    def sequence_length(self) -> int:
        """The number of time steps, ``T``."""

    @property
    def test_length(self) -> int:
        """The time steps of validation and test examples; those of training unless a task says."""
        return self.sequence_length

    @property
    @abstractmethod
    def outputs(self) -> int:
        """The number of the model's outputs, ``o``: of values, classes, or labels on or off."""

    @property
    @abstractmethod
    def baseline(self) -> float:
        """The score that a model without memory reaches."""

    @property
    @abstractmethod
    def solved(self) -> float:
        """The score from which on the task counts as solved."""

    @abstractmethod
    def sample(self, rng: np.random.Generator, n: int) -> Examples:
        """Draw ``n`` independent examples.

        Returns inputs ``[n, T, d]`` float32 and targets: float32 ``[n, o]`` (mse), int32 ``[n]``
        (cross_entropy) or float32 ``[n, o]`` of 0 and 1 (binary_cross_entropy), with a time
        axis ``T`` after ``n`` when ``every_step`` is true.

        A task may return weights besides, float32 ``[n]`` or, when ``every_step`` is true,
        ``[n, T]``, none below zero: how much each answer counts. The loss is Σ weight · loss /
        Σ weight over a batch, so that a mask is weights of 1 and 0.
        """

    @abstractmethod
    def score(
        self, outputs: Array, targets: Array, inputs: Array, weights: Array | None = None
    ) -> float:
        """Score the model's outputs, shaped as ``targets`` (plus a class axis).

        ``inputs`` are those that the outputs answer, for a score that is relative to
        what another method makes of the same examples. ``weights``, one for each answer
        (``[n, T]`` when ``every_step`` is true), are given where the task gives some: the
        score of a task without need not take them.
        """

    def of_run(self, rng: np.random.Generator) -> "Task":
        """The task as one run meets it.

        Only a task whose training, validation and test share something that each run
        draws anew, such as the string to be learned, has its own.
        """
        return self

    def draw(self, split: Split, rng: np.random.Generator, n: int) -> Examples:
        """Draw ``n`` examples of ``split``, as :meth:`sample`.

        Only a task whose splits differ has its own: another distribution for the
        test, or finite data, of which each split has a part. Validation and test
        have :attr:`test_length` time steps.
        """
        return self.sample(rng, n)

    def classical_scores(self, train: Examples, test: Examples) -> dict[str, float]:
        """Scores on ``test`` of methods without a network, by name; may be empty.

        ``train`` is what such a method may be fitted on; both are as returned by
        :meth:`sample`, weights included.
        """
        return {}

    @property
    def lag(self) -> int | None:
        """The fewest time steps over which something must be kept; None when there is no such lag.

        Counted from the step that shows it to the step that asks for it.
        """
        return None

    def probe_target(self, inputs: Array) -> tuple[Array, Array] | None:
        """A value that each of ``inputs`` [n, T, d] asks to be kept, and when it is shown.

        Returns values [n], floats (numbers) or integers (classes), and the time
        step from 0 at which each is shown [n]; None when there is no such value.
        """
        return None

    @property
    def alphabet(self) -> str:
        """The characters that the classes stand for, where the task is to go on with a text.

        Inputs are one-hot of the same classes then, the answer at every step is the next input,
        and there is one class more, for any other character, which no training answer needs to
        be. The analysis lets a trained model write a sample of such text.
        """
        return ""

    @property
    def missing(self) -> str:
        """What keeps this task from being used, as half a sentence; empty when nothing does.

        ``tasks: all`` leaves such a task out; to name it is an error that says this.
        """
        return ""

    @property
    def doubtful(self) -> str:
        """What a user should look at in the data, as half a sentence, which ``check`` says."""
        return ""

    @property
    def files(self) -> tuple[Path, ...]:
        """The user's files that it reads: when one changes, its runs are made again."""
        return ()

    def is_solved(self, score: float) -> bool:
        """Whether ``score`` reaches the task's solved value."""
        return score >= self.solved if self.higher_is_better else score <= self.solved


@dataclass(frozen=True)
class Regression(Task):
    """A task of values, judged by their mean squared error."""

    loss: ClassVar = "mse"
    metric: ClassVar = "mean squared error"
    higher_is_better: ClassVar = False

    def score(
        self, outputs: Array, targets: Array, inputs: Array, weights: Array | None = None
    ) -> float:
        """The mean squared error over all outputs."""
        return squared_error(outputs, targets, weights)


@dataclass(frozen=True)
class Classification(Task):
    """A task of classes, judged by their accuracy; guessing is its baseline."""

    loss: ClassVar = "cross_entropy"
    metric: ClassVar = "accuracy"
    higher_is_better: ClassVar = True
    margin: ClassVar = 0.01

    @property
    def baseline(self) -> float:
        """The share of right answers of a guess among all classes."""
        return 1 / self.outputs

    def score(
        self, outputs: Array, targets: Array, inputs: Array, weights: Array | None = None
    ) -> float:
        """The share of right answers."""
        right = outputs.argmax(axis=-1) == targets
        if weights is None:
            return float(np.mean(right, dtype=np.float64))
        return float(np.average(right, weights=weights))


@dataclass(frozen=True)
class MultiLabel(Task):
    """A task of labels that are on or off, several at once, judged by their likelihood."""

    loss: ClassVar = "binary_cross_entropy"
    metric: ClassVar = "negative log-likelihood in nats"
    higher_is_better: ClassVar = False

    def score(
        self, outputs: Array, targets: Array, inputs: Array, weights: Array | None = None
    ) -> float:
        """The mean over answers of the sum of all labels' cross-entropies."""
        return binary_cross_entropy(outputs, targets, weights)


@dataclass(frozen=True)
class DataTask(Task):
    """A task of finite data: every split is drawn from a part of its own."""

    @abstractmethod
    def examples(self, split: Split) -> Examples:
        """All examples of ``split``, as :meth:`sample` gives them."""

    def by_library(self) -> dict[str, Array]:
        """The arrays, by name, for which another library than NumPy is needed; none by default.

        Get them by ``tasks._data.library_arrays``: in an environment without the library it
        reads what another one handed over. They are the same whatever the task's parameters are.
        """
        return {}

    def sample(self, rng: np.random.Generator, n: int) -> Examples:
        """``n`` examples of the training part."""
        return self.draw("train", rng, n)

    def draw(self, split: Split, rng: np.random.Generator, n: int) -> Examples:
        """``n`` examples of ``split``: none twice before each was drawn once."""
        arrays = self.examples(split)
        count = len(arrays[0])
        rounds = -(-n // count)
        chosen = np.concatenate([rng.permutation(count) for _ in range(rounds)])[:n]
        return tuple(array[chosen] for array in arrays)
