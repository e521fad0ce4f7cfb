"""The peephole LSTM without a forget gate: NFG of Greff et al. 2017, as the LSTM of 1997 was."""

from cells.peephole import cell_without

CELL = cell_without("nfg", "A peephole LSTM that never forgets: no forget gate.", missing="f")
