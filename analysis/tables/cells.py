"""What the page says of each cell: from its file, so that results of it can be read anywhere."""

from collections.abc import Iterable

from cells import CELLS, cell


def rows(names: Iterable[str]) -> list[dict[str, str]]:
    """A row for each of these cells that has a file, in the order of the files.

    ``lineage`` are the cells that it comes from, by their parents, the first one first, and itself.
    """
    known = set(names)
    return [
        {
            "cell": one.name, "title": one.title, "parent": one.parent or "",
            "summary": one.summary, "source": one.source, "gates": " ".join(one.gates),
            "states": " ".join(one.states), "lineage": " ".join(lineage(one.name)),
            "equations": "\n".join(one.equations),
        }
        for one in (cell(name) for name in CELLS if name in known)
    ]  # fmt: skip


def lineage(name: str) -> list[str]:
    """The parents of a cell up to one that has none, the first one first, and the cell itself."""
    found = [name]
    while (parent := cell(found[0]).parent) in CELLS and parent not in found:
        found.insert(0, str(parent))
    return found
