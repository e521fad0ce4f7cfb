"""The peephole LSTM without an input gate: NIG of Greff et al. 2017."""

from cells.peephole import cell_without

CELL = cell_without("nig", "A peephole LSTM that writes everything: no input gate.", missing="i")
