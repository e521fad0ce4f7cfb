"""PyTorch: ``torch.nn.LSTM``, or all cells with gradients by hand; eager.

Kernel path: ``stock`` is ``torch.nn``, whose LSTM runs through oneDNN where the build
has it. ``manual`` (``manual.py``, ``cells.py``, ``diagonal.py``) computes forward and
backward passes without a graph, in buffers kept between steps; ``torch.nn`` holds its
parameters. ``equations`` is the step of a file in ``cells/`` in a loop, with autograd's
gradient, for every cell. ``scan`` is a parallel scan over time, whose gradient is one too,
for the cells that are linear in their state. ``fastest`` says which of the first two
trains. Sequences come first. A chunk of K optimiser steps is a Python loop whose losses
stay tensors until its end. Weights and gradients are views into one flat vector each, so
that clipping and the update are a handful of vector operations instead of one for every
weight, and ``torch.optim``, whose import takes longer than a second, is not needed.

On a GPU ``stock`` runs through cuDNN, in the loop of a CPU. ``graph`` is the same layer with
one whole training step captured in a CUDA graph, so that a step is one launch and Python waits
for nothing; ``equations`` and ``scan`` are captured in the same way. ``manual`` is for CPUs.

Conventions: weights are stored transposed, [G·h, d]; gates i, f, g, o and
r, z, n as in the canonical form. PyTorch has two biases for each gate, of which
only the GRU's candidate needs both. The redundant ones are held at zero: left
free, both would get the same gradient and the effective bias would move twice
as fast under Adam. They still count in ``parameter_counts``.

Native track: ``torch.nn.RNN``, ``LSTM`` or ``GRU`` as they are, ``torch.nn.Linear``,
``clip_grad_norm_`` and ``torch.optim.Adam``, in an eager loop.
"""

from pathlib import Path

from cells import ModelSpec
from implementations import CPU, EQUATIONS, GPU, SCAN, STOCK, Default, Framework, Kernel

MANUAL, GRAPH = "manual", "graph"
# The biases of one of its own layers, in multiples of the hidden size.
LAYER = {"rnn": 2, "lstm": 8, "gru": 6}
_BIASES = "two for each gate, both trained, so that the sum moves faster; uniform on ±1/√h"


def fastest(spec: ModelSpec, batch: int, length: int) -> str:
    """The kernel to train a model of this shape with.

    The LSTM by hand pays where an operation of a stage has enough numbers to work on.
    """
    # CPU time of model.train, fresh processes in interleaved rounds, one thread, on a loaded
    # machine, 2026-11-24. LSTM, stock / manual: adding .80 (3 processes), copying 1.00, sine
    # 1.19. GRU, stock / manual, h=128, B=64, T=100: 1.90. Against the autograd functions that
    # were here before: GRU adding 1.87, sine 1.6 to 1.8, RNN sine 1.5 to 1.7.
    if spec.cell == "lstm" and spec.layers * spec.hidden * batch < 3000:
        return STOCK
    return MANUAL


def fastest_on_gpu(spec: ModelSpec, batch: int, length: int) -> str:
    """The kernel to train a model of this shape with on a GPU."""
    return GRAPH


def environment(threads: int, cache: Path, device: str) -> dict[str, str]:
    """The variables that pin PyTorch to the device and to ``threads`` threads."""
    hidden = {"CUDA_VISIBLE_DEVICES": "-1"} if device == "cpu" else {}
    return hidden | {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}


FRAMEWORK = Framework(
    name="pytorch",
    packages=("torch",),
    environment=environment,
    biases={"matched": LAYER, "native": LAYER},
    kernels={
        STOCK: Kernel("torch.nn.RNN, LSTM and GRU; the LSTM through oneDNN, on a GPU cuDNN"),
        MANUAL: Kernel(
            "gradients by hand without a graph, eager, in buffers that are kept", devices=(CPU,)
        ),
        GRAPH: Kernel("torch.nn through cuDNN, a step captured in a CUDA graph", devices=(GPU,)),
        EQUATIONS: Kernel("any cell's own step, eager, differentiated by PyTorch", cells=None),
        SCAN: Kernel("all time steps of a linear cell at once, in place", cells=None, linear=True),
    },
    fastest=fastest,
    fastest_on_gpu=fastest_on_gpu,
    defaults=(
        Default("initialisation", "every weight uniform on ±1/√h"),
        Default("biases", f"{_BIASES}; no forget bias of 1", ("lstm",)),
        Default("biases", _BIASES, ("rnn", "gru")),
    ),
)
