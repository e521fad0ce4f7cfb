"""``python -m harness``: see :mod:`harness.commands.command_line`."""

import os
import sys

from harness.errors import UserError
from harness.pipeline.forward import forward

# NumPy adds up otherwise with other threads, and a score of sine is a ratio of such sums. A job of
# the pipeline has one, and so has a command by hand, unless its caller says otherwise.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def main() -> None:
    """Hand the run to a preloader where there is one, else do it here or in its environment."""
    try:
        code = forward(sys.argv[1:])
        if code is not None:
            sys.exit(code)
        # What follows is imports that a run which was handed over need not wait for.
        from harness.environment import enter, is_elsewhere

        if is_elsewhere(sys.argv[1:]):
            from harness.commands.hand_over import for_a_command

            enter(sys.argv[1:], for_a_command(sys.argv[1:]))
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    from harness.commands.command_line import main

    main(sys.argv[1:])


if __name__ == "__main__":
    main()
