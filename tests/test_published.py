"""Published values against runs of known truth, and the file that has them."""

import numpy as np
import pandas as pd
import pytest
import yaml

from analysis.evidence import evidence_tables, published
from analysis.tables import stage
from cells import count
from harness.conformance import parameter_counts
from harness.errors import UserError
from harness.plan import tracks
from harness.plan.run import Run
from harness.plan.settings import resolve
from harness.registry import framework
from harness.run.records import write
from report.page import write_report
from tasks import _files
from tasks._music import NAMES
from tests.small_files import as_fetched, write_songs
from tests.test_configuration import load
from tests.test_report import record

ROWS, MINIMUM = published.load()
# The rows whose study is published or published_long; the others have a study named as their track.
TRACKS = ("bai", "chung", "greydanus", "greydanuspermuted")
OF_PAPERS = [row for row in ROWS if row.where["track"] in TRACKS]
# What is published of them is what a constant reaches.
NOTHING_LEARNT = [
    f"bai-{task}-{cell}" for task in ("adding", "copying") for cell in ("lstm", "rnn")
] + ["deletang-duplicate-rnn"]
BY_ID = {row.id: row for row in ROWS}


def frame(name: str, values: list[float], **changes: object) -> pd.DataFrame:
    """Runs that are of the row ``name``, one a seed; NaN where a run diverged."""
    row = BY_ID[name]
    return pd.DataFrame([
        {"framework": "pytorch", "seed": seed, "parameters": row.parameters, "score": value,
         "status": "diverged" if np.isnan(value) else "ok", "steps": 1, "steps_to_solve": np.nan,
         "train_seconds": 1.0} | dict(row.where) | changes
        for seed, value in enumerate(values)
    ])  # fmt: skip


def curves(runs: pd.DataFrame, losses: tuple[float | None, ...] = ()) -> pd.DataFrame:
    points = [(step, loss) for step, loss in enumerate(losses)]
    rows = [
        {k: run[k] for k in published.IDENTITY} | {"step": step, "loss": loss}
        for run in runs.to_dict("records")
        for step, loss in points
    ]
    return pd.DataFrame(rows, columns=[*published.IDENTITY, "step", "loss"])


def judge(name: str, values: list[float], **changes: object) -> pd.Series:
    runs = frame(name, values, **changes)
    found, _ = published.judge(ROWS, MINIMUM, runs, curves(runs))
    return found.set_index("id").loc[name]


@pytest.mark.parametrize(
    ("values", "verdict", "detail"),
    [
        ([0.16, 0.165, 0.164, 0.17, 0.166], published.CONSTANT, ""),
        ([1e-3, 2e-3, 1e-3, 2e-3, 3e-3], "better", ""),
        ([0.3, 0.31, 0.29, 0.3, 0.32], "worse", ""),
        ([0.16, 0.001, 0.164, 0.002, 0.166], "inconclusive", ""),
        ([0.16, 0.165, 0.164, 0.17], "inconclusive", "4 of at least 5 seeds"),
        ([0.16, 0.165, 0.164, 0.17, 0.166, np.nan], "inconclusive", "1 of 6 runs without a value"),
        ([np.nan] * 5, "inconclusive", "5 of 5 runs without a value; 0 of at least 5 seeds"),
    ],
)
def test_the_verdict_is_by_the_interval_and_the_tolerance(values, verdict, detail):
    row = judge("bai-adding-lstm", values)
    assert (row["verdict"], row["detail"]) == (verdict, detail)
    assert row["at_least"] == pytest.approx(0.164 / 1.25)
    assert np.isnan(row["low"]) == (row["n"] < 5)


def test_what_a_constant_reaches_is_no_reproduction():
    for row in ROWS:
        least, most = row.edges
        told_apart = not least <= row.constant <= most
        assert told_apart == (row.id not in NOTHING_LEARNT), row.id
        values = [row.constant * (1 + 1e-4 * seed) for seed in range(row.best_of or 5)]
        found = frame(row.id, values).assign(loss=values)
        verdict = published._judged(row, MINIMUM, found.assign(value=values))["verdict"]
        assert verdict != "reproduced"


@pytest.mark.parametrize(
    ("values", "verdict", "interval"),
    [
        # The fourth best of ten, and the best; of twelve seeds the first ten count.
        ([1.0] * 4 + [0.5] * 6, "reproduced", (1.0, 1.0)),
        ([0.5] * 6 + [0.995, 1.0, 0.999, 0.992], "reproduced", (0.992, 1.0)),
        ([1.0] * 3 + [0.5] * 7, "inconclusive", (0.5, 1.0)),
        ([0.5] * 10 + [1.0] * 2, "worse", (0.5, 0.5)),
        ([1.0] * 9, "inconclusive", (np.nan, np.nan)),
        ([1.0] * 9 + [np.nan], "inconclusive", (np.nan, np.nan)),
    ],
)
def test_the_best_of_ten_is_compared_with_the_best_of_ten(values, verdict, interval):
    row = judge("deletang-parity-lstm", values, framework="jax")
    assert row["verdict"] == verdict
    np.testing.assert_equal((row["low"], row["high"]), interval)
    first = np.array(values[:10])
    assert row["ours"] == np.nanmax(first)
    assert row["detail"].endswith(f"their median is {np.nanmedian(first):.4g}")


