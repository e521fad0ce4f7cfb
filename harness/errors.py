"""The one kind of error that a user is meant to read."""


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
