"""The peephole LSTM without the tanh of what is shown: NOAF of Greff et al. 2017."""

from cells.peephole import cell_without

CELL = cell_without("noaf", "A peephole LSTM that shows its cell state as it is.", missing="h")
