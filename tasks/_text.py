"""Reading a text of the user's, and a model of its characters that has no network."""

from functools import cache
from pathlib import Path

import numpy as np

from tasks import Array

# Counting what follows six characters of a longer text takes minutes and gigabytes.
MOST_BYTES = 10_000_000


@cache
def read(path: str) -> str:
    """The text of the file as it stands there: no line end or accent is made into another.

    Raises ValueError with what is wrong and where.
    """
    try:
        if (size := Path(path).stat().st_size) > MOST_BYTES:
            raise ValueError(
                f"{path} has {size / 1e6:.1f} MB, more than the {MOST_BYTES / 1e6:g} that can be "
                "used; cut out a part"
            )
        content = Path(path).read_bytes()
    except OSError as error:
        why = f"{error.strerror}; set path to your text"
        raise ValueError(f"{path} cannot be read: {why}") from error
    if not content:
        raise ValueError(f"{path} is empty; put a text into it, in UTF-8")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        place, wrong = error.start, f"the byte 0x{content[error.start]:02x} is not UTF-8"
    else:
        if (place := content.find(0)) < 0:
            return text
        wrong = "there is a zero byte, as in no text"
    line = 1 + content.count(b"\n", 0, place)
    raise ValueError(f"{path}, line {line}: {wrong}; save it as a text in UTF-8")


def code_points(text: str) -> Array:
    """The characters of the text as their numbers in Unicode [length]."""
    return np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.int64)


def followed(known: Array, shown: Array, asked: Array, classes: int, order: int) -> Array:
    """How likely an n-gram model holds each character ``asked`` [n, T]; it knows ``known`` [N].

    What stands before it is ``shown`` [n, T]: up to ``order`` - 1 characters of the same row.
    All are numbers below ``classes``. Witten & Bell 1991, method C, interpolated:

        p(c | h) = (count(h c) + kinds(h) p(c | h′)) / (count(h) + kinds(h))

    kinds(h) is how many different characters have followed h, h′ is h without its first one.
    Before none at all stands 1 / ``classes``.
    """
    likely = np.full(asked.shape, 1 / classes)
    # The number of what stands before each character of `known` from the place `length` on, and
    # before each one that is asked; -1 where that was never seen, or the row has no more.
    before, mine = np.zeros(len(known), np.int64), np.zeros(asked.shape, np.int64)
    for length in range(order):
        if length:
            longer = before[1:] * classes + known[: len(known) - length]
            seen, before = np.unique(longer, return_inverse=True)
            reached = mine[:, length - 1 :]
            found = _place(seen, reached * classes + shown[:, : asked.shape[1] - length + 1])
            mine = np.full(asked.shape, -1)
            mine[:, length - 1 :] = np.where(reached < 0, -1, found)
        pairs, counts = np.unique(before * classes + known[length:], return_counts=True)
        totals, kinds = np.bincount(before), np.bincount(pairs // classes)
        there = mine >= 0
        found = _place(pairs, mine[there] * classes + asked[there])
        count = np.where(found < 0, 0, counts[found])
        total, kind = totals[mine[there]], kinds[mine[there]]
        likely[there] = (count + kind * likely[there]) / (total + kind)
    return likely


def _place(values: Array, wanted: Array) -> Array:
    """Where each ``wanted`` stands among the sorted ``values``; -1 where it does not."""
    places = np.minimum(np.searchsorted(values, wanted), len(values) - 1)
    return np.where(values[places] == wanted, places, -1)
