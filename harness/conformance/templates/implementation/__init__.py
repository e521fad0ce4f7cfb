"""EXAMPLE: REPLACE this by which framework, layer and backend run. (The report prints it.)

Kernel path: how a layer and its gradient are computed, and how a chunk of steps.

Conventions: where the framework's layout of weights, gates and biases differs from the
canonical one.

Native track: which layers, which optimiser, what clips.
"""

from pathlib import Path

from cells import ModelSpec
from implementations import STOCK, Default, Framework, Kernel


def fastest(spec: ModelSpec, batch: int, length: int) -> str:
    """The kernel to train a model of this shape with."""
    return STOCK


def environment(threads: int, cache: Path, device: str) -> dict[str, str]:
    """The variables that pin the framework to the device and to ``threads`` threads."""
    return {
        "JAX_PLATFORMS": {"gpu": "cuda"}.get(device, device),
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={str(threads > 1).lower()}",
        "NPROC": str(threads),
        "JAX_COMPILATION_CACHE_DIR": str(cache),
    }


FRAMEWORK = Framework(
    name="example",
    # As pip knows them; their versions stand in every record.
    packages=("jax", "jaxlib"),
    environment=environment,
    # How many biases a layer has, in multiples of the hidden size: the framework's own count.
    biases={
        "matched": {"rnn": 1, "lstm": 4, "gru": 4},
        "native": {"rnn": 1, "lstm": 4, "gru": 4},
    },
    # At least "stock", the framework's own layer.
    kernels={STOCK: Kernel("a cell of one line for each gate, in a loop over time")},
    fastest=fastest,
    # What the framework's users get that the matched track does not have.
    defaults=(
        Default("initialisation", "all matrices normal with deviation 1/√h"),
        Default("biases", "forget bias 0 instead of 1", ("lstm",)),
    ),
)
