"""Inside the gates: measures with known answers, and real runs looked into."""

import numpy as np
import pytest

import cells
from analysis.inside import dynamics, gate_activity, gradient_flow, memory_probe, model
from cells import ModelSpec, network
from harness.run import initialisation, streams
from tasks.adding import Adding
from tasks.copying import Copying


def test_a_diagonal_linear_network_decays_by_its_weight():
    """Near h = 0, tanh is linear: with U = 0.8 I every gradient shrinks by 0.8 a step."""
    spec = ModelSpec("rnn", 1, 1, 4, 1, False, "mse")
    weights = {
        "layers.0.input": np.zeros((1, 4)), "layers.0.recurrent": 0.8 * np.eye(4),
        "layers.0.bias": np.zeros(4), "output.weight": np.ones((4, 1)), "output.bias": np.ones(1),
    }  # fmt: skip
    data = {"inputs": np.zeros((5, 30, 1)), "targets": np.zeros((5, 1)), "probe": None}
    rows = model.inspect(Adding(), spec, weights, data, 0)["gradient_flow"]
    for cotangent, norm in (("random", 1.0), ("loss", 2 * 2.0)):  # 2·(1 - 0), times |(1, 1, 1, 1)|
        mine = [row for row in rows if row["cotangent"] == cotangent]
        assert mine[0]["gradient_h"] == pytest.approx(norm)
        assert mine[-1]["lag"] == 29
        assert mine[-1]["gradient_h"] == pytest.approx(norm * 0.8**29, rel=1e-3)
        assert mine[0]["decay"] == pytest.approx(0.8)
        assert mine[0]["horizon"] == pytest.approx(-1 / np.log(0.8), rel=1e-3)
    assert gradient_flow.horizon(1.0) == gradient_flow.horizon(1.02) == np.inf


def test_norms_that_float64_cannot_hold_are_left_out_of_the_fit():
    norms = 1e-4 ** np.arange(100.0)
    assert norms[-1] == 0
    assert gradient_flow.decay(norms) == pytest.approx(1e-4)
    assert gradient_flow.decay(np.array([1.0, 0.0, 0.0])) is None
    assert gradient_flow.decay(np.array([1.0])) is None


def initialised(cell: str, kind: str, hidden: int, seed: int) -> dict[str, np.ndarray]:
    """The initial weights of torch, Keras and Flax linen, and chrono (Tallec & Ollivier 2018)."""
    rng = np.random.default_rng(seed)
    count, inputs = len(cells.cell(cell).gates), 2
    columns = count * hidden
    own = {"bias": np.zeros(columns)}
    if kind == "torch":
        bound = hidden**-0.5
        own["input"], own["recurrent"], own["bias"], second = (
            rng.uniform(-bound, bound, shape)
            for shape in ((inputs, columns), (hidden, columns), columns, columns)
        )
        if cell == "gru":
            own["recurrent_bias"] = second[2 * hidden :].copy()
            second[2 * hidden :] = 0
        own["bias"] = own["bias"] + second
    elif kind == "keras":
        bound = (6 / (inputs + columns)) ** 0.5
        own["input"] = rng.uniform(-bound, bound, (inputs, columns))
        own["recurrent"] = orthogonal(rng, columns, hidden).T
        if cell == "lstm":
            own["bias"][hidden : 2 * hidden] = 1
    else:
        own["input"] = rng.standard_normal((inputs, columns)) / inputs**0.5
        own["recurrent"] = np.hstack([orthogonal(rng, hidden, hidden) for _ in range(count)])
        if kind == "forget bias 5":
            own["bias"][hidden : 2 * hidden] = 5
        if kind == "chrono":
            kept = np.log(rng.uniform(1, 99, hidden))
            own["bias"][hidden : 2 * hidden] = kept
            if cell == "lstm":
                own["bias"][:hidden] = -kept
    if cell == "gru":
        own.setdefault("recurrent_bias", np.zeros(hidden))
    weights = {f"layers.0.{name}": value for name, value in own.items()}
    return weights | {"output.weight": np.ones((hidden, 1)), "output.bias": np.zeros(1)}


def orthogonal(rng, rows, columns):
    q, r = np.linalg.qr(rng.standard_normal((rows, columns)))
    return q * np.sign(np.diag(r))


