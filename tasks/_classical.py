"""Methods without a network that several tasks stand beside the networks."""

from __future__ import annotations

import numpy as np

from tasks import Array


def ridge(train: Array, targets: Array, test: Array, penalty: float = 1e-3) -> Array:
    """Linear regression with an intercept: forecasts [m, o] for ``test`` [m, d].

    Fitted on ``train`` [n, d] and ``targets`` [n, o]; the penalty is for each example.
    """
    center, target_mean = train.mean(axis=0), targets.mean(axis=0)
    x = (train - center).astype(np.float64)
    squares = penalty * len(x) * np.eye(x.shape[1])
    coefficients = np.linalg.solve(x.T @ x + squares, x.T @ (targets - target_mean))
    forecast: Array = (test - center) @ coefficients + target_mean
    return forecast


def ridge_classes(train: Array, classes: Array, test: Array, count: int) -> Array:
    """Scores [m, count] of a linear classifier: ridge regression on one-hot classes [n]."""
    return ridge(train, np.eye(count)[classes], test)


def nearest_classes(train: Array, classes: Array, test: Array, count: int) -> Array:
    """One-hot classes [m, count] of the nearest training example (Euclidean distance)."""
    distances = (train**2).sum(axis=1) - 2 * test @ train.T
    found: Array = np.eye(count)[classes[distances.argmin(axis=1)]]
    return found
