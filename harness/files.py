"""Writing files so that a reader never sees half of one."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.errors import UnwritableError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` and rename it to ``path`` on success.

    Raises :class:`UnwritableError` when anything of that cannot be done.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise UnwritableError(path, error) from error
    finally:
        # Where nothing can be written, nothing can be taken away either.
        with suppress(OSError):
            temporary.unlink()


def check_room(path: Path, size: int) -> None:
    """Raise :class:`UnwritableError` unless ``size`` bytes can be written beside ``path`` now."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent) as file:
            file.write(bytes(size))
            file.flush()
    except OSError as error:
        raise UnwritableError(path, error) from error


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` in one step."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
