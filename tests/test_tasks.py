"""Every discovered task keeps its contract; the analytic values are checked by simulation."""

import numpy as np
import pytest

from harness.conformance import contract
from harness.registry import load_task, task_names
from harness.run import streams
from tasks import SPLITS, Task
from tasks._data import windows
from tasks._files import SOURCES
from tasks.adding import Adding
from tasks.copying import Copying
from tasks.counting import EITHER, MORE, NOTHING, STOP, Counting
from tasks.csv import Csv
from tasks.delayed_recall import DelayedRecall
from tasks.digits import Digits
from tasks.mackey_glass import MackeyGlass
from tasks.mnist1d import ORDER, Mnist1d
from tasks.selective_copying import SelectiveCopying
from tasks.sine import Sine, simulated_floor
from tasks.sunspots import Sunspots
from tasks.temporal_order import END, START, TemporalOrder, X, Y


@pytest.fixture(scope="session")
def series(tmp_path_factory) -> dict[str, str]:
    """The parameters of a csv task: two noisy columns of period 12."""
    t = np.arange(400)
    noise = np.random.default_rng(0).normal(0, 0.1, (2, 400))
    values = np.sin(2 * np.pi * t / 12) + noise[0], 50 + np.cos(2 * np.pi * t / 12) + noise[1]
    path = tmp_path_factory.mktemp("csv") / "series.csv"
    rows = np.column_stack([t, *values])
    np.savetxt(path, rows, delimiter=",", header="t,first,second", comments="")
    return {"path": str(path), "columns": "first, second", "time": "t", "season": 12}


@pytest.fixture(scope="session")
def given(tmp_path_factory, series: dict[str, str]) -> dict[str, dict[str, str]]:
    """The parameters of the tasks that need a file, by their name."""
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("etaoinshr"), n)) for n in rng.integers(2, 9, 60)]
    path = tmp_path_factory.mktemp("text") / "my.txt"
    path.write_text(" ".join(rng.choice(words, 3000)))
    return {"csv": series, "text": {"path": str(path)}}


# Tasks whose files are fetched have tests of their own: test_fetched_tasks.py.
@pytest.fixture(params=[name for name in task_names() if name not in SOURCES])
def task(request: pytest.FixtureRequest, given: dict[str, dict[str, str]]) -> Task:
    return load_task(request.param, **given.get(request.param, {}))


def draw(task: Task, n: int = 500, seed: int = 0):
    return task.sample(streams.generator("test", seed), n)


def oracle(task: Task, targets: np.ndarray) -> np.ndarray:
    # As logarithms of probabilities: certain.
    return 100 * np.eye(task.outputs)[targets] if task.loss == "cross_entropy" else targets


def test_shapes_and_types(task):
    inputs, targets, *_ = draw(task, 7)
    steps = (inputs.shape[1],) if task.every_step else ()
    assert inputs.dtype == np.float32
    assert inputs.shape[0] == 7
    assert inputs.shape[2] == task.input_size
    if task.loss != "cross_entropy":
        assert targets.dtype == np.float32
        assert targets.shape == (7, *steps, task.outputs)
    else:
        assert targets.dtype == np.int32
        assert targets.shape == (7, *steps)
        assert 0 <= targets.min() <= targets.max() < task.outputs


def test_same_seed_same_bytes(task):
    first, again, other = (draw(task, 20, seed) for seed in (1, 1, 2))
    assert streams.sha256(first) == streams.sha256(again)
    assert streams.sha256(first) != streams.sha256(other)


def test_an_oracle_scores_perfectly_and_solves(task):
    inputs, targets, *weights = draw(task)
    score = task.score(oracle(task, targets), targets, inputs, *weights)
    assert score == (1 if task.higher_is_better else 0)
    assert task.is_solved(score)
    assert not task.is_solved(task.baseline)


def test_check_has_nothing_to_say_of_it(task, given):
    assert contract.check_task(task.name, given.get(task.name, {})) == []


def test_it_is_documented(task):
    assert task.summary
    assert task.references
    assert type(task).__doc__
    assert task.metric


