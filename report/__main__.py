"""``python -m report --results FOLDER``: write the folder's report.html from its tables."""

import argparse
import sys
from pathlib import Path

from harness.errors import UserError, complain
from report.page import write_report


def main() -> None:
    """Run the command line; a :class:`UserError` ends it with one sentence."""
    parser = argparse.ArgumentParser(prog="python -m report", description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="FOLDER")
    try:
        write_report(parser.parse_args().results)
    except UserError as error:
        complain(error)
        sys.exit(2)


if __name__ == "__main__":
    main()
