"""What tasks of polyphonic music share: songs as frames of notes, cut to one length."""

from abc import ABC
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from tasks import Array, DataTask, Examples, MultiLabel, Split, at_least
from tasks._data import library_arrays
from tasks._files import missing_file, paths

KEYS = 88
NAMES: dict[Split, str] = {"train": "traindata", "validation": "validdata", "test": "testdata"}
# How often a note is counted before any is seen, on and off: no chance is 0, no loss infinite.
PRIOR = 0.5
MEANS = ("frames", "sequences")


@dataclass(frozen=True)
class Music(MultiLabel, DataTask, ABC):
    """Say for each of 88 keys how likely it sounds in the next frame of a song.

    A song of F frames asks for its frames 2 to F. Inputs and targets are [n, window, 88],
    weights [n, window]: 1 for a frame of the song, 0 behind its end. A song with more than
    ``window`` frames to forecast is cut: each further piece begins ``overlap`` frames before
    the last one ends, and these do not count again, so that every frame counts once.

    ``mean`` is what validation and test scores are a mean over: all ``frames`` alike, or
    ``sequences``, which is the mean over songs of each song's mean.
    """

    every_step: ClassVar = True
    metric: ClassVar = "negative log-likelihood a frame, nats"
    input_size: ClassVar = KEYS
    outputs: ClassVar = KEYS

    window: int = 256
    overlap: int = 64
    mean: str = "frames"

    def __post_init__(self) -> None:
        at_least(1, self, "window")
        if not 0 <= self.overlap < self.window:
            raise ValueError(f"overlap must be from 0 to window - 1, not {self.overlap}")
        if self.mean not in MEANS:
            raise ValueError(f"mean must be one of {', '.join(MEANS)}, not {self.mean!r}")

    @property
    def missing(self) -> str:
        return missing_file(self.name)

    @property
    def files(self) -> tuple[Path, ...]:
        return paths(self.name)

    @property
    def sequence_length(self) -> int:
        return self.window

    @property
    def baseline(self) -> float:
        return self.classical_scores(self.examples("train"), self.examples("test"))["unigram"]

    def examples(self, split: Split) -> Examples:
        (path,) = paths(self.name)
        return pieces(self, path, path.stat().st_mtime_ns, split)

    def by_library(self) -> dict[str, Array]:
        """The frames of all songs of each part, one after the other, and how many each has."""
        from scipy.io import loadmat

        (path,) = paths(self.name)
        content, found = loadmat(path), {}
        for part in NAMES.values():
            songs = [np.asarray(song) for song in content[part][0]]
            found[part] = np.concatenate(songs)
            found[f"{part}_frames"] = np.array([len(song) for song in songs])
        return found

    def classical_scores(self, train: Examples, test: Examples) -> dict[str, float]:
        """Scores of each note's share of frames, and of that after frames with and without it."""
        inputs, targets, weights = train
        counted = weights[..., None] > 0
        before = test[0] > 0
        forecasts = {
            "unigram": np.broadcast_to(_odds(targets, counted), test[1].shape),
            "note by note": np.where(
                before,
                _odds(targets, counted & (inputs > 0)),
                _odds(targets, counted & (inputs == 0)),
            ),
        }
        return {name: self.score(y, test[1], test[0], test[2]) for name, y in forecasts.items()}


def _odds(targets: Array, counted: Array) -> Array:
    """The logarithm of the odds of each note [88] over the answers that are ``counted``."""
    counted = np.broadcast_to(counted, targets.shape)
    on = (targets * counted).sum(axis=(0, 1), dtype=np.float64) + PRIOR
    off = ((1 - targets) * counted).sum(axis=(0, 1), dtype=np.float64) + PRIOR
    odds: Array = np.log(on / off)
    return odds


@lru_cache(maxsize=8)
def pieces(task: Music, path: Path, changed: int, split: Split) -> Examples:
    """Inputs and targets [n, window, 88] and weights [n, window] of a part of the task's file.

    ``changed`` is when the file was, so that another file is read anew. For a mean over
    sequences all frames of a song together have the weight 1, but not in training.
    """
    window, by_song = task.window, task.mean == "sequences" and split != "train"
    found: list[tuple[Array, Array, Array]] = []
    for song in songs(task, NAMES[split]):
        asked = len(song) - 1
        start, seen = 0, 0  # of a piece; frames that were counted
        while seen < asked:
            stop = min(start + window, asked)
            x, y = (np.zeros((window, KEYS), np.float32) for _ in range(2))
            weights = np.zeros(window, np.float32)
            x[: stop - start], y[: stop - start] = song[start:stop], song[start + 1 : stop + 1]
            weights[seen - start : stop - start] = 1 / asked if by_song else 1
            found.append((x, y, weights))
            start, seen = stop - task.overlap, stop
    inputs, targets, weights = (np.stack(arrays) for arrays in zip(*found, strict=True))
    return inputs, targets, weights


def songs(task: Music, part: str) -> list[Array]:
    """The songs [frames, 88] of a part of the task's MATLAB 5 file, 1 where a key sounds."""
    made = library_arrays(task)
    return np.split(made[part], np.cumsum(made[f"{part}_frames"])[:-1])
