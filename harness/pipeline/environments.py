"""Making an environment: uv installs its requirements, and what is there is written down.

What a user can mend, such as a version that there is not, ends in the description, as a run's
failure does in its record: the runs in that environment are unavailable, and the others go on.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from harness.environment import Description, read
from harness.errors import UserError
from harness.files import write_text
from harness.plan.environments import NEEDED, Environment, described

# What uv says where nothing answers.
NO_NETWORK = re.compile(
    r"error sending request|dns error|network was disabled|failed to fetch|could not connect", re.I
)


def make(its: Environment, output: Path) -> Description:
    """Install an environment, or ask the interpreter that is there, and describe it."""
    try:
        python = "" if its.python else str(_installed(its, output.with_suffix("")))
        found = described(its, python)
    except UserError as error:
        found = Description(
            its.name, requirements=its.requirements, error=str(error).removesuffix(".")
        )
    write_text(output, json.dumps(found.as_dict(), indent=1) + "\n")
    return found


def of_an_environment(path: Path) -> str:
    """Why an environment must be made again; empty when it stands or never was."""
    if not path.exists():
        return ""
    try:
        problem = read(path).problem
    except UserError as error:
        return str(error)
    return problem and f"{problem}."


def _installed(its: Environment, folder: Path) -> Path:
    """The interpreter of a virtual environment at ``folder``, which is made where it is not."""
    python = Path("bin") / "python"
    if (folder / python).exists():
        return folder / python
    scratch = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    uv, inside = _uv(its.name), str(scratch / python)
    try:
        _do(its.name, uv, "venv", "--relocatable", "--python", sys.executable, str(scratch))
        _do(its.name, uv, "pip", "install", "--python", inside, *its.requirements, *NEEDED)
        frozen = _do(its.name, uv, "pip", "freeze", "--python", inside)
        write_text(folder.with_suffix(".txt"), frozen)
        if folder.exists():  # damaged
            shutil.rmtree(folder)
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder / python


def _uv(name: str) -> str:
    """Where uv is: named by the variable UV, beside this interpreter, or on the path."""
    places = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    found = shutil.which(os.environ.get("UV") or "uv", path=places)
    if found is None:
        raise UserError(
            f"environments: {name}: uv, which installs its requirements, is not there; "
            "pip install uv, or name an interpreter by python: PATH."
        )
    return found


def _do(name: str, uv: str, *words: str) -> str:
    """What uv prints; :class:`UserError` with its reason where it fails."""
    done = subprocess.run([uv, *words, "--quiet"], capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"environments: {name}: {reason(done.stderr)}.")
    return done.stdout


def reason(said: str) -> str:
    """Why uv failed, in short, and what to do, without a stop; ``said`` is what it printed."""
    print(said, file=sys.stderr)
    text = " ".join(re.sub(r"[×╰─▶│├]", " ", said).split())
    why = re.search(r"[Bb]ecause (.+?), we can conclude", text)
    if why and "network was disabled" not in text:
        return f"its requirements cannot be met ({why[1]}); name others"
    if NO_NETWORK.search(text):
        return (
            "its packages cannot be fetched, as nothing answers; connect this machine to the "
            "network, or name an interpreter by python: PATH"
        )
    parts = re.sub(r"^error: ?", "", text).split(" cause: ")
    reason = ": ".join(part.rstrip(".") for part in parts[:2])
    return f"uv cannot install it ({reason}); its log has all that uv says"
