"""When a run solved its task: a solve that lasts and that the test confirms."""

from collections.abc import Iterable, Mapping
from typing import Any

# Evaluations in a row that reach the solved value. A single one may do so by chance: it looks at
# few examples, and there are many looks.
IN_A_ROW = 3


def first_lasting(
    curve: Iterable[Mapping[str, Any]], solved_at: float, higher_is_better: bool
) -> int | None:
    """The step of the first of ``IN_A_ROW`` evaluations in a row that reach ``solved_at``.

    ``curve`` are the points of a record, in order, each with its ``step`` and its ``score`` on
    validation data, None where that was not finite. None where there are no such evaluations. The
    model before its first step has learned nothing, so step 0 is none of them.
    """
    later = [point for point in curve if point["step"] > 0]
    scores = [point["score"] for point in later]
    reached = [
        s is not None and (s >= solved_at if higher_is_better else s <= solved_at) for s in scores
    ]
    for first in range(len(later) - IN_A_ROW + 1):
        if all(reached[first : first + IN_A_ROW]):
            return int(later[first]["step"])
    return None