def test_adding_shows_one_marker_in_each_half_and_asks_for_their_sum():
    inputs, targets = draw(Adding(sequence_length=21))
    numbers, markers = inputs[..., 0], inputs[..., 1]
    assert np.all(markers[:, :10].sum(axis=1) == 1)
    assert np.all(markers[:, 10:].sum(axis=1) == 1)
    np.testing.assert_allclose((numbers * markers).sum(axis=1), targets[:, 0], rtol=1e-6)


def test_addings_baseline_is_the_error_of_always_answering_one():
    task = Adding()
    inputs, targets = draw(task, 200_000)
    assert task.score(np.ones_like(targets), targets, inputs) == pytest.approx(
        task.baseline, rel=0.01
    )


def test_copying_shows_waits_and_asks():
    task = Copying(delay=7, symbols=5, recall=3)
    inputs, targets = draw(task)
    tokens = inputs.argmax(axis=-1)
    assert tokens.shape[1] == 7 + 2 * 3
    assert np.all(tokens[:, :3] == targets[:, -3:])
    assert np.all(tokens[:, 3:9] == 5), "T - 1 blanks"
    assert np.all(tokens[:, 9] == 6), "the delimiter"
    assert np.all(tokens[:, 10:] == 5)
    assert np.all(targets[:, :-3] == 5)


def test_sine_is_a_sine_with_noise_of_the_given_size():
    quiet, _ = draw(Sine(noise=0.0, shortest_period=20, longest_period=20))
    x = quiet[..., 0]
    turned = 2 * np.cos(2 * np.pi / 20) * x[:, 1:-1] - x[:, :-2]
    np.testing.assert_allclose(turned, x[:, 2:], atol=1e-5)
    noisy, _ = draw(Sine(noise=0.3))
    clean, _ = draw(Sine(noise=0.0))
    assert (noisy - clean).std() == pytest.approx(0.3, rel=0.05)


def test_sines_baseline_is_the_error_of_the_mean():
    task = Sine()
    inputs, targets = draw(task, 20_000)
    score = task.score(np.zeros_like(targets), targets, inputs)
    assert score == pytest.approx(task.baseline, rel=0.02)
    # The floor of so few windows is known to 1 %; the mean's error itself is exact.
    assert np.mean(targets**2) == pytest.approx(0.5 + task.noise**2, rel=0.01)


def test_no_forecast_beats_sines_noise_floor():
    task = Sine()
    train, test = draw(task, 4000, 1), draw(task, 4000, 2)
    scores = task.classical_scores(train, test)
    assert scores["noise floor"] == 1 < scores["ridge"] < scores["persistence"]
    assert 1 < task.solved < task.baseline
    # A standard error of 20,000 windows is 0.5 % of the floor.
    assert simulated_floor(task, 20_000) == pytest.approx(task.noise_floor, rel=0.015)
    assert task.noise**2 < task.noise_floor


def test_sine_is_judged_by_the_floor_of_the_windows_at_hand():
    """A forecast a tenth above the best in error is so on every test set, an easy or a hard one."""
    task = Sine()
    floors = []
    for seed in range(6):
        inputs, targets = draw(task, 1000, seed)
        best = task.best_forecast(inputs[:, :, 0])
        floors.append(np.mean((best - targets) ** 2))
        worse = targets + np.sqrt(1.1) * (best - targets)
        assert task.score(worse, targets, inputs) == pytest.approx(1.1, rel=1e-5)
    assert max(floors) > 1.03 * min(floors), "the floors differ, the scores do not"


def test_sines_best_forecast_is_the_posterior_mean_by_brute_force():
    """Weigh prior draws of period and phase by the likelihood of the window."""
    task = Sine()
    inputs, _ = draw(task, 5)
    rng = np.random.default_rng(3)
    curves = task.clean(rng, 300_000)
    for window, forecast in zip(inputs[:, :, 0], task.best_forecast(inputs[:, :, 0]), strict=True):
        distance = ((curves[:, :-1] - window) ** 2).sum(axis=1)
        weight = np.exp(-(distance - distance.min()) / (2 * task.noise**2))
        assert forecast == pytest.approx(np.average(curves[:, -1], weights=weight), abs=0.015)


