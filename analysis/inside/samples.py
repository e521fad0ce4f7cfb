"""What a model writes that learned a text: drawn from its saved weights by the reference model."""

import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

import cells
from analysis.inside.rows import Rows
from cells import Array, ModelSpec, Weights, network
from harness.run import streams
from harness.run.records import Record
from tasks import Task

# The model's own probabilities, and these to the power of 1 / temperature: fewer rare characters.
TEMPERATURES = (1.0, 0.5)
LENGTH = 400
# For a character that the model has no class for.
OTHER = "\N{REPLACEMENT CHARACTER}"
# A terminal or a page would act on these, or turn what stands beside them around.
UNSEEN = ("Cc", "Cs", "Zl", "Zp")
TURNING = {*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"}


def middle(records: Iterable[Record]) -> Record | None:
    """The record with the median score; of two in the middle the worse one."""
    found = sorted(records, key=lambda r: (r["score"], r["seed"]))
    if found and found[0]["higher_is_better"]:
        found.reverse()
    return found[len(found) // 2] if found else None


def rows(task: Task, spec: ModelSpec, weights: Weights) -> Rows:
    """One row a temperature: a window of the test text, and how the model goes on with it.

    The window and the chances are the same for all models of a task.
    """
    shown, *_ = task.draw("test", streams.generator("prompt", task.name), 1)
    prompt = shown[0].argmax(axis=-1)
    return [
        {
            "temperature": temperature,
            "prompt": escaped(text(task.alphabet, prompt)),
            "text": escaped(
                text(task.alphabet, written(spec, weights, prompt, temperature, task.name))
            ),
        }
        for temperature in TEMPERATURES
    ]


def text(alphabet: str, classes: Array) -> str:
    """The characters of ``classes``, where the last class is any other character."""
    return "".join((alphabet + OTHER)[k] for k in classes)


def written(
    spec: ModelSpec, weights: Weights, prompt: Array, temperature: float, name: str
) -> Array:
    """``LENGTH`` classes drawn one after the other behind ``prompt`` [T], each from the last one.

    The state is never emptied, however long a window the model was trained with. Class k is drawn
    with a probability in proportion to exp(output k / ``temperature``).
    """
    chances = streams.generator("sample", name, temperature).random(LENGTH)
    step = stepping(spec, weights)
    for known in prompt:
        outputs = step(known)
    found = []
    for chance in chances:
        likely = np.exp(network.log_softmax(outputs / temperature)).cumsum()
        found.append(int(np.searchsorted(likely, chance * likely[-1], side="right")))
        outputs = step(found[-1])
    return np.array(found)


def stepping(spec: ModelSpec, weights: Weights) -> Callable[[int], Array]:
    """A function that gives a class to the model as its next input and returns its outputs [o]."""
    weights = {key: value.astype(np.float64) for key, value in weights.items()}
    own = [cells.layer_weights(weights, layer) for layer in range(spec.layers)]
    cell = cells.cell(spec.cell)
    steps = [cells.step_of(cell, layer, network.MATH) for layer in own]
    states = [(np.zeros((1, spec.hidden)),) * len(cell.states)] * spec.layers

    def step(known: int) -> Array:
        x: Any = np.zeros((1, spec.input_size))
        x[0, known] = 1
        for layer, advance in enumerate(steps):
            states[layer], _ = advance(x @ own[layer]["input"] + own[layer]["bias"], states[layer])
            x = states[layer][0]
        outputs: Array = (x @ weights["output.weight"] + weights["output.bias"])[0]
        return outputs

    return step


def escaped(text: str) -> str:
    r"""The text in one line: control characters as ``\n`` or ``\x1b``, a backslash doubled."""
    return "".join(
        c.encode("unicode_escape").decode("ascii")
        if c == "\\" or c in TURNING or unicodedata.category(c) in UNSEEN
        else c
        for c in text
    )
