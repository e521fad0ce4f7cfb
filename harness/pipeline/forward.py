"""How a run is handed to its framework's preloader, which is :mod:`harness.pipeline.preloader`.

Each of a pipeline's runs pays for what is imported here, and waits for nothing else where a
preloader answers.
"""

import os
import socket
import sys

from harness.pipeline.sockets import BETWEEN, FOLDER, connected


def forward(words: list[str]) -> int | None:
    """Let the framework's preloader carry out a run or the gate; the exit status.

    Returns None when the run must be done in this process.
    """
    folder = os.environ.get(FOLDER)
    if words[:1] not in (["train"], ["together"], ["conform"]) or "--results" not in words:
        return None
    if folder is None or not os.path.isdir(folder):
        return None
    server = connected(folder, words[words.index("--framework") + 1])
    if server is None:
        from pathlib import Path

        from harness.pipeline import preloader  # needed once a pipeline, and by those that wait

        server = preloader.connect(Path(folder), words)
    if server is None:
        return None
    answer = b""
    with server:
        try:
            outputs = [sys.stdout.fileno(), sys.stderr.fileno()]
            socket.send_fds(server, [BETWEEN.join(words).encode()], outputs)
            answer = server.recv(16)
        except OSError:
            pass  # the preloader was killed
    if not answer:
        from harness.limits import pipeline_is_gone

        # With the preloader what it forked was killed; or it ended with the pipeline.
        return os.EX_TEMPFAIL if pipeline_is_gone() else None
    code = int(answer)
    return code if code >= 0 else 128 - code
