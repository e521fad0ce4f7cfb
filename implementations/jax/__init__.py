"""JAX: hand-written cells in ``lax.scan``, compiled by XLA.

Kernel path: the input product of a layer is one matrix product over all time
steps, the recurrence is ``lax.scan`` over time, its gradient is JAX's own. A
chunk of K optimiser steps is a second ``lax.scan`` around it, so that one call
runs K steps without Python. Nothing of Flax or Optax takes part.

Conventions: the canonical form as it is. One bias for each gate, and one more
inside the GRU's reset product (4h biases in all, as in ``flax.linen.GRUCell``;
``flax.nnx.GRUCell`` leaves that one out).
"""

from pathlib import Path

PACKAGES = ("jax", "jaxlib")


def environment(threads: int, cache: Path) -> dict[str, str]:
    """The variables that pin JAX to the CPU and to ``threads`` threads."""
    flags = f"--xla_cpu_multi_thread_eigen={str(threads > 1).lower()}"
    return {
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"{flags} intra_op_parallelism_threads={threads}",
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
