"""Downloads against a server of our own on the loopback: resumed, retried, verified."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import requests

from astromer.errors import InputError
from astromer.stages.fetch import fetch_dump
from astromer.surveys.download import download

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serve `server.content`; break off `server.breaks` times in the middle; honour ranges if `server.ranges`.

    With `server.tags`, the content has an ETag, and a range of another content than that of `If-Range` is not honoured.
    """

    def do_GET(self):
        self.server.requests.append(self.headers.get("Range"))
        content = self.server.content
        tag = f'"{hashlib.md5(content).hexdigest()}"'
        if self.path == "/gone":
            self.send_error(404)
            return
        if self.server.busy:
            self.send_response(self.server.busy.pop())
            self.send_header("Retry-After", "1")
            self.end_headers()
            return
        start = 0
        if self.server.ranges and (wanted := self.headers.get("Range")):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        if self.server.tags and self.headers.get("If-Range", tag) != tag:
            start = 0
        if start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.end_headers()
            return
        body = content[start:]
        self.send_response(206 if start else 200)
        if self.server.tags:
            self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.breaks > 0:
            self.server.breaks -= 1
            body = body[: len(body) // 2]
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Stay silent."""


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.requests, server.breaks, server.ranges, server.tags, server.content = [], 0, True, False, CONTENT
    server.busy = []
    server.url = f"http://127.0.0.1:{server.server_port}/dump.tar.gz"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_whole_file_arrives(server, tmp_path):
    path = tmp_path / "downloads/dump.tar.gz"
    download(server.url, path, sha256=SHA256, num_bytes=len(CONTENT))
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == ["dump.tar.gz"]


@pytest.mark.parametrize("ranges", [True, False])
def test_broken_connection_is_taken_up_again(server, tmp_path, ranges):
    server.breaks, server.ranges = 2, ranges
    download(server.url, tmp_path / "dump.tar.gz", sha256=SHA256, pause=0.01)
    assert (tmp_path / "dump.tar.gz").read_bytes() == CONTENT
    asked = [int(wanted[6:-1]) if wanted else 0 for wanted in server.requests]
    assert asked[0] == 0 < asked[1]
    assert (asked[2] > asked[1]) == ranges


def test_later_job_goes_on_from_what_an_earlier_one_left(server, tmp_path):
    server.breaks = 1
    with pytest.raises(requests.RequestException):
        download(server.url, tmp_path / "dump.tar.gz", attempts=1)
    assert {file.name for file in tmp_path.iterdir()} == {"dump.tar.gz.part", "dump.tar.gz.part.validator"}
    download(server.url, tmp_path / "dump.tar.gz", sha256=SHA256)
    assert len(server.requests) == 2
    assert server.requests[1].startswith("bytes=")


def test_complete_part_is_not_fetched_again(server, tmp_path):
    (tmp_path / "dump.tar.gz.part").write_bytes(CONTENT)
    download(server.url, tmp_path / "dump.tar.gz", sha256=SHA256)
    assert (tmp_path / "dump.tar.gz").read_bytes() == CONTENT


@pytest.mark.parametrize("promise", [{"sha256": "0" * 64}, {"num_bytes": 7}])
def test_other_file_than_promised_is_set_aside_and_fetched_again_once(server, tmp_path, promise):
    with pytest.raises(InputError, match=r"dump\.tar\.gz.*expected"):
        download(server.url, tmp_path / "dump.tar.gz", **promise)
    assert [file.name for file in tmp_path.iterdir()] == ["dump.tar.gz.rejected"]
    assert len(server.requests) == 2


OTHER = bytes(reversed(CONTENT))


def broken_off(server, path):
    server.breaks = 1
    with pytest.raises(requests.RequestException):
        download(server.url, path, attempts=1)


@pytest.mark.parametrize("tags", [True, False])
def test_without_checksum_a_part_of_an_earlier_version_is_not_continued(server, tmp_path, tags):
    server.tags = tags
    broken_off(server, tmp_path / "dump.tar.gz")
    server.content = OTHER
    download(server.url, tmp_path / "dump.tar.gz")
    assert (tmp_path / "dump.tar.gz").read_bytes() == OTHER
    assert [file.name for file in tmp_path.iterdir()] == ["dump.tar.gz"]


def test_without_checksum_a_part_of_the_same_version_is_continued(server, tmp_path):
    server.tags = True
    broken_off(server, tmp_path / "dump.tar.gz")
    download(server.url, tmp_path / "dump.tar.gz")
    assert (tmp_path / "dump.tar.gz").read_bytes() == CONTENT
    assert server.requests[1].startswith("bytes=")


@pytest.mark.parametrize("promise", [{"num_bytes": len(CONTENT)}, {"sha256": SHA256}, {}])
def test_a_longer_part_is_thrown_away(server, tmp_path, promise):
    (tmp_path / "dump.tar.gz.part").write_bytes(CONTENT + b"of another file")
    download(server.url, tmp_path / "dump.tar.gz", **promise)
    assert (tmp_path / "dump.tar.gz").read_bytes() == CONTENT


def test_a_damaged_part_is_fetched_again(server, tmp_path):
    (tmp_path / "dump.tar.gz.part").write_bytes(OTHER[:1000])
    download(server.url, tmp_path / "dump.tar.gz", sha256=SHA256)
    assert (tmp_path / "dump.tar.gz").read_bytes() == CONTENT
    assert (tmp_path / "dump.tar.gz.rejected").exists()


def test_refusal_names_the_address(server, tmp_path):
    url = server.url.replace("dump.tar.gz", "gone")
    with pytest.raises(InputError, match="/gone: the server answered 404"):
        download(url, tmp_path / "gone", pause=0.01)
    assert server.requests == [None]


def test_a_busy_server_is_given_the_time_that_it_asks_for(server, tmp_path, monkeypatch):
    waits = []
    monkeypatch.setattr("astromer.surveys.download.time.sleep", waits.append)
    server.busy = [429, 503]
    download(server.url, tmp_path / "dump.tar.gz", sha256=SHA256, pause=0.01)
    assert (tmp_path / "dump.tar.gz").read_bytes() == CONTENT
    assert waits == [1, 1]


def test_a_host_that_cannot_be_reached_is_named_with_what_to_do(server, tmp_path, monkeypatch):
    monkeypatch.setattr("astromer.surveys.download.time.sleep", lambda seconds: None)
    server.busy = [429] * 5
    with pytest.raises(ConnectionError, match=r"dump.tar.gz cannot be downloaded; .* --config mirror=FOLDER .*429"):
        fetch_dump(tmp_path / "dump.tar.gz", url=server.url, sha256=None, num_bytes=None)
