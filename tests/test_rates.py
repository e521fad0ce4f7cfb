"""Learning rates by cell: which is chosen, where from, and that it is what runs are made with."""

import shlex
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from analysis.tables import rates
from cells import CELLS
from harness import layout
from harness.commands.command_line import _parser
from harness.commands.train import identity
from harness.errors import UserError
from harness.plan import settings
from harness.plan.run import Run
from harness.plan.settings import resolve
from harness.registry import task_names
from harness.run.records import Record
from tests.test_configuration import load

Put = Callable[[str], None]


@pytest.fixture
def put(tmp_path, monkeypatch) -> Iterator[Put]:
    """Write another ``rates.yaml``, which is read instead of the committed one."""
    form = settings.RATES.with_suffix(".schema.json")
    shutil.copy(form, tmp_path / form.name)
    monkeypatch.setattr(settings, "RATES", tmp_path / "rates.yaml")

    def put(text: str) -> None:
        settings.RATES.write_text(text)
        settings.rates.cache_clear()

    put("{}")
    yield put
    settings.rates.cache_clear()


def rate(task: str, cell: str, **overrides: Any) -> float:
    return resolve(task, overrides, "test", cell).budget.learning_rate


def test_a_cells_rate_is_the_default_and_an_override_wins(put):
    own = resolve("adding", {}, "test").budget.learning_rate
    put("adding: {lstm: 0.004, rnn: 1}")
    assert rate("adding", "lstm") == 0.004
    assert isinstance(rate("adding", "rnn"), float)
    assert rate("adding", "gru") == own, "a cell that is not in the file has the task's"
    assert rate("copying", "lstm") == resolve("copying", {}, "test").budget.learning_rate
    assert rate("adding", "lstm", learning_rate="0.5") == 0.5
    assert resolve("adding", {}, "test").budget.learning_rate == own, "without a cell"


def test_a_configuration_plans_with_it_on_every_track(put, tmp_path):
    put("adding: {lstm: 0.004}")
    planned = load(tmp_path, tasks=["adding"], seeds=[0])
    found = {(r.cell, r.track): planned.settings_of(r).budget.learning_rate for r in planned.runs}
    assert {found["lstm", track] for track in ("matched", "native")} == {0.004}
    assert found["gru", "matched"] == resolve("adding", {}, "").budget.learning_rate
    changes: dict[str, Any] = {"adding": {"learning_rate": {"lstm": 0.5}}}
    planned = load(tmp_path, tasks=["adding"], seeds=[0], overrides=changes)
    assert planned.settings["adding", "lstm"].budget.learning_rate == 0.5


@pytest.mark.parametrize("text", ["{}", "adding: {lstm: 0.004}", "adding: {lstm: 0.01}"])
@pytest.mark.parametrize("overrides", [{}, {"learning_rate": 0.01}, {"learning_rate": 0.2}])
@pytest.mark.parametrize("track", ["matched", "native", "noclip"])
def test_the_command_of_a_run_repeats_its_rate(put, text, overrides, track):
    put(text)
    assert resolve("adding", {}, "").budget.learning_rate == 0.01, "or the cases are others"
    run = Run("adding", "jax", "lstm", track, 3)
    first = ["--task", "adding", "--framework", "jax", "--cell", "lstm", "--track", track]
    given = [f"--set={key}={value}" for key, value in overrides.items()]
    _, _, asked = identity(_parser().parse_args(["train", *first, "--seed", "3", *given]))
    expected = overrides.get("learning_rate", settings.rates().get("adding", {}).get("lstm", 0.01))
    assert asked.budget.learning_rate == expected
    words = shlex.split(asked.command(run, 1))[3:]
    assert identity(_parser().parse_args(words))[1:] == (run, asked)


