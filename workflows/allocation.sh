#!/bin/bash
# The whole pipeline inside one allocation, on the cores that it has: sbatch workflows/allocation.sh
# Hundreds of runs of seconds are quicker here than as jobs of the cluster: Snakemake starts them itself, its
# preloaders have the frameworks ready, and the clock waits until nothing else of the pipeline works.
# Submit it in the project's folder with the environment active; what follows its name goes to Snakemake:
#   sbatch workflows/allocation.sh --config shard=3/8 results=results/part-3
# On another scheduler the last two lines are the same; the lines with #SBATCH are what it calls a whole node.
#SBATCH --nodes=1
#SBATCH --exclusive
#SBATCH --time=04:00:00
#SBATCH --output=allocation-%j.log
# The cores that this job may use, which need not be all of its node.
cores=$(python -c 'import os; print(len(os.sched_getaffinity(0)))')
exec snakemake --cores "$cores" "$@"
