"""Small files in the formats of those that are fetched, and a table that knows them."""

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from tasks import _files
from tasks._files import Source


def as_fetched(patch: pytest.MonkeyPatch, folder: Path, task: str) -> None:
    """Let ``task`` take what lies in ``folder``/its name for its published files."""
    patch.setenv(_files.FOLDER, str(folder))
    patch.setitem(
        _files.SOURCES,
        task,
        tuple(
            Source(path.name, (), len(content), hashlib.sha256(content).hexdigest(), "none")
            for path in _files.paths(task)
            for content in (path.read_bytes(),)
        ),
    )


def write_songs(path: Path, lengths: dict[str, tuple[int, ...]]) -> dict[str, list[np.ndarray]]:
    """Write songs of these numbers of frames by part, each note held for some frames."""
    rng = np.random.default_rng(0)
    parts = {}
    for part, frames in lengths.items():
        cells = np.empty((1, len(frames)), object)
        for place, n in enumerate(frames):
            chords = rng.random((-(-n // 3), 88)) < 0.2
            cells[0, place] = np.repeat(chords, 3, axis=0)[:n].astype(np.uint8)
        parts[part] = cells
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, parts)
    return {part: list(cells[0]) for part, cells in parts.items()}


def write_digits(folder: Path, train: int, test: int) -> dict[str, np.ndarray]:
    """Write the four files of MNIST with so many images of noise; each array by its file."""
    rng = np.random.default_rng(0)
    written = {}
    folder.mkdir(parents=True, exist_ok=True)
    for path, count in zip(_files.paths("mnist"), (train, train, test, test), strict=True):
        shape = (count, 28, 28) if "images" in path.name else (count,)
        values = rng.integers(0, 256, shape).astype(np.uint8)
        if len(shape) == 1:
            values = (np.arange(count) % 10).astype(np.uint8)
        head = struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape)
        (folder / path.name).write_bytes(gzip.compress(head + values.tobytes()))
        written[path.name] = values
    return written
