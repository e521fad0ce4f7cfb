"""A model in a batch with others, of which nothing may reach it: the checks of a batch of seeds."""

from dataclasses import dataclass
from typing import Any, cast

from cells import Array, ModelSpec, Weights
from implementations import Framework, Model

MINE = 1  # which row of three


class Company:
    """A :class:`implementations.Model`, as far as checks ask, in a batch with two others.

    These have half its weights, and its data in another order.
    """

    def __init__(
        self, framework: Framework, spec: ModelSpec, weights: Weights, kernel: str, device: str
    ) -> None:
        others = {name: value / 2 for name, value in weights.items()}
        rows = [others, weights, others]
        self._models = [framework.build(spec, row, kernel, device) for row in rows]
        self._batch = framework.together(self._models)

    def place(
        self, inputs: Array, targets: Array, constants: Array, sample_weights: Array | None = None
    ) -> Any:
        counts = [] if sample_weights is None else [sample_weights]
        placed = []
        for row, model in enumerate(self._models):
            x, y, *its = (a if row == MINE else a[::-1] for a in (inputs, targets, *counts))
            placed.append(model.place(x, y, constants, *its))
        return placed

    def train(self, placed: Any) -> tuple[Array, Array]:
        losses, norms = self._batch.train(placed)
        return losses[MINE], norms[MINE]

    def predict(self, inputs: Array) -> Array:
        outputs: Array = self._batch.predict([inputs[::-1], inputs, -inputs])[MINE]
        return outputs

    def weights(self) -> Weights:
        return self._batch.weights(MINE)

    def parameter_counts(self) -> dict[str, int]:
        return self._models[MINE].parameter_counts()

    def device(self) -> str:
        return self._models[MINE].device()


@dataclass(frozen=True, eq=False)
class InCompany(Framework):
    """A framework whose models are each in a batch with two others."""

    def build(self, spec: ModelSpec, weights: Weights, kernel: str, device: str = "cpu") -> Model:
        alone = Framework(**vars(self))
        return cast("Model", Company(alone, spec, weights, kernel, device))
