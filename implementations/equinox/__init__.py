"""Equinox: its cells in ``lax.scan``, compiled by XLA; optional, used only where it is named.

Kernel path: ``equinox.nn.LSTMCell`` and ``GRUCell``, one example at a time under ``vmap``, in
``lax.scan`` over time; the gradient is JAX's own. Equinox has no plain RNN cell: that one is
two matrix products and a tanh. ``equations``, which every cell has, is a module of Equinox
whose parameters are a layer's canonical weights; its loop over time is that of JAX's kernel of
that name. A chunk of K optimiser steps is a second ``lax.scan``.

Conventions: matrices are the canonical ones transposed, (G·h, d); gates stand in the canonical
order. One bias for each gate, and one more inside the GRU's reset product.

Native track: the same cells with Equinox's initialisation (the RNN's are two
``equinox.nn.Linear``, one with a bias), ``equinox.nn.Linear``, ``optax.adam`` after
``optax.clip_by_global_norm``.
"""

from implementations import EQUATIONS, STOCK, Default, Framework, Kernel
from implementations.jax import environment

# The biases of one of its own layers, in multiples of the hidden size.
LAYER = {"rnn": 1, "lstm": 4, "gru": 4}


FRAMEWORK = Framework(
    name="equinox",
    packages=("equinox", "jax", "jaxlib", "optax"),
    environment=environment,
    biases={"matched": LAYER, "native": LAYER},
    kernels={
        STOCK: Kernel(
            "Equinox's cells under vmap in lax.scan, differentiated by JAX", batched=True
        ),
        EQUATIONS: Kernel(
            "any cell's own step in an equinox.Module, differentiated by JAX", None, batched=True
        ),
    },
    defaults=(
        Default(
            "initialisation",
            "all matrices U(±1/√h); in the RNN, each by its own number of inputs",
        ),
        Default("biases", "all biases U(±1/√h), of the RNN U(±1/√d)"),
    ),
    optional=True,
)
