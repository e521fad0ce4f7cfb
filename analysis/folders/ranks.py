"""Whether scores differ by more than rounding can explain, with one false-alarm rate for all.

Frameworks on the matched track compute the same thing and round it differently, as another
processor does. So under the null hypothesis "the same but for rounding" the runs of one task,
cell and seed, here and there and of whatever framework, can change places: a block. What counts
of a run is its rank there: how many others it beats less how many beat it, each by more than the
margin, so that the scale and the tails of what rounding does, from 1e-9 on sine to 0.6 on copying,
do not matter. Shuffling each block gives the null distribution of the largest statistic of all
comparisons (Westfall & Young 1993, max T), which keeps the chance that any of them is called
different, however they hang together.

Ranks of few seeds of one method cannot be improbable, however far apart its scores are. So a
paired t-test asks each method beside it whether its mean lies beyond the margin. Differences by
rounding are symmetric about nothing with heavy tails, on which that test errs less often than it
says (Efron 1969). The two tests share the rate (Bonferroni).
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analysis.statistics import Array
from harness import layout

METHOD = list(layout.METHOD)
METRICS = ("score", "steps_to_solve")
# What is compared: each method, a cell in all frameworks, a framework's methods, and everything.
LEVELS = (METHOD, ["task", "cell", "track"], ["framework", "track"], ["track"])
SHUFFLES = 9_999
AT_ONCE = 500
# Of this many differences the t-test is taken.
FEWEST = 5
Place = tuple[str, ...]


@dataclass(frozen=True)
class Test:
    """One comparison: positive where here is better, ``p`` two-sided and of everything tested."""

    statistic: float
    p: float
    seeds: int


NOTHING = Test(0.0, 1.0, 0)


def tests(
    both: pd.DataFrame,
    there: pd.DataFrame,
    settings: list[str],
    higher: Mapping[str, bool],
    units: Mapping[str, float | None],
    steps_unit: float,
) -> dict[Place, Test]:
    """Every comparison by metric and place: task, framework, cell and track, empty where it is
    over all of them.

    ``both`` are the pairs of runs, ``there`` all runs of the other side. ``units`` are the margins
    by task, below which scores do not differ; ``steps_unit`` is that ratio of steps.
    """
    runs = _runs(both, there, settings)
    if runs.empty:
        return {}
    values = _values(runs, higher, units, steps_unit)
    blocks = [np.asarray(rows) for rows in runs.groupby("block").indices.values()]
    ranked = np.zeros_like(values)
    for rows in blocks:
        ranked[rows] = _rank(values[rows])
    places, weights = _contrasts(runs)
    # [rows, metrics]: the variance of a rank within its block, for an estimate from all its runs.
    spread = np.zeros_like(ranked)
    for rows in blocks:
        spread[rows] = (ranked[rows] ** 2).sum(axis=0) / max(1, len(rows) - 1)
    scale = np.sqrt(weights**2 @ spread)  # [contrasts, metrics]
    scale[scale == 0] = np.inf
    found = weights @ ranked / scale
    largest = _largest(ranked, weights, scale, blocks)
    seeds = [runs.loc[row != 0, "seed"].nunique() for row in weights]
    result = {}
    for (i, place), (m, metric) in itertools.product(enumerate(places), enumerate(METRICS)):
        p = (1 + (largest >= abs(found[i, m]) - 1e-9).sum()) / (1 + SHUFFLES)
        result[(metric, *place)] = Test(float(found[i, m]), min(1.0, 2 * p), int(seeds[i]))
    methods = both.groupby(METHOD)
    for key, group in methods:
        task = str(key[0])
        score = (group["score"] - group["score_there"]) * (1 if higher[task] else -1)
        steps = group["steps_to_solve_there"].map(np.log) - group["steps_to_solve"].map(np.log)
        margins = (units[task], float(np.log(steps_unit)))
        for metric, apart, margin in zip(METRICS, (score, steps), margins, strict=True):
            t, p = _beyond(apart.to_numpy(float), margin)
            p = min(1.0, 2 * len(METRICS) * methods.ngroups * p)
            place = (metric, *map(str, key))
            if p < result[place].p:
                result[place] = Test(t, p, len(group))
    return result


def _runs(both: pd.DataFrame, there: pd.DataFrame, settings: list[str]) -> pd.DataFrame:
    """The runs of both sides with their ``block``; ``mine`` tells the sides apart.

    A block is of one task, cell, track, seed and settings, on other tracks of one framework too,
    for only the matched track is the same in every framework.
    """
    key = ["task", "cell", "track", "seed", *settings, "own"]
    sides = []
    for mine, runs in ((True, both), (False, there)):
        runs = runs.assign(**{name: runs.get(name, "") for name in settings})
        own = runs["framework"].where(runs["track"] != "matched", "")
        sides.append(runs.assign(mine=mine, own=own)[[*key, "framework", "mine", *METRICS]])
    wanted = sides[0][key].drop_duplicates()
    runs = pd.concat([sides[0], sides[1].merge(wanted, on=key)], ignore_index=True)
    return runs.assign(block=runs.groupby(key).ngroup())


def _values(
    runs: pd.DataFrame,
    higher: Mapping[str, bool],
    units: Mapping[str, float | None],
    steps_unit: float,
) -> Array:
    """[rows, metrics] in margins: more is better; a run without a value is the worst.

    Scores of a task without a margin are all the same, and so say nothing.
    """
    task = runs["task"]
    sign = np.where(task.map(higher), 1.0, -1.0)
    unit = task.map(units).astype(float)
    score: pd.Series[float] = (runs["score"].astype(float) * sign / unit).fillna(-np.inf)
    steps = runs["steps_to_solve"].astype(float).map(np.log) / np.log(steps_unit)
    return np.column_stack([score.where(unit.notna(), 0.0), (-steps).fillna(-np.inf)])


def _beyond(apart: Array, margin: float | None) -> tuple[float, float]:
    """Student's t and the two-sided p of differences whose mean would lie within the margin.

    Where a run has no value, as one that did not solve has no steps, ranks have to do.
    """
    if margin is None or len(apart) < FEWEST or not abs(apart.mean()) > margin:
        return 0.0, 1.0
    error = max(apart.std(ddof=1) / np.sqrt(len(apart)), np.finfo(float).tiny)
    t = (abs(apart.mean()) - margin) / error
    return float(np.sign(apart.mean()) * t), float(2 * stats.t.sf(t, len(apart) - 1))


def _rank(values: Array) -> Array:
    """How many runs of the block each beats by more than 1, less how many beat it so.

    ``values`` and what is returned: [runs, metrics].
    """
    with np.errstate(invalid="ignore"):  # two runs without a value, of which none is the better
        apart = values[:, None] - values
    ranks: Array = (apart > 1).sum(axis=1) - (apart < -1).sum(axis=1)
    return ranks.astype(float)


def _contrasts(runs: pd.DataFrame) -> tuple[list[Place], Array]:
    """What is compared and the weight of every run in it: the mean of a block's runs here less
    the mean of those there, summed over the blocks. Where two levels are of the same runs, the
    finer one stands.
    """
    places: list[Place] = []
    weights: list[Array] = []
    seen = set()
    mine, block = runs["mine"].to_numpy(), runs["block"].to_numpy()
    count = block.max() + 1
    theirs = np.bincount(block[~mine], minlength=count)
    for level in LEVELS:
        for key, group in runs[runs["mine"]].groupby(level):
            rows = group.index.to_numpy()
            if tuple(rows) in seen:
                continue
            seen.add(tuple(rows))
            named = dict(zip(level, key, strict=True))
            places.append(tuple(str(named.get(name, "")) for name in METHOD))
            own = np.bincount(block[rows], minlength=count)
            row = np.where(mine | (own[block] == 0), 0.0, -1 / theirs[block])
            row[rows] = 1 / own[block[rows]]
            weights.append(row)
    return places, np.array(weights)


def _largest(ranked: Array, weights: Array, scale: Array, blocks: list[Array]) -> Array:
    """The largest statistic of all comparisons in each of the shuffles: [SHUFFLES]."""
    rng = np.random.default_rng(0)
    result = np.zeros(SHUFFLES)
    for first in range(0, SHUFFLES, AT_ONCE):
        part = result[first : first + AT_ONCE]  # a view
        shuffled = np.empty((len(part), *ranked.shape))
        for rows in blocks:
            order = rng.random((len(part), len(rows))).argsort(axis=1)
            shuffled[:, rows] = ranked[rows[order]]
        for m in range(ranked.shape[1]):
            sums = np.abs(shuffled[:, :, m] @ weights.T) / scale[:, m]
            np.maximum(part, sums.max(axis=1), out=part)
    return result
