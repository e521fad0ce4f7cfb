"""``python -m benchmarks.scheduler``: what Snakemake itself costs, with the remedy and without.

Many short jobs that only sleep, each with the inputs, log and benchmark file of a run, by the
project's own profile. The ideal time is that of the jobs alone on all workers. The CPU seconds
of the main process are its own; those of its children (shells) stand apart.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKFLOW = """
import atexit, os, sys
from pathlib import Path

sys.path.insert(0, {root!r})
from harness.pipeline import scheduler

(Path("made") / "benchmarks").mkdir(parents=True, exist_ok=True)
atexit.register(scheduler.keep_cost, Path("made"))

rule all:
    input: expand("made/{{number}}.txt", number=range({jobs}))

rule one:
    input: sorted(Path({root!r}, "implementations").glob("*/*.py"))
    output: "made/{{number}}.txt"
    log: "logs/{{number}}.log"
    benchmark: "benchmarks/{{number}}.tsv"
    params: word=lambda wildcards: f"--seed {{wildcards.number}}"
    shell: "sleep {seconds} && echo {{params.word:q}} > {{output:q}} 2> {{log:q}}"

onstart:
    if {calm}: scheduler.calm(workflow)
"""


@dataclass(frozen=True)
class Cost:
    """Of one pipeline, in seconds: of the clock, of its main process, of that one's children."""

    wall: float
    main: float
    children: float


def measure(jobs: int, seconds: float, workers: int, remedy: bool) -> Cost:
    """Run ``jobs`` jobs of ``seconds`` on ``workers`` workers; without the remedy as it was.

    Raises :class:`subprocess.CalledProcessError` when a job fails.
    """
    profile = (ROOT / "profiles" / "default" / "profile.yaml").read_text(encoding="utf-8")
    if not remedy:
        lines = profile.splitlines(keepends=True)
        profile = "".join(line for line in lines if not line.startswith("scheduler-subsample"))
    with tempfile.TemporaryDirectory(prefix="gatebench-") as name:
        folder = Path(name)
        text = WORKFLOW.format(root=str(ROOT), jobs=jobs, seconds=seconds, calm=remedy)
        (folder / "Snakefile").write_text(text, encoding="utf-8")
        (folder / "profile.yaml").write_text(profile, encoding="utf-8")
        words = [sys.executable, "-m", "snakemake", "--cores", str(workers)]
        words += ["--workflow-profile", str(folder)]
        begin, before = time.monotonic(), os.times()
        done = subprocess.run(words, cwd=folder, text=True, capture_output=True)
        wall, after = time.monotonic() - begin, os.times()
        if done.returncode:
            print(done.stderr, file=sys.stderr)
        done.check_returncode()
        kept = (folder / "made" / "benchmarks" / "pipeline.tsv").read_text(encoding="utf-8")
    main = float(kept.split()[-1])
    both = after.children_user + after.children_system
    return Cost(wall, main, both - before.children_user - before.children_system - main)


def main() -> None:
    """Print a row for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=0.2, help="of a job (default: 0.2)")
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--remedy-only", action="store_true", help="leave out how it would be")
    asked = parser.parse_args()
    ideal = asked.jobs * asked.seconds / asked.workers
    print(f"{asked.jobs} jobs of {asked.seconds} s on {asked.workers} workers: ideal {ideal:.1f} s")
    for remedy in (True,) if asked.remedy_only else (True, False):
        load = os.getloadavg()[0]
        cost = measure(asked.jobs, asked.seconds, asked.workers, remedy)
        print(
            f"{'with' if remedy else 'without'} the remedy: {cost.wall:.1f} s "
            f"({cost.wall / ideal - 1:+.0%}); main process {cost.main:.1f} CPU-s, "
            f"{cost.main / cost.wall:.1%} of a core, {1000 * cost.main / asked.jobs:.1f} ms a job; "
            f"children {cost.children:.1f} CPU-s; load before {load:.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
