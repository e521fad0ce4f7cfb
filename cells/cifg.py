"""The peephole LSTM with coupled gates, i = 1 - f: CIFG of Greff et al. 2017, as in the GRU."""

from cells.peephole import cell_without

CELL = cell_without("cifg", "A peephole LSTM that writes as much as it forgets.", coupled=True)
