"""EXAMPLE: say here which framework, layer and backend run. (The report prints this.)

Kernel path: how a layer and its gradient are computed, and how a chunk of steps.

Conventions: where the framework's layout of weights, gates and biases differs from the
canonical one.

Native track: which layers, which optimiser, what clips.
"""

from pathlib import Path

from cells import ModelSpec
from implementations import Default, Kernel

# As pip knows them; their versions stand in every record.
PACKAGES: tuple[str, ...] = ("jax", "jaxlib")
# How many biases a layer has, in multiples of the hidden size: the framework's own count.
BIASES = {
    "matched": {"rnn": 1, "lstm": 4, "gru": 4},
    "native": {"rnn": 1, "lstm": 4, "gru": 4},
}
# What the framework's users get that the matched track does not have.
DEFAULTS: tuple[Default, ...] = (
    Default("initialisation", "all matrices normal with deviation 1/√h"),
    Default("biases", "forget bias 0 instead of 1", ("lstm",)),
)
# At least "stock", the framework's own layer.
KERNELS = {"stock": Kernel("a cell of one line for each gate, in a loop over time")}


def fastest(spec: ModelSpec, batch: int, length: int) -> str:
    """The kernel to train a model of this shape with."""
    return "stock"


def environment(threads: int, cache: Path) -> dict[str, str]:
    """The variables that pin the framework to the CPU and to ``threads`` threads."""
    flags = f"--xla_cpu_multi_thread_eigen={str(threads > 1).lower()}"
    return {
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"{flags} intra_op_parallelism_threads={threads}",
        "JAX_COMPILATION_CACHE_DIR": str(cache),
    }
