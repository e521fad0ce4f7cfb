"""The one kind of error that a user is meant to read."""

import errno
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

# Set by a pipeline for its jobs: its host and process.
PIPELINE = "GATEBENCH_PIPELINE"


class UserError(Exception):
    """What is wrong, where, and what to do, in one sentence; shown without a traceback."""


class UnwritableError(UserError):
    """A file could not be written: the disk is full, say, or may only be read."""

    def __init__(self, path: object, error: OSError) -> None:
        self.reason = error.strerror or str(error)
        super().__init__(f"{path}: cannot be written ({self.reason}).")


def one_of(where: str, kind: str, value: object, allowed: list[str]) -> UserError:
    """The sentence for a name that is not among the allowed ones."""
    names = ", ".join(sorted(allowed))
    return UserError(f"{where}: unknown {kind} {str(value)!r}; allowed: {names}.")


def in_one_line(error: Exception) -> str:
    """An exception's kind and the first line of what it says."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def complain(error: UserError) -> None:
    """Print what is wrong; where that cannot be written, as to a log on a full disk, as output."""
    for stream in (sys.stderr, sys.stdout):
        with suppress(OSError):
            print(error, file=stream, flush=True)
            return


def status_of(do: Callable[[], int]) -> int:
    """What ``do`` returns; of an error that a user is meant to read, say it in one sentence.

    Then the status is 2, or 74 where something could not be written.
    """
    try:
        return do()
    except UserError as error:
        complain(error)
        return os.EX_IOERR if isinstance(error, UnwritableError) else 2
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise
        complain(UnwritableError(error.filename or "the disk", error))
        return os.EX_IOERR
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
