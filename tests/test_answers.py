"""The four answers: plain, short, with their numbers, and what would tell where they are open."""

import math
import re

import pandas as pd
import pytest

from cells import CELLS
from harness import layout
from report import answers
from report.answers.phrases import count, fitting, ratio
from report.answers.verdicts import IDENTITIES
from report.tables import Tables
from report.words import entitle

# Words of ours that a reader would have to be told.
PRIVATE = re.compile(r"\b(matched|native|tracks?|kernels?|shapes?)\b|\((sure|likely)\)")


def tables(**rows: list[dict[str, object]]) -> Tables:
    """The tables that the answers read, with ``rows`` and otherwise empty."""
    found = Tables({
        name: pd.DataFrame(rows.get(name, []), columns=list(table.columns))
        for name, table in layout.TABLES.items()
    })  # fmt: skip
    found.missing, found.folder = [], "results"
    if "tasks" not in rows:
        found["tasks"] = pd.DataFrame(
            {"task": ["adding"], "metric": ["mean squared error"], "direction": ["lower"]}
        )
    return found


def ran(n: int, task: str = "adding", framework: str = "jax", **more: object) -> list[dict]:
    """``n`` seeds of LSTM, GRU and RNN, of which GRU solves the task."""
    return [
        {
            "task": task, "framework": framework, "cell": cell, "track": "matched", "seed": seed,
            "status": "ok", "score": 0.005, "solved_at": 0.01, "solved": cell == "gru",
            "steps_to_solve": 100,
        } | more
        for cell in ("lstm", "gru", "rnn") for seed in range(n)
    ]  # fmt: skip


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


def paced(size: str, cell: str, verdict: str = "better", better: str = "jax", **more: object):
    """Advice on the fastest framework at a size of the clock."""
    row = decided("jax", "tensorflow", (0.731, 0.725, 0.738), metric="step_ms", unit="ratio", n=5)
    row |= {"question": "fastest_framework", "task": None, "shape": size, "cell": cell}
    return advised("", verdict, better, worse="pytorch tensorflow") | row | more


def timed(size: str, cell: str = "gru", framework: str = "jax", **more: object) -> dict:
    sizes = {"article": (2, 50), "reference": (1, 128)}
    layers, hidden = sizes.get(size, (1, 64))
    return {
        "shape": size, "framework": framework, "cell": cell, "phase": "step", "median_ms": 1.0,
        "layers": layers, "hidden": hidden,
    } | more  # fmt: skip


def compared(a: str, b: str, values: tuple[float, float, float], **more: object) -> dict:
    row = {
        "kind": "frameworks", "task": "adding", "track": "matched", "metric": "score", "a": a,
        "b": b, "n": 5, "unit": "difference", "better": "lower", "p_holm": 1.0, "margin": 0.001,
        "equivalent": True,
    }  # fmt: skip
    return row | dict(zip(("effect", "low", "high"), values, strict=True)) | more


def judged(claim: str, verdict: str, p: float = math.nan, **more: object) -> dict[str, object]:
    row = {
        "claim": claim, "verdict": verdict, "p_holm": p, "expect": "above", "unit": "ratio",
        "sentence": f"{claim} is so.", "effect": 0.2, "low": 0.15, "high": 0.3, "framework": "jax",
        "task": None, "case": "gru", "group": "cost", "n": 10,
    }  # fmt: skip
    return row | more


