"""Which time steps the input marks: where a gate has a reason to open or to close."""

from cells import Array

# An input marks a step where it is 1 and otherwise 0, and is 1 at no more than this share of all
# steps: the adding problem's marker, a symbol among blanks, the step that asks.
RARE = 0.1
# Where more steps than this share are marked, nothing stands out.
MOST = 0.5


def marked(inputs: Array) -> Array | None:
    """The marked steps of ``inputs`` [B, T, d] as [T, B]; None where a task marks none.

    What is rare is judged over all the examples together.
    """
    binary = ((inputs == 0) | (inputs == 1)).all(axis=(0, 1))
    shares = inputs.mean(axis=(0, 1))
    features = inputs[..., binary & (shares > 0) & (shares <= RARE)]
    found: Array = (features == 1).any(axis=-1).T
    return found if 0 < found.mean() <= MOST else None
