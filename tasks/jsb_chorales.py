"""Four-part chorales by Bach."""

from dataclasses import dataclass
from typing import ClassVar

from tasks import Budget
from tasks._music import Music


@dataclass(frozen=True)
class JsbChorales(Music):
    """Say which of 88 keys sound in the next frame of a chorale by Bach.

        x = n(1), …, n(F − 1),   n(t) ∈ {0, 1}⁸⁸ the keys that sound in frame t
        y = n(2), …, n(F)

    382 chorales in four parts, a frame a quarter note, as Boulanger-Lewandowski 2012 split
    them: 229 for training, 76 for validation, 77 for the test, of 25 to 160 frames. The loss
    of a frame is the sum over keys of their binary cross-entropies, in nats. Shorter chorales
    are padded behind, which does not count. The score is the mean over all frames, as in the
    script of Bai 2018; ``mean=sequences`` makes it the mean over chorales of each one's mean.

    The file is not part of this project: ``python -m harness fetch jsb_chorales`` gets it.

    The baseline is the unigram: how often each key sounds in training, 11.09 (11.04 over
    chorales). Beside the networks stands also each key's chance given whether it sounded the
    frame before, 10.49. A run counts as solved at the published GRU's 8.43.

    The budget is 50 epochs. On five seeds, each cell at its own rate, it ends at 8.43 with LSTM
    (8.40 to 8.45) and at 8.62 with GRU (8.58 to 8.64; study ``budgets``, docs/configure.md). Half
    of it brings 8.59 and 8.77 on validation data, all of it 8.40 and 8.52, of which the last 70
    steps bring 0.05 and 0.01: it is long enough for GRU, and LSTM still falls. With 300,000
    parameters (the track ``bai``, one seed) the last ten epochs, in which the rate falls to zero,
    lower the validation score of the GRU by 0.03, to 8.41, of the LSTM by 0.10 and of the RNN by
    0.25.
    """

    name: ClassVar = "jsb_chorales"
    summary: ClassVar = "Forecast the notes of a chorale by Bach."
    references: ClassVar = (
        "Boulanger-Lewandowski, Bengio & Vincent 2012, Modeling temporal dependencies in "
        "high-dimensional sequences",
        "Bai, Kolter & Koltun 2018, An empirical evaluation of generic convolutional and "
        "recurrent networks for sequence modeling",
    )
    solved: ClassVar = 8.43
    margin: ClassVar = 0.1
    budget: ClassVar = Budget(
        layers=1, hidden=128, batch=16, steps=700, learning_rate=3e-3, evaluate_every=14,
        train_examples=229, validation_examples=76, test_examples=77,
    )  # fmt: skip

    # The longest chorale has 160 frames.
    window: int = 159
    overlap: int = 0