def test_another_rate_makes_just_its_own_runs_again(put, tmp_path):
    """Snakemake runs a job again whose command is another one."""

    def commands(text: str) -> dict[Run, str]:
        put(text)
        planned = load(tmp_path, studies=["glance", "clipping", "frameworks"], seeds=[0])
        return {run: planned.settings_of(run).arguments(run, 1) for run in planned.runs}

    none, one, two = map(commands, ("{}", "adding: {gru: 0.004}", "adding: {gru: 0.01}"))
    changed = {run for run in none if none[run] != one[run]}
    assert {(run.task, run.cell) for run in changed} == {("adding", "gru")}
    assert {run.track for run in changed} == {"matched", "native", "noclip"}
    assert len(changed) == 7
    assert none == two, "the rate of the task's file needs no words"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("adding: {lstm: 0}", "rates.yaml: adding.lstm: must be above 0, not 0."),
        ("adding: {lstm: fast}", "rates.yaml: adding.lstm: must be a number, not 'fast'."),
        ("adding: 0.1", "rates.yaml: adding: must be a mapping such as {key: value}, not 0.1."),
        ("", "rates.yaml: must be a mapping such as {key: value}, not None."),
    ],
)
def test_what_is_wrong_with_the_file_is_one_sentence(put, text, says):
    put(text)
    with pytest.raises(UserError) as error:
        resolve("adding", {}, "test")
    assert str(error.value) == says


def test_the_committed_rates_are_of_tasks_and_cells_that_there_are_and_have_their_table():
    found = settings.rates()
    assert set(found) <= set(task_names())
    assert {cell for by_cell in found.values() for cell in by_cell} <= set(CELLS)
    table = layout.read(settings.RATES.parent, "rates", needed=False)
    chosen: dict[str, dict[str, float]] = {}
    for row in table[table["chosen"].astype(bool)].to_dict("records"):
        chosen.setdefault(row["task"], {})[row["cell"]] = row["learning_rate"]
    assert chosen == found
    for _, group in table.groupby(["task", "cell"]):
        assert rates.choice(group.to_dict("records"))["chosen"]


def tuned(
    rate: float, *scores: float | None, seed: int = 1000, cell: str = "gru", **values: Any
) -> Record:
    """What is read of a record: progress on validation data is 1 - score, the test said another."""
    curve = [{"step": 50 * i, "score": score} for i, score in enumerate([1.0, *scores])]
    return {
        "task": "adding", "framework": "jax", "cell": cell, "track": "rate", "seed": seed,
        "status": "ok", "settings": {"learning_rate": rate, "hidden": 64}, "curve": curve,
        "score": 0.5, "baseline": 1.0, "solved_at": 0.0, "higher_is_better": False,
        "steps_to_solve": None,
    } | values  # fmt: skip


def chosen(found: list[Record]) -> list[float]:
    return [row["learning_rate"] for row in rates.rows(found, "tune") if row["chosen"]]


@pytest.mark.parametrize(
    ("progress", "steps", "rate"),
    [
        ({0.001: 0.5, 0.01: 0.8, 0.1: 0.6}, {}, 0.01),
        ({0.001: 0.79, 0.01: 0.8}, {}, 0.001),
        ({0.001: 0.9876, 0.01: 0.9976}, {}, 0.001),
        ({0.001: 0.7899, 0.01: 0.8}, {}, 0.01),
        ({0.001: 1.0, 0.01: 0.995, 0.1: 0.9}, {0.001: 300, 0.01: 100, 0.1: 50}, 0.01),
        ({0.001: 1.0, 0.01: 0.995}, {0.001: 300}, 0.001),
        ({0.001: 1.0, 0.01: 1.0}, {0.001: 100, 0.01: 100}, 0.001),
        ({0.001: 0.0, 0.01: 0.0}, {}, 0.001),
    ],
    ids=[
        "most progress", "a tie has the smaller rate", "a tie to the last digit", "no tie",
        "of a tie the sooner one", "one that never solves is later", "as soon: the smaller rate",
        "nothing learns",
    ],
)  # fmt: skip
def test_the_rule(progress, steps, rate):
    tried = [
        {"mean_progress": p, "median_steps_to_solve": steps.get(r), "learning_rate": r}
        for r, p in progress.items()
    ]
    assert rates.choice(tried)["learning_rate"] == rate
    assert rates.choice(tried[::-1])["learning_rate"] == rate


