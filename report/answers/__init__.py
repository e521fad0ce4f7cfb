"""The answers to the page's questions, each from the tables of evidence.

A view begins with its answer whole; the overview shows text and evidence of the first four. A text
is plain English of at most 30 words; the numbers behind it stand in the evidence.
"""

from report.answers.answer import ENOUGH, FEWEST, Answer, seeds
from report.answers.cells import cell, classical
from report.answers.changes import change
from report.answers.sameness import same
from report.answers.speed import framework, model
from report.answers.verdicts import IDENTITIES, claims
from report.answers.versions import upgrade

__all__ = [
    "ENOUGH", "FEWEST", "IDENTITIES", "Answer", "cell", "change", "claims", "classical",
    "framework", "model", "same", "seeds", "upgrade",
]  # fmt: skip
