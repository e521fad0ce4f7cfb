"""The peephole LSTM without the tanh of what is written: NIAF of Greff et al. 2017."""

from cells.peephole import cell_without

CELL = cell_without("niaf", "A peephole LSTM that writes what it computes as it is.", missing="g")
