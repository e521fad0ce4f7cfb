"""A GPU's numbers from one command: ``python -m benchmarks.gpu --output FOLDER``.

Needs no Snakemake, and is over within the minutes that it is given; a framework that is not
installed, and what there was no time for, is left out with a sentence. Each part is a process of
its own with a limit, and writes what it has as it comes, so that whatever ends it early loses one
part at most:

- ``gate.py``: every kernel against the reference model, in both precisions;
- ``published_point.py``: cuDNN's LSTM at a size for which others have published a time;
- ``clock.py``: the harness's own clock, method against method in fresh processes;
- ``training.py``: a training run of each framework, with its record;
- ``loops.py``: what it brings to take several time steps in one turn of JAX's loop;
- ``seeds.py``: what it brings to train several seeds in one batch of models.

The folder is a results folder: ``python -m analysis tables --results FOLDER`` and
``python -m analysis timing --results FOLDER CAMPAIGN …`` make its tables on a machine with all
that GateBench needs. ``--device cpu --dry`` goes through all of it on a CPU, in small.
"""
