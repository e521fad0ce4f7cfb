"""Every cell in every framework, checked: ``python -m benchmarks.conformance_of_cells``.

The checks are those of the pipeline, for the kernel ``equations``: outputs, gradients and 50 steps
of each rule, in float64 and float32, with one and two layers. A table of the worst relative errors
in float64 is printed; the exit status is 1 where a check did not pass.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from cells import CELLS
from harness.registry import framework_names


def checked(framework: str, cell: str, folder: Path) -> pd.DataFrame:
    """The rows of the checks of one cell in one framework, made in a process of their own."""
    file = folder / f"{framework}-{cell}.csv"
    command = [sys.executable, "-m", "harness", "conform", "--framework", framework]
    command += ["--kernel", f"{cell}=equations", "--output", str(file), "--cache", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not file.exists():
        sys.exit(f"{framework}, {cell}: {done.stderr.strip() or done.stdout.strip()}")
    return pd.read_csv(file).assign(framework=framework, cell=cell)


def main() -> int:
    """Run the command line and return its status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frameworks", nargs="+", default=framework_names())
    parser.add_argument("--cells", nargs="+", default=list(CELLS))
    given = parser.parse_args()
    parts = []
    with tempfile.TemporaryDirectory() as folder:
        for framework in given.frameworks:
            for cell in given.cells:
                parts.append(rows := checked(framework, cell, Path(folder)))
                failed = rows[~rows["passed"].astype(bool)]
                print(f"{framework} {cell}: {len(rows) - len(failed)} of {len(rows)}", flush=True)
                for row in failed.to_dict("records"):
                    print(f"  {row['check']}: {row['max_error']:.2g}; {row['detail']}")
    every = pd.concat(parts)
    exact = every[(every["dtype"] == "float64") & (every["tolerance"] > 0)]
    errors = exact.pivot_table("max_error", "cell", "framework", "max", sort=False)
    print("\nWorst relative error of all checks in float64:")
    print(errors.to_string(float_format=lambda error: f"{error:.1e}"))
    return 0 if every["passed"].astype(bool).all() else 1


if __name__ == "__main__":
    sys.exit(main())
