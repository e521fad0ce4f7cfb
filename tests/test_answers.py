"""The sentences of the first screen, and how the page writes numbers, labels and sources."""

import math

import pandas as pd
import pytest

from harness import layout
from report.figures.panels import apart
from report.numbers import interval, number
from report.references import references
from report.sections.answers import IDENTITIES, answers, content
from report.sections.methods import paragraphs
from report.sections.provenance import of
from report.tables import Tables


def tables(**rows: list[dict[str, object]]) -> Tables:
    """The tables that the answers read, with ``rows`` and otherwise empty."""
    found = Tables({
        name: pd.DataFrame(rows.get(name, []), columns=list(table.columns))
        for name, table in layout.TABLES.items()
    })  # fmt: skip
    found["tasks"] = pd.DataFrame(
        {"task": ["adding"], "metric": ["mean squared error"], "direction": ["lower"]}
    )
    return found


def advised(task: str, verdict: str, better: str = "gru", **more: object) -> dict[str, object]:
    row = {
        "question": "which_cell", "task": task, "track": "matched", "verdict": verdict,
        "sure": "sure", "better": better, "worse": "lstm", "alike": True, "why": "beyond_margin",
    }  # fmt: skip
    return row | more


def decided(a: str, b: str, values: tuple[float, float, float], **more: object) -> dict:
    """The columns of the comparison that decided."""
    row = {"metric": "score", "framework": "pytorch", "frameworks": 2, "a": a, "b": b, "n": 10,
           "unit": "difference"}  # fmt: skip
    return row | dict(zip(("effect", "low", "high"), values, strict=True)) | more


def compared(a: str, b: str, values: tuple[float, float, float], **more: object) -> dict:
    row = {
        "kind": "cells", "task": "adding", "track": "matched", "metric": "score", "a": a, "b": b,
        "n": 10, "unit": "difference", "better": "lower", "p_holm": 0.01, "margin": 0.001,
        "equivalent": False,
    }  # fmt: skip
    return row | dict(zip(("effect", "low", "high"), values, strict=True)) | more


def said(which: int, **rows: list[dict[str, object]]) -> str:
    answer = answers(tables(**rows))[which]
    return answer["short"] + answer["rest"]


UNKNOWN = {"sure": "unknown", "why": "undecided"}
STEPS = {"metric": "steps_to_solve", "unit": "ratio"}


def test_which_cell_names_the_least_that_it_is_ahead_by():
    steps = decided("gru", "lstm", (0.5, 0.4, 0.625), **STEPS)
    text = said(
        0,
        advice=[
            advised("adding", "sooner", **{"sure": "likely"} | steps),
            advised("sine", "unknown", **UNKNOWN),
        ],
    )
    assert text == (
        "GRU on adding (likely): GRU solves adding in 0.500 [0.400, 0.625] times the steps of LSTM "
        "(10 seeds in pytorch, the one of 2 frameworks where it shows least); on sine we cannot "
        "tell"
    )
    # To one that never solves the ratio is no number for a reader.
    never = decided("gru", "rnn", (0.0, 0.0, 0.0), **STEPS)
    text = said(0, advice=[advised("adding", "sooner", **never)])
    assert "times the steps" not in text


