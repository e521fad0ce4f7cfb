"""Which framework trains fastest?"""

from collections.abc import Iterable
from typing import Any

import pandas as pd
from markupsafe import Markup

from report import words
from report.answers.answer import MOST_SAID, Answer, Row, advice, makes, unweighed
from report.answers.phrases import capital, cells, fitting, frameworks, less, plural, ratio
from report.numbers import listed, number
from report.tables import Tables

# What would tell where an interval of the clock is too wide.
TELL = Markup(
    "Where it is too close to call, a quieter machine or more minutes would tell "
    "(<code>timing</code> in the configuration)."
)


def framework(tables: Tables) -> Answer:
    """Which framework trains fastest on this machine."""
    rows, timing = advice(tables, "fastest_framework"), tables["timing"]
    if timing.empty:
        return Answer(
            "Nothing was timed in these runs.", tell=makes(tables, "timing", "times them")
        )
    if not rows:
        return unweighed(tables, "advice")
    if all(row["why"] == "not_timed" for row in rows):
        only = frameworks(dict.fromkeys(timing["framework"]))
        return Answer(
            f"Only {only} was timed, so there is nothing to compare it with.",
            tell=Markup("A second one in <code>frameworks</code> would tell."),
        )
    rows = sorted(rows, key=lambda row: row["verdict"] == "unknown")
    known = [row for row in rows if row["verdict"] != "unknown"]
    evidence = [_paced(tables, row) for row in known]
    return Answer(
        " ".join(_on_each_machine(tables, rows)),
        evidence[0] if evidence else "",
        TELL if len(known) < len(rows) else "",
        " ".join([*evidence[1:MOST_SAID], *_disturbed(tables, known), *_peak(timing)]),
    )


def machine(name: Any) -> str:
    """Where several machines were timed, ``on`` which; its processor and cores are enough."""
    if not isinstance(name, str) or not name:
        return ""
    processor, _, cores = name.rpartition(", ")
    return f"on {processor.partition(' (')[0] or name}{', ' * bool(cores)}{cores}"


def _on_each_machine(tables: Tables, rows: list[Row]) -> Iterable[str]:
    """The answer; where several machines were timed, one for each, which is named."""
    for name in dict.fromkeys(row["machine"] for row in rows):
        mine = [row for row in rows if row["machine"] == name]
        text = _text(tables, mine, sum(row["verdict"] != "unknown" for row in mine))
        yield f"{capital(machine(name))}: {text}" if machine(name) else text


