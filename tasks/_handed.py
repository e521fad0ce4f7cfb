"""What one environment of Python hands to another: files in a folder that a variable names.

A framework's own environment may have NumPy beside the framework and nothing else. What takes
another library, such as data that it generates, the main environment makes and leaves there
(``python -m harness hand-over``).
"""

import os
from pathlib import Path

# The folder's name; set for a process of another environment, and in no other.
FOLDER = "GATEBENCH_HANDED"


def folder() -> Path | None:
    """The folder of what was handed over; None in the main environment, which can make it."""
    chosen = os.environ.get(FOLDER)
    return Path(chosen) if chosen else None


def file(name: str) -> Path | None:
    """The file ``name`` there, if it was handed over."""
    chosen = folder()
    return chosen / name if chosen and (chosen / name).is_file() else None
