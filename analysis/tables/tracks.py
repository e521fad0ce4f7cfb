"""What the page calls the tracks with settings of their own: from ``workflows/tracks.yaml``."""

from collections.abc import Iterable

from harness.plan import tracks


def rows(names: Iterable[str]) -> list[dict[str, str]]:
    """A row for each of these tracks that has settings of its own, in the order of the file."""
    known = set(names)
    return [
        {"track": name, "what": track.what} for name, track in tracks.own().items() if name in known
    ]