def test_sines_best_forecast_is_exact_when_nothing_is_unknown():
    """With the period known and little noise, the posterior mean is the next value."""
    task = Sine(noise=0.01, shortest_period=20, longest_period=20.001)
    inputs, targets = draw(task, 100)
    forecast = task.best_forecast(inputs[:, :, 0])
    assert np.mean((forecast - targets) ** 2) < 5e-4


def test_temporal_order_has_two_symbols_in_their_places_and_asks_for_their_order():
    task = TemporalOrder(length=100)
    inputs, targets = draw(task, 2000)
    assert inputs.shape[1] == 110
    lengths = inputs.any(axis=-1).sum(axis=1)
    assert (lengths.min(), lengths.max()) == (100, 110)
    tokens = inputs.argmax(axis=-1)
    for string, length, target in zip(tokens, lengths, targets, strict=True):
        string = string[110 - length :]
        assert (string[0], string[-1]) == (START, END)
        (first, second) = np.flatnonzero(string >= X)
        assert 10 <= first <= 20
        assert 50 <= second <= 60
        assert target == 2 * (string[first] == Y) + (string[second] == Y)
    assert np.bincount(targets).min() > 400, "four classes alike"


def test_delayed_recall_marks_what_is_to_be_kept():
    inputs, targets = draw(DelayedRecall(delay=5, symbols=3))
    assert inputs.shape[1:] == (7, 4)
    assert np.array_equal(inputs[:, 0, :3].argmax(axis=-1), targets)
    assert np.array_equal(inputs[..., 3], np.tile([1, 0, 0, 0, 0, 0, 1], (500, 1)))
    assert np.all(inputs[:, 1:-1, :3].sum(axis=-1) == 1), "distractors"
    assert not inputs[:, -1, :3].any(), "the step that asks shows nothing"


def test_selective_copying_asks_for_its_symbols_in_their_order():
    task = SelectiveCopying(length=20, symbols=5, recall=3)
    inputs, targets = draw(task)
    tokens = inputs.argmax(axis=-1)
    shown = [row[row < 5] for row in tokens[:, :20]]
    assert np.array_equal(np.stack(shown), targets[:, -3:])
    assert np.all(tokens[:, 20:] == 6)
    assert np.all(targets[:, :20] == 5)
    places = (tokens[:, :20] < 5).mean(axis=0)
    assert places.min() > 0.08, "any place will do"


@pytest.mark.parametrize("length", [20, 25, 50, 99])
def test_temporal_orders_lag_is_the_shortest_there_is(length):
    task = TemporalOrder(length=length)
    inputs, _ = draw(task, 5000)
    _, shown = task.probe_target(inputs)
    assert task.lag == task.sequence_length - 1 - shown.max()


@pytest.mark.parametrize(
    "task", [Copying(delay=20), DelayedRecall(), SelectiveCopying(), TemporalOrder()]
)
def test_guessing_reaches_the_baseline(task):
    inputs, targets = draw(task, 5000)
    guess = np.random.default_rng(0).random((*targets.shape, task.outputs))
    if task.every_step:
        guess[..., task.symbols] = 0
    assert task.score(guess, targets, inputs) == pytest.approx(task.baseline, abs=0.015)


def test_counting_asks_what_may_follow_and_tests_longer_strings():
    task = Counting(longest=3)
    inputs, targets = task.strings(np.array([2, 1]))
    assert targets[0].tolist() == [EITHER, EITHER, MORE, STOP, *[NOTHING] * 8]
    assert targets[1].tolist() == [EITHER, STOP, *[NOTHING] * 10]
    assert inputs[0, :, 0].tolist() == [1, 1, *[0] * 10]
    assert inputs[0, :, 1].tolist() == [0, 0, 1, 1, *[0] * 8]
    counts = {}
    for split in SPLITS:
        strings, _ = task.draw(split, streams.generator("test", 0), 200)
        counts[split] = set(strings[..., 0].sum(axis=1).tolist())
    assert counts == {"train": {1, 2, 3}, "validation": {4, 5, 6}, "test": {4, 5, 6}}


