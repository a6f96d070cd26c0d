"""Hostile and unlucky clients: smuggled requests, dribbled bytes, bursts, disks that take no answer."""

from __future__ import annotations

import contextlib
import errno
import http.client
import json
import shutil
import socket
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from srspace_eval.errors import StudyError
from srspace_eval.study import server as server_module
from srspace_eval.study.key import Key
from srspace_eval.study.serve import StudyServer
from tests.helpers.studies import answer_bytes, answer_document

Study = tuple[Path, Key]


@pytest.fixture
def server(study: Study, tmp_path: Path) -> Iterator[StudyServer]:
    with StudyServer(*study, tmp_path / "answers") as server:
        yield server


def connect(server: StudyServer) -> socket.socket:
    return socket.create_connection(server.address, timeout=10)


def exchange(server: StudyServer, sent: bytes) -> bytes:
    """What the server replies on one connection until it closes it or is silent."""
    with connect(server) as raw:
        raw.sendall(sent)
        raw.settimeout(1)
        received = b""
        with contextlib.suppress(TimeoutError):
            while data := raw.recv(65536):
                received += data
    return received


def read_reply(raw: socket.socket) -> tuple[int, bytes]:
    """Status and body of one reply on a connection that stays open."""
    reply = http.client.HTTPResponse(raw)
    reply.begin()
    return reply.status, reply.read()


def session(key: Key, rater: str) -> bytes:
    return f"GET /{key.raters[rater].token}/session.js HTTP/1.1\r\nHost: x\r\n".encode()


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"PUT"])
@pytest.mark.parametrize("chunked", [False, True])
def test_the_body_of_a_request_is_never_read_as_the_next_request(
    server: StudyServer, study: Study, method: bytes, chunked: bool
) -> None:
    key = study[1]
    inner = session(key, "r02") + b"\r\n"
    head = session(key, "r01").replace(b"GET", method, 1)
    if chunked:
        body = head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(inner), inner)
    else:
        body = head + b"Content-Length: %d\r\n\r\n%s" % (len(inner), inner)
    received = exchange(server, body)
    assert received.count(b"HTTP/1.1 ") == 1
    assert key.raters["r02"].token.encode() not in received


@pytest.mark.parametrize(
    "lengths",
    [
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked, chunked\r\n",
        b"Transfer-Encoding: chunked,\r\n",
        b"Transfer-Encoding:\r\n chunked\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: 0x5\r\n",
    ],
)
def test_a_length_that_is_unclear_is_refused_and_ends_the_connection(
    server: StudyServer, study: Study, lengths: bytes
) -> None:
    key = study[1]
    after = session(key, "r02") + b"\r\n"
    received = exchange(server, session(key, "r01") + lengths + b"\r\n0\r\n\r\n" + after)
    assert received.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400", b"HTTP/1.1 501"))
    assert received.count(b"HTTP/1.") == 1


def test_requests_after_the_first_are_not_answered_before_its_reply(server: StudyServer, study: Study) -> None:
    key = study[1]
    received = exchange(server, b"".join(session(key, rater) + b"\r\n" for rater in ("r01", "r02", "r01")))
    assert received.count(b"200 OK") == 1
    assert b"Connection: close" in received
    assert key.raters["r01"].code.encode() in received
    assert key.raters["r02"].code.encode() not in received


def test_a_connection_serves_requests_that_wait_for_the_replies(server: StudyServer, study: Study) -> None:
    with connect(server) as raw:
        for rater in ("r01", "r02", "r01"):
            raw.sendall(session(study[1], rater) + b"\r\n")
            status, body = read_reply(raw)
            assert status == 200
            assert study[1].raters[rater].code.encode() in body


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("ending", [b"\r\n", b"Content-Length: 0\r\n\r\n"])
def test_a_request_without_body_that_expects_to_go_on_gets_its_own_reply(
    server: StudyServer, study: Study, method: str, ending: bytes
) -> None:
    with connect(server) as raw:
        raw.sendall(f"{method} /nobody/answer HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n".encode() + ending)
        assert read_reply(raw)[0] == 404
        raw.sendall(session(study[1], "r01") + b"\r\n")
        assert read_reply(raw)[0] == 200


def test_an_answer_is_asked_for_where_the_client_expects_that(server: StudyServer, study: Study) -> None:
    body = answer_bytes(answer_document(study[1], "r01"))
    head = f"POST /{study[1].raters['r01'].token}/answer HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
    with connect(server) as raw:
        raw.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body))
        assert raw.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        raw.sendall(body)
        assert raw.recv(65536).startswith(b"HTTP/1.1 201")


