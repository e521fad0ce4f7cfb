"""Methods without a network that several tasks show beside the networks."""

import numpy as np

from tasks import Array, Task


def ridge(train: Array, targets: Array, test: Array, penalty: float = 1e-3) -> Array:
    """Linear regression with an intercept: forecasts [m, o] for ``test`` [m, d].

    Fitted on ``train`` [n, d] and ``targets`` [n, o]. The squared coefficients are penalised by
    n·``penalty``, the intercept is not.
    """
    center, target_mean = train.mean(axis=0), targets.mean(axis=0)
    x = (train - center).astype(np.float64)
    squares = penalty * len(x) * np.eye(x.shape[1])
    coefficients = np.linalg.solve(x.T @ x + squares, x.T @ (targets - target_mean))
    forecast: Array = (test - center) @ coefficients + target_mean
    return forecast


def forecasters(
    task: Task, train: tuple[Array, Array], test: tuple[Array, Array], penalty: float = 1e-3
) -> dict[str, float]:
    """The scores of repeating the last value, and of ridge regression on the window."""
    known, shown = (inputs.reshape(len(inputs), -1) for inputs in (train[0], test[0]))
    return {
        "persistence": task.score(test[0][:, -1], test[1], test[0]),
        "ridge": task.score(ridge(known, train[1], shown, penalty), test[1], test[0]),
    }


def classifiers(
    task: Task, train: tuple[Array, Array], test: tuple[Array, Array]
) -> dict[str, float]:
    """The scores of ridge regression on one-hot classes, and of the nearest training example."""
    known, shown = (inputs.reshape(len(inputs), -1) for inputs in (train[0], test[0]))
    classes = np.eye(task.outputs)[train[1]]
    distances = (known**2).sum(axis=1) - 2 * shown @ known.T
    return {
        "ridge": task.score(ridge(known, classes, shown), test[1], test[0]),
        "nearest neighbour": task.score(classes[distances.argmin(axis=1)], test[1], test[0]),
    }