def test_without_memory_no_longer_string_is_recognised():
    """The best answer to each input alone: both b's and the end are "more"."""
    task = Counting()
    inputs, targets = task.draw("test", streams.generator("test", 0), 200)
    answer = np.select([inputs[..., 0] == 1, inputs[..., 1] == 1], [EITHER, MORE], NOTHING)
    assert np.mean(answer == targets) > 0.9
    assert task.score(np.eye(4)[answer], targets, inputs) == task.baseline == 0


def test_mackey_glass_obeys_its_equation():
    """Seen at every integration step, the derivative is what the equation says."""
    task = MackeyGlass(window=60, horizon=1)
    x = task.series(np.random.default_rng(0), 50)
    # Central differences over two units of time, against the equation's right side.
    rate = (x[:, 19:] - x[:, 17:-2]) / 2
    right = 0.2 * x[:, 1:-18] / (1 + x[:, 1:-18] ** 10) - 0.1 * x[:, 18:-1]
    assert np.abs(rate - right).max() < 0.01
    assert 0.2 < x.min() < x.max() < 1.5


def test_mackey_glass_baseline_is_the_error_of_the_mean():
    task = MackeyGlass()
    _, targets = draw(task, 1000)
    assert targets.shape == (1000, 20)
    errors = np.mean((targets - targets.mean()) ** 2, axis=1)
    # Both are estimates from 1,000 series; a series' values belong together.
    spread = np.sqrt(2) * errors.std() / np.sqrt(1000)
    assert abs(errors.mean() - task.baseline) < 4 * spread
    assert spread < 0.05


def test_digits_are_those_of_scikit_learn_and_permuted_alike():
    from sklearn.datasets import load_digits

    images, classes = load_digits(return_X_y=True)
    known = {
        (image.astype(np.float32) / 16).tobytes(): c
        for image, c in zip(images, classes, strict=True)
    }
    permuted = Digits(permuted=True)
    for split, count in zip(SPLITS, (1197, 200, 400), strict=True):
        inputs, targets = Digits().examples(split)
        assert len(inputs) == count
        assert [known[x.tobytes()] for x in inputs] == targets.tolist()
        mixed, _ = permuted.examples(split)
        order = np.random.default_rng(1).permutation(64)
        assert np.array_equal(mixed, inputs[:, order])


def test_finite_data_is_used_evenly():
    task = Digits()
    inputs, _ = task.draw("test", streams.generator("test", 0), 900)
    times = np.unique([x.tobytes() for x in inputs], return_counts=True)[1]
    assert len(times) == 400
    assert (times.min(), times.max()) == (2, 3)


def test_sunspots_splits_in_time_and_scales_by_the_training_years():
    task = Sunspots()
    counts = [len(task.examples(split)[0]) for split in SPLITS]
    assert counts == [1921 - 1712, 35, 53]
    inputs, targets = task.examples("validation")
    known_inputs, known = task.examples("train")
    assert inputs[0, -1] == known[-1], "the window ends the year before its target"
    assert inputs[1, -1] == targets[0]
    years = np.concatenate([known_inputs[0], known])
    assert (years.mean(), years.std()) == pytest.approx((0, 1), abs=1e-5)
    assert np.mean(task.examples("test")[1] ** 2) > 2, "the years after 1956 were more active"


def test_the_ar_model_of_sunspots_is_that_of_statsmodels():
    """Forecast a year ahead with coefficients of the training years alone."""
    from statsmodels.tsa.ar_model import AutoReg

    task = Sunspots(window=9)
    known_inputs, known = task.examples("train")
    inputs, targets = task.examples("test")
    fit = AutoReg(np.concatenate([known_inputs[0, :, 0], known[:, 0]]).astype(float), 9).fit()
    forecast = fit.params[0] + inputs[:, ::-1, 0] @ fit.params[1:]
    scores = task.classical_scores(task.examples("train"), (inputs, targets))
    np.testing.assert_allclose(task.ar_forecast(inputs), forecast[:, None], atol=1e-4)
    assert task.solved == scores["AR"] == 1 < scores["persistence"] < task.baseline


