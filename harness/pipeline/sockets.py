"""Where the preloaders of a pipeline listen. Every run imports this, so it imports little."""

import os
import socket

# Set by the pipeline: the folder of the sockets and locks.
FOLDER = "GATEBENCH_PRELOAD_FOLDER"
# Between the words of a command line; no word can have it.
BETWEEN = "\0"


def address(folder: str, framework: str) -> str:
    """Where a framework's preloader listens."""
    return os.path.join(folder, f"{framework}.socket")


def connected(folder: str, framework: str) -> socket.socket | None:
    """A connection to the framework's preloader; None where none listens."""
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(address(folder, framework))
    except OSError:
        server.close()
        return None
    return server
