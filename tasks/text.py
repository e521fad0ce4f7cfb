"""A text of your own, character by character."""

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from tasks import Array, Budget, Classification, Examples, Split, at_least
from tasks._data import SHARES, bounds
from tasks._text import code_points, followed, read

# The n-gram model beside the networks sees one character less than this before each one.
ORDER = 6
# Fewer windows of a part say nothing of a text.
LEAST_WINDOWS = 20
# Examples that are scored at once: with many symbols all of them would fill a memory.
BLOCK = 64


@dataclass(frozen=True)
class Text(Classification):
    """Read a text of your own and say at each character which one comes next.

        y(t) = x(t + 1) for t = 1, …, window

    ``path`` is a file in UTF-8, in any language. A character is a code point of Unicode, and
    the text is taken as it stands: capitals, accents, line ends and a mark of the byte order
    stay what they are. The first 70 % of it are for training, 15 % for validation, the last
    15 % for the test, and no window reaches from one part into another. Inputs and answers are
    one-hot. Their classes are the characters of the training part, at most ``symbols``, and one
    class for any other: a character that comes only later is that class, which no training
    answer is, so it costs many bits, and as an input it tells no more than that it is new.

    A training example is a window from anywhere in its part. Validation and test go through
    theirs window by window; each window starts with an empty state, so its first characters are
    guessed from little. The test text is the same for all seeds: an interval over seeds says
    nothing of another text.

    The score is the mean of −log₂ of the probability given to the character that came, in bits
    a character. Beside the networks stand how often each character comes (unigram, the
    baseline) and a 6-gram model (Witten & Bell 1991, interpolated), both counted in the training
    part and scored on the same windows of the test, of which the 6-gram too sees no more than
    what the window has shown. A run counts as solved when it needs no more bits than the 6-gram
    does on the test and on validation data, and a tenth less than the baseline. A twentieth of a
    bit counts as no difference: another stretch of the same text changes more. In two texts made
    of this project's files the 6-gram's score differs by 0.05 and by 0.28 bits from one half of
    the test to the other.

    The budget, 1,500 batches of 2,048 characters, goes four to five times through the training
    part of a text of 1 MB, in half a minute of one core. Of the rates 0.003 and 0.01 the second
    was far ahead on validation data (LSTM, one seed, 1 MB of this project's files: 2.87 and 2.28
    bits after 1,200 steps). In a much shorter text a model soon knows the training part by
    heart; take fewer ``steps`` where the validation score turns.
    """

    name: ClassVar = "text"
    summary: ClassVar = "Predict the next character of a text of your own."
    references: ClassVar = (
        "Your own data",
        "Graves 2013, Generating sequences with recurrent neural networks, section 3",
        "Witten & Bell 1991, The zero-frequency problem: estimating the probabilities of novel "
        "events in adaptive text compression",
    )
    every_step: ClassVar = True
    metric: ClassVar = "bits per character"
    higher_is_better: ClassVar = False
    margin: ClassVar = 0.05
    budget: ClassVar = Budget(
        layers=1, hidden=128, batch=32, steps=1500, learning_rate=1e-2, evaluate_every=100,
    )  # fmt: skip

    path: str = ""
    window: int = 64
    symbols: int = 256

    def __post_init__(self) -> None:
        at_least(2, self, "window", "symbols")
        if not self.path:
            return
        length = len(read(self.path))
        least = 1 + int((LEAST_WINDOWS * self.window + 2) / SHARES[1])
        if length < least:
            raise ValueError(
                f"{self.path} has {length:,} characters; with windows of {self.window} it takes "
                f"at least {least:,}, so that each part has {LEAST_WINDOWS} of them"
            )
        if (found := len(self.alphabet)) == 1:
            raise ValueError(
                f"{self.path} has only the character {self.alphabet!r} in its training part, the "
                "first 70 %; there is nothing to predict"
            )
        if found > self.symbols:
            raise ValueError(
                f"{self.path} has {found:,} different characters in its training part, the first "
                f"70 %, more than the {self.symbols:,} that symbols allows; set symbols={found} "
                "(inputs and outputs of the model grow with it), or take another text"
            )

    @property
    def missing(self) -> str:
        return "" if self.path else "has no text: set its path, such as path=my.txt"

    @property
    def doubtful(self) -> str:
        if not self.path:
            return ""
        start, stop = bounds(len(read(self.path)))["test"]
        new = _codes(self.path)[0][start:stop] == len(self.alphabet)
        if 100 * new.mean() < 1:
            return ""
        return (
            f"{self.path}: {100 * new.mean():.0f} % of the characters of the last 15 %, the test, "
            "do not come in the first 70 %, so no model can know them; mix its parts, or take a "
            "text in one language"
        )

    @property
    def files(self) -> tuple[Path, ...]:
        return (Path(self.path),)

    @property
    def alphabet(self) -> str:
        return _codes(self.path)[1]

    @property
    def sequence_length(self) -> int:
        return self.window

    @property
    def outputs(self) -> int:
        return len(self.alphabet) + 1

    @property
    def input_size(self) -> int:
        return self.outputs

    @property
    def baseline(self) -> float:
        return self.counted_bits(*self.windows("test"), order=1)

    @property
    def solved(self) -> float:
        parts: tuple[Split, ...] = ("validation", "test")
        best = min(self.counted_bits(*self.windows(split), order=ORDER) for split in parts)
        return min(0.9 * self.baseline, best)

    def windows(self, split: Split) -> tuple[Array, Array]:
        """All windows of a part, one after the other: characters and the next ones [n, window]."""
        return self._from(np.arange(*self._starts(split), self.window))

    def sample(self, rng: np.random.Generator, n: int) -> Examples:
        """Windows from anywhere in the training part."""
        return self._one_hot(*self._from(rng.integers(*self._starts("train"), n)))

    def draw(self, split: Split, rng: np.random.Generator, n: int) -> Examples:
        """Of validation and test :meth:`windows`, none twice before each was drawn once."""
        if split == "train":
            return self.sample(rng, n)
        shown, asked = self.windows(split)
        rounds = -(-n // len(shown))
        chosen = np.concatenate([rng.permutation(len(shown)) for _ in range(rounds)])[:n]
        return self._one_hot(shown[chosen], asked[chosen])

    def score(
        self, outputs: Array, targets: Array, inputs: Array, weights: Array | None = None
    ) -> float:
        """The mean cross-entropy of all answers in bits."""
        bits = [
            _cross_entropy(outputs[i : i + BLOCK].astype(np.float64), targets[i : i + BLOCK])
            for i in range(0, len(outputs), BLOCK)
        ]
        return float(np.average(np.concatenate(bits), weights=weights) / np.log(2))

    def classical_scores(self, train: Examples, test: Examples) -> dict[str, float]:
        shown, asked = test[0].argmax(axis=-1), test[1]
        return {
            "unigram": self.counted_bits(shown, asked, order=1),
            f"{ORDER}-gram": self.counted_bits(shown, asked, order=ORDER),
        }

    def counted_bits(self, shown: Array, asked: Array, order: int) -> float:
        """What an n-gram model of the training part needs for ``asked`` [n, T] after ``shown``."""
        return _counted_bits(self, shown.tobytes(), asked.astype(np.int64).tobytes(), order)

    def _starts(self, split: Split) -> tuple[int, int]:
        """From and up to which place of the text the windows of ``split`` may start."""
        start, stop = bounds(len(read(self.path)))[split]
        return start, stop - self.window

    def _from(self, starts: Array) -> tuple[Array, Array]:
        places = starts[:, None] + np.arange(self.window)
        codes = _codes(self.path)[0]
        return codes[places], codes[places + 1]

    def _one_hot(self, shown: Array, asked: Array) -> Examples:
        return np.eye(self.outputs, dtype=np.float32)[shown], asked.astype(np.int32)


@cache
def _codes(path: str) -> tuple[Array, str]:
    """The classes of all characters [length], and the characters that the classes stand for."""
    points = code_points(read(path))
    known = np.unique(points[: bounds(len(points))["train"][1]])
    places = np.minimum(np.searchsorted(known, points), len(known) - 1)
    codes = np.where(known[places] == points, places, len(known))
    return codes, "".join(map(chr, known.tolist()))


@lru_cache(maxsize=8)
def _counted_bits(task: Text, shown: bytes, asked: bytes, order: int) -> float:
    """The mean bits of the characters of these bytes, computed once."""
    codes, _ = _codes(task.path)
    known = codes[: bounds(len(codes))["train"][1]]
    before, next_ = (np.frombuffer(b, np.int64).reshape(-1, task.window) for b in (shown, asked))
    return float(-np.log2(followed(known, before, next_, task.outputs, order)).mean())


def _cross_entropy(outputs: Array, targets: Array) -> Array:
    """−ln softmax of the right class [n, T], for outputs [n, T, o] and targets [n, T]."""
    shifted = outputs - outputs.max(axis=-1, keepdims=True)
    right = np.take_along_axis(shifted, targets[..., None], axis=-1)[..., 0]
    result: Array = np.log(np.exp(shifted).sum(axis=-1)) - right
    return result
