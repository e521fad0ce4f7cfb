"""The figure of scores across tasks, from tables of evidence."""

import re

import numpy as np
import pandas as pd

from analysis.evidence import comparisons
from report.figures.style import Palette
from report.sections import advice

PALETTE = Palette.of(("jax", "pytorch"), ("lstm", "gru", "rnn", "mgu"))


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
    svg = advice.profiles(means, profiles, PALETTE)
    found = texts(svg)
    for name in (
        "JAX, same start and rule", "JAX, as installed", "PyTorch, same start and rule",
        "PyTorch, as installed",
    ):  # fmt: skip
        assert found.count(name) == 1
    # On its line in each of four panels, and at the mean in the first of each track.
    assert found.count("GRU") == found.count("RNN") == 4 + 2
    row = means.iloc[0]
    assert f"{row['mean']:.3g} [{row['low']:.3g}, {row['high']:.3g}]" in found
    # What a filter hides: line, band and mean of every method.
    assert svg.count('class="layer of-jax"') == 2 * 3 * 4
    assert "currentColor" in svg
    assert "var(--colour-3)" in svg


def test_few_seeds_have_no_band_and_one_task_no_figure():
    means, profiles = comparisons.aggregate(runs(4))
    svg = advice.profiles(means, profiles, PALETTE)
    assert svg.count('class="layer of-jax"') == 2 * 3 * 3, "no band"
    assert any(re.fullmatch(r"0\.\d+", text) for text in texts(svg)), "a mean and no interval"
    assert advice.profiles(*comparisons.aggregate(runs(6, ("adding",))), PALETTE) == ""
    mixed = runs(6)
    mixed = mixed[(mixed["track"] == "matched") | (mixed["task"] == "sine")]
    found = texts(advice.profiles(*comparisons.aggregate(mixed), PALETTE))
    assert "JAX, same start and rule" in found
    assert "JAX, as installed" not in found, "one task is not across tasks"
    assert advice.profiles(means.iloc[:0], profiles.iloc[:0], PALETTE) == ""
