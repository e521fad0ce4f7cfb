"""What the state still tells of a value that was shown earlier, by a linear read-out."""

import numpy as np

from analysis.inside.rows import Rows, short
from cells import Array

# Held-out examples on which a probe is judged.
PROBE_TESTS = 128
MOST_PROBES = 20
# Ridge penalties to choose from, in units of the mean variance of a state: what is stored in
# a direction with much less variance than the smallest counts as not stored.
PENALTIES = 10.0 ** np.arange(-4, 4)


def rows(states: Array, steps: list[int], values: Array, known: Array) -> Rows:
    """What a linear read-out of the last layer's states [T, B, h] finds at each of ``steps``.

    ``known`` [T, B] says of which examples the value is looked for at a step.
    """
    classes = np.issubdtype(values.dtype, np.integer)
    scores = probe(states, values, known, PROBE_TESTS)
    return [
        {
            "step": step,
            "metric": "accuracy" if classes else "R²",
            "score": short(score),
            "chance": short(np.bincount(values).max() / len(values)) if classes else 0.0,
        }
        for step, score in zip(steps, scores, strict=True)
        if score is not None
    ]


def probe(states: Array, values: Array, known: Array, tests: int) -> list[float | None]:
    """How well ridge regression reads ``values`` [B] from ``states`` [T, B, h], for each T.

    Only examples that are ``known`` [T, B], because their value was shown by then, take part.
    The last ``tests`` examples are held out and judge: R² for numbers (0 is always naming
    the mean; less is possible), accuracy for integer classes, each class against the others.
    None where fewer than two examples a unit are there to fit, or fewer than 16 to judge.
    """
    classes = np.issubdtype(values.dtype, np.integer)
    wanted = np.eye(values.max() + 1)[values] if classes else values[:, None].astype(np.float64)
    fit, held_out = slice(0, -tests), slice(-tests, None)
    scores: list[float | None] = []
    for x, here in zip(states, known, strict=True):
        first, last = here[fit], here[held_out]
        if first.sum() < 2 * x.shape[-1] or last.sum() < 16:
            scores.append(None)
            continue
        train, test = x[fit][first], x[held_out][last]
        y, expected = wanted[fit][first], wanted[held_out][last]
        center, middle = train.mean(axis=0), y.mean(axis=0)
        read = (test - center) @ _ridge(train - center, y - middle) + middle
        if classes:
            scores.append(float(np.mean(read.argmax(axis=1) == expected.argmax(axis=1))))
        else:
            left = np.sum((read - expected) ** 2)
            scores.append(float(1 - left / np.sum((expected - expected.mean()) ** 2)))
    return scores


def _ridge(x: Array, y: Array) -> Array:
    """Coefficients [h, o] for centered x [n, h] and y [n, o], the penalty by the data.

    It is chosen by generalised cross-validation (Golub, Heath & Wahba 1979, equation 1.4), so
    that with nothing to find the answer is near the mean and not fitted noise. scikit-learn's
    RidgeCV leaves single examples out instead, and so chooses another penalty now and then.
    """
    n = len(x)
    variances, directions = np.linalg.eigh(x.T @ x)
    # The smallest number keeps states that never change, all zero, from a division by zero.
    variances = np.maximum(variances, 0) + np.finfo(np.float64).tiny
    along = directions.T @ (x.T @ y)
    best, least = along, np.inf
    for penalty in PENALTIES * variances.mean():
        shrunk = variances / (variances + penalty)
        explained = np.sum((2 - shrunk) * shrunk * (along**2).sum(axis=1) / variances)
        error = (np.sum(y**2) - explained) / (n - 1 - shrunk.sum()) ** 2
        if error < least:
            best, least = along * (shrunk / variances)[:, None], error
    result: Array = directions @ best
    return result