# h = 64, T = 100, adding problem, random cotangent: the ranges that were measured once, apart
# from this code and with other seeds.
MEASURED = [
    ("rnn", "torch", 0.54, 0.62), ("rnn", "keras", 0.94, 0.94), ("rnn", "flax", 0.82, 0.86),
    ("lstm", "torch", 0.63, 0.66), ("lstm", "keras", 0.84, 0.86), ("lstm", "flax", 0.74, 0.75),
    ("lstm", "forget bias 5", 1.01, 1.03), ("lstm", "chrono", 0.97, 0.97),
    ("gru", "torch", 0.62, 0.66), ("gru", "keras", 0.63, 0.65), ("gru", "flax", 0.75, 0.78),
    ("gru", "chrono", 0.98, 0.98),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "kind", "low", "high"), MEASURED)
def test_decay_at_initialisation_is_what_was_measured(cell, kind, low, high):
    """The median over seeds, within the measured range and 0.03 beside it.

    A range of few seeds is narrower than the spread; the median of five should be near it.
    """
    spec = ModelSpec(cell, 1, 2, 64, 1, False, "mse")
    inputs, targets = Adding().sample(streams.generator("test", 0), 16)
    data = {"inputs": inputs.astype(np.float64), "targets": targets, "probe": None}
    found = []
    for seed in range(5):
        rows = model.inspect(Adding(), spec, initialised(cell, kind, 64, seed), data, seed)
        found += [r["decay"] for r in rows["gradient_flow"] if r["cotangent"] == "random"][:1]
    assert low - 0.03 <= np.median(found) <= high + 0.03, found


def test_saturation_counts_steps_of_each_unit():
    forget = np.full((10, 2, 2), 0.5)
    forget[:4, :, 0] = 0.95  # the first unit: open for 4 of 10 steps, closed for 1
    forget[9, :, 0] = 0.05
    forget[:, :, 1] = 0.05  # the second: always closed
    half = np.full(forget.shape, 0.5)
    rows = gate_activity.rows(cells.cell("lstm"), 0, {"i": half, "f": forget, "o": half}, 3)
    by_gate = {row["gate"]: row for row in rows}
    assert set(by_gate) == {"input", "forget", "output"}
    row = by_gate["forget"]
    assert (row["above"], row["below"]) == (pytest.approx(0.2), pytest.approx(0.55))
    assert row["below_q10"] == pytest.approx(0.1 + 0.1 * 0.9)
    assert (by_gate["input"]["above"], by_gate["input"]["below"]) == (0, 0)
    assert "timescale_q50" not in by_gate["output"], "it keeps nothing"
    assert gate_activity.rows(cells.cell("rnn"), 0, {"h": half}, 3) == []


def test_where_a_gate_writes_and_none_keeps_its_complement_has_the_time_scale():
    """The minimal gated unit's f = 0.1 keeps 0.9 of the old state."""
    cell = cells.cell("mut1")
    z = np.full((10, 2, 2), 0.1)
    rows = gate_activity.rows(cell, 0, {"z": z, "r": z}, 3)
    scales = {row["gate"]: row.get("timescale_q50") for row in rows}
    assert scales["update"] == pytest.approx(-1 / np.log(0.9), rel=1e-3)
    assert scales["reset"] is None


@pytest.mark.parametrize("cell", cells.CELLS)
def test_every_cell_shows_what_its_gates_do_and_how_long_it_keeps_its_state(cell):
    """But for those in which nothing gates what is kept: no cell is known by its name."""
    own, hidden = cells.cell(cell), 6
    spec, task = ModelSpec(cell, 1, 2, hidden, 1, False, "mse"), Adding(sequence_length=10)
    weights = initialisation.initial_weights(task, cell, 1, hidden, 0)
    found = model.inspect(task, spec, weights, model.examples(task, hidden, 0), 0)
    assert {row["gate"] for row in found["gates"]} == set(own.sigmoids.values())
    scales = [row["timescale_q50"] for row in found["gates"] if "timescale_q50" in row]
    ungated = cell in ("rnn", "irnn", "indrnn", "nfg")
    assert len(scales) == (0 if ungated else 1)
    assert all(0.3 < scale < 30 for scale in scales), scales
    assert all(row["horizon"] > 0 for row in found["gradient_flow"])
    assert found["memory_probe"]


