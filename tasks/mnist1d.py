"""MNIST-1D."""

import random
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from tasks import Array, Budget, Classification, DataTask, Split
from tasks._classical import classifiers
from tasks._data import library_arrays, missing_package

VALIDATION = 500
# As notebooks/mnist1d-classification.ipynb of its repository draws it, by NumPy's old generator.
ORDER = np.random.RandomState(42).permutation(40)


@dataclass(frozen=True)
class Mnist1d(Classification, DataTask):
    """Name the digit whose one-dimensional outline was shifted, sheared, scaled and made noisy.

        x = v(1), …, v(40)
        y ∈ {0, …, 9}

    The data set that ``mnist1d`` generates from its own settings and seed: 4,000 training
    and 1,000 test examples of 40 values; the last 500 training examples are kept for
    validation. With ``permuted`` the 40 values come in one fixed random order, the same for all
    examples: that of the authors' notebook, where it is called shuffled. Nothing is downloaded;
    generating takes some seconds in every run.

    Published test accuracies: GRU 0.91, convolutions 0.94, a linear model 0.32; permuted GRU
    0.57, convolutions 0.56, a linear model 0.32. Beside the networks stand ridge regression on
    the one-hot classes and the nearest training example. Guessing reaches 1/10. A run counts as
    solved at the published GRU's 0.91.
    """

    name: ClassVar = "mnist1d"
    summary: ClassVar = "Classify the noisy outline of a digit."
    references: ClassVar = ("Greydanus & Kobak 2020, Scaling down deep learning with MNIST-1D",)
    input_size: ClassVar = 1
    sequence_length: ClassVar = 40
    outputs: ClassVar = 10
    solved: ClassVar = 0.91
    budget: ClassVar = Budget(
        layers=1, hidden=64, batch=50, steps=4200, learning_rate=5e-3, evaluate_every=140,
        train_examples=3500, validation_examples=500, test_examples=1000,
    )  # fmt: skip

    permuted: bool = False

    @property
    def missing(self) -> str:
        return missing_package("mnist1d", "mnist1d", self.name)

    def by_library(self) -> dict[str, Array]:
        from mnist1d.data import get_dataset_args, make_dataset

        # It seeds the global generators, which are not ours to change.
        states = random.getstate(), np.random.get_state()  # noqa: NPY002
        try:
            made = make_dataset(get_dataset_args())
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])  # noqa: NPY002
        return {name: made[name] for name in ("x", "y", "x_test", "y_test")}

    def examples(self, split: Split) -> tuple[Array, Array]:
        x, y = _data()[split == "test"]
        part = {"train": slice(-VALIDATION), "validation": slice(-VALIDATION, None)}
        x, y = (array[part.get(split, slice(None))] for array in (x, y))
        return x[:, ORDER] if self.permuted else x, y

    def classical_scores(
        self, train: tuple[Array, Array], test: tuple[Array, Array]
    ) -> dict[str, float]:
        return classifiers(self, train, test)


@cache
def _data() -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Values [n, 40, 1] and classes [n]: for training with validation, and for the test."""
    made = library_arrays(Mnist1d())
    train, test = (
        (made[x][..., None].astype(np.float32), made[y].astype(np.int32))
        for x, y in (("x", "y"), ("x_test", "y_test"))
    )
    return train, test
