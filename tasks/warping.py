"""Remember the previous symbol of a sequence whose time is warped."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tasks import Array, Budget, Classification, at_least


@dataclass(frozen=True)
class Warping(Classification):
    """Name the symbol before the present one, where each stays for a while.

        s(1), s(2), …,   s(k) ~ U{the symbols but s(k − 1)},   r(k) ~ U{1, …, warp}
        x = s(1) r(1) times, s(2) r(2) times, …
        y(t) = s(k − 1) where x(t) = s(k)

    Without warping (``warp`` = 1) it takes a memory of one step. With ``uniform`` every symbol
    stays for just ``warp`` steps, which a network with a fixed, slower clock can do. Without,
    as by default, each stays for a number of steps of its own, and a network must find its
    clock in what it sees, as gates do. As many steps are shown, ``length``, whatever the
    warping. Neighbours differ, else a warped sequence would not tell how often a symbol came.
    After the paper's section on pure warpings; sizes, symbols, steps and rates here are ours.

    For the first symbol the answer is "none", a class that the score leaves out. The score is
    the share of right answers from the second symbol on. A model without memory sees
    the present symbol and guesses among the others: 1/(symbols - 1). A run counts as
    solved from 0.99 on.

    The budget rests on one seed of each cell at rate 0.005: at ``warp`` = 8 the LSTM is solved by
    step 700, the GRU by 550, and the RNN reaches 0.986; at 24 they reach 0.93, 0.97 and 0.66, and
    with uniform warping LSTM and RNN 0.99 and 0.31 (``python -m harness train --task warping
    --framework jax --cell lstm --seed 100 --set warp=24 --set learning_rate=0.005``). At their own
    rates all are solved at 8, and at 24 the medians of ten seeds are 0.992, 0.997 and 0.60
    (results/reference).
    """

    name: ClassVar = "warping"
    summary: ClassVar = "Remember the previous symbol while time is warped."
    references: ClassVar = ("Tallec & Ollivier 2018, Can recurrent neural networks warp time?",)
    every_step: ClassVar = True
    solved: ClassVar = 0.99
    budget: ClassVar = Budget(
        layers=1, hidden=32, batch=32, steps=1000, learning_rate=5e-3, evaluate_every=50,
        validation_examples=128, test_examples=512,
    )  # fmt: skip

    warp: int = 8
    uniform: bool = False
    symbols: int = 10
    length: int = 64

    def __post_init__(self) -> None:
        at_least(1, self, "warp")
        at_least(3, self, "symbols")
        if self.length <= 2 * self.warp:
            raise ValueError("length must be more than 2 * warp: two symbols, and one more step")

    @property
    def sequence_length(self) -> int:
        return self.length

    @property
    def input_size(self) -> int:
        return self.symbols

    @property
    def outputs(self) -> int:
        return self.symbols + 1

    @property
    def baseline(self) -> float:
        return 1 / (self.symbols - 1)

    def sample(self, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        shape = (n, self.length)
        first = rng.integers(0, self.symbols, (n, 1))
        changes = rng.integers(1, self.symbols, (n, self.length - 1))
        symbols = np.concatenate([first, changes], axis=1).cumsum(axis=1) % self.symbols
        stays = rng.integers(1, self.warp, shape, endpoint=True)
        if self.uniform:
            stays[:] = self.warp
        # Of each step the number of symbols that have ended before it.
        ends = stays.cumsum(axis=1)[..., None] <= np.arange(self.length)
        place = ends.sum(axis=1)
        now = np.take_along_axis(symbols, place, axis=1)
        before = np.take_along_axis(symbols, np.maximum(place - 1, 0), axis=1)
        targets = np.where(place == 0, self.symbols, before).astype(np.int32)
        return np.eye(self.symbols, dtype=np.float32)[now], targets

    def score(self, outputs: Array, targets: Array, inputs: Array) -> float:
        asked = targets < self.symbols
        return super().score(outputs[asked], targets[asked], inputs)