@pytest.mark.parametrize(("bias", "steps"), [(0.0, 1.4427), (1.0, 3.1922), (5.0, 148.91)])
def test_the_time_scale_of_a_cell_without_weights_is_that_of_its_forget_bias(bias, steps):
    spec = ModelSpec("lstm", 1, 2, 4, 1, False, "mse")
    weights = {
        "layers.0.input": np.zeros((2, 16)), "layers.0.recurrent": np.zeros((4, 16)),
        "layers.0.bias": np.repeat([0.0, bias, 0.0, 0.0], 4),
        "output.weight": np.ones((4, 1)), "output.bias": np.zeros(1),
    }  # fmt: skip
    task = Adding(sequence_length=20)
    rows = model.inspect(task, spec, weights, model.examples(task, 4, 0), 0)["gates"]
    forget = next(row for row in rows if row["gate"] == "forget")
    for quantile in (10, 50, 90):
        assert forget[f"timescale_q{quantile}"] == pytest.approx(steps, rel=1e-3)
    assert forget["lag"] == 10
    assert forget["longer"] == (1.0 if bias == 5 else 0.0)


def test_logarithms_of_a_gate_add_up():
    """Half of the steps 0.9 and half 0.4 keep what 0.6 at every step keeps: √(0.9·0.4)."""
    values = np.tile([0.9, 0.4], 5)[:, None, None]
    assert gate_activity.time_scales(values)[0] == pytest.approx(-1 / np.log(0.6))
    assert gate_activity.time_scales(np.zeros((3, 1, 1)))[0] == 0


def test_gates_that_make_room_for_what_they_write_are_coupled():
    """f = 1 - i over half of the steps, and the same values by chance over the others."""
    rng = np.random.default_rng(0)
    i = rng.random((400, 4, 3))
    cell = cells.cell("lstm")
    alike = {"i": i, "f": 1 - i, "o": i}
    rows = {row["gate"]: row for row in gate_activity.rows(cell, 0, alike, 3)}
    assert rows["forget"]["coupling"] == -1
    assert "coupling" not in rows["input"]
    by_chance = alike | {"f": np.concatenate([1 - i[:200], rng.random((200, 4, 3))])}
    rows = {row["gate"]: row for row in gate_activity.rows(cell, 0, by_chance, 3)}
    assert rows["forget"]["coupling"] == pytest.approx(-0.5, abs=0.05)
    still = alike | {"f": np.full(i.shape, 0.9)}
    rows = {row["gate"]: row for row in gate_activity.rows(cell, 0, still, 3)}
    assert rows["forget"]["coupling"] is None
    update = gate_activity.rows(cells.cell("gru"), 0, {"r": i, "z": i}, 3)
    assert all("coupling" not in row for row in update), "one gate is coupled by its equations"


def test_a_probe_finds_what_is_stored_and_nothing_else():
    rng = np.random.default_rng(0)
    values, classes = rng.random(400), rng.integers(0, 4, 400)
    states = rng.standard_normal((3, 400, 8))
    states[1] += values[:, None] * rng.standard_normal(8) * 30
    known = np.ones((3, 400), bool)
    known[2, 8:] = False
    nothing, stored, few = memory_probe.probe(states, values, known, 100)
    assert nothing == pytest.approx(0, abs=0.15)
    assert stored > 0.98
    assert few is None
    states[1] += np.eye(8)[classes] * 30
    nothing, stored, _ = memory_probe.probe(states, classes, known, 100)
    assert nothing == pytest.approx(0.25, abs=0.12)
    assert stored == 1
    noise, all_known = rng.standard_normal((4, 400, 64)), np.ones((4, 400), bool)
    wide = memory_probe.probe(noise, values, all_known, 100)
    assert min(wide) > -0.1, "noise fitted with many units is not held against the network"
    dead = memory_probe.probe(np.zeros((1, 400, 8)), values, known[:1], 100)
    assert dead[0] == pytest.approx(0, abs=0.1)


def test_only_values_that_were_shown_are_probed():
    """The state holds the value from when it is shown; before, it holds the next one's noise."""
    rng = np.random.default_rng(0)
    values, shown = rng.random(400), rng.integers(0, 10, 400)
    steps = np.arange(10)[:, None]
    states = np.where(shown <= steps, values, rng.random((10, 400)))[..., None]
    scores = memory_probe.probe(states, values, shown <= steps, 200)
    assert min(score for score in scores if score is not None) > 0.99