def _text(tables: Tables, rows: list[Row], known: int) -> str:
    """A sentence for all that is alike; with short names of the models, or counted."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        key = row["shape"], row["machine"], row["verdict"], row["sure"], row["better"]
        groups.setdefault(key, []).append(row)
    of_shape: dict[Any, int] = {}
    for row in rows:
        of_shape[row["shape"]] = of_shape.get(row["shape"], 0) + 1
    full = {shape: model(tables, shape) for shape in of_shape}
    # The last words, "50 units", where these tell the models apart.
    brief = {shape: name.split(" of ")[-1] for shape, name in full.items()}
    if len(set(brief.values())) < len(brief):
        brief = full
    # Two that are equally fast are a choice of their own: the counts add up to the models.
    wins: dict[tuple[str, ...], int] = {}
    for row in rows[:known]:
        names = tuple((row["better"] or "").split())
        wins[names] = wins.get(names, 0) + 1
    order = sorted((one for one in wins.items() if one[0]), key=lambda one: -one[1])
    total = plural(len(rows), "timed model")
    each = [f"{frameworks(names, 'or')} on {n}" for names, n in order]
    each[:1] = [f"{frameworks(n, 'or')} is fastest on {won} of {total}" for n, won in order[:1]]
    are = "is" if len(rows) - known == 1 else "are"
    rest = f"; {len(rows) - known} {are} too close to call" if known < len(rows) else ""
    counted = f"{listed(each)}{rest}." if each else ""
    return fitting(
        *(
            " ".join(_pace(mine, of_shape, places) for mine in groups.values())
            for places in (full, brief)
        ),
        counted or f"All {total} are too close to call.",
    )


def model(tables: Tables, shape: Any) -> str:
    """The size of a timed model: ``2 layers of 50 units``."""
    timed = tables["timing"][tables["timing"]["shape"] == shape]
    if timed.empty or timed["hidden"].nunique() != 1:
        return f"the size called {shape}"
    return f"{plural(timed['layers'].iloc[0], 'layer')} of {number(timed['hidden'].iloc[0])} units"


def _pace(mine: list[Row], of_shape: dict[Any, int], places: dict[Any, str]) -> str:
    """A sentence on the cells of a model that are alike."""
    row, whole = mine[0], len(mine) == of_shape[mine[0]["shape"]]
    where = f"With {places[row['shape']]} " if len(of_shape) > 1 else ""
    here = "" if where else " here"
    every = {1: f"{words.cell(row['cell'])} ", 2: "both cells "}.get(len(mine), "all cells ")
    which = every if whole else f"{cells(one['cell'] for one in mine)} "
    names = (row["better"] or "").split()
    both = frameworks(names) if names else "the frameworks"
    maybe = "probably " if row["sure"] == "likely" else ""
    if row["verdict"] == "better" and len(names) == 1:
        rivals = {one["b"] for one in mine}
        rival = words.framework(row["b"]) if len(rivals) == 1 else "the next"
        effects = [one["effect"] for one in mine]
        saves = less(min(effects), max(effects), "less time")
        start = f"{where}{both} {maybe}trains {which}fastest{here}"
        return f"{start}: a step takes {saves} than in {rival}."
    if row["verdict"] == "equal":
        return capital(f"{where}{both} train {which}equally fast{here}.")
    if row["verdict"] == "better":
        others = frameworks((row["worse"] or "").split() or ["others"])
        return capital(f"{where}{both} {maybe}train {which}faster than {others}{here}.")
    what = "" if whole else f" for {which.strip()}"
    return capital(f"{where}{both} are too close to call{what}{here}.")


def _paced(tables: Tables, row: Row) -> str:
    """A decided pace as a number with its interval."""
    one, other = words.framework(row["a"]), words.framework(row["b"])
    where = f"{words.cell(row['cell'])}, {model(tables, row['shape'])}"
    where += f", {on}" if (on := machine(row["machine"])) else ""
    n = plural(row["n"] or 0, "process", "processes")
    return f"{one} against {other} ({where}): {ratio(row, 'less time', 'more time')}, {n}."


def _disturbed(tables: Tables, known: list[Row]) -> list[str]:
    """What the clock warns of in the times that decided."""
    timing = tables["timing"]
    steps = timing[(timing["phase"] == "step") & timing["warning"].notna()]
    warned = set(zip(steps["shape"], steps["cell"], steps["machine"], strict=True))
    # Without a machine the answer is of the only one.
    warned |= {(shape, cell, None) for shape, cell, _ in warned}
    places: dict[str, list[str]] = {}
    for row in known:
        if (row["shape"], row["cell"], row["machine"] or None) in warned:
            place = " ".join(filter(None, [model(tables, row["shape"]), machine(row["machine"])]))
            places.setdefault(place, []).append(row["cell"])
    where = [f"{cells(names)} with {size}" for size, names in places.items()]
    return [f"The clock warns of its times of {listed(where)}."] if where else []


def _peak(timing: pd.DataFrame) -> list[str]:
    """How close the best step comes to the hardware."""
    steps = timing[(timing["phase"] == "step") & timing["peak_fraction"].notna()]
    if steps.empty:
        return []
    best = steps.sort_values("peak_fraction").iloc[-1]
    share = f"{number(100 * best['peak_fraction'], 2)} % of what the hardware allows"
    where = f"{words.cell(best['cell'])} in {words.framework(best['framework'])}"
    where += f", {machine(best['machine'])}" if steps["machine"].nunique() > 1 else ""
    return [f"The best training step reaches {share} ({where})."]