def test_the_best_of_ten_others_is_below_our_fourth_best_in_4_of_100_cases():
    both = np.random.default_rng(0).random((5_000, 20))
    for better in ("higher", "lower"):
        row = published.Published(**vars(BY_ID["deletang-parity-lstm"]) | {"better": better})
        best = np.max if better == "higher" else np.min
        below = []
        for values in both:
            _, end, _ = published._best(row, values[:10])
            others = best(values[10:])
            below.append(others < end if better == "higher" else others > end)
        # 10·9·8·7 / (20·19·18·17); four standard errors.
        assert np.mean(below) == pytest.approx(0.0433, abs=0.0115)


def test_few_seeds_have_points_and_range_only():
    row = judge("bai-adding-lstm", [0.16, 0.17, 0.165])
    assert (row["ours"], row["lowest"], row["highest"], row["n"]) == (0.165, 0.16, 0.17, 3)


def test_where_higher_is_better_the_sides_change():
    row = BY_ID["bai-adding-lstm"]
    row = published.Published(**vars(row) | {
        "better": "higher", "published": 87.2, "tolerance": {"difference": 1},
    })  # fmt: skip
    for value, verdict in ((95.0, "better"), (87.9, "reproduced"), (80.0, "worse")):
        runs = frame(row.id, [value] * 5)
        found, _ = published.judge((row,), MINIMUM, runs, curves(runs))
        assert found.loc[0, "verdict"] == verdict


@pytest.mark.parametrize(
    "changes",
    [
        {"budget": 20}, {"sequence_length": 100}, {"train_examples": 0}, {"track": "native"},
        {"parameters": 80_000}, {"task": "copying"},
    ],
)  # fmt: skip
def test_runs_of_another_setting_are_not_compared(changes):
    runs = frame("bai-adding-gru", [5e-5] * 5, **changes)
    for table in published.judge(ROWS, MINIMUM, runs, curves(runs)):
        assert table.empty
        assert list(table.columns)


def test_a_row_without_runs_beside_one_with_says_what_to_run():
    runs = frame("bai-adding-gru", [5e-5] * 5)
    found, used = published.judge(ROWS, MINIMUM, runs, curves(runs))
    found = found.set_index("id")
    assert found.loc["bai-adding-gru", "verdict"] == "reproduced"
    others = found.drop(index="bai-adding-gru")
    assert set(others["verdict"]) == {"not run"}
    assert "tasks=[copying]" in others.loc["bai-copying-rnn", "needs"]
    assert list(used["value"]) == [5e-5] * 5


def test_a_loss_is_that_of_the_last_chunk():
    runs = frame("bai-copying-lstm", [0.125] * 5)
    points = curves(runs, (None, 0.5, 0.0203)).sample(frac=1, random_state=0)
    found, used = published.judge(ROWS, MINIMUM, runs, points)
    row = found.set_index("id").loc["bai-copying-lstm"]
    assert (row["verdict"], row["ours"]) == (published.CONSTANT, 0.0203)
    assert set(used["value"]) == {0.0203}


def test_each_framework_is_compared_by_itself():
    both = [frame("bai-adding-gru", [v] * 5, framework=f) for f, v in (("jax", 5e-5), ("tf", 0.1))]
    runs = pd.concat(both, ignore_index=True)
    found, _ = published.judge(ROWS, MINIMUM, runs, curves(runs))
    found = found[found["id"] == "bai-adding-gru"].set_index("framework")["verdict"]
    assert dict(found) == {"jax": "reproduced", "tf": "worse"}


def test_every_run_of_the_papers_is_of_a_row(tmp_path, monkeypatch):
    for task in ("jsb_chorales", "nottingham"):
        (source,) = _files.SOURCES[task]
        write_songs(tmp_path / task / source.name, dict.fromkeys(NAMES.values(), (9, 5)))
        as_fetched(monkeypatch, tmp_path, task)
    loaded = load(tmp_path, studies=["published", "published_long"])
    rows = []
    for run in loaded.runs:
        settings = loaded.settings_of(run).as_dict()
        rows.append(settings | vars(run) | {"budget": settings["steps"]})
    table = pd.DataFrame(rows)
    chosen = [published.select(table, row.where) for row in OF_PAPERS]
    seeds = {"chung": 10, "greydanuspermuted": 10}
    assert [len(f) for f in chosen] == [seeds.get(r.where["track"], 5) for r in OF_PAPERS]
    assert sum(map(len, chosen)) == len(table)


