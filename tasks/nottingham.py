"""Folk tunes with chords."""

from dataclasses import dataclass
from typing import ClassVar

from tasks import Budget
from tasks._music import Music


@dataclass(frozen=True)
class Nottingham(Music):
    """Say which of 88 keys sound in the next frame of a folk tune.

        x = n(1), …, n(F − 1),   n(t) ∈ {0, 1}⁸⁸ the keys that sound in frame t
        y = n(2), …, n(F)

    1,037 British and American folk tunes with chords, as Boulanger-Lewandowski 2012 split
    them: 694 for training, 173 for validation, 170 for the test, of 40 to 1,793 frames. The
    loss of a frame is the sum over keys of their binary cross-entropies, in nats. A tune with more
    than ``window`` = 256 frames to forecast, as 23 % of them have, is cut into pieces of so many
    frames. The first ``overlap`` of every piece but a tune's first only warm the state up. Every
    frame counts once. The score is the mean over all frames; ``mean=sequences`` makes it the mean
    over tunes of each one's mean.

    The file is not part of this project: ``python -m harness fetch nottingham`` gets it.

    The baseline is the unigram: how often each key sounds in training, 10.26 (10.13 over
    tunes). Beside the networks stands also each key's chance given whether it sounded the
    frame before, 5.15: notes are held over several frames. A run counts as solved at the published
    GRU's 3.46.

    The budget is ten epochs, for its cost; it does not come to the end of the curve. A GRU with a
    million parameters is at 4.77 on validation data after two epochs, at 4.38 after ten and at
    4.23 after fifteen (one seed).
    """

    name: ClassVar = "nottingham"
    summary: ClassVar = "Forecast the notes of a folk tune."
    references: ClassVar = (
        "Boulanger-Lewandowski, Bengio & Vincent 2012, Modeling temporal dependencies in "
        "high-dimensional sequences",
        "Bai, Kolter & Koltun 2018, An empirical evaluation of generic convolutional and "
        "recurrent networks for sequence modeling",
    )
    solved: ClassVar = 3.46
    margin: ClassVar = 0.1
    budget: ClassVar = Budget(
        layers=1, hidden=128, batch=16, steps=560, learning_rate=4e-3, evaluate_every=56,
        train_examples=909, validation_examples=238, test_examples=234,
    )  # fmt: skip