@pytest.mark.parametrize(
    ("verdict", "better", "row", "text"),
    [
        # Lower is better, so that LSTM is ahead by what it is lower by.
        (
            "better", "lstm", decided("lstm", "gru", (-0.3, -0.4, -0.2)),
            "LSTM on adding (sure): LSTM is ahead of GRU on adding by 0.300 [0.200, 0.400] in mean",
        ),
        (
            "better", "lstm", decided("lstm", "gru", (0.3, 0.2, 0.4)),
            "LSTM is ahead of GRU on adding by 0.300 [0.200, 0.400] in mean squared error",
        ),
        (
            "better", "gru lstm", decided("lstm", "rnn", (-0.3, -0.4, -0.2)) | {"sure": "likely"},
            "GRU or LSTM rather than LSTM, it does not matter which on adding (likely): LSTM is "
            "ahead of RNN on adding by 0.300 [0.200, 0.400] in mean squared error",
        ),
        (
            "equal", "gru lstm", decided("gru", "lstm", (-2e-4, -4e-4, 1e-4)),
            "the scores of GRU and LSTM on adding differ by −2.00 [−4.00, 1.00]·10⁻⁴",
        ),
    ],
)  # fmt: skip
def test_which_cell_says_who_is_ahead_of_whom(verdict, better, row, text):
    assert text in said(0, advice=[advised("adding", verdict, better, **row)])


def test_which_cell_without_a_number_gives_the_reason():
    none = {"why": "at_baseline", "metric": "progress", "effect": 0.02, "n": 8}
    text = said(0, advice=[advised("adding", "none", "", **none)])
    assert text == (
        "None of them: no cell leaves the baseline on adding (sure): the best median is 2 % of "
        "the way to solved, n = 8"
    )
    few = [advised(t, "unknown", **UNKNOWN | {"why": "few_seeds", "n": 1})
           for t in ("adding", "sine")]  # fmt: skip
    best = {"framework": "jax", "cell": "gru", "mean": 0.5, "low": 0.4, "high": 0.6}
    text = said(0, advice=few, aggregate=[best])
    assert text.startswith("We cannot tell: 1 of at least 5 seeds")
    assert "jax GRU with 0.500 [0.400, 0.600]" in text
    assert said(0) == "Not known yet: the evidence has not been weighed"


def test_many_tasks_are_counted():
    text = said(0, advice=[advised(f"task{i}", "better") for i in range(4)])
    assert text.startswith("GRU on 4 of 4 tasks (sure)")


def test_which_framework_is_said_against_the_next_one_and_the_hardware():
    step = {"shape": "small", "framework": "jax", "cell": "gru", "phase": "step"}
    row = {
        "question": "fastest_framework", "task": None, "shape": "small", "cell": "gru",
        "metric": "step_ms", "unit": "ratio", "frameworks": 1,
    }  # fmt: skip
    text = said(
        1,
        advice=[advised("", "better", "pytorch", **decided("pytorch", "jax", (0.8, 0.769, 0.833)))
                | row],
        timing=[step | {"peak_fraction": 0.41}, step | {"phase": "forward", "peak_fraction": 0.9}],
    )  # fmt: skip
    assert text.startswith(
        "pytorch at small, GRU (sure): at small, GRU its step takes 0.800 [0.769, 0.833] times "
        "that of jax"
    )
    assert "the best step reaches 41 % of the attainable peak (jax GRU at small)" in text
    assert "nothing has been timed" in said(1)


FRAMEWORKS = {"kind": "frameworks"}


@pytest.mark.parametrize(
    ("equivalent", "p_holm", "start"),
    [
        (True, 1.0, "Yes on the matched track: 1 of 1 comparisons of two frameworks show equal"),
        (False, 1.0, "No difference was found on the matched track: 0 of 1"),
        (False, 0.01, "Not always on the matched track: 0 of 1"),
    ],
)
def test_ported_says_yes_only_where_equality_is_shown(equivalent, p_holm, start):
    row = compared(
        "jax/gru", "pytorch/gru", (-2e-4, -3e-4, 1e-4), equivalent=equivalent, p_holm=p_holm,
        **FRAMEWORKS,
    )  # fmt: skip
    gate = [{"passed": 3, "checks": 4}]
    text = said(2, comparisons=[row], conformance_summary=gate)
    assert text.startswith(start)
    assert "jax and pytorch, with GRU on adding by 2.00 [−1.00, 3.00]·10⁻⁴" in text
    assert "3 of 4 checks against the reference pass" in text


