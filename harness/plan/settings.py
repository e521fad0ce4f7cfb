"""The resolved settings of a task: its budget and parameters with overrides applied."""

import math
import shlex
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

from harness import documents
from harness.errors import UserError, one_of
from harness.plan.run import Run
from harness.registry import ROOT, load_task, raised
from implementations import DEVICES, PRECISIONS
from tasks import Budget, Task

# The rates that were chosen on validation data; beside it the table that they were chosen from.
RATES = ROOT / "workflows" / "rates.yaml"


@dataclass(frozen=True)
class Settings:
    """A task with its parameters set, its budget, and how it is computed.

    The ``precision`` is for a GPU alone. Without a ``kernel`` the implementation chooses its
    fastest for the task's shape. The ``environment`` is the file that describes it; without one it
    is the project's own.
    """

    task: Task
    budget: Budget
    device: str = DEVICES[0]
    precision: str = PRECISIONS[0]
    kernel: str = ""
    environment: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Every value that determines a run beside its identity; by name."""
        return asdict(self.budget) | asdict(self.task)

    def arguments(self, run: Run, threads: int) -> str:
        """The arguments of ``python -m harness train`` for ``run``, quoted for a shell."""
        words = []
        for name in ("task", "framework", "cell", "track", "seed"):
            words += [f"--{name}", str(getattr(run, name))]
        words += ["--threads", str(threads)]
        words += ["--environment", self.environment] if self.environment else []
        words += ["--kernel", self.kernel] if self.kernel else []
        words += ["--device", self.device] if self.device != DEVICES[0] else []
        words += ["--precision", self.precision] if self.precision != PRECISIONS[0] else []
        for name, value in changed(self, run.cell).items():
            words += ["--set", f"{name}={value}"]
        return shlex.join(words)

    def command(self, run: Run, threads: int) -> str:
        """The command that repeats ``run`` with these settings."""
        return f"python -m harness train {self.arguments(run, threads)}"


def pairs(words: list[str]) -> dict[str, Any]:
    """The values given as ``--set KEY=VALUE`` on a command line."""
    found = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise UserError(f"--set: {word!r} is not KEY=VALUE, such as steps=500.")
        found[key] = value
    return found


def require(task: Task, where: str) -> None:
    """Raise :class:`UserError` when something is missing without which ``task`` cannot be used."""
    if task.missing:
        raise UserError(f"{where}: tasks/{task.name}.py {task.missing}.")


@cache
def rates() -> dict[str, dict[str, float]]:
    """The learning rate of each cell in each task, where one was chosen for it."""
    found: dict[str, dict[str, float]]
    found = documents.load(RATES, RATES.with_suffix(".schema.json"))
    return found


def resolve(name: str, overrides: dict[str, Any], where: str, cell: str = "") -> Settings:
    """The settings of task ``name``; ``where`` says in an error what was being read.

    With a ``cell`` they have by default the rate that was chosen for it, if there is one.
    Raises :class:`UserError` for an unknown key or a value that is refused.
    """
    task = load_task(name)
    budget, parameters = asdict(task.budget), asdict(task)
    defaults = budget | parameters
    chosen = rates().get(name, {}).get(cell)
    values: dict[str, Any] = {} if chosen is None else {"learning_rate": float(chosen)}
    for key, value in overrides.items():
        if key not in defaults:
            raise one_of(where, "key", key, list(defaults))
        values[key] = _as_type_of(defaults[key], value, f"{where}.{key}")
    try:
        changed_budget = replace(task.budget, **{k: v for k, v in values.items() if k in budget})
        changed_task = replace(task, **{k: v for k, v in values.items() if k in parameters})
    except ValueError as error:
        raise UserError(f"{where}: {error}.") from error
    except Exception as error:
        raise UserError(f"{where}: {raised(error, f'tasks/{name}.py')}.") from error
    return Settings(changed_task, changed_budget)


def changed(settings: Settings, cell: str) -> dict[str, Any]:
    """The values that differ from the task file's own, or from the default in ``cell``.

    The first so that another rate for the cell is another command, the second so that a command
    which asks for the file's own rate says so.
    """
    name = settings.task.name
    own, usual = (resolve(name, {}, "", c).as_dict() for c in ("", cell))
    return {k: v for k, v in settings.as_dict().items() if v != own[k] or v != usual[k]}


def _as_type_of(default: Any, value: Any, where: str) -> Any:
    """``value`` as the type of ``default``; command lines and YAML give 1e-3 as text."""
    kind = type(default)
    refused = UserError(f"{where}: must be {_NAMES[kind]}, not {value!r}.")
    if kind is bool and str(value).lower() in ("true", "false"):
        value = str(value).lower() == "true"
    if isinstance(value, bool) != isinstance(default, bool):
        raise refused
    try:
        result = kind(value)
    except (TypeError, ValueError):
        raise refused from None
    if kind is int and isinstance(value, float) and result != value:
        raise refused
    if kind is float and not math.isfinite(result):
        raise refused
    return result


_NAMES = {int: "a whole number", float: "a number", str: "a word", bool: "true or false"}
