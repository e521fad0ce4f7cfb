"""What tasks of finite data share: files inside installed packages, and series of values."""

import importlib.util
from pathlib import Path

import numpy as np

from tasks import Array, DataTask, Split, _handed

# The parts of a series in time: training, validation, test.
SHARES = (0.7, 0.15, 0.15)
NO_GAPS = np.empty(0, np.int64)


def missing_package(module: str, package: str, task: str) -> str:
    """Half a sentence when ``module`` is not installed; empty when it is, or not needed here."""
    if _handed.file(f"{task}.npz") or importlib.util.find_spec(module) is not None:
        return ""
    return f"needs the package {package}, which is not installed: pip install {package}"


def library_arrays(task: DataTask) -> dict[str, Array]:
    """What the task's ``by_library`` makes, or made in the environment that has the library."""
    path = _handed.file(f"{task.name}.npz")
    if path is None:
        return task.by_library()
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def packaged_file(module: str, name: str) -> Path:
    """A file inside an installed package, which is not imported for it."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"{module} is not installed")
    return Path(spec.origin).parent / name


def bounds(length: int) -> dict[Split, tuple[int, int]]:
    """The places from and up to which each split of a series of ``length`` goes."""
    first, second = round(SHARES[0] * length), round((SHARES[0] + SHARES[1]) * length)
    return {"train": (0, first), "validation": (first, second), "test": (second, length)}


def windows(
    series: Array,
    start: int,
    stop: int,
    window: int,
    horizon: int,
    gaps: Array = NO_GAPS,
) -> tuple[Array, Array]:
    """Every forecast of a series [length, c] whose target lies from ``start`` up to ``stop``.

    Returns windows [n, window, c] and targets [n, c], which stand ``horizon`` steps after the
    last value of their window; the window itself may reach back before ``start``, into what
    is known by then. Between a window's first row and its target there is none of ``gaps``, the
    rows before which something is missing.
    """
    targets = np.arange(max(start, window + horizon - 1), stop)
    before = np.cumsum(np.isin(np.arange(len(series)), gaps))
    targets = targets[before[targets] == before[targets - horizon - window + 1]]
    places = targets[:, None] - horizon - np.arange(window)[::-1]
    return series[places].astype(np.float32), series[targets].astype(np.float32)


def standardised(series: Array, stop: int) -> Array:
    """The series [length, c], scaled so that what lies before ``stop`` has mean 0, deviation 1."""
    known = series[:stop]
    scaled: Array = (series - known.mean(axis=0)) / known.std(axis=0)
    return scaled
