"""Sequential digits: an image read pixel by pixel."""

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from tasks import Array, Budget, Classification, DataTask, Split
from tasks._classical import classifiers
from tasks._data import library_arrays, missing_package, packaged_file

PARTS: dict[Split, slice] = {
    "train": slice(0, 1197), "validation": slice(1197, 1397), "test": slice(1397, 1797),
}  # fmt: skip


@dataclass(frozen=True)
class Digits(Classification, DataTask):
    """Name a handwritten digit whose pixels are shown one after the other.

        x = p(1), …, p(64),   p(t) the pixel in row ⌈t/8⌉
        y ∈ {0, …, 9}

    1,797 images of 8 × 8 pixels, a file of scikit-learn (the test part of the UCI set), read
    row by row: 64 steps of one grey value, from 0 to 1. It is the small sibling of sequential
    MNIST. With ``permuted`` the pixels come in one fixed random order, the same for all
    images; then nothing that belongs together is shown together. (The track
    ``permuteddigits`` does that.) The images are split, always in the same way, into 1,197 for
    training, 200 for validation and 400 for the test. They are mixed before, so one writer's
    digits are in all three parts: it is not writer-independent. In the order of the file, where
    the last 400 are of other writers, the nearest training image is right on 0.95 of the test
    instead of 0.9875. As the test is one fixed set, an interval over seeds says nothing of other
    digits.

    Beside the networks stand ridge regression on the one-hot classes and the nearest
    training image, which see all pixels at once. Guessing reaches 1/10. A run counts as
    solved from 0.95 on.

    The budget rests on one seed of each cell at rate 0.005: by step 1,700 the GRU's training loss
    is 0.02 and its validation accuracy no longer grows (test 0.965; the LSTM's 0.94: ``python -m
    harness train --task digits --framework jax --cell lstm --set learning_rate=0.005``). At its
    own rate each cell ends at 0.97 (medians of ten seeds, results/reference).
    """

    name: ClassVar = "digits"
    summary: ClassVar = "Classify a digit shown pixel by pixel."
    references: ClassVar = (
        "Alpaydin & Kaynak 1998, Optical recognition of handwritten digits (UCI)",
        "Le, Jaitly & Hinton 2015, A simple way to initialize recurrent networks of "
        "rectified linear units, section 4.2 (sequential and permuted MNIST)",
    )
    input_size: ClassVar = 1
    sequence_length: ClassVar = 64
    outputs: ClassVar = 10
    solved: ClassVar = 0.95
    budget: ClassVar = Budget(
        layers=1, hidden=64, batch=32, steps=2000, learning_rate=5e-3, evaluate_every=100,
        train_examples=1197, validation_examples=200, test_examples=400,
    )  # fmt: skip

    permuted: bool = False

    @property
    def missing(self) -> str:
        return missing_package("sklearn", "scikit-learn", self.name)

    def by_library(self) -> dict[str, Array]:
        path = packaged_file("sklearn", "datasets/data/digits.csv.gz")
        return {"table": np.loadtxt(path, delimiter=",")}

    def examples(self, split: Split) -> tuple[Array, Array]:
        pixels, classes = _images()
        order = np.random.default_rng(1).permutation(64) if self.permuted else np.arange(64)
        return pixels[PARTS[split]][:, order, None], classes[PARTS[split]]

    def classical_scores(
        self, train: tuple[Array, Array], test: tuple[Array, Array]
    ) -> dict[str, float]:
        return classifiers(self, train, test)


@cache
def _images() -> tuple[Array, Array]:
    """Pixels [1797, 64] from 0 to 1 and classes [1797], in an order drawn once."""
    table = library_arrays(Digits())["table"]
    # The file goes through its writers one by one: unmixed, the test would have writers of its own.
    table = table[np.random.default_rng(0).permutation(len(table))]
    return (table[:, :-1] / 16).astype(np.float32), table[:, -1].astype(np.int32)
