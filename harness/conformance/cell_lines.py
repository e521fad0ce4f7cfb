"""Where in ``cells/`` a fault is, and what Python's own errors there mean to who wrote the file."""

import ast
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from types import FrameType
from typing import Any

import cells
from cells import Cell
from harness.registry import short

# A file and a line of it.
Place = tuple[str, int]
# Files of that folder which are no cell: a fault in them is one of whoever called them.
NO_CELLS = ("__init__.py", "network.py")


class Wrong(Exception):
    """What is wrong in the line that raised it, and what to do: the rest of a sentence."""


class Unknown(Wrong, AttributeError):
    """The same of a name that something does not have."""


class NotFinite(Wrong):
    """The same of a line that makes NaN or infinity."""


@dataclass(frozen=True)
class Finding:
    """One sentence: the file, its line where that is known, and what is wrong there."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}."


def said(place: Place | None, otherwise: str) -> str:
    """A place for a sentence; ``otherwise`` where there is none."""
    return f"cells/{Path(place[0]).name}, line {place[1]}" if place else otherwise


def is_of_a_cell(file: str) -> bool:
    """Whether a file is that of a cell."""
    folder, name = os.path.split(file)
    return folder in cells.__path__ and name not in NO_CELLS


def here() -> Place | None:
    """The line of a cell's file that is being carried out."""
    frame: FrameType | None = sys._getframe(1)
    while frame:
        if is_of_a_cell(frame.f_code.co_filename):
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return None


def of_field(name: str, field: str) -> Place | None:
    """Where the file of cell ``name`` gives its cell a field, or else where it makes the cell."""
    keywords, made = [], []
    for node in ast.walk(_tree(path := _path(name))):
        if isinstance(node, ast.Call):
            keywords += [k.value.lineno for k in node.keywords if k.arg == field]
        if isinstance(node, ast.Assign) and "CELL" in map(ast.unparse, node.targets):
            made.append(node.lineno)
    found = [*keywords, *made]
    return (path, found[0]) if found else None


def of_file(name: str) -> Place | None:
    """Where the file of cell ``name`` begins."""
    return (path, 1) if (path := _path(name)) else None


def of_step(step: Callable[..., Any]) -> Place | None:
    """Where a step begins."""
    code = getattr(inspect.unwrap(step), "__code__", None)
    if code is None or not is_of_a_cell(code.co_filename):
        return None
    return code.co_filename, code.co_firstlineno


def of_return(step: Callable[..., Any]) -> Place | None:
    """Where a step returns last, or else where it begins."""
    if (begin := of_step(step)) is None:
        return None
    lines = [begin[1]]
    for node in ast.walk(_tree(begin[0])):
        if isinstance(node, ast.FunctionDef) and node.lineno == begin[1]:
            lines += [part.lineno for part in _own_parts(node) if isinstance(part, ast.Return)]
    return begin[0], max(lines)


def at_field(name: str, field: str, what: str) -> Finding:
    """What is wrong with a field of a cell."""
    return Finding(said(of_field(name, field), f"cells/{name}.py"), what)


def imports(name: str) -> Iterator[tuple[Place, str]]:
    """Every package that a cell's file imports, and in which line."""
    for node in ast.walk(_tree(path := _path(name))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (((path, node.lineno), one.partition(".")[0]) for one in names)


def _own_parts(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """The parts of a function that are in no function within it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        yield (part := waiting.pop())
        if not isinstance(part, ast.FunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(part)


def _path(name: str) -> str:
    paths = (os.path.join(folder, f"{name}.py") for folder in cells.__path__)
    return next(filter(os.path.exists, paths), "")


def _tree(path: str) -> ast.AST:
    """What a file says; nothing where there is none, as of a cell that only a test knows."""
    return ast.parse(Path(path).read_bytes() if path else "", path)


def of_error(error: Exception, name: str) -> Finding:
    """The sentence for what was raised while a cell's file was imported or its step done."""
    place, frame, trace = None, None, error.__traceback__
    while trace:
        if is_of_a_cell(file := trace.tb_frame.f_code.co_filename):
            place, frame = (file, trace.tb_lineno), trace.tb_frame
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and is_of_a_cell(error.filename or ""):
        place = (str(error.filename), error.lineno or 1)
    if field := re.search(r"unexpected keyword argument '(\w+)'", str(error)):
        place = of_field(name, field[1]) or place
    return Finding(said(place, f"cells/{name}.py"), _meaning(error, frame))


def _meaning(error: Exception, frame: FrameType | None) -> str:
    """What an error means, and what to do."""
    text, quoted = str(error), re.findall(r"'([^']*)'", str(error))
    match error:
        case Wrong():
            return text
        case SyntaxError():
            return f"Python cannot read this ({error.msg}); mend it here or in the line before"
        case UnboundLocalError():
            return f"{quoted[0]} is used before it is made; move the line that makes it up"
        case NameError():
            there = {**frame.f_globals, **frame.f_locals} if frame else {}
            if hasattr(there.get("math"), quoted[0]):
                return f"nothing is called {quoted[0]}; write math.{quoted[0]}"
            return f"nothing is called {quoted[0]}; {_instead(quoted[0], list(there))}"
        case AttributeError() if text.startswith("'function' object"):
            return f"a function has no {quoted[1]}; call it first, as in u(h).{quoted[1]}"
        case TypeError() if "Cell.__init__() missing" in text:
            missing = ", ".join(f"{field}=" for field in quoted)
            return f"the cell lacks {missing}; give it as cells/lstm.py does"
        case TypeError() if "Cell.__init__() got an unexpected" in text:
            known = [field.name for field in fields(Cell)]
            return f"a cell has no {quoted[0]}; {_instead(quoted[0], known)}"
        case ValueError() if "to unpack" in text:
            return f"{text}; state holds one value for each name in states, in their order"
        case ImportError():
            return f"this cannot be imported ({short(error)}); a cell needs only what cells has"
    return f"this raises {short(error)}; mend it"


def _instead(name: str, known: list[str]) -> str:
    """What to write in the place of a name."""
    close = get_close_matches(name, [one for one in known if one[0] != "_"], 1)
    return f"write {close[0]}" if close else "mend the name, or make it in a line before"
