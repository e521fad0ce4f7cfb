"""Saved weights of a results folder, looked into; and the section of the page."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.inside import dynamics, model, stage
from analysis.tables import stage as tables
from harness import layout
from harness.errors import UserError
from harness.plan import asked
from harness.plan.run import Run
from harness.plan.settings import resolve
from harness.run import initialisation, records, streams
from report.page import write_report
from tests.test_report import record

TASK = resolve("adding", {"sequence_length": 12, "hidden": 5, "steps": 30}, "test")


def save(folder: Path, run: Run, initial: dict, final: dict, **values: object) -> None:
    """A run's record and arrays, as a run would leave them."""
    found = record(run, 0.01) | {"settings": TASK.as_dict()} | values
    digests = {
        name: streams.sha256(w.values()) for name, w in (("initial", initial), ("final", final))
    }
    norms = np.geomspace(3, 0.1, 30).astype(np.float32)
    path = run.path(folder)
    records.write(path, found | {"weights_sha256": digests})
    records.write_arrays(path, initial, final, {"losses": norms, "gradient_norms": norms})


def weights(cell: str, seed: int) -> dict[str, np.ndarray]:
    return initialisation.initial_weights(TASK.task, cell, 1, TASK.budget.hidden, seed)


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """Two frameworks, three cells, two seeds; matched and, of jax, native."""
    folder = tmp_path_factory.mktemp("insides")
    runs = [
        Run("adding", framework, cell, "matched", seed)
        for framework in ("jax", "pytorch")
        for cell in ("rnn", "gru", "lstm")
        for seed in (0, 1)
    ]
    runs += [replace(run, track="native") for run in runs if run.framework == "jax"]
    for i, run in enumerate(runs):
        own = run.seed if run.track == "matched" else 10 + run.seed
        save(folder, run, weights(run.cell, own), weights(run.cell, 100 + i))
    asked.write_plan(folder, tuple(runs), [])
    return folder


@pytest.fixture
def damaged(results, tmp_path) -> Path:
    """The same folder with five runs of pytorch of no use: only the first LSTM is well."""
    for path in (results / "runs").glob("*pytorch*"):
        (tmp_path / "runs").mkdir(exist_ok=True)
        (tmp_path / "runs" / path.name).write_bytes(path.read_bytes())
    runs = {(r.cell, r.seed): r for r in stage.planned(tmp_path)}
    arrays = {k: r.path(tmp_path).with_suffix(".npz") for k, r in runs.items()}
    arrays["rnn", 0].unlink()
    arrays["rnn", 1].write_bytes(arrays["rnn", 1].read_bytes()[:500])
    arrays["gru", 0].write_bytes(arrays["gru", 1].read_bytes())
    runs["gru", 1].path(tmp_path).write_text("{")
    save(tmp_path, runs["lstm", 1], {}, {}, status="diverged", reason="too steep", score=None)
    return tmp_path


def test_every_model_is_looked_into_and_the_same_weights_once(results, monkeypatch):
    seen = []
    inspect = model.inspect
    monkeypatch.setattr(model, "inspect", lambda *a: seen.append(a) or inspect(*a))
    assert stage.write_part(results, "adding") == 0
    stage.join(results)
    # Twelve matched and six native runs after training; before it, the matched ones in pairs.
    assert len(seen) == 18 + 6 + 6
    flow = pd.read_csv(results / "gradient_flow.csv")
    assert flow.columns.tolist() == list(layout.TABLES["gradient_flow"].columns)
    models = flow.groupby(["framework", "cell", "track", "seed", "moment"])
    assert models.ngroups == 2 * 18
    assert (models["lag"].max() == 11).all()
    start = flow[(flow["moment"] == "initialisation") & (flow["track"] == "matched")]
    jax, pytorch = (start[start["framework"] == f] for f in ("jax", "pytorch"))
    np.testing.assert_array_equal(jax["gradient_h"], pytorch["gradient_h"])
    assert flow.loc[flow["cell"] == "lstm", "gradient_c"].notna().all()
    assert flow.loc[flow["cell"] != "lstm", "gradient_c"].isna().all()
    found = pd.read_csv(results / "gates.csv")
    assert set(zip(found["cell"], found["gate"], strict=True)) == {
        ("lstm", "input"), ("lstm", "forget"), ("lstm", "output"), ("gru", "reset"),
        ("gru", "update"),
    }  # fmt: skip
    probes = pd.read_csv(results / "memory_probe.csv")
    assert set(probes["metric"]) == {"R²"}
    steps = pd.read_csv(results / "dynamics.csv")
    assert len(steps) == 18 * dynamics.MOST_WINDOWS
    assert pd.read_csv(results / "insides_skipped.csv").empty


