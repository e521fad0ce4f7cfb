"""``python -m report --results FOLDER``: write the folder's report.html from its tables."""

import argparse
import sys
from pathlib import Path

from harness.errors import status_of
from report.page import write_report


def main() -> int:
    """Run the command line and return its status."""
    parser = argparse.ArgumentParser(prog="python -m report", description=__doc__)
    says = "the results folder (default: results)"
    parser.add_argument(
        "--results", type=Path, default=Path("results"), metavar="FOLDER", help=says
    )
    write_report(parser.parse_args().results)
    return 0


if __name__ == "__main__":
    sys.exit(status_of(main))
