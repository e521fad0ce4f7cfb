"""TensorFlow: ``keras.layers.SimpleRNN``, ``LSTM`` and ``GRU``, compiled by XLA.

Kernel path: Keras 3 layers on the TensorFlow backend, called through
``stateless_call`` so that the weights are values and not variables. One
``tf.function(jit_compile=True)`` holds a ``tf.while_loop`` over the chunk of K
optimiser steps, gradient, clipping and update included; one call runs K steps
without Python. Keras's optimisers, ``fit`` and dropout take no part.

Conventions: gates i, f, c, o (the same as i, f, g, o) and z, r, h: the GRU's
blocks are reordered from and to the canonical r, z, n. ``reset_after`` is true,
and its bias is [2, 3h], of which the second row's z and r are redundant and held
at zero. They still count in ``parameter_counts``.
"""

from pathlib import Path

PACKAGES = ("tensorflow", "tensorflow-cpu", "keras")


def environment(threads: int, cache: Path) -> dict[str, str]:
    """The variables that pin TensorFlow to the CPU and to ``threads`` threads."""
    return {
        "CUDA_VISIBLE_DEVICES": "-1",
        "KERAS_BACKEND": "tensorflow",
        "OMP_NUM_THREADS": str(threads),
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_NUM_INTEROP_THREADS": str(threads),
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_XLA_FLAGS": f"--tf_xla_persistent_cache_directory={cache}",
    }
