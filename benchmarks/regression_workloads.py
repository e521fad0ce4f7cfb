"""What ``python -m benchmarks.regressions`` times: small programs that a version or setting slows.

Each is made by a function that imports what it needs and returns a call, which returns when its
result is there. Run by an environment's own interpreter, with NumPy and one framework.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

Call = Callable[[], Any]
# The old runtime of XLA on a CPU, to be had up to JAX 0.6.
OLD_RUNTIME = "--xla_cpu_use_thunk_runtime=false"


def gathers(setting: str) -> Call:
    """2²⁰ turns of a ``lax.while_loop``, each of which reads one number of a vector.

    After jax#25190, on one device: its loop of 2²² turns took 2 s in 0.4.31 and 42 s in 0.4.33.
    """
    import jax
    import jax.numpy as jnp
    from jax import lax

    values = jnp.arange(2**20)
    last = jnp.max(values)

    @jax.jit
    def count(values: Any, last: Any) -> Any:
        def turn(state: Any) -> Any:
            highest, place = state
            return jnp.maximum(highest, values[place]), place + 1

        return lax.while_loop(lambda state: state[0] < last, turn, (0, 0))[1]

    return lambda: count(values, last).block_until_ready()


def factorisation(setting: str) -> Call:
    """The Cholesky factor of a semiseparable matrix of 2,000 rows: a scan with a 3 × 3 carry.

    After jax#36799, in its float64 or float32. Rows are c² = d - p F pᵀ and
    w = (q - p F aᵀ) / c, with F = a F aᵀ + wᵀ w (Foreman-Mackey et al. 2017, section 5.1).
    """
    import jax
    import jax.numpy as jnp
    from jax import lax

    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    rng, dtype = np.random.default_rng(0), setting
    p, q = (0.1 * rng.normal(size=(2000, 3)) for _ in range(2))
    a = 0.5 * np.eye(3) + 0.05 * rng.normal(size=(2000, 3, 3))
    data = [jnp.asarray(one, dtype) for one in (np.full(2000, 2.0), p, q, a)]

    @jax.jit
    def factor(d: Any, p: Any, q: Any, a: Any) -> Any:
        def row(f: Any, one: Any) -> Any:
            d, p, q, a = one
            c = jnp.sqrt(d - p @ f @ p)
            moved = f @ a.T
            w = (q - p @ moved) / c
            return a @ moved + jnp.outer(w, w), (c, w)

        return lax.scan(row, jnp.zeros((3, 3), d.dtype), (d, p, q, a))[1]

    return lambda: jax.block_until_ready(factor(*data))  # type: ignore[no-untyped-call]


def lstm(setting: str) -> Call:
    """A training step of ``torch.nn.LSTM`` at (B, T, d, h) = (64, 100, 2, 128), with oneDNN or not.

    After pytorch#94457, from which on the LSTM on a CPU is oneDNN's.
    """
    import torch

    torch.manual_seed(0)
    model: Any = torch.nn.LSTM(2, 128, batch_first=True)
    x = torch.randn(64, 100, 2)

    def step() -> Any:
        with torch.backends.mkldnn.flags(enabled=setting == "on"):
            model.zero_grad()
            outputs = model(x)[0]
            outputs[:, -1].square().mean().backward()
        return float(model.weight_hh_l0.grad[0, 0])

    return step


def spinning(setting: str) -> Call:
    """NumPy alone: so many products as the setting says, for the benchmark's own test."""
    matrix = np.ones((64, 64), np.float32)

    def products() -> Any:
        for _ in range(int(setting)):
            matrix @ matrix

    return products


# By name: the workload, and the framework that pins its threads; None where there is none.
WORKLOADS: dict[str, tuple[Callable[[str], Call], str | None]] = {
    "gathers": (gathers, "jax"),
    "factorisation": (factorisation, "jax"),
    "lstm": (lstm, "pytorch"),
    "spinning": (spinning, None),
}