@pytest.mark.parametrize("row", OF_PAPERS, ids=lambda row: row.id)
def test_the_models_have_the_published_sizes(row):
    run = Run(row.where["task"], "pytorch", row.where["cell"], row.where["track"], 0)
    settings = tracks.applied(resolve(run.task, {}, "test", run.cell), run)
    spec = tracks.model_spec(run.cell, settings)
    parameters = parameter_counts.formula(framework("pytorch"), "matched", spec)
    assert abs(parameters / row.parameters - 1) < 0.02


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"metric": "luck"}, "rows.mine.metric: must be one of score, loss, not"),
        ({"tolerance": {"factor": 0.5}}, "rows.mine.tolerance"),
        ({"where": {"task": "adding", "cell": "gru"}}, "rows.mine.where: lacks the key 'track'."),
        ({"published": 0}, "rows.mine.tolerance: a factor needs a published value above 0"),
        ({"id": "bai-adding-gru"}, "the id bai-adding-gru stands twice; rename one."),
    ],
)
def test_what_is_wrong_with_a_row_is_said_in_one_sentence(tmp_path, change, says):
    content = yaml.safe_load(published.LEDGER.read_text())
    content["rows"].append(content["rows"][0] | {"id": "mine"} | change)
    path = tmp_path / "published.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(UserError) as error:
        published.load(path)
    assert str(error.value).startswith("published.yaml: ")
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_from_records_to_the_page(tmp_path):
    hidden = {"lstm": 130, "gru": 150, "rnn": 261}
    for cell, score in (("lstm", 0.165), ("gru", 3e-3), ("rnn", 0.175)):
        where = {k: v for k, v in BY_ID[f"bai-adding-{cell}"].where.items() if k != "budget"}
        own = {k: v for k, v in where.items() if k not in ("task", "cell", "track")}
        settings = resolve("adding", own | {"steps": 15620, "hidden": hidden[cell]}, "test")
        for seed in range(5):
            run = Run("adding", "pytorch", cell, "bai", seed)
            found = record(run, score * (1 + 0.01 * seed)) | {"settings": settings.as_dict()}
            write(run.path(tmp_path), found | {"parameters": {"total": 69_800, "by_name": {}}})
    stage.write(tmp_path)
    evidence_tables.write(tmp_path)
    published.write(tmp_path)
    found = pd.read_csv(tmp_path / "published.csv").set_index("id")
    assert dict(found.loc[found["verdict"] != "not run", "verdict"]) == {
        "bai-adding-lstm": published.CONSTANT, "bai-adding-gru": "worse",
        "bai-adding-rnn": published.CONSTANT,
    }  # fmt: skip
    assert len(pd.read_csv(tmp_path / "published_runs.csv")) == 15
    task = pd.read_csv(tmp_path / "tasks.csv").loc[0, "settings"]
    assert "hidden 150 (gru), 130 (lstm), 261 (rnn); batch 32;" in task
    claims = pd.read_csv(tmp_path / "claims.csv").set_index("claim")
    assert claims.loc["gru-solves-long-adding-lstm-not", "verdict"] == "supported"
    # The cells have sizes of their own, so nothing is said of their ratios.
    assert claims.loc["gru-has-three-quarters", "verdict"] == "not tested"
    write_report(tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert "Adding, T = 600, GRU" in page
    assert "tasks=[copying]" in page
    lead = "1 comes out worse and 2 are no better than always giving the same answer."
    assert f"Of 3 published values that we ran again, {lead}" in page
    assert "Published values and ours" in page
    assert 'href="#published"' in page


@pytest.mark.parametrize(("study", "seeds", "size"), [("odyssey", 20, 0), ("chomsky", 10, 0.01)])
def test_every_run_of_a_study_of_rows_is_of_one(tmp_path, study, seeds, size):
    """The study asks for what the rows are of, and the sizes are theirs."""
    rows = [row for row in ROWS if row.where["track"] == study]
    loaded = load(tmp_path, studies=[study])
    table = pd.DataFrame([vars(run) for run in loaded.runs])
    chosen = [published.select(table, row.where) for row in rows]
    assert [len(found) for found in chosen] == [seeds] * len(rows)
    assert sum(map(len, chosen)) == len(table)
    for row, found in zip(rows, chosen, strict=True):
        own = found.iloc[0][["task", "cell"]].tolist()
        run = next(run for run in loaded.runs if [run.task, run.cell] == own)
        found = count(tracks.model_spec(run.cell, loaded.settings_of(run)))
        assert found == pytest.approx(row.parameters, rel=size)
