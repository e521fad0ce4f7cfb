"""What each file and folder of a results folder is, in a line."""

from __future__ import annotations

FILES = {
    "report.html": "The report: one page that works offline",
    # From the records of the runs.
    "runs.csv": "One row a run: how it ended, score, steps to solve, seconds, digests, settings",
    "scores.csv": "Each method's scores over its seeds: median, range, how many solve",
    "curves.csv": "Learning curves: loss and score of each run by step",
    "curves_summary.csv": "Learning curves of each method: median and range over the seeds",
    "tasks.csv": "The tasks: metric, baseline, solved value, settings, references",
    "classical.csv": "What methods without a network score on the same data",
    "machines.csv": "The machines with their packages, by the number that runs.csv names",
    "frameworks.csv": "How each framework runs",
    "cells.csv": "The cells: what they are, from where, their gates and equations",
    "cost.csv": "Where the time went, in core-seconds",
    "conformance.csv": "The gate: every check of every implementation against the reference",
    "conformance_summary.csv": "The gate by framework, cell and check",
    "divergence.csv": "When float32 parts two frameworks, run by run",
    "divergence_summary.csv": "When float32 parts two frameworks, over the seeds",
    "parameter_counts.csv": "Parameters as each framework counts them, and by formula",
    "attribution.csv": "What each default of a framework changes",
    # Inside the gates.
    "gradient_flow.csv": "How far back the gradient reaches, run by run",
    "gates.csv": "Saturation and time scales of the gates, run by run",
    "memory_probe.csv": "What the state still tells of a value shown earlier, run by run",
    "dynamics.csv": "Norms of the gradient while training",
    "insides_skipped.csv": "Runs without weights to look into, and why",
    # The evidence.
    "claims.csv": "Verdicts on published claims, case by case",
    "comparisons.csv": "Every comparison of two methods, paired by seed",
    "summary.csv": "Each method with its intervals",
    "ratios.csv": "Each method as a ratio to each other",
    "aggregate.csv": "Methods across tasks, with intervals",
    "profiles.csv": "Performance profiles across tasks",
    "advice.csv": "Which cell to use, and how sure that is",
    "gradient_norms.csv": "Norms and spikes of the gradient, run by run",
    "published.csv": "Published values beside ours, with a verdict",
    "published_runs.csv": "The single runs of published settings",
    # The clock.
    "timing.csv": "Milliseconds by shape, method and phase, with intervals",
    "speed_ratios.csv": "Methods against each other on the clock",
    "peaks.csv": "The frameworks' own matrix products, in GFLOP/s",
    "scaling.csv": "How the cost of a step grows with its sizes",
    "scaling_points.csv": "The measured points behind scaling.csv",
    # Beside other folders.
    "verify.csv": "Every comparison with the reference",
    "verify.json": "The verdict of the comparison with the reference",
    "compare.csv": "Every comparison with another results folder",
    "compare.json": "What the comparison with another results folder came to",
    # What made it.
    "workflow/Snakefile": "The workflow that made this folder; its parts lie beside it",
    "workflow/configuration.yaml": "The configuration of the run, all values resolved",
}
FOLDERS = {
    "runs": "A record of each run (JSON) with its final weights and the loss of every step (npz)",
    "conformance": "The gate's checks, a table for each framework",
    "insides": "What was found inside the models, a part for each task",
    "timing": "Every sample of the clock, with the load and disturbances around it",
    "logs": "What each job printed",
    "benchmarks": "Seconds and memory of each job, as Snakemake saw them",
}
