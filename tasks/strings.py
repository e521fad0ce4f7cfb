"""Learn one string by heart: symbolic sequences of a given complexity."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

import numpy as np

from tasks import Array, Budget, Classification, Split, at_least


@dataclass(frozen=True)
class Strings(Classification):
    """Name the symbol that follows a window of an endlessly repeated string.

        s = a string over ``symbols`` symbols whose Lempel-Ziv-Welch complexity is ``complexity``
        x = s(i), …, s(i + window − 1),   y = s(i + window),   indices modulo the length of s

    Each run draws a string of its own, s, which is repeated without end, and learns what
    follows each of its windows (``string`` = 0; any other number names one for all runs). It is
    asked for the same windows again: as in the paper, where the test goes on with the string that
    was trained on, it is memory that is tested, not generalisation. ``complexity`` is the
    difficulty: the number of codes that LZW compression (Welch 1984, the symbols known
    beforehand) makes of the string. The string is made as by the paper's code: all symbols in a
    random order, then random symbols one by one until the complexity is reached; strings that
    repeat themselves, or in which a window has two successors, are drawn again. With 4 symbols
    a string of complexity 20, 40, 80, 160 or 320 has about 28, 69, 168, 406 or 957 symbols,
    each of which starts a window.

    What differs from the paper: it lets a trained network run on its own output and compares
    the forecast with the string by Damerau-Levenshtein and Jaro-Winkler distances. Here every
    window is the true one, the score is the share of right symbols, and sizes, rate and the
    number of steps are ours. What counts is how much of the string is known after them.

    A model that sees only the last symbol does best to name its most frequent successor: the
    baseline is the share of symbols that this gets right, averaged over 200 strings. A run counts
    as solved from 0.99 on.

    The budget rests on one seed of each cell and level: in 600 steps at rate 0.005, LSTM and GRU
    know a string of complexity 20 by step 120, of 40 by 260 and 180, of 80 by 480 and 360; of 160
    they know 0.66 and 0.69 after 400 steps, and at 320 the LSTM has 0.43 (``python -m harness
    train --task strings --framework jax --cell lstm --seed 100 --set complexity=160 --set
    learning_rate=0.005``). At their own rates, 0.03 and 0.01, they know one of 80 by step 340 and
    270, and end at 0.57 and 0.69 at 320 (medians of ten seeds, results/reference).
    """

    name: ClassVar = "strings"
    summary: ClassVar = "Learn a string of given complexity by heart."
    references: ClassVar = (
        "Cahuantzi, Chen & Güttel 2023, A comparison of LSTM and GRU networks for learning "
        "symbolic sequences",
    )
    solved: ClassVar = 0.99
    budget: ClassVar = Budget(
        layers=1, hidden=32, batch=32, steps=600, learning_rate=5e-3, evaluate_every=20,
        validation_examples=512, test_examples=2048,
    )  # fmt: skip

    complexity: int = 80
    symbols: int = 4
    window: int = 16
    string: int = 0

    def __post_init__(self) -> None:
        at_least(2, self, "symbols")
        at_least(1, self, "window")
        at_least(0, self, "string")
        if self.complexity <= self.symbols:
            raise ValueError("complexity must be more than symbols: each of them is a code")
        # Among so many windows as a string has, two alike must be rare.
        if self.symbols**self.window < 4 * self.complexity**2:
            raise ValueError(
                "window is too short to tell where in the string it stands; take a longer one, so "
                "that symbols ** window is at least 4 * complexity ** 2"
            )

    @property
    def sequence_length(self) -> int:
        return self.window

    @property
    def input_size(self) -> int:
        return self.symbols

    @property
    def outputs(self) -> int:
        return self.symbols

    @property
    def baseline(self) -> float:
        return _best_of_the_last_symbol(self)

    def of_run(self, rng: np.random.Generator) -> "Strings":
        return self if self.string else replace(self, string=int(rng.integers(1, 2**31)))

    def sample(self, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        return self.draw("train", rng, n)

    def draw(self, split: Split, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        string = seed_string(self)
        starts = rng.integers(0, len(string), n)[:, None]
        places = (starts + np.arange(self.window + 1)) % len(string)
        shown = string[places]
        return np.eye(self.symbols, dtype=np.float32)[shown[:, :-1]], shown[:, -1].astype(np.int32)


def lzw_complexity(symbols: Iterable[int], known: int, enough: float = np.inf) -> tuple[int, int]:
    """The number of codes that LZW compression makes of ``symbols``, of which it knows ``known``.

    Stops as soon as there are ``enough``; returns the codes and how many symbols were taken.
    """
    words: set[tuple[int, ...]] = {(symbol,) for symbol in range(known)}
    word: tuple[int, ...] = ()
    codes = taken = 0
    for symbol in symbols:
        taken += 1
        if (*word, symbol) in words:
            word = (*word, symbol)
        else:
            words.add((*word, symbol))
            codes, word = codes + 1, (symbol,)
        if codes + 1 >= enough:
            break
    return codes + bool(word), taken


@lru_cache(maxsize=256)
def seed_string(task: Strings) -> Array:
    """The string [length] that ``task.string`` names."""
    rng = np.random.default_rng([task.string, task.complexity, task.symbols])
    # No code stands for more symbols than there were codes before it, and few for many.
    most = task.symbols + 20 * task.complexity
    while True:
        drawn = np.append(rng.permutation(task.symbols), rng.integers(0, task.symbols, most))
        codes, length = lzw_complexity(drawn.tolist(), task.symbols, task.complexity)
        string = drawn[:length]
        if codes == task.complexity and _good(string, task.window):
            return string


def _good(string: Array, window: int) -> bool:
    """Whether it is its own shortest period, and what follows a window is never in doubt."""
    n = len(string)
    if any(n % k == 0 and (string == np.roll(string, k)).all() for k in range(1, n)):
        return False
    shown = string[(np.arange(n)[:, None] + np.arange(window + 1)) % n]
    return len(np.unique(shown, axis=0)) == len(np.unique(shown[:, :-1], axis=0))


@lru_cache(maxsize=16)
def _best_of_the_last_symbol(task: Strings) -> float:
    """The share of symbols foretold by the most frequent successor of each, over 200 strings."""
    shares = []
    for number in range(1, 201):
        string = seed_string(replace(task, string=number))
        pairs = np.zeros((task.symbols, task.symbols), int)
        np.add.at(pairs, (string, np.roll(string, -1)), 1)
        shares.append(pairs.max(axis=1).sum() / len(string))
    return float(np.mean(shares))
