"""The JAX model; see the package docstring for kernels and conventions."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from cells import ModelSpec, Weights
from implementations import EQUATIONS, SCAN, STOCK, packed
from implementations.functional import FunctionalModel, Program, loss, model, product, together
from implementations.jax import CUDNN, cudnn, equations, manual, scan

__all__ = ["build", "product", "together"]

# The outputs that any cell's equations make.
ANY = {EQUATIONS: equations.OUTPUTS, SCAN: scan.OUTPUTS}


def build(spec: ModelSpec, weights: Weights, kernel: str, device: str) -> FunctionalModel:
    """Place ``weights`` on the device as a model of ``spec``."""
    if kernel in ANY:
        return model(ANY[kernel], spec, weights, device)
    return JaxModel(spec, weights, kernel, device)


@dataclass(frozen=True)
class Packed(Program):
    """All weights are one vector, so that the update rule is a few long operations."""

    kernel: str
    layout: Any  # Layout, or where cuDNN computes, its own

    def outputs(self, w: jax.Array, x: jax.Array) -> jax.Array:
        if self.kernel == STOCK:
            return self._stock(self.layout.matrices(w), x)
        if self.kernel == CUDNN:
            return cudnn.outputs(self.layout, w, x)
        return manual.outputs(self.kernel, self.layout, w, x)

    def gradient(self, w: jax.Array, x: jax.Array, y: Any) -> tuple[jax.Array, jax.Array]:
        """The loss and its gradient, zero where nothing is trained."""
        if self.kernel == CUDNN:
            value, gradient = super().gradient(w, x, y)
        elif self.kernel == STOCK:
            value, parts = jax.value_and_grad(
                lambda matrices: loss(self.spec, self._stock(matrices, x), y)
            )(self.layout.matrices(w))
            gradient = jnp.concatenate([g.reshape(-1) for g in parts])
        else:
            value, gradient = manual.loss_and_gradient(self.kernel, self.layout, w, x, y)
        mask = self.layout.mask()
        return value, gradient if mask is None else gradient * mask

    def clipped(
        self, g: jax.Array, norm: jax.Array, clip: jax.Array, clip_each: jax.Array
    ) -> jax.Array:
        def apart() -> jax.Array:
            numbers = self.layout.variables()
            squares = jnp.zeros(numbers.max() + 1, g.dtype).at[numbers].add(g * g)
            return g * jnp.minimum(1, clip_each / jnp.sqrt(squares))[numbers]

        # Few runs have a limit for each variable, and the sums over variables are slow.
        g = lax.cond(clip_each < jnp.inf, apart, lambda: g)
        return jnp.minimum(1, clip / norm) * g

    def _stock(self, matrices: list[jax.Array], x: jax.Array) -> jax.Array:
        # Flax takes a second to import, which the other kernels need not wait for.
        from implementations.jax import stock

        return stock.outputs(self.layout, matrices, x)


class JaxModel(FunctionalModel):
    """A :class:`implementations.Model` whose state are three vectors."""

    def __init__(self, spec: ModelSpec, weights: Weights, kernel: str, device: str) -> None:
        layout = cudnn.layout if kernel == CUDNN else packed.layout
        self._layout, self._given = layout(spec, tuple(weights)), tuple(weights)
        program = Packed(spec, kernel, self._layout)
        super().__init__(program, self._layout.pack(weights), device)

    def weights(self) -> Weights:
        pieces: Weights = self._layout.pieces(np.asarray(self._state[0]))
        return {name: pieces[name] for name in self._given}
