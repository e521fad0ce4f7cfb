"""How the page writes numbers, labels, equations, sources and versions."""

import math

import pytest

from report.figures.panels import apart
from report.numbers import interval, number
from report.references import references
from report.sections.methods import paragraphs
from report.sections.provenance import versions


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((0.4, 0.353, 0.467), "0.400 [0.353, 0.467]"),
        ((6e-5, 2e-5, 9.2e-5), "6.00 [2.00, 9.20]·10⁻⁵"),
        ((1920.0, 1280.0, 5248.0), "1,920 [1,280, 5,248]"),
        # So narrow that three digits would say nothing of it.
        ((1.0018, 0.998, 1.006), "1.0018 [0.9980, 1.0060]"),
        # So wide that the same decimals would hide the smaller ones.
        ((0.001, 1e-4, 123.0), "0.001 [1.00·10⁻⁴, 123]"),
        ((0.75, 0.75, 0.75), "0.75 [0.75, 0.75]"),
        ((math.inf, 1600.0, math.inf), "∞ [1,600, ∞]"),
        ((0.5, math.nan, math.nan), "0.5"),
        ((math.nan, 1.0, 2.0), "–"),
        ((1e300, 1.0, 1e300), "1.00·10³⁰⁰ [1, 1.00·10³⁰⁰]"),
        ((0.0, 0.0, 0.278), "0 [0, 0.278]"),
    ],
)
def test_an_interval_has_the_same_decimals_throughout(values, text):
    assert interval(*values) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123456, "0.123"), (1e-5, "1.00·10⁻⁵"), (0.0, "0"), (1200, "1,200"), (30651.0, "30,651"),
        (None, "–"), (1 / 6, "0.167"),
    ],
)  # fmt: skip
def test_numbers_are_readable(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        ([10.0, 50.0], [10, 50]),
        ([30.0, 30.0, 30.0], [20, 30, 40]),
        ([32.0, 31.0], [36.5, 26.5]),
        # At the lower and at the upper end there is no room on both sides.
        ([0.0, 1.0, 60.0], [0, 10, 60]),
        ([100.0, 99.0], [100, 90]),
    ],
)
def test_labels_stand_apart_and_near_their_lines(wanted, places):
    assert apart(wanted, 10, 0, 100) == places


def test_a_docstring_keeps_the_lines_of_its_equations():
    text = "What\nit is.\n\n    y = a\n    z = b\n\nMore ``code``\nhere."
    assert paragraphs(text) == [
        ("text", "What it is."), ("equation", "y = a\nz = b"), ("text", "More code here."),
    ]  # fmt: skip
    assert paragraphs(None) == [("text", "")]


def test_references_are_found_in_sources_and_unknown_ones_kept():
    found = dict(references(["Bai et al. 2018, table 1; this suite", "Somebody 2031, On it", "x"]))
    assert "arXiv:1803.01271" in found["Bai et al. 2018"]
    assert found["Somebody 2031"] == "On it"
    assert "Wilson 1927" in found, "the statistics are always there"
    assert not any("this suite" in name or name == "x" for name in found)


def test_versions_come_from_the_records_whatever_a_folder_is_called():
    machines = [
        {"framework": "pytorch", "packages": "python 3.11.7, numpy 2.4.6, torch 2.13.0+cpu"},
        {"framework": "mine", "packages": "python 3.11.7, numpy 2.4.6, jaxlib 1.2, jax 1.1"},
        {"framework": "plain", "packages": "python 3.11.7, numpy 2.4.6"},
    ]
    assert versions(machines) == [
        "Python 3.11.7", "PyTorch 2.13.0+cpu", "mine 1.2", "plain 2.4.6",
    ]  # fmt: skip
