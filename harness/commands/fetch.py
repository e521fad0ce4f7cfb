"""The command ``fetch``: the data files of a task, from their addresses or from this machine."""

import argparse
import shutil
from pathlib import Path

from harness.errors import UserError, one_of
from harness.files import replacing
from tasks import _files
from tasks._files import Source

# Seconds without an answer after which the next address is asked.
PATIENCE = 30


def fetch(arguments: argparse.Namespace) -> None:
    """Put every file of a task where the task looks for it, and say what is there."""
    task = arguments.dataset
    if task not in _files.SOURCES:
        raise one_of("fetch", "data set", task, list(_files.SOURCES))
    for source, path in zip(_files.SOURCES[task], _files.paths(task), strict=True):
        if arguments.given is not None:
            _take(source, arguments.given, path)
            how = "copied"
        elif path.is_file() and not _files.difference(source, path):
            how = "there already"
        else:
            with replacing(path) as temporary:
                _download(task, source, temporary)
            how = "fetched"
        print(f"{path}: {how}, {source.size:,} bytes, SHA-256 as expected.", flush=True)
    licences = dict.fromkeys(source.licence for source in _files.SOURCES[task])
    print(f"Licence: {'; '.join(licences)}. The data are not part of this project.")


def _take(source: Source, given: Path, path: Path) -> None:
    """Copy ``given``, or the file of that name in the folder ``given``, where it is right."""
    own = given / source.name if given.is_dir() else given
    if not own.is_file():
        raise UserError(f"--from: {own} is not there; name {source.name} or its folder.")
    try:
        if wrong := _files.difference(source, own):
            raise UserError(f"--from: {own} is not {source.name} as published: it {wrong}.")
        if path.exists() and own.samefile(path):
            return
        with replacing(path) as temporary:
            shutil.copyfile(own, temporary)
    except OSError as error:
        raise UserError(f"--from: {own} cannot be read ({error.strerror}).") from error


def _download(task: str, source: Source, path: Path) -> None:
    """Download a file to ``path``, from the first address that has the right one."""
    import pooch
    from requests.exceptions import RequestException

    pooch.get_logger().setLevel("ERROR")
    reasons = []
    for address in source.addresses:
        try:
            pooch.retrieve(
                address + source.name,
                known_hash=f"sha256:{source.sha256}",
                fname=path.name,
                path=path.parent,
                downloader=pooch.HTTPDownloader(timeout=PATIENCE),
            )
            return
        except RequestException as error:
            reasons.append(f"{_host(address)} {_reason(error)}")
        except ValueError:
            reasons.append(f"{_host(address)} sent another file, which was not kept")
    raise UserError(
        f"fetch: {source.name} could not be fetched ({'; '.join(reasons)}); if you have a copy, "
        f"use python -m harness fetch {task} --from PATH."
    )


def _host(address: str) -> str:
    return address.split("/")[2]


def _reason(error: Exception) -> str:
    """Why an address gave nothing, after its name."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"answered with status {response.status_code}"
    return "cannot be reached"
