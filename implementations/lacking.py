"""What an environment lacks: a package, or what its version of one does not have.

An implementation calls what the versions have that it was tried with. Another version may lack
a name of it, for one kernel alone; then that kernel cannot be computed there, and the others can.
"""

import sys
from types import ModuleType

# Stands in place of a check's name where the environment lacks what a kernel needs.
CHECK = "lacking"
OURS = ("cells", "harness", "implementations", "tasks")


def lack(error: Exception) -> str:
    """What is not there, if that is why ``error`` was raised, as half a sentence; else empty."""
    if isinstance(error, ModuleNotFoundError):
        name, said = error.name or "", f"{error.name} is not installed here"
    elif isinstance(error, ImportError):
        # cannot import name 'rnn' from 'jax.experimental' (/usr/lib/...)
        name, said = error.name or "", str(error).partition(" (")[0]
        said = f"{versioned(name)} does not have it: {said}" if name else ""
    elif isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        name = error.obj.__name__
        said = f"{versioned(name)} has no {name}.{error.name}"
    else:
        return ""
    # A slip of our own is no lack.
    return "" if name.partition(".")[0] in OURS else said


def versioned(name: str) -> str:
    """A module's package with its version, as it says it itself."""
    package = name.partition(".")[0]
    version = getattr(sys.modules.get(package), "__version__", "")
    return f"{package} {version}".strip()


def sentence(framework: str, kernel: str, lacks: str) -> str:
    """Why a kernel is unavailable and what to do, without a stop."""
    return (
        f"{framework}'s kernel {kernel} cannot be computed here: {lacks}; choose another kernel, "
        "or an environment that has it"
    )
