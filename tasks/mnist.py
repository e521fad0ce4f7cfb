"""Sequential and permuted MNIST: an image read pixel by pixel."""

import gzip
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from tasks import Array, Budget, Classification, DataTask, Split
from tasks._classical import classifiers
from tasks._files import missing_file, paths

# Of the training images, the last one in so many is kept for validation: 5,000.
VALIDATION = 12
# The nearest of more images takes gigabytes.
KNOWN = 5_000
SIDE = 28


@dataclass(frozen=True)
class Mnist(Classification, DataTask):
    """Name a handwritten digit whose 784 pixels are shown one after the other.

        x = p(1), …, p(784),   p(t) the pixel in row ⌈t/28⌉, from 0 to 1
        y ∈ {0, …, 9}

    Images of 28 × 28 pixels, read row by row. With ``permuted`` the pixels come in one fixed
    random order, the same for all images, as in permuted MNIST. 60,000 images are for training,
    of which the last 5,000 are kept for validation, and 10,000 for the test. As the test
    is one fixed set, an interval over seeds says nothing of other digits. ``digits`` is the same
    with 64 pixels and takes a twelfth of the time.

    The files are not part of this project: ``python -m harness fetch mnist`` gets them.

    Beside the networks stand ridge regression on the one-hot classes and the nearest of 5,000
    training images, which see all pixels at once. Guessing reaches 1/10. A run counts as solved
    at the 0.962 published of a GRU (Bai 2018).

    The budget is two epochs: enough to leave guessing, not to come to an end.
    """

    name: ClassVar = "mnist"
    summary: ClassVar = "Classify a digit of MNIST shown pixel by pixel."
    references: ClassVar = (
        "Le, Jaitly & Hinton 2015, A simple way to initialize recurrent networks of "
        "rectified linear units, section 4.2",
        "Bai, Kolter & Koltun 2018, An empirical evaluation of generic convolutional and "
        "recurrent networks for sequence modeling",
    )
    input_size: ClassVar = 1
    sequence_length: ClassVar = SIDE**2
    outputs: ClassVar = 10
    solved: ClassVar = 0.962
    budget: ClassVar = Budget(
        layers=1, hidden=64, batch=64, steps=1718, learning_rate=1e-3, evaluate_every=100,
        train_examples=55_000, validation_examples=1000, test_examples=10_000,
    )  # fmt: skip

    permuted: bool = False

    @property
    def missing(self) -> str:
        return missing_file(self.name)

    @property
    def files(self) -> tuple[Path, ...]:
        return paths(self.name)

    def examples(self, split: Split) -> tuple[Array, Array]:
        which = slice(2, 4) if split == "test" else slice(0, 2)
        pixels, classes = (_read(path, path.stat().st_mtime_ns) for path in paths("mnist")[which])
        if split != "test":
            cut = len(pixels) - len(pixels) // VALIDATION
            part = slice(cut) if split == "train" else slice(cut, None)
            pixels, classes = pixels[part], classes[part]
        order = np.arange(SIDE**2)
        if self.permuted:
            order = np.random.default_rng(1).permutation(order)
        inputs = pixels.reshape(len(pixels), -1)[:, order, None].astype(np.float32) / 255
        return inputs, classes.astype(np.int32)

    def classical_scores(
        self, train: tuple[Array, Array], test: tuple[Array, Array]
    ) -> dict[str, float]:
        known = train[0][:KNOWN], train[1][:KNOWN]
        return classifiers(self, known, test)


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> Array:
    """The bytes of an IDX file, images [n, 28, 28] or classes [n], as it was ``changed`` last."""
    content = gzip.decompress(path.read_bytes())
    # Two zeros, the type (8: bytes), the number of axes, and the length of each, high byte first.
    axes = content[3]
    shape = np.frombuffer(content, ">u4", count=axes, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)
