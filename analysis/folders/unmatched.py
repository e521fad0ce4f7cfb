"""What two results folders do not share: runs without a partner, and what they were made with."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.folders.agreement import METHOD
from harness import layout


def counted(here: pd.DataFrame, there: pd.DataFrame, key: list[str], noun: str) -> list[str]:
    """How many rows only one side has."""
    mine, other = (set(map(tuple, frame[key].astype(str).to_numpy())) for frame in (here, there))
    return [
        f"{len(only)} × {noun}: only {side}, not compared"
        for side, only in (("here", mine - other), ("there", other - mine)) if only
    ]  # fmt: skip


def lacking(tables: tuple[pd.DataFrame, pd.DataFrame], name: str, noun: str) -> list[str]:
    """Whether a side, or both, has no rows of the table ``name``."""
    sides = zip(("here", "there"), tables, strict=True)
    if not (empty := [side for side, table in sides if table.empty]):
        return []
    return [f"{noun}: no {name} {' and '.join(empty)}, not compared"]


def runs(mine: pd.DataFrame, other: pd.DataFrame, both: pd.DataFrame) -> list[str]:
    """Which runs have no partner, and why: what a whole axis lacks is said once."""
    methods = [set(map(tuple, frame[METHOD].astype(str).to_numpy())) for frame in (mine, other)]
    found = []
    for place, axis in enumerate(METHOD):
        values = [{method[place] for method in side} for side in methods]
        for side, only in (("here", values[0] - values[1]), ("there", values[1] - values[0])):
            for value in sorted(only):
                gone = {m for m in methods[side == "there"] if m[place] == value}
                methods[side == "there"] -= gone
                found.append(f"{axis} {value}: only {side} ({_count(len(gone))}), not compared")
    for side, left in (("here", methods[0] - methods[1]), ("there", methods[1] - methods[0])):
        found += [f"{' '.join(method)}: only {side}, not compared" for method in sorted(left)]
    return found + _of_methods(mine, other, both, sorted(methods[0] & methods[1]))


def _of_methods(
    mine: pd.DataFrame, other: pd.DataFrame, both: pd.DataFrame, methods: list[tuple[str, ...]]
) -> list[str]:
    """The runs of methods that both have: with other settings, or of a seed that one has."""
    found = []
    seeds: dict[tuple[str, tuple[int, ...]], list[tuple[str, ...]]] = {}
    of_mine, of_other, of_both = (dict(list(f.groupby(METHOD))) for f in (mine, other, both))
    for method in methods:
        here, there = (frames[method].set_index("seed") for frames in (of_mine, of_other))
        common = set(here.index) & set(there.index)
        if apart := common - set(of_both[method]["seed"] if method in of_both else []):
            first = min(apart)
            why = unlike(here.loc[first], there.loc[first])
            found.append(f"{' '.join(method)}: other settings ({why}), not compared")
        for side, frame in (("here", here), ("there", there)):
            if only := tuple(sorted(set(frame.index) - common)):
                seeds.setdefault((side, only), []).append(method)
    for (side, only), group in seeds.items():
        who = " ".join(group[0]) if len(group) == 1 else _count(len(group))
        word = "seed" if len(only) == 1 else "seeds"
        found.append(f"{word} {_numbers(only)} of {who}: only {side}, not compared")
    return found


def _count(number: int) -> str:
    return f"{number} method" if number == 1 else f"{number} methods"


def _numbers(seeds: tuple[int, ...]) -> str:
    if len(seeds) > 2 and seeds[-1] - seeds[0] == len(seeds) - 1:
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))


def unlike(here: pd.Series[Any], there: pd.Series[Any]) -> str:
    """The settings in which two runs differ, the first of them."""
    names = [str(name) for name in {**here, **there} if str(name).startswith(layout.SETTING)]
    pairs = [(name, here.get(name) or "none", there.get(name) or "none") for name in names]
    shown = [
        f"{name.removeprefix(layout.SETTING)} {one} here, {two} there"[:120]
        for name, one, two in pairs
        if one != two
    ]
    return "; ".join(shown if len(shown) < 5 else [*shown[:4], f"{len(shown) - 4} more"])


def differences(mine: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Processors, package versions and commits that the two folders described do not share."""
    pairs = []
    for name in sorted(mine["versions"].keys() & other["versions"].keys()):
        pairs.append((name, *(", ".join(side["versions"][name]) for side in (mine, other))))
    for name in ("processor", "generation", "cores", "system"):
        one, two = (
            "; ".join(sorted({_text(m[name]) for m in side["machines"]})) for side in (mine, other)
        )
        pairs.append((name, one, two))
    one, two = (", ".join(map(_commit, side["commits"])) for side in (mine, other))
    pairs.append(("commit", one, two))
    return [f"{name} {one} here, {two} there" for name, one, two in pairs if one != two]


def _text(value: Any) -> str:
    if isinstance(value, float):
        return "unknown" if pd.isna(value) else f"{value:g}"
    return str(value) or "unknown"


def _commit(commit: str) -> str:
    """A commit, shortened; that there were changes beside it stays."""
    name, plus, changes = commit.partition("+")
    return (name[:12] + plus + changes) or "unknown"
