"""Importing a framework once for many runs: a process that forks a child for each.

A run of twenty seconds should not spend four of them importing TensorFlow. The
first run of a framework in a pipeline (or its job in the gate) starts its preloader, a
process that imports the framework, starts no thread, and waits at a socket. Every run's
own process hands its command line and its outputs over, waits, and ends as the
forked child ends. Runs stay apart from each other as before: one process each,
killed and measured alone.

A framework in an environment of its own has a preloader of its own, which that environment's
interpreter runs: what is handed over is words and outputs, so who hands it over may be another.

It is a shortcut only. Where there is no preloader (a single run by hand, a
framework that cannot be imported, another machine) a run does its own import.
"""

import ctypes
import fcntl
import gc
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from harness import limits
from harness.environment import OPTION, handed_by, interpreter, is_elsewhere, surroundings
from harness.errors import PIPELINE
from harness.limits import pipeline_is_gone
from harness.pipeline import sockets

# Carries out the command line of a run.
Main = Callable[[list[str]], NoReturn]


def announce(folder: str | None = None) -> None:
    """Let the jobs of this process, a pipeline, know it and the folder of the sockets.

    Without one there are no preloaders. A cluster's jobs must not share any: the one that starts
    it takes it along when its job ends, and it counts to that job's cores and memory.
    """
    os.environ.pop(sockets.FOLDER, None)
    if folder is not None:
        os.environ[sockets.FOLDER] = folder
    os.environ[PIPELINE] = f"{socket.gethostname()}:{os.getpid()}"


def connect(folder: Path, words: list[str]) -> socket.socket | None:
    """A connection to a command's preloader, started if there has been none; None if it failed."""
    names = ("--framework", "--results", "--cache", "--threads", "--device", OPTION)
    options = {name: words[words.index(name) + 1] for name in names if name in words}
    framework = options["--framework"]
    started, ended = (folder / f"{framework}.{end}" for end in ("started", "ended"))
    while True:
        if server := sockets.connected(str(folder), framework):
            return server
        # The preloader inherits this lock and keeps it for as long as it lives.
        with (folder / f"{framework}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.02)
                continue
            if started.exists():
                code = int(ended.read_text()) if ended.exists() else 0
                if code in limits.STOPPED:
                    # The run's own import would hang just so.
                    print(
                        f"The import of {framework} {limits.reason(code, 'seconds')}.",
                        file=sys.stderr,
                    )
                    sys.exit(code)
                return None
            started.touch()
            words = [word for option in options.items() for word in option]
            preload = ["preload", *words]
            handed = handed_by(Path(options["--results"])) if is_elsewhere(preload) else None
            command = shlex.join([interpreter(words), "-m", "harness", *preload])
            # The shell keeps the lock until it is written how the server ended.
            subprocess.Popen(
                ["sh", "-c", f"{command}; echo $? > {shlex.quote(str(ended))}"],
                env=surroundings(handed),
                pass_fds=[lock.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )


def serve(framework: str, main: Main) -> None:
    """Fork a child for every request until the pipeline is gone.

    A child hands its command line to ``main``, which does not return. The caller has imported
    the framework and everything else that a run needs.
    """
    folder = Path(os.environ[sockets.FOLDER])
    address = sockets.address(str(folder), framework)
    gc.freeze()  # so that children share the pages
    children: dict[int, socket.socket] = {}
    with socket.socket(socket.AF_UNIX) as server, _ends_of_children() as ends:
        # Only bound sockets that already listen can be found: rename, as with files.
        server.bind(f"{address}.new")
        server.listen()
        os.rename(f"{address}.new", address)
        while not pipeline_is_gone():
            ready, _, _ = select.select([server, ends, *children.values()], [], [], 0.25)
            if ends in ready:
                ends.recv(4096)
            if server in ready:
                client, _ = server.accept()
                children[_fork(client, server, main)] = client
            for process, client in list(children.items()):
                if client in ready:
                    # Nothing more is ever sent: readable means that the run was killed.
                    os.kill(process, signal.SIGTERM)
                ended, status = os.waitpid(process, os.WNOHANG)
                if ended:
                    with client, suppress(OSError):
                        client.sendall(str(os.waitstatus_to_exitcode(status)).encode())
                    del children[process]
    for process in children:
        os.kill(process, signal.SIGTERM)


@contextmanager
def _ends_of_children() -> Iterator[socket.socket]:
    """A socket that can be read once a child has ended: no run waits for the next poll."""
    reader, writer = socket.socketpair()
    with reader, writer:
        writer.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # a handler, or nothing would be written
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        try:
            yield reader
        finally:
            _forget_children()


def _forget_children() -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def _fork(client: socket.socket, server: socket.socket, main: Main) -> int:
    message, outputs, _, _ = socket.recv_fds(client, 1 << 16, 2)
    process = os.fork()
    if process:
        for output in outputs:
            os.close(output)
        return process
    _end_with_parent()
    _forget_children()
    server.close()
    client.close()
    for number, output in enumerate(outputs, start=1):
        os.dup2(output, number)
        os.close(output)
    main(message.decode().split(sockets.BETWEEN))
    os._exit(1)  # main does not return


def _end_with_parent() -> None:
    """Have this process killed with the one that forked it, where the system does so (Linux).

    Else a run whose preloader was killed would go on beside the one that takes its place.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1: PR_SET_PDEATHSIG
