"""What a configuration calls a framework: an implementation, in an environment, on a device.

An entry of ``frameworks`` is a name, or a name with an environment and a device. Its label stands
in tables, figures, filters and file names: the name, or what begins with it and a ``_``, so that
:func:`.registry.implementation` knows it. ``environments`` says where an environment's packages
come from: an interpreter that is there, or requirements, which the pipeline has installed.
"""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from harness.environment import Description
from harness.errors import UserError
from harness.registry import check_names, implementation, is_name, known_frameworks

# Names the folder of the environments where it is not this one in the project.
FOLDER, VARIABLE = ".environments", "GATEBENCH_ENVIRONMENTS"
# What everything that runs there imports beside its framework.
NEEDED = ("numpy", "psutil")
OLDEST = (3, 11)
ASK = """
import json, sys
from importlib import metadata
found = {str(d.metadata["Name"]): d.version for d in metadata.distributions()}
print(json.dumps([sys.executable, list(sys.version_info[:3]), found]))
"""


@dataclass(frozen=True)
class Environment:
    """An environment as it is asked for: by its ``python``, or by ``requirements``.

    Of one that is there, ``packages`` are all that it has, which decide what its runs compute.
    """

    name: str
    python: str = ""
    requirements: tuple[str, ...] = ()
    version: str = ""
    packages: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """Its file name: its own name, and a digest of what decides what is in it."""
        said = json.dumps([self.python, self.requirements, self.version, self.packages])
        return f"{slug(self.name)}-{sha256(said.encode()).hexdigest()[:12]}"

    @property
    def path(self) -> Path:
        """Where it is described; beside it lies the folder of one that was installed."""
        return folder() / f"{self.key}.json"

    def as_json(self) -> str:
        """What :func:`environment_from` reads."""
        return json.dumps(
            [self.name, {"python": self.python} if self.python else self.requirements]
        )


@dataclass(frozen=True)
class Entry:
    """An entry of ``frameworks``; without a ``device`` it is on the configuration's."""

    label: str
    environment: Environment | None = None
    device: str = ""

    @property
    def file(self) -> str:
        """Where its environment is described; empty for the project's own."""
        return str(self.environment.path) if self.environment else ""


def folder() -> Path:
    """Where the environments are, for whatever results folder."""
    return Path(os.environ.get(VARIABLE) or FOLDER)


def slug(name: str) -> str:
    """A name as a part of labels and file names."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def label(framework: str, environment: str, device: str) -> str:
    """What an entry is called; a framework's name at an environment's beginning is not repeated."""
    own = slug(environment)
    if own == framework or own.startswith(f"{framework}_"):
        own = own.removeprefix(framework).strip("_")
    return "_".join(filter(None, (framework, own, device)))


def entries(frameworks: list[Any] | str, environments: Mapping[str, Any]) -> dict[str, Entry]:
    """The entries of ``frameworks`` by their labels; none where that is all frameworks there are.

    Raises :class:`UserError`, which begins with the key that is wrong.
    """
    found: dict[str, Entry] = {}
    for entry in [] if isinstance(frameworks, str) else frameworks:
        values = {"framework": entry} if isinstance(entry, str) else entry
        name, where = values["framework"], "frameworks"
        check_names(where, "framework", [name], known_frameworks())
        named = values.get("environment", "")
        if named and not environments:
            raise UserError(
                f"{where}: {name}: there is no environment {named!r}; say under `environments` "
                "what it is made of."
            )
        if named:
            check_names(f"{where}: {name}", "environment", [named], environments)
        device = values.get("device", "")
        its = label(name, named, device)
        if not is_name(its):
            raise UserError(
                f"environments: {named!r} makes {its!r} of {name}, which cannot be a name; choose "
                "a shorter one of letters and digits."
            )
        if its in found or implementation(its) != name:
            raise UserError(
                f"{where}: two entries are called {its} in file names and tables; rename an "
                "environment, or remove one of the two."
            )
        own = environment(named, environments[named]) if named else None
        found[its] = Entry(its, own, device)
    return found


def environment(name: str, asked: Any) -> Environment:
    """The environment that ``environments`` has under ``name``; one by its interpreter is asked."""
    if isinstance(asked, Mapping):
        python, version, packages = inside(f"environments: {name}", asked["python"])
        return Environment(name, python, (), version, tuple(packages.items()))
    return Environment(name, requirements=tuple(asked))


def environment_from(text: str) -> Environment:
    """The environment that :meth:`Environment.as_json` wrote."""
    return environment(*json.loads(text))


def described(its: Environment, python: str = "") -> Description:
    """What is installed in an environment: its own interpreter's, or that of its folder."""
    where = f"environments: {its.name}"
    python, version, packages = inside(where, python or its.python)
    return Description(its.name, python, version, its.requirements, packages)


@cache
def inside(where: str, python: str) -> tuple[str, str, dict[str, str]]:
    """An interpreter as it calls itself, its version and all its packages, asked of it.

    Raises :class:`UserError`, which begins with ``where``, if it cannot run anything of ours.
    """
    path = os.path.abspath(os.path.expanduser(python))
    own = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    try:
        asked = subprocess.run(
            [path, "-c", ASK], capture_output=True, text=True, env=own, timeout=60, check=True
        )
        executable, version, packages = json.loads(asked.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        why = error.strerror if isinstance(error, OSError) else "it does not run Python's code"
        raise UserError(
            f"{where}: {python} is no interpreter ({why}); name a Python's own file, such as "
            "folder/bin/python."
        ) from error
    said = ".".join(map(str, version))
    if tuple(version) < OLDEST:
        raise UserError(f"{where}: {python} is Python {said}; 3.11 or newer is needed.")
    found = {re.sub(r"[-_.]+", "-", name).lower(): v for name, v in packages.items()}
    if missing := [name for name in NEEDED if name not in found]:
        raise UserError(f"{where}: {python} has no {missing[0]}; install it there.")
    return executable, said, dict(sorted(found.items()))
