"""If I upgrade a framework, is my model slower, and are my numbers others?"""

from collections import Counter
from typing import Any

from report import words
from report.answers.answer import MOST_SAID, Answer
from report.answers.phrases import capital, fitting, parts, plural
from report.answers.speed import TELL, model
from report.numbers import PERCENT, listed, number
from report.tables import Tables

Row = dict[Any, Any]
# What the clock compares, in the order of a table's columns.
PHASES = {"step": "a training step", "gradient": "its gradient", "forward": "a forward pass"}

# What is said of one upgrade or of several: by the verdict on all that was timed of one, its words.
TOGETHER = {
    "faster": ("trains faster", "train faster"), "slower": ("trains slower", "train slower"),
    "as fast": ("trains as fast", "train as fast"), "": ("is undecided", "are undecided"),
}  # fmt: skip


def upgrades(tables: Tables) -> list[Row]:
    """The pairs of different versions, each version once where it stands in two environments."""
    found = pairs(tables)
    again = {row["other_framework"] for row in found if row["alike"]}
    return [row for row in found if not row["alike"] and again.isdisjoint(_labels(row))]


def twins(tables: Tables) -> list[Row]:
    """The pairs of two environments with the same packages."""
    return [row for row in pairs(tables) if row["alike"]]


def pairs(tables: Tables) -> list[Row]:
    """All pairs of two environments, those of the same packages too, with names and ratios.

    A ratio is of the later version's time over the earlier one's.
    """
    timed: dict[tuple[str, str], list[Row]] = {}
    for row in tables.rows("version_ratios"):
        labels = row["framework"], row["other_framework"]
        timed.setdefault(labels, []).append(row | {"says": _says(row)})
        turned = row | {"ratio": 1 / row["ratio"], "kernel": row["other_kernel"]}
        turned |= {"other_kernel": row["kernel"]}
        if row["low"] is not None:
            turned |= {"low": 1 / row["high"], "high": 1 / row["low"]}
        timed.setdefault(labels[::-1], []).append(turned | {"says": _says(turned)})
    return [
        row | {"names": names(row)}
        | {"ratios": timed.get(_labels(row), [])}
        for row in tables.rows("versions")
    ]  # fmt: skip


def _says(row: Row) -> str:
    """The clock's verdict on the later version."""
    if row["verdict"] != "apart":
        return {"alike": "as fast"}.get(row["verdict"], "open")
    return "faster" if row["ratio"] < 1 else "slower"


def _labels(row: Row) -> tuple[Any, Any]:
    return row["framework"], row["other_framework"]


def names(row: Row) -> tuple[str, str]:
    """Both versions as people write them: ``JAX 0.10.2`` and ``0.4.31``.

    What an environment's name says beyond its version follows: ``0.4.31 again``.
    """
    later, earlier = (
        words.versioned(label, row[version] or "")
        for label, version in zip(_labels(row), ("version", "other_version"), strict=True)
    )
    if later == earlier:
        later = f"{later}, as installed here"
    framework = words.framework(row["implementation"])
    return later, earlier.removeprefix(f"{framework} ")


def times(row: Row) -> tuple[str, str]:
    """A ratio of the clock as people say it, and its interval in the same unit.

    ``1.41 times as fast`` and ``1.32 to 1.50``; where it is slower, ``times as long``.
    """
    ratio, low, high = row["ratio"], row["low"], row["high"]
    if row["says"] == "faster":
        ratio, low, high = 1 / ratio, 1 / high, 1 / low
    value, ends = (number(ratio), "") if low is None else parts(ratio, low, high)
    if row["says"] in ("faster", "slower"):
        return f"{value} times as {'fast' if row['says'] == 'faster' else 'long'}", ends
    said = "as fast" if row["says"] == "as fast" else "too close to call"
    return said, f"{ends or value} times the time"


def upgrade(tables: Tables) -> Answer:
    """Whether a later version is faster, and whether it gives the same numbers."""
    found = upgrades(tables)
    if not found:
        return Answer("Only environments of the same versions were compared.", _twice(tables))
    same, bits = _function(found), _bits(found)
    timed = [row for row in found if _steps(row)]
    ends = [" ".join(filter(None, (same, one))) for one in (bits, "")]
    text = fitting(*_texts(_paces(timed), ends)) if timed else ends[0]
    evidence = [_most(tables, row) for row in timed]
    parting = "" if "Bits differ" in text and len(found) == 1 else _parting(found)
    left = "" if bits in text else bits
    more = [*evidence[1:MOST_SAID], _twice(tables), left, parting]
    unclear = any(one["says"] == "open" for row in timed for one in _steps(row))
    return Answer(
        text, evidence[0] if evidence else "", TELL if unclear else "", " ".join(filter(None, more))
    )


def _texts(starts: list[str], ends: list[str]) -> list[str]:
    """Sentences on the pace before those on the results, from the fullest to the shortest.

    A count of upgrades comes last: names tell more than whose bits are the same.
    """
    order = [(start, end) for end in ends for start in starts[:-1]]
    return [f"{capital(start)}. {end}".strip() for start, end in (*order, (starts[-1], ends[-1]))]


def finding(tables: Tables) -> str:
    """What became of the training step, for the title of a figure."""
    timed = [row for row in upgrades(tables) if _steps(row)]
    return capital(fitting(*_paces(timed))) if timed else ""


def _steps(row: Row) -> list[Row]:
    return [one for one in row["ratios"] if one["phase"] == "step"]