def test_the_tables_are_the_same_the_second_time(results):
    texts = []
    for _ in range(2):
        stage.write_part(results, "adding")
        stage.join(results)
        texts.append([(results / f"{name}.csv").read_bytes() for name in stage.NAMES])
    assert texts[0] == texts[1]


def test_a_run_without_usable_weights_is_skipped_and_said(damaged, capsys):
    assert stage.write_part(damaged, "adding") == 5
    printed = capsys.readouterr().out
    stage.join(damaged)
    skipped = pd.read_csv(damaged / "insides_skipped.csv").set_index(["cell", "seed"])["reason"]
    for key, words in {
        ("rnn", 0): "cannot be read",
        ("rnn", 1): "cannot be read",
        ("gru", 0): "not of the run in the record",
        ("gru", 1): "not a readable record",
        ("lstm", 1): "too steep",
    }.items():
        assert words in skipped[key]
        assert f"skipped: {skipped[key]}" in printed
    flow = pd.read_csv(damaged / "gradient_flow.csv")
    assert set(zip(flow["cell"], flow["seed"], strict=True)) == {("lstm", 0)}


def test_gradient_norms_are_those_of_every_run_or_it_is_said_why_not(results, tmp_path):
    """Of runs that are not looked into too, such as a study's; a flipped byte is one sentence."""
    norms = np.ones(100, np.float32)
    norms[70] = 30
    for seed, status in ((0, "ok"), (1, "diverged"), (2, "ok"), (3, "failed")):
        run = Run("adding", "jax", "gru", "noclip", seed)
        records.write(run.path(tmp_path), record(run, 0.01 if status == "ok" else None, status))
        records.write_arrays(run.path(tmp_path), {}, {}, {"losses": norms, "gradient_norms": norms})
    path = Run("adding", "jax", "gru", "noclip", 2).path(tmp_path).with_suffix(".npz")
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)
    assert stage.write_part(tmp_path, "adding") == 1
    stage.join(tmp_path)
    found = layout.read(tmp_path, "gradient_norms")
    assert found[["seed", "median_norm", "spike"]].to_numpy().tolist() == [[0, 1, 30], [1, 1, 30]]
    (skipped,) = layout.read(tmp_path, "insides_skipped")["reason"]
    assert "seed2.npz: cannot be read" in skipped
    assert layout.read(tmp_path, "gates").empty


def test_the_first_seeds_of_two_tracks_are_chosen():
    runs = [
        Run("adding", "jax", "gru", track, seed)
        for track in ("matched", "native", "adam")
        for seed in range(20, 0, -1)
    ]
    chosen = stage.chosen([*runs, Run("sine", "jax", "gru", "matched", 0)], "adding")
    assert {run.seed for run in chosen} == set(range(1, 11))
    assert {run.track for run in chosen} == {"matched", "native"}


def test_errors_say_what_to_do(tmp_path):
    with pytest.raises(UserError, match=r"no run of adding .* run the pipeline"):
        stage.write_part(tmp_path, "adding")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "adding-jax-gru-matched-seed0.json").touch()
    with pytest.raises(
        UserError, match=r"run python -m analysis insides --results .* --task adding"
    ):
        stage.join(tmp_path)


def test_the_page_shows_it_or_says_what_to_run(results, browser):
    stage.write_part(results, "adding")
    stage.join(results)
    tables.write(results)
    page = browser.new_page(viewport={"width": 390, "height": 800})
    for table in (None, "gates.csv"):
        if table:
            (results / table).unlink()
        write_report(results)
        page.goto((results / "report.html").as_uri())
        section = page.locator("#insides")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        if table:
            assert "gates.csv is not there: python -m analysis insides" in section.inner_text()
            assert section.locator("svg").count() == 0
        else:
            labels = section.locator("svg").evaluate_all(
                "all => all.map(one => one.getAttribute('aria-label'))"
            )
            assert len(labels) == 6
            assert all(label.endswith("adding") for label in labels)
            assert "nan" not in section.inner_html().lower()
