"""What must be the same between cells: each is another where a part of it is switched off."""

import numpy as np
import pytest

import cells
from cells import ModelSpec, Weights, janet, network
from harness.conformance.examples import random_weights

LAYERS, INPUTS, HIDDEN = 2, 3, 5
# Far enough that a sigmoid is 1 to the last bit.
OPEN = 60.0


def spec(cell: str) -> ModelSpec:
    return ModelSpec(cell, LAYERS, INPUTS, HIDDEN, 2, True, "mse", "float64")


def like(cell: str, given: Weights, **made) -> Weights:
    """Weights of ``cell``: each gate's from ``given`` where it has it, or else as ``made`` says.

    ``made`` has by gate, or extra weight, a function of its shape, or the name of the gate of the
    given cell that it is, with a minus for its negative.
    """
    source, own, found = cells.cell(made.pop("of")), cells.cell(cell), {}
    for name, shape in cells.shapes(spec(cell)).items():
        prefix, _, kind = name.rpartition(".")
        if kind in ("input", "recurrent", "bias") and prefix.startswith("layers"):
            gates = own.recurrent if kind == "recurrent" else own.gates
            theirs = source.recurrent if kind == "recurrent" else source.gates
            columns = np.split(given[name], len(theirs), axis=-1)
            parts = []
            for gate in gates:
                told = made.get(gate, gate)
                if callable(told):
                    parts.append(told(kind, columns[0].shape))
                else:
                    part = columns[theirs.index(told.lstrip("-"))]
                    parts.append(-part if told.startswith("-") else part)
            found[name] = np.concatenate(parts, axis=-1)
        elif name in given and kind not in made:
            found[name] = given[name]
        else:
            found[name] = made.get(kind, np.zeros)(shape)
    return found


def opened(kind: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.full(shape, OPEN if kind == "bias" else 0.0)


def diagonal(given: Weights, cell: str, gate: str) -> Weights:
    """``given`` with a diagonal recurrent matrix of a gate."""
    own, changed = cells.cell(cell), {k: v.copy() for k, v in given.items()}
    place = own.recurrent.index(gate) * HIDDEN
    for name, value in changed.items():
        if name.endswith(".recurrent"):
            value[:, place : place + HIDDEN] *= np.eye(HIDDEN)
        elif name.endswith(".recurrent_bias"):
            value[:] = 0
    return changed


def alike(one: str, weights: Weights, other: str, others: Weights) -> None:
    x = np.random.default_rng(3).normal(size=(4, 9, INPUTS))
    first, second = (
        network.outputs(spec(cell), given, x) for cell, given in ((one, weights), (other, others))
    )
    assert np.abs(first).max() > 0.1
    np.testing.assert_allclose(first, second, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("one", "other", "made"),
    [
        ("lstm", "peephole", {}),
        ("peephole", "fgr", {}),
        ("nig", "peephole", {"i": opened}),
        ("nfg", "peephole", {"f": opened}),
        ("nog", "peephole", {"o": opened}),
        ("cifg", "peephole", {"i": "-f"}),
        ("mgu", "gru_before", {"r": "f", "z": "-f"}),
        ("mingru", "minlstm", {"f": "-z", "i": "z"}),
    ],
)
def test_a_cell_is_another_one_with_a_part_switched_off(one, other, made):
    given = random_weights(spec(one))
    if other == "peephole" and one != "lstm":
        # The gate that is open, and the complement, have no peephole in the smaller cell.
        made = made | {f"p_{gate}": np.zeros for gate in "ifo"}
        given |= {k: np.zeros_like(v) for k, v in given.items() if ".p_" in k}
    alike(one, given, other, like(other, given, of=one, **made))


def test_a_reset_before_the_product_is_one_after_it_where_the_matrix_is_diagonal():
    given = diagonal(random_weights(spec("gru")), "gru", "n")
    alike("gru", given, "gru_before", like("gru_before", given, of="gru"))
    full = random_weights(spec("gru"))
    with pytest.raises(AssertionError, match="Not equal"):
        alike("gru", full, "gru_before", like("gru_before", full, of="gru"))


def test_janet_without_its_shift_is_the_gru_that_resets_nothing(monkeypatch):
    monkeypatch.setattr(janet, "BETA", 0.0)
    given = random_weights(spec("janet"))
    alike("janet", given, "gru", like("gru", given, of="janet", r=opened, z="f"))


def test_an_indrnn_is_an_irnn_whose_matrix_is_diagonal():
    given = diagonal(random_weights(spec("irnn")), "irnn", "h")
    vectors = {
        name.replace("recurrent", "u"): np.diag(value)
        for name, value in given.items() if name.endswith(".recurrent")
    }  # fmt: skip
    kept = {name: value for name, value in given.items() if not name.endswith(".recurrent")}
    alike("irnn", given, "indrnn", kept | vectors)


def test_layer_normalisation_does_not_see_the_size_of_the_weights():
    """Ba et al. 2016, table 1; up to the constant that keeps it from dividing by zero."""
    given = random_weights(spec("layernorm_lstm"))
    scaled = {
        name: value * (10 if name.rpartition(".")[2] in ("input", "recurrent", "bias") else 1)
        for name, value in given.items()
    }
    x = np.random.default_rng(3).normal(size=(4, 9, INPUTS))
    scaled |= {name: value for name, value in given.items() if name.startswith("output")}
    one, other = (network.outputs(spec("layernorm_lstm"), w, x) for w in (given, scaled))
    np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)


def test_what_holds_the_slstm_in_bounds_changes_nothing():
    """Beck et al. 2024, appendix A.2: the states m cancel out."""
    model = ModelSpec("slstm", 1, INPUTS, HIDDEN, 2, True, "mse", "float64")
    given = random_weights(model)
    x = np.random.default_rng(3).normal(size=(4, 9, INPUTS))
    h = c = n = np.zeros((4, HIDDEN))
    shown = []
    for row in x.swapaxes(0, 1):
        a = row @ given["layers.0.input"] + given["layers.0.bias"] + h @ given["layers.0.recurrent"]
        i, f, z, o = np.split(a, 4, axis=-1)
        i, f = np.exp(i), 1 / (1 + np.exp(-f))
        c, n = f * c + i * np.tanh(z), f * n + i
        h = c / n / (1 + np.exp(-o))
        shown.append(h @ given["output.weight"] + given["output.bias"])
    np.testing.assert_allclose(network.outputs(model, given, x), np.stack(shown, 1), rtol=1e-11)