def test_what_is_chosen_by_is_the_validation_data_at_the_end_of_the_budget():
    # The best moment and the test speak for 0.01.
    found = [
        tuned(0.001, 0.9, 0.6, 0.3),
        tuned(0.01, 0.0, 0.1, 0.5, score=0.0, steps_to_solve=50, solved=True),
    ]
    assert chosen(found) == [0.001]
    small, large = rates.rows(found, "tune")
    assert (small["mean_progress"], large["mean_progress"]) == (0.7, 0.5)
    assert (small["best_progress"], large["best_progress"]) == (0.7, 1.0)
    assert large["median_steps_to_solve"] is None, "a single passage is no solve"


def test_progress_is_clipped_and_a_run_that_diverged_has_none():
    found = [
        tuned(0.001, 0.4, seed=1),
        tuned(0.001, -9.0, seed=2),
        tuned(0.01, 7.0, seed=1),
        tuned(0.01, -9.0, -9.0, -9.0, None, seed=2, status="diverged"),
    ]
    small, large = rates.rows(found, "tune")
    assert (small["mean_progress"], small["solved"], small["diverged"]) == (0.8, 0.5, 0)
    assert (large["mean_progress"], large["solved"], large["diverged"]) == (0.0, 0.0, 1)
    assert chosen(found) == [0.001]


def test_every_cell_has_its_own():
    found = [tuned(r, s, cell=c) for c in ("gru", "lstm") for r, s in ((0.001, 0.9), (0.01, 0.2))]
    found[1]["curve"][-1]["score"] = 0.95
    own = [(r["cell"], r["learning_rate"]) for r in rates.rows(found, "tune") if r["chosen"]]
    assert own == [("gru", 0.001), ("lstm", 0.01)]


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ([], "tune: there is no run to choose a rate by; run make tune."),
        ([tuned(0.1, 0.5, track="native")], "tune: there is no run to choose a rate by"),
        (
            [tuned(0.01, 0.5), tuned(0.1, 0.5, status="failed"), tuned(0.1, 0.5, seed=1)],
            "tune: adding with the gru: the rates 0.01 and 0.1 were not tried with the same "
            "frameworks and seeds; make the missing runs first.",
        ),
        (
            [tuned(0.01, 0.5), tuned(0.1, 0.5, settings={"learning_rate": 0.1, "hidden": 9})],
            "tune: adding with the gru: runs differ in hidden too (64 and 9); choose rates "
            "from a folder in which only the rate differs.",
        ),
    ],
)
def test_rates_that_cannot_be_compared_are_refused(found, says):
    with pytest.raises(UserError) as error:
        rates.rows(found, "tune")
    assert str(error.value).startswith(says)


def test_what_is_written_is_what_is_read_and_the_rest_stays(put, tmp_path, monkeypatch, capsys):
    results = tmp_path / "tune"
    results.mkdir()
    runs = [tuned(0.001, 0.9), tuned(0.01, 0.2)]
    monkeypatch.setattr(rates.plan_records, "read", lambda _: runs)
    rates.write(results, keep=False)
    assert settings.rates() == {}
    assert capsys.readouterr().out == rates.SAYS + "adding: {gru: 0.01}\n"
    rates.write(results, keep=True)
    settings.rates.cache_clear()
    assert settings.rates() == {"adding": {"gru": 0.01}}
    # Again with another cell, and with the same one once more.
    runs[:] = [tuned(0.001, 0.1, cell="lstm"), tuned(0.01, 0.8, cell="lstm")]
    for _ in range(2):
        rates.write(results, keep=True)
        settings.rates.cache_clear()
    assert settings.rates() == {"adding": {"gru": 0.01, "lstm": 0.001}}
    behind = layout.read(tmp_path, "rates")
    assert behind[["cell", "learning_rate", "chosen"]].values.tolist() == [
        ["gru", 0.001, False], ["gru", 0.01, True], ["lstm", 0.001, True], ["lstm", 0.01, False],
    ]  # fmt: skip
