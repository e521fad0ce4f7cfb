"""JAX: the model's gradient by hand in ``lax.scan``, compiled by XLA.

Kernel path: of the kernels, ``manual`` writes the gradient by hand: a scan over time
forward, one backward, and each weight's gradient as one matrix product over all time
steps; ``stepwise`` adds these up step by step. ``equations`` has the step of a file in
``cells/`` in ``lax.scan``, the input product with it, and JAX's own gradient; every cell has
it. ``scan`` has ``lax.associative_scan`` in its place, for cells that are linear in their
state. ``stock`` is Flax's layer with JAX's own gradient; its GRU has no bias inside the reset
product. In all but ``equations`` and ``scan`` the weights are one vector, so that the update
rule is a few long operations. A chunk of K optimiser steps is one ``lax.scan`` around it, so
that one call runs K steps without Python. Optax takes no part.

On a GPU there are two more. ``unrolled`` is ``manual`` with 25 time steps in one turn of the loop
over time. ``cudnn`` is ``jax.experimental.rnn``: cuDNN's LSTM, in float32 alone; JAX has no other
cell of cuDNN's. Loops are replayed as CUDA graphs (XLA's command buffers), without which the
processor starts every kernel of every time step.

Conventions: the canonical form as it is. One bias for each gate, and one more
inside the GRU's reset product (4h biases in all, as in ``flax.linen.GRUCell``;
``flax.nnx.GRUCell`` leaves that one out).

Native track: ``flax.nnx`` cells in ``nnx.RNN``, ``nnx.Linear``, ``optax.adam`` after
``optax.clip_by_global_norm``, float32, with the loop over steps compiled as above.
"""

from pathlib import Path

from cells import ModelSpec
from implementations import CPU, EQUATIONS, GPU, SCAN, STOCK, Default, Framework, Kernel

CUDNN = "cudnn"
# What XLA may put into a command buffer: what it would, and loops.
COMMANDS = (
    "--xla_gpu_enable_command_buffer="
    "FUSION,CUBLAS,CUBLASLT,CUSTOM_CALL,CUDNN,CONDITIONAL,WHILE,DYNAMIC_SLICE_FUSION"
)


def fastest(spec: ModelSpec, batch: int, length: int) -> str:
    """The kernel to train a model of this shape with."""
    # Gradient alone, one thread, EPYC Zen 3, 2026-11-25, medians of 9 interleaved rounds in one
    # process, manual / stepwise at (B, T, d, h): LSTM 1.48 (64, 100, 2, 128),
    # 1.05 (32, 100, 2, 64), .94 (32, 10, 1, 50); GRU 1.16, 1.15, .83. Below the
    # limit the runs of the default configuration would save less by a second kernel than its
    # conformance checks cost.
    large = batch * length * spec.hidden >= 300_000
    return "stepwise" if large and spec.cell != "rnn" else "manual"


def fastest_on_gpu(spec: ModelSpec, batch: int, length: int) -> str:
    """The kernel to train a model of this shape with on a GPU."""
    # Microseconds of a training step of the LSTM, H100, one process, 2026-11-27, by unrolled /
    # manual / cudnn: 258 / 583 / 1,297 at the article's model, 1,264 / 2,995 / 3,219 at
    # (B, T, d, h) = (64, 100, 2, 128); at (16, 1024, 768, 768) manual 63,400, cudnn 55,600.
    if spec.cell == "lstm" and spec.dtype == "float32" and spec.hidden >= 512:
        return CUDNN
    return "unrolled"


def environment(threads: int, cache: Path, device: str) -> dict[str, str]:
    """The variables that pin JAX to the device and to ``threads`` threads."""
    if device == CPU:
        # XLA makes as many threads as NPROC says, else one for each core; no flag of its own says
        # how many. With more than one, how it divides an operation changes what rounding leaves.
        its = {
            "JAX_PLATFORMS": device, "NPROC": str(threads),
            "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={str(threads > 1).lower()}",
        }  # fmt: skip
    else:
        # Memory as it is needed, so that processes live side by side, instead of three quarters.
        its = {
            "JAX_PLATFORMS": "cuda", "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
            "XLA_FLAGS": f"{COMMANDS} --xla_gpu_graph_min_graph_size=1",
        }  # fmt: skip
    return its | {
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


FRAMEWORK = Framework(
    name="jax",
    packages=("jax", "jaxlib", "flax", "optax"),
    environment=environment,
    biases={
        "matched": {"rnn": 1, "lstm": 4, "gru": 4},
        "native": {"rnn": 1, "lstm": 4, "gru": 3},
    },
    kernels={
        STOCK: Kernel("flax.nnx cells in nnx.RNN", inner_bias=False, batched=True),
        "manual": Kernel(
            "gradient by hand, each weight's in one product over all time steps", batched=True
        ),
        "stepwise": Kernel(
            "gradient by hand, each weight's added up time step by time step", batched=True
        ),
        EQUATIONS: Kernel(
            "any cell's own step in lax.scan, differentiated by JAX", cells=None, batched=True
        ),
        SCAN: Kernel(
            "a linear cell in lax.associative_scan", cells=None, linear=True, batched=True
        ),
        "unrolled": Kernel(
            "gradient by hand, as manual, 25 time steps in one turn of the loop",
            devices=(GPU,),
            batched=True,
        ),
        CUDNN: Kernel(
            "cuDNN's LSTM by jax.experimental.rnn", ("lstm",), devices=(GPU,), dtypes=("float32",)
        ),
    },
    fastest=fastest,
    fastest_on_gpu=fastest_on_gpu,
    defaults=(
        Default(
            "initialisation",
            "input and output weights lecun_normal, a normal distribution cut at two deviations; "
            "recurrent weights orthogonal, for each gate apart in LSTMCell, as one block in "
            "GRUCell",
        ),
        Default("biases", "forget bias 0 instead of 1", ("lstm",)),
        Default("form", "no bias inside the reset product", ("gru",)),
    ),
)