UNKNOWN = {"sure": "unknown", "why": "undecided", "worse": None}
STEPS = {"metric": "steps_to_solve", "unit": "ratio", "frameworks": 1, "framework": "jax", "n": 20}
SOONER = decided("gru", "lstm", (0.239, 0.198, 0.288), **STEPS)
AHEAD = decided("lstm", "gru", (0.773, 0.679, 0.867))
ALIKE = decided("gru", "rnn", (-0.044, -0.058, -0.031))
DEFAULT = {
    "runs": ran(10),
    "advice": [
        advised("adding", "sooner", **{"sure": "likely"} | SOONER),
        advised("copying", "unknown", "gru lstm rnn", **UNKNOWN | {"n": 10}),
        advised("counting", "better", "lstm", **AHEAD),
        advised("sine", "equal", "gru lstm rnn", **ALIKE | {"worse": None}),
        paced("article", "gru"),
        paced("article", "lstm", effect=0.735),
        paced("reference", "gru", "unknown", "jax tensorflow", sure="unknown"),
        paced("reference", "lstm", "unknown", "jax tensorflow", sure="unknown"),
    ],
    "timing": [
        timed(size, cell, name, peak_fraction=0.5)
        for size in ("article", "reference") for cell in ("gru", "lstm")
        for name in ("jax", "pytorch", "tensorflow")
    ],
    "comparisons": [
        compared("jax/gru", "pytorch/gru", (2e-4, -1e-4, 3e-4)),
        compared("jax/gru", "pytorch/gru", (0.5, 0.4, 0.6), track="native", equivalent=False,
                 p_holm=0.01),
        compared("jax/gru", "tensorflow/gru", (0.5, -0.4, 0.6), track="native", equivalent=False),
    ],
    "claims": [
        judged("a", "supported", 1e-9), judged("b", "refuted", 0.04),
        judged("c", "refuted", 0.001), judged("d", "inconclusive"), judged("e", "not tested"),
        judged("f", "supported", group=IDENTITIES),
    ],
    "conformance_summary": [{"passed": 4, "checks": 4}],
}  # fmt: skip
FEW = {"sure": "unknown", "why": "few_seeds", "n": 1, "worse": None, "effect": math.nan}
ONE_SEED = {
    **DEFAULT,
    "runs": [*ran(1), *ran(1, "copying", solved=False), *ran(1, "sine", solved=False)],
    "advice": [advised(task, "unknown", "gru lstm rnn", **FEW)
               for task in ("adding", "copying", "sine")],
    "comparisons": [
        compared("jax/gru", "pytorch/gru", (2e-4, math.nan, math.nan), p_holm=math.nan, n=1)
    ],
}  # fmt: skip
LONG = "a_very_long_name_of_a_task_that_somebody_made_up_for_this_test_x"
SETS = {
    "default": DEFAULT,
    "one seed": ONE_SEED,
    "no timing": {**DEFAULT, "timing": []},
    "runs alone": {"runs": ran(5)},
    "one framework": {**DEFAULT, "comparisons": [], "advice": [
        *DEFAULT["advice"][:4], paced("article", None, "unknown", None, why="not_timed")]},
    "one cell": {**DEFAULT, "advice": [
        advised("adding", "unknown", "gru", **UNKNOWN | {"why": "one_name"})]},
    "many tasks": {**DEFAULT, "advice": [
        *(advised(f"task{i}", "better", "lstm", **AHEAD) for i in range(7)),
        *(advised(f"other{i}", "sooner", **SOONER) for i in range(6)),
        *(advised(f"more{i}", "unknown", **UNKNOWN | {"n": 10}) for i in range(3)),
        *(paced(f"size{i}", cell) for i in range(4) for cell in ("gru", "lstm")),
    ]},
    "long names": {**ONE_SEED, "runs": ran(1, LONG), "advice": [
        advised(LONG, "unknown", "gru", **FEW), advised(LONG + "y", "unknown", "gru", **FEW)]},
}  # fmt: skip
QUESTIONS = {
    "cell": answers.cell, "framework": answers.framework, "same": answers.same,
    "claims": answers.claims,
}  # fmt: skip


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("name", SETS)
def test_every_answer_is_short_and_has_no_word_of_ours(name, question):
    answer = QUESTIONS[question](tables(**SETS[name]))
    assert 3 <= count(answer.text) <= 30, answer.text
    assert answer.text.endswith(".")
    for text in (answer.text, answer.evidence, answer.more):
        assert not PRIVATE.search(text), text
        assert "nan" not in text.lower().split(), text
    assert not re.search(r"\b(jax|pytorch|tensorflow)\b", answer.text + answer.evidence)
    if answer.text in ("These runs have not been weighed yet.", "Nothing was timed in these runs."):
        assert "<code>" in answer.tell, "what is missing says what makes it"


@pytest.mark.parametrize("question", QUESTIONS)
def test_one_seed_shows_what_there_is(question):
    text = QUESTIONS[question](tables(**ONE_SEED)).text
    assert "cannot tell" not in text


