"""The section "Versions": two versions of a framework beside each other, and one beside itself."""

from collections.abc import Hashable
from typing import Any

from report import answers, words
from report.answers import versions
from report.answers.phrases import plural
from report.figures.drawing import Job
from report.numbers import number
from report.sections import versions_figure
from report.tables import Tables, rows

Row = dict[str, Any]


def content(tables: Tables) -> dict[str, Any]:
    """The answer, the times of each pair, whether it is the same model, and its runs."""
    pairs = shown(tables)
    runs = tables["version_runs"]
    lost = tables["environments"].dropna(subset="error")
    return {
        "pairs": [pair | _same(pair) for pair in pairs],
        "answer": answers.upgrade(tables) if pairs else None,
        "finding": versions.finding(tables),
        "phases": versions.PHASES,
        "times": [line for pair in pairs for line in lines(pair)],
        "controls": _controls(tables),
        "runs": [
            row | {"names": pair["names"]}
            for pair in pairs
            for row in rows(runs)
            if all(row[side] == pair[side] for side in ("framework", "other_framework"))
        ],
        "lost": [(words.framework(row["framework"]), row["error"]) for row in rows(lost)],
    }


def figures(tables: Tables) -> dict[Hashable, Job]:
    """The clock's ratios of every pair, phase by phase."""
    pairs = shown(tables)
    return {"times": (versions_figure.draw, (pairs, tables.palette))} if pairs else {}


def shown(tables: Tables) -> list[Row]:
    """The pairs of the page: of each framework its upgrades, then a version beside itself."""
    found = [*versions.upgrades(tables), *versions.twins(tables)]
    names = tables.palette.frameworks
    known = [set(names) & {pair["framework"], pair["other_framework"]} for pair in found]
    places = [min(map(names.index, labels), default=len(names)) for labels in known]
    return [found[i] for i in sorted(range(len(found)), key=places.__getitem__)]


def lines(pair: Row) -> list[Row]:
    """A row a model size and cell: what each phase takes beside the other version."""
    found: dict[tuple[Any, ...], Row] = {}
    for one in pair["ratios"]:
        key = tuple(one[name] for name in ("machine", "shape", "cell", "kernel", "other_kernel"))
        line = found.setdefault(key, pair | {k: one[k] for k in ("shape", "cell", "warning")})
        both = dict.fromkeys((one["kernel"], one["other_kernel"]))
        line["kernels"] = " against ".join(map(str, both))
        line[one["phase"]] = one["says"], *versions.times(one)
    return list(found.values())


def _same(pair: Row) -> Row:
    """Whether a pair computes the same function, and gives the same bits, in words."""
    checks = {
        name: (pair[f"{side}checks"], pair[f"{side}passed"])
        for name, side in zip(pair["names"], ("", "other_"), strict=True)
    }
    made = {name: (n, passed) for name, (n, passed) in checks.items() if n}
    failed = [
        f"{name} fails {number(n - passed)} of {plural(n, 'check')}"
        for name, (n, passed) in made.items() if passed < n
    ]  # fmt: skip
    both = " and ".join(dict.fromkeys(number(n) for n, _ in made.values()))
    return {
        "function": ", ".join(failed) or (f"yes: all {both} checks pass" if made else ""),
        "failed": bool(failed),
        "bits": _bits(pair),
        "scores": _scores(pair),
    }


def _bits(pair: Row) -> str:
    runs, same = pair["runs"], pair["same_losses"]
    if not runs:
        return ""
    if runs == same:
        return f"yes: in {_all(runs)}"
    first, last = pair["first_step"], pair["last_step"]
    where = f"step {number(first)}" if first == last else f"steps {number(first)} to {number(last)}"
    if same:
        return f"in {number(same)} of {number(runs)} runs; the others part at {where}"
    return f"no: {_all(runs)} part{'s' * (runs == 1)} at {where}"


def _all(runs: int) -> str:
    return {1: "the one run", 2: "both runs"}.get(runs, f"all {number(runs)} runs")


def _scores(pair: Row) -> str:
    scored, within = pair["scored"], pair["within"]
    if not scored:
        return ""
    many = f"{number(within)} of {number(scored)}"
    return f"{many if within < scored else _all(scored)} within the margin"


def _controls(tables: Tables) -> list[Row]:
    """The clock's own control of every model size that was timed with two versions."""
    ratios, shapes = tables["speed_ratios"], set(tables["version_ratios"]["shape"])
    return rows(ratios[(ratios["kind"] == "aa") & ratios["shape"].isin(shapes)])
