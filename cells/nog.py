"""The peephole LSTM without an output gate: NOG of Greff et al. 2017."""

from cells.peephole import cell_without

CELL = cell_without(
    "nog", "A peephole LSTM that shows its whole state: no output gate.", missing="o"
)
