"""Which cell, for one task on the matched track: the rules 1 to 7 of :mod:`.advice`."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pandas as pd

from analysis.evidence import phrases
from analysis.evidence.claim_tests import ALPHA, AT_BASELINE
from analysis.evidence.phrases import Equal, Row, against, answer, unknown
from analysis.statistics import FEWEST

Relation = Callable[[str, str], bool]


def choose(names: list[str], beats: Relation, equal: Relation) -> tuple[list[str], bool]:
    """What no other name beats, and whether all of that is equal to each other."""
    left = [x for x in names if not any(beats(y, x) for y in names if y != x)]
    return left, all(equal(x, y) for x, y in itertools.combinations(left, 2))


class Cells:
    """The cells of a task on the matched track, and how they compare in every framework."""

    def __init__(
        self, task: str, scores: pd.DataFrame, comparisons: pd.DataFrame, margin: float | None
    ) -> None:
        mine = comparisons[
            (comparisons["kind"] == "cells")
            & (comparisons["task"] == task)
            & (comparisons["track"] == "matched")
        ]
        self.task, self.scores, self.margin = task, scores, margin or 0.0
        self.names = sorted(scores["cell"].unique())
        self.score, self.steps = (
            mine[mine["metric"] == m].to_dict("records") for m in ("score", "steps_to_solve")
        )
        self.within = "no margin is set for this task" if margin is None else f"margin {margin:g}"

    def better(self, x: str, y: str) -> bool:
        return everywhere(self.score, x, y, lambda r: r["worst"] > self.margin and _holm(r))

    def hinted(self, x: str, y: str) -> bool:
        return self.better(x, y) or any(
            everywhere(self.score, x, y, holds)
            for holds in (lambda r: r["worst"] > self.margin, lambda r: r["worst"] > 0 and _holm(r))
        )

    def equal(self, x: str, y: str) -> bool:
        return everywhere(self.score, x, y, lambda r: r["equivalent"] is True)

    def sooner(self, x: str, y: str) -> bool:
        return everywhere(self.steps, x, y, lambda r: r["worst"] > 0 and _holm(r))

    def advice(self) -> Row:
        """The row of this task, by the rules of the module."""
        row = {"question": "Which cell?", "task": self.task}
        if len(self.names) < 2:
            return row | unknown("only one cell was run", "another one to compare with is needed")
        seeds = int(self.scores["runs"].max())
        if seeds < FEWEST:
            return row | unknown(f"{seeds} of at least {FEWEST} seeds", "fewer decide nothing")
        if self.scores["state"].isin(["at baseline", "failed"]).all():
            return row | answer(
                "none of them: no cell leaves the baseline", "sure",
                f"the best median is {phrases.short(100 * self.scores['progress'].max())} % of "
                f"the way to solved, n = {seeds}",
                f"every median is less than {100 * AT_BASELINE:g} % of the way to solved",
            )  # fmt: skip
        left, alike = choose(self.names, self.better, self.equal)
        out = [x for x in self.names if x not in left]
        behind = [phrases.shown(self.score, self._best(left, y), y) for y in out]
        if len(left) == 1:
            return row | answer(
                left[0].upper(), "sure", "; ".join(behind),
                f"better than each other cell by more than the margin in every framework, after "
                f"Holm; {self.within}",
            )  # fmt: skip
        first = [x for x in left if all(self.sooner(x, y) for y in left if y != x)]
        scores = [phrases.furthest(self.score, x, y) for x, y in itertools.combinations(left, 2)]
        if first:
            steps = [phrases.shown(self.steps, first[0], y) for y in left if y != first[0]]
            return row | answer(
                f"{first[0].upper()}, which solves sooner", "sure" if alike else "likely",
                "; ".join([*steps, *scores, *behind]),
                "solves sooner than each other one in every framework, after Holm, and the scores "
                f"are {'all shown equal' if alike else 'neither all shown equal nor apart'}; "
                f"{self.within}",
            )  # fmt: skip
        if alike:
            return row | answer(
                f"{_either(left)}: it does not matter for the score", "sure",
                "; ".join([*scores, *behind]),
                f"equal within the margin in every framework (TOST after Holm); {self.within}",
            )  # fmt: skip
        likely, same = choose(self.names, self.hinted, self.equal)
        if 0 < len(likely) < len(self.names):
            others = [x for x in self.names if x not in likely]
            which = "" if len(likely) == 1 else (
                ", it does not matter which" if same else ", we cannot tell which"
            )  # fmt: skip
            return row | answer(
                f"{_either(likely)} rather than {_either(others)}{which}", "likely",
                "; ".join(
                    [phrases.shown(self.score, x, y) for y in others for x in likely]
                    + [phrases.furthest(self.score, *p) for p in itertools.combinations(likely, 2)]
                ),
                "better in every framework by the margin before Holm, or after Holm by less than "
                f"the margin; {self.within}",
            )  # fmt: skip
        return row | unknown(
            "; ".join([*scores, *behind]) or "nothing was compared",
            f"in some framework neither shown apart nor equal; {self.within}",
        )

    def equal_pairs(self) -> list[Equal]:
        """The pairs whose scores are shown equal."""
        return [
            (
                f"{self.task}: {_either([x, y])}",
                phrases.furthest(self.score, x, y),
                max(abs(r["effect"]) for r in against(self.score, x, y)) / self.margin,
            )
            for x, y in itertools.combinations(self.names, 2)
            if self.equal(x, y)
        ]

    def _best(self, left: list[str], y: str) -> str:
        return next((x for x in left if self.better(x, y)), left[0])


def everywhere(rows: list[Row], x: str, y: str, holds: Callable[[Row], bool]) -> bool:
    """Whether it holds of ``x`` against ``y`` in every framework that compares them."""
    found = against(rows, x, y)
    return bool(found) and all(holds(row) for row in found)


def _holm(row: Row) -> bool:
    return bool(row["p_holm"] < ALPHA)


def _either(cells: list[str]) -> str:
    return phrases.names(cells, "or")