def _paces(timed: list[Row]) -> list[str]:
    """The pace of every upgrade: in full, by framework, and how many there are of each."""
    full = "; ".join(_pace(row, *row["names"]) for row in timed)
    frameworks = [words.framework(row["implementation"]) for row in timed]
    brief = ", ".join(_pace(row, name) for row, name in zip(timed, frameworks, strict=True))
    whole = Counter(_whole({one["says"] for one in _steps(row)}) for row in timed)
    each = [f"{number(n)} {said[n > 1]}" for says, said in TOGETHER.items() if (n := whole[says])]
    counted = f"of {plural(len(timed), 'upgrade')} {listed(each)}"
    known = len(set(frameworks)) == len(timed) > 1
    return [full, f"upgraded, {brief}" if known else full, counted if len(timed) > 1 else full]


def _pace(row: Row, later: str, earlier: str = "") -> str:
    """How fast a version trains beside the earlier one, over all that was timed."""
    steps = _steps(row)
    verdicts = Counter(one["says"] for one in steps)
    if len(verdicts) == 1:
        (verdict,) = verdicts
        if verdict == "as fast":
            return f"{later} trains as fast{earlier and f' as {earlier}'}"
        if verdict == "open":
            both = f"{later} and {earlier} are too close to call"
            return both if earlier else f"{later} stays undecided"
        sizes = sorted(one["ratio"] ** (-1 if verdict == "faster" else 1) for one in steps)
        span = " to ".join(dict.fromkeys(number(one, 2) for one in (sizes[0], sizes[-1])))
        said = (
            f"trains {span} times as fast" if verdict == "faster" else f"takes {span} times as long"
        )
        return f"{later} {said}{earlier and f' as {earlier}'}"
    known = [f"{verdict} in {verdicts[verdict]}" for verdict in TOGETHER if verdicts[verdict]]
    of = plural(len(steps), "timed model")
    return f"{later} is {listed(known)} of {of}{earlier and f' beside {earlier}'}"


def _whole(verdicts: set[str]) -> str:
    """The verdict on all that was timed; empty where there are several, or none is clear."""
    (one, *others) = verdicts
    return "" if others or one == "open" else one


def _function(found: list[Row]) -> str:
    """Whether the versions compute the reference model's function; empty where none was checked."""
    failed: dict[str, str] = {}
    known = set()
    for row in found:
        for side, label in (("", "framework"), ("other_", "other_framework")):
            if not row[f"{side}checks"]:
                continue
            known.add(row[label])
            wrong = row[f"{side}checks"] - row[f"{side}passed"]
            if wrong:
                name = words.framework(row[label])
                failed[name] = f"{name} fails {wrong} of {plural(row[f'{side}checks'], 'check')}"
    if failed:
        return f"{capital(listed(failed.values()))}."
    if not known:
        return ""
    return f"{'Both' if len(known) == 2 else 'All'} compute the same function."


def _bits(found: list[Row]) -> str:
    """Which frameworks give the same bits; empty where no run was made with both versions."""
    kept: dict[str, set[str]] = {}
    for row in (row for row in found if row["runs"]):
        word = {row["runs"]: "all", 0: "none"}.get(row["same_losses"], "some")
        kept.setdefault(words.framework(row["implementation"]), set()).add(word)
    if not kept:
        return ""
    if set().union(*kept.values()) == {"all"}:
        return "Every bit of training is the same."
    if set().union(*kept.values()) == {"none"}:
        step = min(_parted(found).values(), default=None)
        return f"Bits differ{f' from training step {number(step)} on' if step else ''}."
    by_word = {
        word: [name for name, said in kept.items() if _one(said) == word]
        for word in ("all", "some", "none")
    }
    (most, those), *others = ((word, names) for word, names in by_word.items() if names)
    start = f"{listed(those)} keep{'s' if len(those) == 1 else ''} {most} bits"
    more = [f"{listed(names)} {word}" for word, names in others]
    return f"{', '.join([start, *more])}."


def _one(said: set[str]) -> str:
    return next(iter(said)) if len(said) == 1 else "some"


def _parting(found: list[Row]) -> str:
    """From which training step on bits differ, by framework."""
    parted = _parted(found)
    by_step = {step: [n for n, own in parted.items() if own == step] for step in parted.values()}
    steps = [f"{number(step)} on in {listed(names)}" for step, names in by_step.items()]
    return f"Losses part from training step {listed(steps)}." if steps else ""


def _parted(found: list[Row]) -> dict[str, int]:
    """By framework the first training step whose loss has other bits."""
    first: dict[str, int] = {}
    for row in found:
        if row["first_step"]:
            name = words.framework(row["implementation"])
            first[name] = min(first.get(name, row["first_step"]), row["first_step"])
    return first


def _most(tables: Tables, row: Row) -> str:
    """The training step of an upgrade that changed most, with its interval and where it was."""
    one = max(_steps(row), key=lambda one: max(one["ratio"], 1 / one["ratio"]))
    said, ends = times(one)
    where = f"{words.cell(one['cell'])}, {model(tables, one['shape'])}"
    n = plural(one["processes"] or 0, "process", "processes")
    between = f" (95{PERCENT} interval {ends})" if ends else ""
    return f"{row['names'][0]} against {row['names'][1]} ({where}): {said}{between}, {n}."


def _twice(tables: Tables) -> str:
    """What the clock says of two environments of the same version, which should be nothing."""
    steps = [(row["names"][0], one) for row in twins(tables) for one in _steps(row)]
    if not steps:
        return ""
    name, one = max(steps, key=lambda step: max(step[1]["ratio"], 1 / step[1]["ratio"]))
    value, ends = parts(one["ratio"], one["low"], one["high"])
    return f"{name} in two environments: {value} times the time{f' ({ends})' if ends else ''}."
