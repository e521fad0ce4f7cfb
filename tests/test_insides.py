"""Saved weights of a results folder, looked into; and the section of the page."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.inside import dynamics, example, gate_activity, marks, model, stage
from analysis.tables import stage as tables
from benchmarks import report_page
from cells import network
from harness import layout
from harness.errors import UserError
from harness.plan import asked, tracks
from harness.plan.run import Run
from harness.plan.settings import resolve
from harness.run import initialisation, records, streams
from report import tables as reading
from report.page import write_report
from report.sections import insides
from tests.axe import assert_accessible
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
    page.on("console", lambda message: pytest.fail(message.text))
    for table in (None, "gates.csv"):
        if table:
            (results / table).unlink()
        write_report(results)
        page.goto((results / "report.html").as_uri() + "#insides")
        page.reload()
        section = page.locator("#insides")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        if table:
            assert "gates.csv is not there: python -m analysis insides" in section.inner_text()
            assert section.locator("svg").count() == 0
            continue
        labels = section.locator("svg[aria-label]").evaluate_all(
            "all => all.map(one => one.getAttribute('aria-label'))"
        )
        assert sum("adding problem" in label for label in labels) == 3 + len(insides.KINDS)
        # A heat map of each gate, the state of the cell that has none: 3 + 2 + 1.
        maps = section.locator(".example image")
        assert maps.count() == 6
        assert maps.evaluate_all("all => all.every(one => one.getBBox().width > 0)")
        assert "nan" not in section.inner_text().lower()
        assert "units" in section.locator(".lead").inner_text()
        said = section.locator(".mark title").all_text_contents()
        assert any("LSTM, forget gate: 5 units. Over 64 examples it is open" in s for s in said)
        assert any(s.startswith("GRU, same start and rule: middle run") for s in said)


def test_a_chosen_task_opens_its_example(results, browser):
    page = browser.new_page()
    shown = frame(("adding", "copying", "sine"))
    report_page.write(results, shown)
    write_report(results)
    page.goto((results / "report.html").as_uri() + "#inside")
    examples = page.locator(".example:visible")
    assert [one.get_attribute("data-task") for one in examples.all()] == ["adding"]
    page.locator("#inside [data-key=task]").select_option("sine")
    assert [one.get_attribute("data-task") for one in examples.all()] == ["sine"]
    page.reload()
    assert [one.get_attribute("data-task") for one in examples.all()] == ["sine"]
    assert page.locator("#inside .panels:not(.wide) figure:visible").count() == 3
    assert_accessible(page)


def frame(tasks: tuple[str, ...], cells: tuple[str, ...] = ("gru", "lstm")) -> dict:
    """Tables of these tasks whose GRU closes a gate at the marked steps."""
    found = report_page.made_up(list(tasks), 2, 3)
    method = ["task", "framework", "cell", "track", "seed"]
    runs = found["runs"][found["runs"]["cell"].isin(cells)][method]
    moments = runs.merge(pd.DataFrame({"moment": ["initialisation", "trained"]}), how="cross")
    found["gradient_flow"] = moments.merge(
        pd.DataFrame({"cotangent": ["loss", "random"] * 3, "lag": [0, 0, 1, 1, 2, 2]}), how="cross"
    ).assign(gradient_h=0.5, gradient=0.5, decay=0.9, horizon=np.inf)
    found["gates"] = moments.assign(
        layer=0, gate="update", below=0.1, above=0.2, timescale_q10=1.0, timescale_q50=2.0,
        timescale_q90=3.0, lag=10, at_marked=0.4, elsewhere=0.5, opening=0.0,
        closing=np.where(moments["cell"] == "gru", 0.25, 0),
    )  # fmt: skip
    found["memory_probe"] = moments.merge(pd.DataFrame({"step": [1, 2]}), how="cross").assign(
        metric="R²", score=np.where(moments["cell"].repeat(2) == "gru", 0.5, 0.02), chance=0.0
    )
    found["dynamics"] = runs.assign(
        last_step=100, norm_q50=0.5, norm_most=1.0, limit=1.0, over_limit=0.1, spikes=0
    )
    found["insides_skipped"] = found["gradient_norms"] = runs.iloc[:0].assign(reason="")
    found["gradient_norms"] = found["gradient_norms"].drop(columns="reason")
    first = runs[(runs["track"] == "matched") & (runs["seed"] == 0) & (runs["framework"] == "jax")]
    rows = [("step", None, "1 2 3"), ("marked", None, "0 1 0"), ("input", 0, ".5 -.5 1"),
            ("target", 0, "1"), ("gate", 0, "0 .5 1"), ("gate", 1, "1 .2 1"),
            ("output", 0, "0 .5 1")]  # fmt: skip
    values = pd.DataFrame(rows, columns=["quantity", "unit", "values"])
    found["gate_examples"] = first.merge(values, how="cross").assign(layer=0, name="update")
    return found


@pytest.fixture(scope="module")
def four(tmp_path_factory) -> reading.Tables:
    """Four cells in four frameworks."""
    folder = tmp_path_factory.mktemp("four")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report_page, "CELLS", ("rnn", "gru", "lstm", "mgu"))
        patch.setattr(report_page, "FRAMEWORKS", ("equinox", "jax", "pytorch", "tensorflow"))
        report_page.write(folder, frame(("adding",), ("rnn", "gru", "lstm", "mgu")))
    return reading.read(folder)


def test_every_figure_has_every_cell_and_says_how_many_frameworks(four):
    cells = ("RNN", "GRU", "LSTM", "MGU")
    for key, (draw, given) in insides.figures(four).items():
        drawn = draw(*given)
        svg = drawn if key[0] == "example" else "".join(drawn)
        names = " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg))
        assert all(cell in names for cell in ((key[2].upper(),) if key[2:] else cells)), key
        if key[0] in ("time_scales", "saturation"):
            assert "8 runs of 4 frameworks" in svg


def test_what_is_said_is_what_the_tables_say(four):
    said = insides.content(four)
    assert said["answer"].text == (
        "At the marked steps of the adding problem none of the RNN’s units moves a gate, 25 % of "
        "the GRU’s units close their update gate, none of the LSTM’s units moves a gate and none "
        "of the MGU’s units moves a gate."
    )
    assert said["kept"].startswith("On the adding problem a unit keeps its state for 2 steps")
    assert "is read best from the GRU’s state (R² 0.5) and worst from the" in said["held"]
    assert [row["reached"] for row in said["numbers"]] == ["∞"] * 4
    assert said["about"]["adding"]["runs"] == "JAX, seed 0"


def test_without_marked_steps_it_says_how_often_gates_are_open(four):
    shown = reading.Tables(four)
    shown.folder, shown.missing = four.folder, []
    shown["gates"] = four["gates"].assign(opening=np.nan, closing=np.nan, above=0.02, below=0.01)
    assert (
        "the gates of RNN, GRU, LSTM and MGU stay between open and shut"
        in insides.content(shown)["answer"].text
    )
    shown["gates"] = four["gates"].assign(opening=np.nan, closing=np.nan)
    text = insides.content(shown)["answer"].text
    assert "the GRU’s update gate is open 20 % of the time" in text


def test_marked_steps_are_those_where_a_rare_input_is_one():
    inputs = np.zeros((2, 40, 3))
    inputs[..., 0] = np.linspace(0.1, 0.9, 40)
    inputs[:, [3, 5], 1] = 1
    inputs[:, ::2, 2] = 1
    assert np.flatnonzero(marks.marked(inputs)[:, 1]).tolist() == [3, 5]
    assert marks.marked(inputs[..., [0, 2]]) is None
    # Where every step shows one of many symbols, nothing stands out.
    assert marks.marked(np.eye(40)[None]) is None


def test_a_gate_at_marked_steps_beside_all_others():
    values = np.full((4, 1, 2), 0.5)
    values[1, 0, 0] = 0.9
    marked = np.array([[False], [True], [False], [False]])
    assert gate_activity.at_marks(values, marked) == {
        "at_marked": 0.7, "elsewhere": 0.5, "opening": 0.5, "closing": 0.0,
    }  # fmt: skip


def test_an_example_is_the_reference_step_by_step():
    spec = tracks.model_spec("lstm", TASK)
    own = weights("lstm", 3)
    data = model.examples(TASK.task, spec.hidden, 0)
    rows = pd.DataFrame(example.rows(spec, own, data))
    assert set(rows["quantity"]) == {"step", "marked", "input", "target", "gate", "output"}
    done = network.forward(spec, own, data["inputs"][:1])
    read = {
        key: np.array([text.split() for text in mine["values"]], float)
        for key, mine in rows.groupby(["quantity", "name"], sort=False)
    }
    assert read["step", ""].tolist() == [list(range(1, 13))]
    assert read["marked", ""].sum() == 2
    np.testing.assert_allclose(read["gate", "forget"], done.gates[0]["f"][:, 0].T, atol=0.005)
    # The read-out of the last step is the model's answer.
    assert read["output", ""][0, -1] == pytest.approx(done.outputs[0, 0], abs=0.005)
    assert read["target", ""][0, 0] == pytest.approx(data["targets"][0, 0], abs=0.005)


def test_a_long_example_keeps_its_marked_steps_and_a_cell_without_gates_shows_its_state():
    marked = np.zeros(1000, bool)
    marked[[123, 777]] = True
    kept = example.steps(marked)
    assert len(kept) <= example.MOST_STEPS
    assert {0, 123, 777, 999} <= set(kept)
    spec = tracks.model_spec("rnn", TASK)
    rows = example.rows(spec, weights("rnn", 3), model.examples(TASK.task, spec.hidden, 0))
    assert {(row["quantity"], row["name"]) for row in rows if row["name"]} == {("state", "h")}


def test_classes_are_read_out_as_probabilities():
    settings = resolve("counting", {"hidden": 4, "longest": 5}, "test")
    spec = tracks.model_spec("gru", settings)
    own = initialisation.initial_weights(settings.task, "gru", 1, 4, 0)
    rows = pd.DataFrame(example.rows(spec, own, model.examples(settings.task, 4, 0)))
    of = rows.groupby("quantity")["values"]
    chances = np.array([text.split() for text in of.get_group("probability")], float)
    assert chances.shape == (4, 20)
    np.testing.assert_allclose(chances.sum(axis=0), 1, atol=0.02)
    assert len(of.get_group("target").iloc[0].split()) == 20


def test_the_example_is_the_first_seed_of_the_framework_with_most_runs(results, damaged):
    runs = [Run("adding", "jax", "gru", "matched", s) for s in (1, 0)]
    runs += [Run("adding", "pytorch", "gru", "matched", s) for s in (5, 4, 3)]
    runs += [Run("adding", "tensorflow", "gru", "native", s) for s in range(9)]
    found = example.candidates(runs)
    assert [(run.framework, run.seed) for run in found["gru"]] == [
        ("pytorch", 3), ("pytorch", 4), ("pytorch", 5),
    ]  # fmt: skip
    # Of the damaged folder only one run can be looked into.
    stage.write_part(damaged, "adding")
    shown = layout.read(stage.part(damaged, "adding"), "gate_examples")
    assert set(zip(shown["cell"], shown["seed"], strict=True)) == {("lstm", 0)}