@pytest.mark.parametrize("task", [Adding(sequence_length=21), Copying(delay=4, recall=3)])
def test_a_tasks_probe_and_lag(task):
    inputs, targets = task.sample(streams.generator("test", 0), 200)
    values, shown = task.probe_target(inputs)
    steps = inputs.shape[1]
    if task.name == "adding":
        markers = inputs[..., 1]
        assert np.all(markers.argmax(axis=1) == shown)
        second = steps - 1 - markers[:, ::-1].argmax(axis=1)
        np.testing.assert_allclose(
            values + inputs[np.arange(200), second, 0], targets[:, 0], rtol=1e-6
        )
        assert (steps - 1 - shown).min() == task.lag
    else:
        assert np.all(values == targets[:, -3])
        assert steps - 3 - 0 == task.lag + shown[0]


def test_spikes_and_steps_over_the_limit():
    norms = np.ones(200)
    norms[[60, 150]] = 10.5, np.nan
    norms[100] = 9.5  # large, but no spike
    norms[20] = 50  # within the first 50 steps there is nothing to compare with
    assert list(np.flatnonzero(dynamics.spikes(norms))) == [60, 150]
    rows = dynamics.rows(norms, 1.0)
    assert len(rows) == dynamics.MOST_WINDOWS
    assert (rows[0]["first_step"], rows[-1]["last_step"]) == (1, 200)
    assert sum(row["spikes"] for row in rows) == 2
    assert 10 * sum(row["over_limit"] for row in rows) == pytest.approx(4)
    assert dynamics.rows(norms, 0)[0]["over_limit"] is None
    assert [row["last_step"] for row in dynamics.rows(np.ones(3), 1.0)] == [1, 2, 3]
    assert dynamics.rows(np.empty(0), 1.0) == []


def test_a_gradient_explodes_when_the_loss_rises_with_it():
    norms, losses = np.ones(200), np.linspace(1, 0.1, 200)
    norms[100] = 150
    assert not dynamics.explosions(norms, losses).any(), "a bump"
    losses[101:] += 0.9
    assert list(np.flatnonzero(dynamics.explosions(norms, losses))) == [100]
    assert dynamics.gradient_norms(norms, losses)["exploded"]
    # The same bump where the loss is small: twice of nearly nothing undoes nothing.
    small = np.where(np.arange(200) < 10, 1.0, 1e-4)
    small[101:] = 1e-3
    assert not dynamics.explosions(norms, small).any()
    norms[100] = 50
    assert not dynamics.explosions(norms, losses).any(), "too small a spike"
    norms[-1], losses[-1] = np.nan, np.nan
    assert list(np.flatnonzero(dynamics.explosions(norms, losses))) == [199], "it diverged"


def test_the_gradient_by_both_states_of_a_cell_together():
    """Every example's norm of all states, at the lags of the table and at the task's own."""
    task = Adding(sequence_length=60)
    spec = ModelSpec("lstm", 1, 2, 8, 1, False, "mse")
    weights = initialised("lstm", "keras", 8, 0)
    data = model.examples(task, 8, 0)
    rows = model.inspect(task, spec, weights, data, 0)["gradient_flow"]
    mine = {row["lag"]: row for row in rows if row["cotangent"] == "random"}
    assert task.lag in mine
    assert {row["task_lag"] for row in rows} == {task.lag}
    for row in mine.values():
        h, c = row["gradient_h"], row["gradient_c"]
        # The mean of the root is within the triangle's sides of the means.
        assert max(h, c) <= row["gradient"] * 1.001
        assert row["gradient"] <= (h + c) * 1.001
    first = network.forward(spec, weights, data["inputs"][: model.BLOCK])
    direction = streams.generator("cotangent", 8, 0).standard_normal(8)
    last = np.tile(direction / np.linalg.norm(direction), (model.BLOCK, 1))
    both = network.state_gradients(spec, weights, first.sequences[-2], last)
    squares = sum((gradient[-1 - task.lag] ** 2).sum(axis=-1) for gradient in both.values())
    assert mine[task.lag]["gradient"] == pytest.approx(np.sqrt(squares).mean(), rel=1e-3)