def test_which_cell_says_how_much_it_saves_with_its_interval():
    answer = answers.cell(tables(**DEFAULT))
    assert answer.text == (
        "GRU learns the adding problem in 76\u00a0% fewer steps than LSTM; LSTM scores best on "
        "counting aⁿbⁿ; all cells score alike on sine forecasting; copy memory stays open."
    )
    assert answer.evidence == (
        "Steps for the adding problem, GRU against LSTM: 76\u00a0% fewer (95\u00a0% interval 71 "
        "to 80\u00a0%), 20 seeds in JAX."
    )
    assert "For copy memory more seeds than these 10 would tell" in answer.tell
    assert "LSTM is ahead of GRU by 0.773 (95\u00a0% interval 0.679 to 0.867)" in answer.more


def test_which_cell_has_no_number_against_one_that_never_solves():
    never = decided("gru", "rnn", (0.0, 0.0, 0.0), **STEPS)
    answer = answers.cell(tables(runs=ran(10), advice=[advised("adding", "sooner", **never)]))
    assert answer.text == "GRU learns the adding problem soonest."
    assert not answer.evidence


@pytest.mark.parametrize(
    ("verdict", "better", "row", "text"),
    [
        (
            "better", "lstm", decided("lstm", "gru", (-0.3, -0.4, -0.2)),
            "On the adding problem LSTM is ahead of GRU by 0.300 (95\u00a0% interval 0.200 to "
            "0.400) in mean squared error, 10 seeds in PyTorch, the least clear of 2 frameworks.",
        ),
        (
            "equal", "gru lstm", decided("gru", "lstm", (-2e-4, -4e-4, 1e-4)),
            "GRU and LSTM differ by 2.00·10⁻⁴ (95\u00a0% interval −1.00 to 4.00·10⁻⁴)",
        ),
    ],
)  # fmt: skip
def test_which_cell_says_who_is_ahead_of_whom(verdict, better, row, text):
    found = tables(runs=ran(10), advice=[advised("adding", verdict, better, **row)])
    assert text in answers.cell(found).evidence


@pytest.mark.parametrize(
    ("best", "text"),
    [
        ([" ".join(CELLS[:19]), " ".join(CELLS[1:])] * 2,
         "18 of 21 cells are among the best on all 4 tasks."),
        ([" ".join(CELLS[:6]), " ".join(CELLS[3:11]), "gru cifg"],
         "CIFG is among the best of 21 cells on all 3 tasks."),
        ([" ".join(CELLS[:6]), " ".join(CELLS[5:11]), "gru lstm"],
         "LSTM, GRU and gru before are among the best of 21 cells on 2 of 3 tasks."),
        ([" ".join(CELLS[:5])], "RNN, LSTM, GRU, CIFG and FGR are among the best of 21 cells on "
         "the adding problem."),
    ],
)  # fmt: skip
def test_of_many_cells_those_are_named_that_are_among_the_best(best, text):
    tasks = ["adding", "copying", "sine", "counting"]
    rows = [
        advised(task, "better", names, worse=" ".join(set(CELLS) - set(names.split())))
        for task, names in zip(tasks, best, strict=False)
    ]
    entitle({}, {})
    said = answers.cell(tables(advice=rows)).text
    assert (said, count(said) <= 30) == (text, True)


def test_many_tasks_are_counted():
    answer = answers.cell(tables(**SETS["many tasks"]))
    assert answer.text == "LSTM on 7 tasks; GRU on 6 tasks; 3 stay open."


def test_a_single_run_says_what_came_out_and_how_to_know_more():
    answer = answers.cell(tables(**ONE_SEED))
    assert answer.text == (
        "In this single run GRU solved the adding problem; no cell solved copy memory or sine "
        "forecasting."
    )
    assert "make report" in answer.tell
    assert "0.005 in mean squared error; 0.01 counts as solved" in answer.evidence


def test_a_method_without_a_network_that_beats_them_all_is_told():
    scores = [{"task": "adding", "cell": "gru", "framework": "jax", "median": 0.0247}]
    classical = [
        {"task": "adding", "method": "ridge", "score": 0.02},
        {"task": "adding", "method": "noise floor", "score": 0.01},
    ]
    rows = {"runs": ran(10), "advice": [advised("adding", "unknown", **UNKNOWN)]}
    answer = answers.cell(tables(**rows, scores=scores, classical=classical))
    assert "ridge, which is no network, does better than every network: 0.02 against" in answer.more
    scores[0]["median"] = 0.019
    assert "ridge" not in answers.cell(tables(**rows, scores=scores, classical=classical)).more


