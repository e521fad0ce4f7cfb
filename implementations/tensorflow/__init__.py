"""TensorFlow: ``keras.layers``, compiled by XLA.

Kernel path: ``stock`` is the Keras 3 layers ``SimpleRNN``, ``LSTM`` and ``GRU``, called
through ``stateless_call`` so that the weights are values and not variables, with a tape's
gradient. ``equations`` is the step of a file in ``cells/`` in a ``tf.while_loop``, for
every cell. One ``tf.function`` with ``jit_compile=True`` holds a ``tf.while_loop`` over the
chunk of K optimiser steps, gradient, clipping and update included; one call runs K steps
without Python. All weights are one vector, so that the update rule is a few long
operations. Keras's optimisers, ``fit`` and dropout take no part.

On a GPU XLA cannot compile cuDNN's layers: ``stock`` is compiled and without cuDNN, ``cudnn`` is
with it and not compiled, and was the faster one for sequences of 100 and 1,024 steps.

Conventions: gates i, f, c, o (the same as i, f, g, o) and z, r, h: the GRU's
blocks are reordered from and to the canonical r, z, n. ``reset_after`` is true,
and its bias is [2, 3h], of which the second row's z and r are redundant and held
at zero. They still count in ``parameter_counts``.

Native track: the same layers as Keras initialises them, and ``keras.optimizers.Adam``
with ``clipnorm``, in the same loop, which is compiled where Keras's ``fit`` compiles: not on a
GPU with cuDNN.
"""

from pathlib import Path

from implementations import CPU, EQUATIONS, GPU, STOCK, Default, Framework, Kernel

CUDNN = "cudnn"
CUDNN_HAS = ("lstm", "gru")
# Time steps from which cuDNN is faster than XLA's loop: at 100 and 1,024 it was, on an H100.
LONG = 100

# The biases of one of its own layers, in multiples of the hidden size.
LAYER = {"rnn": 1, "lstm": 4, "gru": 6}


def environment(threads: int, cache: Path, device: str) -> dict[str, str]:
    """The variables that pin TensorFlow to the device and to ``threads`` threads."""
    its = {"CUDA_VISIBLE_DEVICES": "-1"} if device == CPU else {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}
    return its | {
        "KERAS_BACKEND": "tensorflow",
        "OMP_NUM_THREADS": str(threads),
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_NUM_INTEROP_THREADS": str(threads),
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_XLA_FLAGS": f"--tf_xla_persistent_cache_directory={cache}",
    }


FRAMEWORK = Framework(
    name="tensorflow",
    packages=("tensorflow", "tensorflow-cpu", "keras"),
    environment=environment,
    biases={"matched": LAYER, "native": LAYER},
    kernels={
        STOCK: Kernel("keras.layers, compiled by XLA"),
        CUDNN: Kernel("keras.layers through cuDNN, not compiled", CUDNN_HAS, devices=(GPU,)),
        EQUATIONS: Kernel("any cell's own step in a tf.while_loop, compiled by XLA", cells=None),
    },
    fastest_on_gpu=lambda spec, batch, length: (
        CUDNN if length >= LONG and spec.cell in CUDNN_HAS else STOCK
    ),
    defaults=(
        Default(
            "initialisation",
            "input weights Glorot uniform and recurrent weights orthogonal over all gates at "
            "once instead of gate by gate",
        ),
        Default(
            "biases", "two for each gate, both trained, so that r's and z's move faster", ("gru",)
        ),
        Default(
            "adam",
            "ε = 1e-7 added before the bias correction instead of 1e-8 after it",
            optimiser={"epsilon": 1e-7, "epsilon_hat": True},
        ),
        Default(
            "clipping",
            "clipnorm limits the norm of each variable apart, not of all together",
            optimiser={"clip_each": True},
        ),
    ),
)
