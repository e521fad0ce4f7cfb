"""Which runs are trained in one batch of models: those that differ in their seeds alone."""

from collections import defaultdict
from dataclasses import replace

from harness.errors import UserError
from harness.plan.configuration import Configuration
from harness.plan.run import Run
from harness.plan.tracks import kernel_of
from implementations import NATIVE

Seeds = tuple[int, ...]


def batches(configuration: Configuration) -> dict[Seeds, list[Run]]:
    """By their seeds the batches that a configuration asks for, each by the run of its first seed.

    Raises :class:`UserError` where it asks for batches, and none of its runs can be in one.
    """
    most = int(configuration.resolved.get("seeds_together", 1))
    found: dict[Seeds, list[Run]] = defaultdict(list)
    if most == 1:
        return found
    seeds: dict[Run, list[int]] = defaultdict(list)
    for run in configuration.runs:
        if _batched(configuration, run):
            seeds[replace(run, seed=0)].append(run.seed)
    for method, its in seeds.items():
        for start in range(0, len(its), most):
            if len(batch := tuple(its[start : start + most])) > 1:
                found[batch].append(replace(method, seed=batch[0]))
    if not found:
        raise UserError(
            "seeds_together: no two of the runs can be in one batch, which takes the same run of "
            "JAX or Equinox with two seeds, on a track other than native; leave it at 1."
        )
    return found


def _batched(configuration: Configuration, run: Run) -> bool:
    if run.track == NATIVE:
        return False
    its, settings = configuration.frameworks[run.framework], configuration.settings_of(run)
    return its.kernels[kernel_of(its, run.cell, settings)].batched
