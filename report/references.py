"""The list of references: what the tasks, the claims and the statistics are from."""

import re
from collections.abc import Iterable
from pathlib import Path

import yaml

BIBLIOGRAPHY = Path(__file__).with_name("references.yaml")
# The same work under another name, as a task may call it.
ALIASES = {"Le, Jaitly & Hinton 2015": "Le et al. 2015"}
# What the page itself stands on: its update rule and its statistics.
ALWAYS = (
    "Agarwal et al. 2021", "Holm 1979", "Kingma & Ba 2015", "Newcombe 1998", "Schuirmann 1987",
    "Wilson 1927",
)  # fmt: skip


def references(sources: Iterable[str]) -> list[tuple[str, str]]:
    """Author and year with what they wrote, of every published work that ``sources`` name.

    A source may name several, apart by semicolons, each with a place in it. What is not in
    ``references.yaml`` is listed as it is; without a year, as "this suite", it is no such work.
    """
    works: dict[str, str] = yaml.safe_load(BIBLIOGRAPHY.read_text(encoding="utf-8"))
    found = {name: works[name] for name in ALWAYS}
    for part in {part.strip() for text in sources for part in str(text).split(";")}:
        known = [name for name in (*works, *ALIASES) if name in part]
        if known:
            name = ALIASES.get(known[0], known[0])
            found[name] = works[name]
        elif year := re.match(r"(.*?\b\d{4}\b)[,.]?\s*(.*)", part):
            found[year[1]] = year[2]
    return sorted(found.items())