def test_which_framework_is_said_against_the_next_one_and_the_hardware():
    answer = answers.framework(tables(**DEFAULT))
    assert answer.text == (
        "With 50 units JAX trains both cells fastest: a step takes 26 to 27\u00a0% less time than "
        "in TensorFlow. With 128 units JAX and TensorFlow are too close to call."
    )
    assert answer.evidence == (
        "JAX against TensorFlow (GRU, 2 layers of 50 units): 27\u00a0% less time (95\u00a0% "
        "interval 26 to 28\u00a0%), 5 processes."
    )
    assert "a quieter machine or more minutes would tell" in answer.tell
    assert "50 % of what the hardware allows" in answer.more


def test_a_warning_of_the_clock_stands_beside_what_is_sure():
    rows = {**DEFAULT, "timing": [timed("article", warning="22 of 25 blocks disturbed")]}
    assert "warns of its times of GRU with 2 layers" in answers.framework(tables(**rows)).more
    assert "warns" not in answers.framework(tables(**DEFAULT)).more


@pytest.mark.parametrize(
    ("equivalent", "p_holm", "start"),
    [
        (True, 1.0, "Yes, from the same weights and with the same update rule: the comparison"),
        (False, 1.0, "No difference was found from the same weights and with the same update"),
        (False, 0.01, "Not always: from the same weights and with the same update rule 1 of"),
    ],
)
def test_ported_says_yes_only_where_equality_is_shown(equivalent, p_holm, start):
    values = (-2e-4, -3e-4, 1e-4)
    row = compared("jax/gru", "pytorch/gru", values, equivalent=equivalent, p_holm=p_holm)
    gate = [{"passed": 3, "checks": 4}]
    answer = answers.same(tables(runs=ran(5), comparisons=[row], conformance_summary=gate))
    assert answer.text.startswith(start)
    assert "GRU on the adding problem, JAX and PyTorch, by 2.00·10⁻⁴" in answer.evidence
    assert "3 of 4 checks against the reference model pass" in answer.more


def test_ported_counts_what_the_defaults_change():
    answer = answers.same(tables(**DEFAULT))
    assert answer.text.endswith("With the frameworks’ own defaults 1 of 2 differ, 0 are equal.")
    assert answer.tell.startswith("1 comparison stays open; more seeds would tell")


def test_ported_from_single_runs_says_whether_the_scores_agree():
    answer = answers.same(tables(**ONE_SEED))
    assert answer.text.startswith("In this single run, yes: from the same weights")
    assert "0.001 counts as equal" in answer.evidence
    assert "All 4 checks" in answer.more


def test_claims_are_counted_and_the_clearest_refutation_is_told():
    answer = answers.claims(tables(**DEFAULT))
    assert answer.text == "Of 4 claims tested here 1 holds, 2 are refuted and 1 stays open."
    assert answer.evidence == (
        "Refuted most clearly: “c is so”: 80\u00a0% less (95\u00a0% interval 70 to 85\u00a0%), "
        "JAX, 10 seeds."
    )
    assert answer.tell == (
        '1 more was not tested; under Claims <a href="#claims">each says</a> what would test it.'
    )
    none = answers.claims(tables(runs=ran(5), claims=[judged("a", "not tested")]))
    assert none.text == "The one claim cannot be tested with these runs."


def test_claims_of_too_few_runs_do_not_count_what_stays_open():
    answer = answers.claims(tables(**ONE_SEED))
    assert answer.text == (
        "Of 5 claims 1 holds and 2 are refuted; for the others these runs are too few."
    )


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((0.731, 0.725, 0.738), "27 % less (95 % interval 26 to 28 %)"),
        ((0.686, 0.45, 1.036), "31 % less (95 % interval 55 % less to 3.6 % more)"),
        ((1.2, 1.1, 1.3), "20 % more (95 % interval 10 to 30 %)"),
        ((4.0, 3.5, 4.5), "4 times (95 % interval 3.5 to 4.5 times)"),
        ((0.0021, 0.0015, 0.0029), "99.8 % less (95 % interval 99.7 to 99.9 %)"),
        ((0.5, math.nan, math.nan), "50 % less"),
    ],
)
def test_a_ratio_is_said_in_percent(values, text):
    row = dict(zip(("effect", "low", "high"), values, strict=True))
    assert ratio(row).replace("\u00a0", " ") == text


def test_the_first_sentence_that_is_short_enough_is_taken():
    long = "word " * 31
    assert fitting(long, "two words", "one") == "two words"
    assert fitting(long, long) == long
    assert count("76 % fewer, by 3") == 4
