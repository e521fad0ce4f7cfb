"""Random balanced strings of brackets."""

import numpy as np

from tasks import Array


def balanced(rng: np.random.Generator, pairs: Array, length: int) -> Array:
    """A balanced string of as many pairs as each of ``pairs`` [n] says, all such equally likely.

    Returns [n, length]: 1 opens, -1 closes, 0 follows the string. By the cycle lemma just one
    rotation of p + 1 ones and p minus ones has no partial sum below 1. Without the 1 that it
    begins with it is balanced, and every balanced string comes from 2p + 1 arrangements.
    """
    pairs, steps = pairs[:, None], np.arange(length + 1)
    keys = rng.random((len(pairs), len(steps)))
    # What is beyond the 2p + 1 symbols comes last, and is 0.
    ranks = np.where(steps <= 2 * pairs, keys, 2).argsort(axis=1).argsort(axis=1)
    signs = np.select([ranks <= pairs, ranks <= 2 * pairs], [1, -1], 0)
    before = np.where(steps <= 2 * pairs, signs.cumsum(axis=1) - signs, len(steps))
    # The rotation starts at the last of the lowest places, counted from the end.
    start = (len(steps) - 1 - before[:, ::-1].argmin(axis=1))[:, None]
    places = np.where(steps <= 2 * pairs, (start + steps) % (2 * pairs + 1), steps)
    rotated: Array = np.take_along_axis(signs, places, axis=1)[:, 1:]
    return rotated
