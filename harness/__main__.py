"""``python -m harness``: see :mod:`harness.commands.command_line`."""

import os
import sys

from harness.pipeline.preloader import forward

# NumPy adds up otherwise with other threads, and a score of sine is a ratio of such sums. A job of
# the pipeline has one, and so has a command by hand, unless its caller says otherwise.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def main() -> None:
    """Hand the run to a preloader where there is one, else do it here."""
    code = forward(sys.argv[1:])
    if code is not None:
        sys.exit(code)
    # Half a second of imports that a forwarded run need not wait for.
    from harness.commands.command_line import main

    main(sys.argv[1:])


if __name__ == "__main__":
    main()
