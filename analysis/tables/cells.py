"""What the page says of each cell: from its file, so that results of it can be read anywhere."""

from collections.abc import Iterable

from cells import CELLS, cell


def rows(names: Iterable[str]) -> list[dict[str, str]]:
    """A row for each of these cells that has a file, in the order of the files."""
    known = set(names)
    return [
        {
            "cell": one.name, "parent": one.parent or "", "summary": one.summary,
            "source": one.source, "gates": " ".join(one.gates), "states": " ".join(one.states),
            "equations": "\n".join(one.equations),
        }
        for one in (cell(name) for name in CELLS if name in known)
    ]  # fmt: skip