def test_ported_without_five_seeds_cannot_tell():
    row = compared("jax/gru", "pytorch/gru", (0.1, math.nan, math.nan), p_holm=math.nan)
    text = said(2, comparisons=[row | FRAMEWORKS], conformance_summary=[{"passed": 4, "checks": 4}])
    assert text.startswith("We cannot tell")
    assert "all 4 checks" in text
    assert said(2) == "Not known yet: no two frameworks were compared"


def judged(claim: str, verdict: str, p: float = math.nan, **more: object) -> dict[str, object]:
    row = {
        "claim": claim, "verdict": verdict, "p_holm": p, "expect": "above", "unit": "ratio",
        "sentence": f"{claim} is so.", "effect": 2.0, "low": 1.5, "high": 3.0, "framework": "jax",
        "task": None, "case": "gru", "group": "cost",
    }  # fmt: skip
    return row | more


def test_claims_are_counted_and_the_clearest_refutation_is_told():
    text = said(
        3,
        claims=[
            judged("a", "supported", 1e-9), judged("b", "refuted", 0.04),
            judged("c", "refuted", 0.001), judged("d", "inconclusive"), judged("e", "not tested"),
            judged("f", "supported", group=IDENTITIES),
        ],
    )  # fmt: skip
    assert text == (
        "Of 4 claims tested, 1 holds, 2 are refuted and 1 stays open: "
        "refuted most clearly is “c is so”, ratio 2.00 [1.50, 3.00] (jax gru); 1 more needs other "
        "runs"
    )
    assert "none of 1 claims can be tested" in said(3, claims=[judged("a", "not tested")])


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


def test_a_method_without_a_network_that_beats_them_all_is_told():
    scores = [{"task": "adding", "cell": "gru", "framework": "jax", "median": 0.0247}]
    classical = [
        {"task": "adding", "method": "ridge", "score": 0.02},
        {"task": "adding", "method": "noise floor", "score": 0.01},
    ]
    advice = [advised("adding", "unknown", **UNKNOWN)]
    text = said(0, advice=advice, scores=scores, classical=classical)
    assert (
        "on adding ridge (0.02), which is no network, beats every network (at best 0.0247" in text
    )
    scores[0]["median"] = 0.019
    assert "ridge" not in said(0, advice=advice, scores=scores, classical=classical)


def test_a_warning_of_the_clock_stands_beside_what_is_sure():
    step = {"shape": "small", "framework": "jax", "cell": "gru", "phase": "step", "median_ms": 1.0}
    where = {"question": "fastest_framework", "task": None, "shape": "small", "cell": "gru"}
    ratio = decided("jax", "pytorch", (0.8, 0.7, 0.9), metric="step_ms", unit="ratio")
    advice = [advised("", "better", "jax", **ratio) | where]
    timing = [step | {"warning": "22 of 25 blocks disturbed"}]
    assert "warns of its times at small, GRU" in said(1, advice=advice, timing=timing)
    assert "warns" not in said(1, advice=advice, timing=[step | {"warning": None}])


def test_the_article_is_explained_where_it_is_first_named():
    claim = judged("a", "supported", 1e-9) | {"sentence": "The loss of the article is right."}
    assert content(tables(claims=[claim]))["article"]
    assert not content(tables(claims=[judged("a", "supported", 1e-9)]))["article"]


def test_versions_come_from_the_records_whatever_a_folder_is_called():
    machines = [
        {"framework": "pytorch", "packages": "python 3.11.7, numpy 2.4.6, torch 2.13.0+cpu"},
        {"framework": "mine", "packages": "python 3.11.7, numpy 2.4.6, jaxlib 1.2, jax 1.1"},
        {"framework": "plain", "packages": "python 3.11.7, numpy 2.4.6"},
    ]
    assert of(tables(machines=machines))["versions"] == [
        "python 3.11.7", "pytorch 2.13.0+cpu", "mine 1.2", "plain 2.4.6",
    ]  # fmt: skip
