"""What a column of a table holds, and what a table is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf|nan")
_COUNT = re.compile(r"\d{1,15}(\.0)?")


@dataclass(frozen=True)
class Column:
    """What a column holds: text, whole numbers from 0, numbers, or True and False.

    A text matches ``pattern`` whole, which ``words`` says for an error. ``low`` and ``high`` name
    the columns with the ends of the value's 95 % interval. Where ``empty`` is False, every row has
    a value. With ``late``, tables that were made before the column was there are read as if it were
    empty.
    """

    kind: Literal["text", "int", "float", "bool"]
    low: str = ""
    high: str = ""
    empty: bool = True
    late: bool = False
    # One line in any language, with nothing that a page or a terminal would act on.
    pattern: str = r"[^\x00-\x1f\x7f]{0,10000}"
    words: str = "text of one line"

    def value(self, text: str) -> Any:
        """What ``text`` says; a missing number is NaN. Raises ValueError with the words for it."""
        if not text and self.empty:
            return text if self.kind in ("text", "bool") else float("nan")
        if self.kind == "text" and re.fullmatch(self.pattern, text):
            return text
        if self.kind == "bool" and text in ("True", "False"):
            return text == "True"
        if self.kind == "int" and _COUNT.fullmatch(text):
            return int(float(text))
        if self.kind == "float" and _NUMBER.fullmatch(text):
            return float(text)  # bit for bit what was written
        kinds = {"int": "a whole number", "float": "a number", "bool": "True or False"}
        raise ValueError(kinds.get(self.kind, self.words) + (" or nothing" if self.empty else ""))


@dataclass(frozen=True)
class Table:
    """A table, ``NAME.csv``: what it says and which stage makes it.

    ``key`` are the columns that tell its rows apart. With ``settings`` it has a further column for
    every setting of a run, empty where the run's task has none of that name. ``digits`` are the
    significant ones that are written; None writes all.
    """

    name: str
    says: str
    stage: str
    columns: Mapping[str, Column]
    key: tuple[str, ...] = ()
    settings: bool = False
    digits: int | None = None
