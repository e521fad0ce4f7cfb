"""The environment of a framework: another interpreter than the project's own, with its packages.

One is described by a file, which the pipeline makes (:mod:`harness.pipeline.environments`) and
every command takes as ``--environment``. Only the standard library is imported here: it is what
the project's interpreter does before a run's own one takes over. What needs other libraries than
NumPy and psutil is handed over to that in files (:mod:`harness.commands.hand_over`).
"""

import json
import os
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from harness.errors import UserError

ROOT = Path(__file__).resolve().parent.parent
OPTION = "--environment"
# The commands that work inside the environment; the others only speak of it.
INSIDE = ("train", "conform", "preload")
# Names the folder of what was handed over, as in tasks/_handed.py.
HANDED = "GATEBENCH_HANDED"
# Set where an interpreter was entered, so that one which calls itself otherwise is entered once.
ENTERED = "GATEBENCH_INTERPRETER"


@dataclass(frozen=True)
class Description:
    """An environment as it was found: its interpreter and everything that is installed there.

    Where it could not be made, ``error`` says why, in a sentence without a stop.
    """

    name: str
    python: str = ""
    version: str = ""
    requirements: tuple[str, ...] = ()
    packages: dict[str, str] = field(default_factory=dict)
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        """What its file holds."""
        return asdict(self)

    def of_a_record(self) -> dict[str, Any]:
        """What a record says of it: nothing that is true of one machine alone."""
        return {
            "name": self.name,
            "python": self.version,
            "requirements": list(self.requirements),
            "packages": self.packages,
        }

    @property
    def problem(self) -> str:
        """Why nothing can run in it, without a stop; empty where it can."""
        if self.error or Path(self.python).exists():
            return self.error
        return (
            f"environments: {self.name}: its interpreter {self.python} is gone; run the pipeline, "
            "which makes it again"
        )


def read(path: Path) -> Description:
    """The environment that a file describes; :class:`UserError` where it describes none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Description(**found | {"requirements": tuple(found["requirements"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"{OPTION}: {path} describes no environment; run the pipeline, which makes it."
        ) from error


def problem(path: str) -> str:
    """Why nothing can run in the environment that a file describes; empty where there is none."""
    return read(Path(path)).problem if path else ""


def versions(path: Path, packages: tuple[str, ...]) -> dict[str, str]:
    """The versions of Python, NumPy and ``packages`` in the environment that a file describes.

    Whoever asks may run elsewhere. Of one that could not be made there are none.
    """
    found = read(path)
    known = {"python": found.version, **found.packages} if found.version else {}
    return {name: known[name] for name in ("python", "numpy", *packages) if name in known}


def asked(words: list[str]) -> Description | None:
    """The environment that a command line names; None where it names none."""
    if OPTION not in words[:-1]:
        return None
    return read(Path(words[words.index(OPTION) + 1]))


def interpreter(words: list[str]) -> str:
    """The interpreter that a command line is for; this one where it names none or none is there."""
    found = asked(words)
    return sys.executable if found is None or found.problem else found.python


def is_elsewhere(words: list[str]) -> bool:
    """Whether a command line is for another interpreter than this one."""
    python = interpreter(words) if words[:1] and words[0] in INSIDE else sys.executable
    return python not in (sys.executable, os.environ.get(ENTERED))


def enter(words: list[str], handed: Path) -> NoReturn:
    """Go on as the interpreter that the command line is for."""
    python = interpreter(words)
    variables = surroundings(handed) | {ENTERED: python}
    os.execve(python, [python, "-m", "harness", *words], variables)


def handed_by(results: Path) -> Path:
    """Where a pipeline leaves what it hands over to other environments."""
    return results / "cache" / "handed"


def surroundings(handed: Path | None = None) -> dict[str, str]:
    """The variables of a process of the project; with ``handed`` of one by another interpreter.

    It finds the project's modules, and what needs other libraries in that folder.
    """
    paths = [str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    found = os.environ | {"PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
    return found | ({HANDED: str(handed.absolute())} if handed else {})
