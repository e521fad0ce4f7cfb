"""``python -m harness fetch``: right files, wrong ones and none, from a server on this machine."""

import http.server
import threading
from dataclasses import replace

import pytest

from harness.commands import command_line
from harness.errors import UserError
from tasks import _files
from tests.small_files import as_fetched, write_songs

TASK = "jsb_chorales"
LENGTHS = {"traindata": (5,), "validdata": (4,), "testdata": (6,)}


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The file as it is published."""
    (source,) = _files.SOURCES[TASK]
    path = tmp_path_factory.mktemp("published") / TASK / source.name
    write_songs(path, LENGTHS)
    return path


@pytest.fixture
def server(published):
    """Folders by their address: right, wrong and cut; ``asked`` has what was asked for."""
    content, asked = published.read_bytes(), []
    served = {"right": content, "wrong": content[::-1], "cut": content[:-9]}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            found = served.get(self.path.split("/")[1])
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as own:
        threading.Thread(target=own.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{own.server_port}", asked
        own.shutdown()


@pytest.fixture
def place(monkeypatch, tmp_path, published):
    """Where the file is to lie; the table knows it by its digest."""
    as_fetched(monkeypatch, published.parent.parent, TASK)
    monkeypatch.setenv(_files.FOLDER, str(tmp_path / "data"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return _files.paths(TASK)[0]


def fetch(monkeypatch, *addresses: str, words: tuple[str, ...] = ()) -> int:
    (source,) = _files.SOURCES[TASK]
    monkeypatch.setitem(_files.SOURCES, TASK, (replace(source, addresses=addresses),))
    return command_line.run(["fetch", TASK, *words])


def left(place) -> list[str]:
    """What lies in the folder of the file."""
    return [path.name for path in place.parent.iterdir()] if place.parent.exists() else []


def test_the_right_file_is_fetched_once(monkeypatch, server, place, published, capsys):
    address, asked = server
    assert fetch(monkeypatch, f"{address}/right/") == 0
    assert place.read_bytes() == published.read_bytes()
    assert left(place) == [place.name]
    assert f"{place}: fetched, {place.stat().st_size:,} bytes" in capsys.readouterr().out
    assert fetch(monkeypatch, f"{address}/right/") == 0
    assert "there already" in capsys.readouterr().out
    assert asked == [f"/right/{place.name}"]


@pytest.mark.parametrize("first", ["wrong", "cut", "nowhere"])
def test_where_the_first_address_fails_the_mirror_is_asked(
    monkeypatch, server, place, published, first
):
    address, asked = server
    fetch(monkeypatch, f"{address}/{first}/", f"{address}/right/")
    assert place.read_bytes() == published.read_bytes()
    assert [path.split("/")[1] for path in asked] == [first, "right"]


@pytest.mark.parametrize(
    ("folders", "reason"),
    [
        (("wrong", "nowhere"), "sent another file, which was not kept; 127.0.0.1"),
        (("nowhere",), "answered with status 404"),
    ],
)
def test_where_no_address_has_it_one_sentence_says_why(monkeypatch, server, place, folders, reason):
    address, _ = server
    place.parent.mkdir(parents=True)
    place.write_bytes(b"mine")
    with pytest.raises(UserError) as error:
        fetch(monkeypatch, *(f"{address}/{name}/" for name in folders))
    assert str(error.value).startswith(f"fetch: {place.name} could not be fetched (127.0.0.1")
    assert reason in str(error.value)
    assert str(error.value).endswith(f"python -m harness fetch {TASK} --from PATH.")
    assert left(place) == [place.name]
    assert place.read_bytes() == b"mine"


def test_without_a_network_nothing_is_left_behind(monkeypatch, place):
    with pytest.raises(UserError, match=r"\(127.0.0.1:9 cannot be reached\)"):
        fetch(monkeypatch, "http://127.0.0.1:9/")
    assert left(place) == []


@pytest.mark.parametrize("folder", [False, True])
def test_a_copy_is_taken_by_its_path(monkeypatch, place, published, folder):
    path = published.parent if folder else published
    assert fetch(monkeypatch, words=("--from", str(path))) == 0
    assert place.read_bytes() == published.read_bytes()
    assert fetch(monkeypatch, words=("--from", str(place))) == 0, "it is that file itself"


def test_a_wrong_copy_and_an_unknown_name_are_refused(monkeypatch, place, published, tmp_path):
    other = tmp_path / "other.mat"
    other.write_bytes(published.read_bytes()[::-1])
    with pytest.raises(UserError) as error:
        fetch(monkeypatch, words=("--from", str(other)))
    assert str(error.value).startswith(
        f"--from: {other} is not {place.name} as published: it has the SHA-256 "
    )
    assert left(place) == []
    with pytest.raises(UserError, match=r"other.mat2 is not there; name JSB_Chorales.mat or its"):
        fetch(monkeypatch, words=("--from", f"{other}2"))
    with pytest.raises(UserError, match=r"unknown data set 'jsb'; allowed: jsb_chorales, mnist"):
        command_line.run(["fetch", "jsb"])


def test_the_table_of_files_is_whole():
    for sources in _files.SOURCES.values():
        for source in sources:
            assert len(source.sha256) == 64 == len(source.sha256.strip("ghijklmnopqrstuvwxyz"))
            assert len(source.addresses) >= 2, "a mirror"
            assert all(a.startswith("https://") and a.endswith("/") for a in source.addresses)
            assert source.licence
