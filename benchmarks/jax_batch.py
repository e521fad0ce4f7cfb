"""``python -m benchmarks.jax_batch``: gradients of several models in one batch, in JAX on a CPU.

JAX 0.10.2 gets some of them wrong in float64, on a processor with AVX-512: those of a gated step
with 5 units and 4 sequences, but of no other size tried. ``XLA_FLAGS=--xla_cpu_max_isa=AVX2`` or
``--xla_cpu_use_fusion_emitters=false`` makes them right. For each size the largest difference
between the batch's gradient and that of each model alone, over the largest value, is printed.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

MODELS, STEPS = 3, 4
SIZES = [(4, units) for units in (1, 2, 3, 4, 5, 6, 7, 8, 16, 32)] + [(1, 5), (2, 5), (8, 5)]


def loss(recurrent: jax.Array, inputs: jax.Array) -> jax.Array:
    """A sum over the last state of h = tanh(x) · σ(y), where [x, y] = inputs + h @ recurrent."""

    def step(h: jax.Array, a: jax.Array) -> tuple[jax.Array, None]:
        x, y = jnp.split(a + h @ recurrent, 2, -1)
        return jnp.tanh(x) * jax.nn.sigmoid(y), None

    zero = jnp.zeros((inputs.shape[1], recurrent.shape[0]), inputs.dtype)
    return jnp.sum(lax.scan(step, zero, inputs)[0] ** 2)


def error(batch: int, units: int, dtype: str) -> float:
    """How far the gradients of a batch of models are off."""
    rng = np.random.default_rng(0)
    recurrent = jnp.asarray(rng.normal(size=(MODELS, units, 2 * units)), dtype)
    inputs = jnp.asarray(rng.normal(size=(MODELS, STEPS, batch, 2 * units)), dtype)
    gradient = jax.grad(loss)
    together = jax.jit(jax.vmap(gradient))(recurrent, inputs)
    alone = jnp.stack([jax.jit(gradient)(*one) for one in zip(recurrent, inputs, strict=True)])
    return float(jnp.abs(together - alone).max() / jnp.abs(alone).max())


def main() -> None:
    """Print a line for each size and type."""
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    print(f"JAX {jax.__version__}, {jax.devices()[0]}")
    for dtype in ("float32", "float64"):
        for batch, units in SIZES:
            off = error(batch, units, dtype)
            print(f"{dtype}, {batch} sequences, {units} units: {off:.1g}")


if __name__ == "__main__":
    main()
