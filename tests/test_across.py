"""The figure of scores across tasks, from tables of evidence."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from analysis.evidence import comparisons
from report import across


def runs(seeds: int, tasks: tuple[str, ...] = ("adding", "sine")) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame([
        {"task": task, "framework": framework, "cell": cell, "track": track, "seed": seed,
         "progress": progress + 0.05 * rng.normal()}
        for task in tasks
        for framework in ("jax", "pytorch")
        for cell, progress in (("gru", 0.9), ("lstm", 0.85), ("rnn", 0.3))
        for track in ("matched", "native")
        for seed in range(seeds)
    ])  # fmt: skip


def texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_a_panel_a_framework_and_track_with_names_and_numbers():
    means, profiles = comparisons.aggregate(runs(6))
    svg = across.profiles(means, profiles)
    found = texts(svg)
    for name in ("jax, matched", "jax, native", "pytorch, matched", "pytorch, native"):
        assert found.count(name) == 1
    # On its line in each of four panels, and at the mean in the first of each track.
    assert found.count("GRU") == found.count("RNN") == 4 + 2
    row = means.iloc[0]
    assert f"{row['iqm']:.3g} [{row['low']:.3g}, {row['high']:.3g}]" in found
    # What a filter hides: line, band and mean of every method.
    assert svg.count('class="layer of-jax"') == 2 * 3 * 4
    assert "currentColor" in svg
    assert "var(--colour-3)" in svg


def test_few_seeds_have_no_band_and_one_task_no_figure():
    means, profiles = comparisons.aggregate(runs(4))
    svg = across.profiles(means, profiles)
    assert svg.count('class="layer of-jax"') == 2 * 3 * 3, "no band"
    assert any(re.fullmatch(r"0\.\d+", text) for text in texts(svg)), "a mean and no interval"
    assert across.profiles(*comparisons.aggregate(runs(6, ("adding",)))) == ""
    mixed = runs(6)
    mixed = mixed[(mixed["track"] == "matched") | (mixed["task"] == "sine")]
    found = texts(across.profiles(*comparisons.aggregate(mixed)))
    assert "jax, matched" in found
    assert "jax, native" not in found, "one task is not across tasks"
    assert across.profiles(*(table.iloc[:0] for table in (means, profiles))) == ""


@pytest.mark.parametrize(
    ("heights", "expected"),
    [
        ({"gru": 1.0, "lstm": 1.0, "rnn": 0.3}, {"gru": 1.0, "lstm": 0.9, "rnn": 0.3}),
        ({"rnn": 0.5, "gru": 0.95, "lstm": 0.55}, {"gru": 0.95, "lstm": 0.55, "rnn": 0.45}),
        ({"rnn": -0.07, "gru": -0.07, "lstm": 0.9}, {"gru": 0.05, "lstm": 0.9, "rnn": 0.15}),
    ],
)
def test_labels_stand_apart(heights, expected):
    assert across._apart(heights, 0.1) == pytest.approx(expected)
