"""Run Python code where this project's code can import a framework, NumPy and psutil alone.

    python tests/refusing.py "jax,flax" CODE

What the framework imports for itself it may have: who asks is looked up on the stack.
"""

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OURS = ("cells", "harness", "implementations", "tasks")
EVERYWHERE = {"numpy", "psutil", *OURS, *sys.stdlib_module_names}


class Refusing:
    """A finder that finds nothing, and refuses what an environment need not have."""

    def __init__(self, *allowed: str) -> None:
        self._allowed = EVERYWHERE.union(allowed)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name.partition(".")[0] in self._allowed:
            return None
        frame: Any = sys._getframe(1)
        while "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        asking = Path(frame.f_code.co_filename)
        if any(asking.is_relative_to(ROOT / folder) for folder in OURS):
            place = f"{asking.relative_to(ROOT)}, line {frame.f_lineno}"
            raise ModuleNotFoundError(f"{place} imports {name}, which is refused", name=name)
        return None


if __name__ == "__main__":
    sys.path[0] = str(ROOT)
    sys.meta_path.insert(0, Refusing(*sys.argv[1].split(",")))
    exec(sys.argv[2])
