"""Phrases that several answers share: lists, percentages, and a sentence that is short enough."""

import re
from collections.abc import Iterable
from typing import Any

from report import words
from report.numbers import PERCENT, change, interval, listed, number, percent

# Words of an answer: as many as one reads at a glance.
MOST_WORDS = 30
# Of more tasks or cells than these, or of longer titles, one says how many there are.
MOST_NAMED, LONGEST_TITLE = 4, 40


def count(text: str) -> int:
    """The words of a sentence; a sign such as % is none."""
    return sum(bool(re.search(r"\w", one)) for one in text.split())


def fitting(*sentences: str) -> str:
    """The first of these that has not too many words; they go from the fullest to the shortest."""
    return next((one for one in sentences if count(one) <= MOST_WORDS), sentences[-1])


def capital(text: str) -> str:
    """The text with a capital first letter; a name such as minGRU keeps its own."""
    first = text.split(" ", 1)[0]
    own = first[:1].islower() and first != first.lower()
    return text if own else text[:1].upper() + text[1:]


def plural(n: float, one: str, several: str = "") -> str:
    """A number of things: ``1 seed``, ``20 seeds``."""
    return f"{number(n)} {one if n == 1 else several or one + 's'}"


def title(task: Any) -> str:
    """A task's title as it stands in a sentence."""
    name = words.task(task)
    article = name.endswith((" problem", " series")) and not name.startswith("your ")
    return f"the {name}" if article else name


def titles(tasks: Iterable[Any], word: str = "and") -> str:
    """The titles of tasks; their number where they are many, or one is a long name."""
    names = [title(task) for task in tasks]
    if len(names) > MOST_NAMED or max(map(len, names)) > LONGEST_TITLE:
        return plural(len(names), "task")
    return listed(names, word)


def cells(names: Iterable[Any], word: str = "and") -> str:
    """Cells as a sentence has them; their number where they are many."""
    found = list(map(words.cell, names))
    if len(found) > MOST_NAMED:
        return f"one of {len(found)} cells" if word == "or" else plural(len(found), "cell")
    return listed(found, word)


def frameworks(names: Iterable[Any], word: str = "and") -> str:
    """Frameworks as a sentence has them."""
    return listed(map(words.framework, names), word)


def less(low: float, high: float | None = None, of: str = "less") -> str:
    """What a ratio below one saves: ``27 % less``; of two the span, ``26 to 27 % less``."""
    ends = list(dict.fromkeys(percent(one) for one in (high or low, low)))
    return f"{' to '.join(ends)}{PERCENT} {of}"


def ratio(row: Any, less_of: str = "less", more_of: str = "more") -> str:
    """A ratio with its interval, in percent: ``27 % less (95 % interval 26 to 28 %)``."""
    value, low, high = (float(row[name]) for name in ("effect", "low", "high"))
    said, ends = change(value, low, high, less_of, more_of)
    return f"{said} (95{PERCENT} interval {ends})" if ends else said


def difference(row: Any) -> str:
    """A difference with its interval, without its sign."""
    value, low, high = (float(row[name]) for name in ("effect", "low", "high"))
    text, ends = parts(-value, -high, -low) if value < 0 else parts(value, low, high)
    return f"{text} (95{PERCENT} interval {ends})" if ends else text


def parts(value: float, low: float, high: float) -> tuple[str, str]:
    """A number, and the ends of its interval: ``0.400`` and ``0.333 to 0.545``."""
    text, _, ends = interval(value, low, high).partition(" [")
    ends, _, power = ends.partition("]")
    return f"{text}{power}", f"{ends.replace(', ', ' to ')}{power}"