def test_sunspots_are_judged_by_the_ar_model_of_the_same_years():
    """Validation is easier than the test; an error that solves it must not be twice the AR's."""
    task = Sunspots()
    errors = {}
    for split in ("validation", "test"):
        inputs, targets = task.examples(split)
        best = task.ar_forecast(inputs)
        errors[split] = np.mean((best - targets) ** 2)
        assert task.is_solved(task.score(best, targets, inputs))
        assert not task.is_solved(task.score(targets + 1.1 * (best - targets), targets, inputs))
    assert errors["test"] > 2 * errors["validation"]


def test_mnist1d_is_as_large_and_as_hard_as_the_published_one():
    from sklearn.linear_model import LogisticRegression

    task = Mnist1d()
    parts = {split: task.examples(split) for split in SPLITS}
    assert [inputs.shape for inputs, _ in parts.values()] == [
        (3500, 40, 1), (500, 40, 1), (1000, 40, 1),
    ]  # fmt: skip
    assert len({x.tobytes() for inputs, _ in parts.values() for x in inputs}) == 5000
    assert all(np.bincount(classes).min() > 0.07 * len(classes) for _, classes in parts.values())
    for split, (inputs, classes) in parts.items():
        mixed, same = Mnist1d(permuted=True).examples(split)
        assert np.array_equal(mixed[:, np.argsort(ORDER)], inputs)
        assert not np.array_equal(mixed, inputs)
        assert np.array_equal(same, classes)
    # Published is 0.32 for a linear model; twice the error of a share of 1,000 beside it.
    linear = LogisticRegression(C=0.01).fit(parts["train"][0][..., 0], parts["train"][1])
    share = linear.score(parts["test"][0][..., 0], parts["test"][1])
    assert share == pytest.approx(0.32, abs=2 * np.sqrt(0.32 * 0.68 / 1000))


def test_windows_end_a_horizon_before_their_target():
    series = np.arange(20.0)[:, None]
    inputs, targets = windows(series, 10, 20, window=3, horizon=2)
    assert np.array_equal(inputs[0, :, 0], [6, 7, 8])
    assert targets[:, 0].tolist() == list(range(10, 20))
    assert windows(series, 0, 10, 3, 2)[1][0] == 4, "the first with a whole window"


def test_csv_scales_by_the_training_rows_alone(series):
    task = Csv(**series)
    rows = np.loadtxt(series["path"], delimiter=",", skiprows=1)[:, 1:]
    scaled = (rows - rows[:280].mean(axis=0)) / rows[:280].std(axis=0)
    inputs, targets = task.examples("test")
    assert inputs.shape == (60, 24, 2)
    np.testing.assert_allclose(targets, scaled[340:], rtol=1e-5)
    np.testing.assert_allclose(inputs[0], scaled[316:340], rtol=1e-5)


@pytest.mark.parametrize("horizon", [1, 3])
def test_csvs_classical_methods_are_what_they_say(series, horizon):
    task = Csv(**series, horizon=horizon)
    rows = np.loadtxt(series["path"], delimiter=",", skiprows=1)[:, 1:]
    scaled = (rows - rows[:280].mean(axis=0)) / rows[:280].std(axis=0)
    inputs, targets = task.examples("test")
    forecasts = task.classical_forecasts(inputs)
    errors = {name: np.mean((y - targets) ** 2) for name, y in forecasts.items()}
    for name, lag in (("persistence", horizon), ("seasonal naive", 12)):
        error = np.mean((scaled[340:] - scaled[340 - lag : 400 - lag]) ** 2)
        assert errors[name] == pytest.approx(error, rel=1e-5)
    assert errors["ridge"] < errors["seasonal naive"] < errors["persistence"]
    scores = task.classical_scores(task.examples("train"), (inputs, targets))
    for name, error in errors.items():
        assert scores[name] == pytest.approx(error / errors["ridge"], rel=1e-5)
    assert task.solved == scores["ridge"] == 1 < task.baseline


@pytest.mark.parametrize("split", ["validation", "test"])
def test_csv_is_judged_by_the_best_classical_method_on_the_same_rows(series, split):
    task = Csv(**series)
    inputs, targets = task.examples(split)
    forecasts = task.classical_forecasts(inputs).values()
    assert min(task.score(y, targets, inputs) for y in forecasts) == 1