def hold_without_reading(server: StudyServer, request: bytes) -> socket.socket:
    """A connection that sends many requests at once and never takes a reply."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    raw.connect(server.address)
    raw.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        raw.send(request * 5000)
    return raw


def test_clients_that_take_no_reply_hold_no_thread_and_are_closed_in_time(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "REPLY_SECONDS", 0.5)
    folder, key = study
    # More than the system's own buffers take.
    (folder / "data.js").write_bytes((folder / "data.js").read_bytes() + b"\n" * (8 << 20))
    request = f"GET /{key.raters['r02'].token}/data.js HTTP/1.1\r\n\r\n".encode()
    with StudyServer(folder, key, tmp_path / "answers") as server, contextlib.ExitStack() as held:
        channels = server._http._server.active_channels
        for _ in range(12):
            held.enter_context(hold_without_reading(server, request))
        start = time.monotonic()
        assert b"200 OK" in exchange(server, session(key, "r01") + b"Connection: close\r\n\r\n")
        assert time.monotonic() - start < 3
        while channels and time.monotonic() < start + 10:
            time.sleep(0.05)
        assert not channels


def test_at_the_limit_of_connections_the_silent_ones_make_room(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "_connections", lambda: 16)
    with StudyServer(*study, tmp_path / "answers") as server, contextlib.ExitStack() as held:
        for _ in range(40):
            held.enter_context(hold_without_reading(server, b"GET / HTTP/1.1\r\n\r\n"))
        assert urllib.request.urlopen(server.links["r01"], timeout=10).status == 200


def test_headers_without_an_end_are_refused(server: StudyServer, study: Study) -> None:
    start = session(study[1], "r01") + b"A: "
    # Exactly the limit: the server has then read everything, so its reply is not lost in a reset.
    assert b" 431 " in exchange(server, start + b"x" * (16384 - len(start)))


def test_dribbling_connections_do_not_block_others_or_the_end(study: Study, tmp_path: Path) -> None:
    server = StudyServer(*study, tmp_path / "answers")
    server.start()
    with contextlib.ExitStack() as held:
        for _ in range(300):
            held.enter_context(connect(server)).sendall(session(study[1], "r01"))
        start = time.monotonic()
        assert b"200 OK" in exchange(server, session(study[1], "r01") + b"Connection: close\r\n\r\n")
        assert time.monotonic() - start < 5
        start = time.monotonic()
        ending = threading.Thread(target=server.stop)
        ending.start()
        ending.join(15)
        assert not ending.is_alive()
        assert time.monotonic() - start < 10


def test_a_request_must_arrive_within_a_time(
    server: StudyServer, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "REQUEST_SECONDS", 0.5)
    with connect(server) as raw:
        raw.sendall(session(study[1], "r01"))
        raw.settimeout(0.2)
        start, closed = time.monotonic(), False
        while not closed and time.monotonic() < start + 15:  # a byte now and then: it is never idle
            try:
                raw.sendall(b"A")
                closed = raw.recv(100) == b""
            except TimeoutError:
                continue
            except ConnectionError:
                closed = True
    assert closed
    # Not at once either: the request had its time.
    assert time.monotonic() - start > 0.4
    # The server goes on.
    assert urllib.request.urlopen(server.links["r01"], timeout=10).status == 200


@pytest.mark.slow
def test_of_a_burst_of_500_answers_each_is_stored(study: Study, tmp_path: Path) -> None:
    key = study[1]
    with StudyServer(*study, tmp_path / "answers") as server:
        ready = threading.Barrier(100)

        def send(number: int) -> int:
            rater = f"r0{1 + number % 2}"
            body = answer_bytes(answer_document(key, rater))
            head = f"POST /{key.raters[rater].token}/answer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            ready.wait()
            codes = []
            for _ in range(5):
                with socket.create_connection(server.address, timeout=60) as raw:
                    raw.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
                    received = b""
                    while data := raw.recv(4096):
                        received += data
                codes.append(int(received.split()[1]))
            assert codes == [201] * 5
            return len(codes)

        with ThreadPoolExecutor(100) as pool:
            assert sum(pool.map(send, range(100))) == 500
    assert {path.name for path in (tmp_path / "answers").iterdir()} == {"r01.json", "r02.json"}


def post(server: StudyServer, key: Key, body: bytes) -> tuple[int, bytes]:
    head = f"POST /{key.raters['r01'].token}/answer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    received = exchange(server, head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    return int(received.split()[1]), received.partition(b"\r\n\r\n")[2]


def test_the_reply_names_the_answer_that_is_kept(server: StudyServer, study: Study) -> None:
    document = {**answer_document(study[1], "r01"), "id": "0123456789abcdef" * 2, "revision": 1}
    status, body = post(server, study[1], answer_bytes(document))
    assert (status, json.loads(body)) == (201, {"kept": True, "id": document["id"]})


def test_a_folder_that_takes_no_answers_is_an_error_at_the_start(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "mkstemp", full)
    with pytest.raises(StudyError, match=r"answers cannot be stored there \(No space left on device"):
        StudyServer(*study, tmp_path / "answers")


def test_a_folder_that_is_gone_later_gives_507_without_a_traceback(
    server: StudyServer, study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = answer_bytes(answer_document(study[1], "r01"))
    shutil.rmtree(tmp_path / "answers")
    status, text = post(server, study[1], body)
    assert status == 507
    assert b"save it as a file" in text
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert "the answer cannot be stored" in err
    (tmp_path / "answers").mkdir()
    assert post(server, study[1], body)[0] == 201
