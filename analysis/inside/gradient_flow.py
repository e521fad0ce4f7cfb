"""How far back the gradient reaches: norms by the states, their decay, and the horizon."""

import math

import numpy as np

import cells
from analysis.inside.rows import Rows, short, thinned
from cells import Array, ModelSpec, Weights, network
from harness.run import streams

MOST_LAGS = 25
# A norm below this is the end of float64, not of the gradient's decay.
SMALLEST_NORM = 1e-290


def rows(
    spec: ModelSpec, weights: Weights, done: network.Pass, targets: Array, ends: Array,
    seed: int, task_lag: int | None,
) -> Rows:  # fmt: skip
    """Gradients by the states, of the loss of the last answer and of a random direction.

    ``ends`` [B] are the steps of the answers that are the last to count; lags are counted back
    from there. Norms are means over examples; ``gradient`` is that of a cell's states together,
    √(‖∂/∂h‖² + ‖∂/∂c‖²) of each example. The lag that the task needs is always among the lags.
    """
    answers, examples = done.outputs, np.arange(len(ends))
    if spec.every_step:
        answers, targets = answers[examples, ends], targets[examples, ends]
    # By the loss of each example, not by their mean.
    d_out = len(answers) * network.output_gradient(spec, answers, targets)
    direction = streams.generator("cotangent", spec.hidden, seed).standard_normal(spec.hidden)
    direction /= np.linalg.norm(direction)
    cotangents = {
        "loss": d_out @ weights["output.weight"].T,
        "random": np.tile(direction, (len(answers), 1)),
    }
    result, output = [], cells.cell(spec.cell).states[0]
    for name, cotangent in cotangents.items():
        norms, together = _norms(spec, weights, done.sequences[-2], ends, cotangent)
        factor = decay(norms[output])
        lags = {*thinned(len(together), MOST_LAGS), task_lag or 0}
        for lag in sorted(lag for lag in lags if lag < len(together)):
            result.append(
                {
                    "cotangent": name,
                    "lag": lag,
                    "gradient_h": short(norms[output][lag]),
                    "gradient_c": short(norms["c"][lag]) if "c" in norms else None,
                    "gradient": short(together[lag]),
                    "task_lag": task_lag,
                    "decay": None if factor is None else short(factor),
                    "horizon": None if factor is None else short(horizon(factor)),
                }
            )
    return result


def _norms(
    spec: ModelSpec, weights: Weights, below: Array, ends: Array, cotangent: Array
) -> tuple[dict[str, Array], Array]:
    """By lag the mean norms [T] of each state's gradient, and of all states' together.

    Examples that end at the same step go through the reference together; the mean at a lag is
    over those that are long enough.
    """
    parts: dict[str, list[Array]] = {}
    for end in np.unique(ends):
        own = ends == end
        gradients = network.state_gradients(spec, weights, below[: end + 1, own], cotangent[own])
        gradients[""] = np.concatenate(list(gradients.values()), axis=-1)
        for name, values in gradients.items():
            parts.setdefault(name, []).append(np.linalg.norm(values, axis=-1)[::-1])
    norms = {name: mean_by_lag(blocks) for name, blocks in parts.items()}
    return norms, norms.pop("")


def mean_by_lag(blocks: list[Array]) -> Array:
    """The mean over the examples of all ``blocks`` [lags, examples] that have a lag: [lags]."""
    longest = max(len(block) for block in blocks)
    rows = (
        np.concatenate([block[lag] for block in blocks if lag < len(block)])
        for lag in range(longest)
    )
    return np.array([row.mean() for row in rows])


def decay(norms: Array) -> float | None:
    """The factor λ by which ``norms`` [T] change from one lag to the next.

    exp of the slope of ln(norm) by least squares over the lags 1 to T - 1; lag 0 is what was
    put in. Lags whose norm float64 cannot hold are left out; None when fewer than two are left.
    """
    lags = np.arange(1, len(norms))
    norms = norms[1:]
    held = norms > SMALLEST_NORM
    if held.sum() < 2:
        return None
    return float(np.exp(np.polyfit(lags[held], np.log(norms[held]), 1)[0]))


def horizon(factor: float) -> float:
    """The time steps -1/ln λ after which 1/e is left; infinite when nothing is lost."""
    return -1 / math.log(factor) if factor < 1 else math.inf
