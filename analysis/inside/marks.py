"""Which time steps the input marks: where a gate has a reason to open or to close."""

from cells import Array

# An input marks a step where it is 1 and otherwise 0, and is 1 at no more than the first of these
# shares of all steps or, in short sequences where none is so rare, the second: the adding problem's
# marker, a symbol among blanks, the step that asks.
RARE = (0.1, 0.2)
# Where more steps than this share are marked, nothing stands out.
MOST = 0.5


def marked(inputs: Array) -> Array | None:
    """The marked steps of ``inputs`` [B, T, d] as [T, B]; None where a task marks none.

    What is rare is judged over all the examples together.
    """
    binary = ((inputs == 0) | (inputs == 1)).all(axis=(0, 1))
    shares = inputs.mean(axis=(0, 1))
    for most in RARE:
        features = inputs[..., binary & (shares > 0) & (shares <= most)]
        found: Array = (features == 1).any(axis=-1).T
        if found.any():
            return found if found.mean() <= MOST else None
    return None
