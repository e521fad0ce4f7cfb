"""``python -m benchmarks.gpu``: see the package's docstring."""

import argparse
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

from benchmarks.gpu import clock, gate, loops, parts, published_point, seeds, training
from harness.registry import ROOT
from implementations import CPU, DEFAULT, DEVICES, GPU, IEEE, PRECISIONS

say = partial(print, flush=True)
PARTS = {
    "gate": gate.main,
    "clock": clock.main,
    "published": published_point.main,
    "training": training.main,
    "loops": loops.main,
    "seeds": seeds.main,
}
# What is done in which order: a part, its precision, its own word, and seconds at most.
ORDER = (
    ("gate", IEEE, "", 160),
    ("clock", IEEE, "reference", 130),
    ("clock", IEEE, "wide", 75),
    ("clock", IEEE, "article", 75),
    ("clock", DEFAULT, "reference", 75),
    ("training", IEEE, "", 45),
    ("published", DEFAULT, "", 20),
    ("gate", DEFAULT, "", 60),
    ("clock", IEEE, "around", 45),
    ("clock", DEFAULT, "wide", 60),
    ("clock", DEFAULT, "article", 60),
    ("loops", IEEE, "", 45),
    ("seeds", IEEE, "", 100),
)
LEAST = 20  # seconds: a part is not begun with less


def main(words: list[str]) -> int:
    """Do every part that there is time for."""
    parser = argparse.ArgumentParser(prog="benchmarks.gpu", description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="the results folder to write")
    parser.add_argument("--minutes", type=float, default=9.5, help="when to be done (9.5)")
    parser.add_argument("--device", default=GPU, choices=DEVICES)
    parser.add_argument("--dry", action="store_true", help="in small, to see whether it works")
    parser.add_argument("--part", choices=PARTS, help="only this part, inside this process")
    parser.add_argument("--only", nargs="*", default=(), help="only these parts")
    parser.add_argument(
        "--frameworks", nargs="+", default=parts.FRAMEWORKS, choices=parts.FRAMEWORKS,
        help="only these frameworks",
    )  # fmt: skip
    parser.add_argument("--precision", default=IEEE, choices=PRECISIONS)
    parser.add_argument("--word", default="", help="of the clock, which shapes")
    parser.add_argument("--seconds", type=float, default=600, help="of a part, its limit")
    arguments = parser.parse_args(words)
    if arguments.part:
        PARTS[arguments.part](arguments)
        return 0
    return _all(arguments)


def _all(arguments: argparse.Namespace) -> int:
    begin, failed = time.monotonic(), []
    arguments.output.mkdir(parents=True, exist_ok=True)
    for part, precision, word, most in ORDER:
        left = 60 * arguments.minutes - (time.monotonic() - begin)
        name = " ".join(filter(None, (part, word, precision)))
        if arguments.only and part not in arguments.only:
            continue
        if arguments.device == CPU and precision == DEFAULT and part != "published":
            continue  # the same again: a CPU has one precision
        if left < LEAST:
            say(f"{name}: left out, {left:.0f} s are too little for it.")
            continue
        say(f"{name}: begun at {time.monotonic() - begin:.0f} s.")
        if not _done(arguments, part, precision, word, min(most, left - 2)):
            failed.append(name)
    if any((arguments.output / "runs").glob("*.json")) or any(
        arguments.output.glob("timing/*.json")
    ):
        training.write_plan(arguments.output)
    say(f"{arguments.output}: done after {time.monotonic() - begin:.0f} s"
        + (f"; did not end well: {', '.join(failed)}." if failed else "."))  # fmt: skip
    return int(bool(failed))


def _done(
    arguments: argparse.Namespace, part: str, precision: str, word: str, seconds: float
) -> bool:
    """Whether a part ended well, in a process of its own, within so many seconds."""
    words = [
        sys.executable, "-m", "benchmarks.gpu", "--part", part, "--output", str(arguments.output),
        "--device", arguments.device, "--precision", precision, "--seconds", str(seconds),
        "--frameworks", *arguments.frameworks,
        *(["--word", word] if word else []), *(["--dry"] if arguments.dry else []),
    ]  # fmt: skip
    process = subprocess.Popen(words, cwd=ROOT, start_new_session=True)
    try:
        return process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        say(f"{part} {word}: stopped after {seconds:.0f} s; what it has written counts.")
        return False
    finally:
        # Its own processes, too.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
