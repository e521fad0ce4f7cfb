"""Finding tasks and implementations: whatever is in their folders."""

import ast
import importlib
import keyword
import os
import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from harness.errors import UserError, in_one_line, one_of
from implementations import Framework
from tasks import Task

# What is found by being there.
KINDS = ("task", "framework", "cell")
ROOT = Path(__file__).resolve().parent.parent


def is_name(text: str) -> bool:
    """Whether a plugin can have this name: it is a module, a part of file names and a word."""
    return bool(re.fullmatch(r"[a-z][a-z0-9_]{0,39}", text)) and not keyword.iskeyword(text)


@cache
def task_names() -> list[str]:
    """The tasks that exist: the files in ``tasks/``."""
    return sorted(filter(is_name, _found("task")))


@cache
def framework_names() -> list[str]:
    """The frameworks of ``frameworks: all``: those that exist but the optional ones."""
    return [name for name in known_frameworks() if not framework(name).optional]


@cache
def known_frameworks() -> list[str]:
    """The frameworks that exist: the folders in ``implementations/``."""
    return sorted(filter(is_name, _found("framework")))


def _found(kind: str) -> dict[str, str]:
    """The names of all plugins of a kind, good or not, and where each is."""
    if kind == "framework":
        paths = [path.parent for path in (ROOT / "implementations").glob("*/model.py")]
    else:
        paths = [p for p in (ROOT / f"{kind}s").glob("*.py") if p != ROOT / "cells" / "network.py"]
    names = {p.name if p.is_dir() else p.stem: f"{p.parent.name}/{p.name}" for p in paths}
    return {name: where for name, where in names.items() if name[0] not in "_."}


def misnamed(kind: str) -> dict[str, str]:
    """Plugins whose name cannot be one, which nothing can run, each with a sentence on it."""
    return {
        name: f"{where}: {name!r} cannot be the name of a {kind}; rename it: small letters, "
        "digits and _, a letter first, 40 at most."
        for name, where in sorted(_found(kind).items())
        if not is_name(name)
    }


def check_names(where: str, kind: str, names: Iterable[str], allowed: Collection[str]) -> None:
    """Raise :class:`UserError` for the first of ``names`` that is not allowed, or cannot be one."""
    if (name := next((name for name in names if name not in allowed), None)) is not None:
        wrong = misnamed(kind) if kind in KINDS else {}
        if name in wrong:
            raise UserError(f"{where}: {wrong[name]}")
        raise one_of(where, kind, name, list(allowed))


def load_task(name: str, **parameters: Any) -> Task:
    """The task ``name`` with some of its parameters set.

    Raises :class:`UserError` when there is no such task, its file does not
    define one, or a parameter is refused.
    """
    check_names("tasks", "task", [name], task_names())
    where, made = f"tasks/{name}.py", task_class(name)
    if made.__abstractmethods__:
        raise UserError(
            f"{where}: does not define {', '.join(sorted(made.__abstractmethods__))}; "
            "tasks/__init__.py says what each is."
        )
    try:
        return replace(made(), **parameters) if parameters else made()
    except ValueError as error:
        raise UserError(f"{where}: {error}.") from error
    except Exception as error:
        raise UserError(f"{where}: {raised(error, where)}.") from error


@cache
def task_class(name: str) -> type[Task]:
    """The class that ``tasks/<name>.py`` defines."""
    where = f"tasks/{name}.py"
    try:
        module = importlib.import_module(f"tasks.{name}")
    except Exception as error:
        raise UserError(
            f"{where}: cannot be imported ({short(error)}); mend or remove it."
        ) from error
    # Defined there, not imported from elsewhere.
    classes = [
        v for v in vars(module).values() if isinstance(v, type) and v.__module__ == module.__name__
    ]
    match [made for made in classes if issubclass(made, Task)]:
        case [made] if "__dataclass_fields__" in vars(made) and getattr(made, "name", "") == name:
            return made
    raise UserError(
        f"{where}: must define exactly one frozen dataclass derived from tasks.Task "
        f"whose name is {name!r}."
    )


def score_margin(name: str) -> float | None:
    """The task's margin; None where it has none, or where there is no such task here."""
    return task_class(name).margin if name in task_names() else None


def raised(error: Exception, where: str) -> str:
    """What was raised, and in which function and line of the file ``where``."""
    place, trace = "the check", error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename.endswith(where.replace("/", os.sep)):
            place = f"{trace.tb_frame.f_code.co_name}, line {trace.tb_lineno},"
        trace = trace.tb_next
    return f"{place} raised {short(error)}"


def short(error: Exception) -> str:
    """The kind of an error and its first line, for the inside of a sentence."""
    return in_one_line(error).rstrip(".")


def implementation(label: str) -> str:
    """The implementation that a label is of: the longest name that it begins with, before a ``_``.

    What is no label of one is returned as it is.
    """
    known = known_frameworks()
    if label in known or not is_name(label):
        return label
    return max((n for n in known if label.startswith(f"{n}_")), key=len, default=label)


@cache
def framework(name: str) -> Framework:
    """What the implementation ``name`` says of itself; the framework is not imported.

    A label of one, as ``jax_0_4_31`` is of ``jax``, is the same implementation under that name.
    Raises :class:`UserError` when there is none, or when it does not say it.
    """
    if (folder := implementation(name)) != name:
        return replace(framework(folder), name=name, implementation=folder)
    check_names("implementations", "framework", [name], known_frameworks())
    where = f"implementations/{name}/__init__.py"
    try:
        found = getattr(importlib.import_module(f"implementations.{name}"), "FRAMEWORK", None)
    except Exception as error:
        raise UserError(
            f"{where}: cannot be imported ({short(error)}); mend or remove it."
        ) from error
    if not isinstance(found, Framework) or found.name != name:
        raise UserError(f"{where}: must define FRAMEWORK, a Framework whose name is {name!r}.")
    return found


def cell_files(name: str) -> set[Path]:
    """The files that a cell's equations stand in: its own, and those of the cells it imports."""
    found: set[Path] = set()
    waiting = [name]
    while waiting:
        path = ROOT / "cells" / f"{waiting.pop()}.py"
        if path in found or not path.exists():
            continue
        found.add(path)
        waiting += _imported(path, "cells")
    return found


def frameworks_under(name: str) -> set[str]:
    """An implementation and those that it imports from, as Equinox's does from JAX's."""
    found: set[str] = set()
    waiting = [implementation(name)]
    while waiting:
        if (one := waiting.pop()) in found or one not in known_frameworks():
            continue
        found.add(one)
        for path in (ROOT / "implementations" / one).glob("*.py"):
            waiting += _imported(path, "implementations")
    return found


def _imported(path: Path, package: str) -> set[str]:
    """The modules of a package that a file imports, by name; nothing is run."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in getattr(node, "names", ()) if isinstance(alias, ast.alias)]
        if isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{one}" for one in names)]
        found |= {one.split(".")[1] for one in names if one.startswith(f"{package}.")}
    return found


def docstring(path: Path) -> str:
    """The docstring of a module or, if it has one, of its only class; nothing is run."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return ast.get_docstring(classes[0] if classes else tree) or ""
