"""Equinox: its cells in ``lax.scan``, compiled by XLA; optional, used only where it is named.

Kernel path: ``equinox.nn.LSTMCell`` and ``GRUCell``, one example at a time under ``vmap``, in
``lax.scan`` over time; the gradient is JAX's own. Equinox has no plain RNN cell: that one is
two matrix products and a tanh. A chunk of K optimiser steps is a second ``lax.scan``.

Conventions: matrices are the canonical ones transposed, (G·h, d); gates stand in the canonical
order. One bias for each gate, and one more inside the GRU's reset product.

Native track: the same cells with Equinox's initialisation (the RNN's are two
``equinox.nn.Linear``, one with a bias), ``equinox.nn.Linear``, ``optax.adam`` after
``optax.clip_by_global_norm``.
"""

from pathlib import Path

from implementations import Default, Kernel, ModelSpec

OPTIONAL = True
PACKAGES = ("equinox", "jax", "jaxlib", "optax")
BIASES = {
    "matched": {"rnn": 1, "lstm": 4, "gru": 4},
    "native": {"rnn": 1, "lstm": 4, "gru": 4},
}
DEFAULTS = (
    Default(
        "initialisation",
        "all matrices U(±1/√h); in the RNN, each by its own number of inputs",
    ),
    Default("biases", "all biases U(±1/√h), of the RNN U(±1/√d)"),
)
KERNELS = {"stock": Kernel("Equinox's cells under vmap in lax.scan, differentiated by JAX")}


def fastest(spec: ModelSpec, batch: int, length: int) -> str:
    """The kernel to train a model of this shape with."""
    return "stock"


def environment(threads: int, cache: Path) -> dict[str, str]:
    """The variables that pin JAX to the CPU and to ``threads`` threads."""
    flags = f"--xla_cpu_multi_thread_eigen={str(threads > 1).lower()}"
    return {
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"{flags} intra_op_parallelism_threads={threads}",
        "JAX_COMPILATION_CACHE_DIR": str(cache),
    }
