"""What a run ran on: processor, memory, versions, commit."""

import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from harness.registry import ROOT


@cache
def description() -> dict[str, Any]:
    """Processor, its generation, cores, memory in GB and operating system.

    The generation tells processors apart that a virtual machine calls by one name; empty if
    unknown. Kernels are chosen by it, so two machines that share it should round alike.
    """
    found, keys = _cpuinfo(), ("vendor_id", "cpu family", "model", "stepping")
    return {
        "processor": found.get("model name") or platform.processor() or platform.machine(),
        "generation": " ".join(f"{k} {found[k]}" for k in keys if k in found),
        "cores": os.cpu_count() or 1,
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.platform(),
    }


def name(about: Mapping[str, Any]) -> str:
    """What tables call the machine of such a description, where times hang on it."""
    return f"{about['processor']} ({about.get('generation', '')}), {about['cores']} cores"


def instructions() -> str:
    """The sets of instructions that the first processor says it has; empty if unknown."""
    found = _cpuinfo()
    return found.get("flags") or found.get("Features", "")


def _cpuinfo() -> dict[str, str]:
    """The first processor's lines of /proc/cpuinfo; nothing where there is none."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return {}
    lines = (line.partition(":") for line in text.split("\n\n")[0].splitlines())
    return {key.strip(): value.strip() for key, _, value in lines}


def accelerator(about: dict[str, Any] | None) -> dict[str, Any] | None:
    """What a framework says of its GPU, ``about``, and the driver; None on a CPU."""
    return None if about is None else {"driver": driver(), **about}


@cache
def driver() -> str | None:
    """The version of NVIDIA's driver; None where it cannot be asked."""
    try:
        import pynvml  # type: ignore[import-not-found]

        pynvml.nvmlInit()
        return str(pynvml.nvmlSystemGetDriverVersion())
    except Exception:  # not installed, no driver, or one that does not answer
        return None


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """The installed versions of Python, NumPy and ``packages``; absent ones are left out."""
    found = {"python": platform.python_version()}
    for name in ("numpy", *packages):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@cache
def gatebench() -> str:
    """GateBench's own version, which ``pyproject.toml`` alone says."""
    import tomllib

    about = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return str(about["project"]["version"])


@cache
def git_commit() -> str:
    """The checked out commit, with ``+changes`` when files differ from it."""
    try:
        commit, status = (
            subprocess.run(
                ["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True
            ).stdout.strip()
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "-uno"])
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + ("+changes" if status else "")


def peak_rss_mb() -> float:
    """This process's highest resident memory so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3), 1)


def process_age(process: int | None = None) -> float:
    """Seconds since a process, by its id, was started; this one where none is named."""
    try:
        # psutil adds the start to the boot time, which Linux gives in whole seconds only.
        ticks = int(
            Path(f"/proc/{process or 'self'}/stat").read_text().rsplit(")", 1)[1].split()[19]
        )
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError):
        return max(0.0, time.time() - psutil.Process(process).create_time())
