"""What clients of a study's server cannot take: memory, threads, and the names of stored answers."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from srspace_eval.errors import StudyError
from srspace_eval.study import body_budget
from srspace_eval.study.answer_store import AnswerStore
from srspace_eval.study.answers import largest_answer
from srspace_eval.study.key import Key
from srspace_eval.study.serve import StudyServer
from srspace_eval.study.server_log import LOG
from tests.helpers.studies import answer_bytes, answer_document

Study = tuple[Path, Key]


@pytest.fixture
def server(study: Study, tmp_path: Path) -> Iterator[StudyServer]:
    with StudyServer(*study, tmp_path / "answers") as server:
        yield server


def requests_of(server: StudyServer) -> list[Any]:
    """The requests that have not arrived whole."""
    channels: Any = server._http._server.active_channels
    return [channel.request for channel in list(channels.values()) if channel.request is not None]


@pytest.fixture
def own_study(study: Study, tmp_path: Path) -> Study:
    """A copy that a test may change."""
    return Path(shutil.copytree(study[0], tmp_path / "study")), study[1]


def until(condition: Any) -> None:
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


def ask(server: StudyServer, sent: bytes) -> bytes:
    with socket.create_connection(server.address, timeout=10) as raw:
        raw.sendall(sent)
        return raw.recv(65536)


def head(token: str, size: int) -> bytes:
    return f"POST /{token}/answer HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode()


def test_replies_that_nobody_takes_hold_no_memory(own_study: Study, tmp_path: Path) -> None:
    folder, key = own_study
    size = 4 << 20
    (folder / "data.js").write_bytes((folder / "data.js").read_bytes().ljust(size))
    request = f"GET /{key.raters['r02'].token}/data.js HTTP/1.1\r\n\r\n".encode()
    with StudyServer(folder, key, tmp_path / "answers") as server, contextlib.ExitStack() as held:
        channels: Any = server._http._server.active_channels
        for _ in range(5):
            raw = held.enter_context(socket.socket())
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            raw.connect(server.address)
            raw.sendall(request)
        until(lambda: sum(channel.total_outbufs_len > 0 for channel in list(channels.values())) == 5)
        buffers = [buffer for channel in list(channels.values()) for buffer in channel.outbufs]
        # What is kept in memory is a small part of what waits.
        assert sum(len(buffer) for buffer in buffers) > size
        assert sum(len(buffer) for buffer in buffers if not hasattr(getattr(buffer, "file", None), "path")) < 4096
        # The whole file arrives once it is read.
        with urllib.request.urlopen(f"{server.links['r01']}data.js", timeout=10) as reply:
            assert reply.read() == (folder / "data.js").read_bytes()


def test_a_file_that_becomes_shorter_ends_the_connection(own_study: Study, tmp_path: Path) -> None:
    folder, key = own_study
    (folder / "data.js").write_bytes((folder / "data.js").read_bytes().ljust(16 << 20))
    with StudyServer(folder, key, tmp_path / "answers") as server, socket.socket() as raw:
        channels: Any = server._http._server.active_channels
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        raw.connect(server.address)
        raw.sendall(f"GET /{key.raters['r02'].token}/data.js HTTP/1.1\r\n\r\n".encode())
        until(lambda: any(channel.total_outbufs_len for channel in list(channels.values())))
        (folder / "data.js").write_bytes(b"")
        raw.settimeout(10)
        received = 0
        with contextlib.suppress(ConnectionError):
            while part := raw.recv(1 << 20):
                received += len(part)
        until(lambda: not channels)
        # The connection ended before the length that its head had promised.
        assert 0 < received < 16 << 20
        # The server still answers others.
        assert b" 200 " in ask(server, f"GET /{key.raters['r01'].token}/ HTTP/1.1\r\nHost: x\r\n\r\n".encode())


@pytest.mark.parametrize("start", [b"POST /nobody/answer", b"POST /TOKEN/data.js", b"PUT /TOKEN/answer"])
def test_a_body_of_no_use_is_not_kept(server: StudyServer, study: Study, start: bytes) -> None:
    size = largest_answer(study[1]) - 10
    first = start.replace(b"TOKEN", study[1].raters["r01"].token.encode())
    with socket.create_connection(server.address, timeout=10) as raw:
        raw.sendall(first + b" HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size + b"x" * (size - 1))
        until(lambda: any(request.body_bytes_received == size - 1 for request in requests_of(server)))
        (request,) = requests_of(server)
        assert request.get_body_stream().read() == b""
        raw.sendall(b"x")
        reply = b""
        while b"\r\n\r\nnot " not in reply:  # the head and the body of a reply may arrive one after the other
            piece = raw.recv(65536)
            assert piece
            reply += piece
        assert reply.split()[1] in (b"404", b"405")
        # The connection goes on.
        raw.sendall(f"GET /{study[1].raters['r01'].token}/session.js HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert b" 200 " in raw.recv(65536)


def test_answers_that_do_not_arrive_share_a_budget_and_keep_no_other_rater_waiting(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = study[1]
    largest = largest_answer(key)
    monkeypatch.setattr(body_budget, "SHARE", 2 * largest)
    answer = answer_bytes(answer_document(key, "r01"))
    with StudyServer(*study, tmp_path / "answers") as server, contextlib.ExitStack() as held:
        slow = []
        for _ in range(10):
            raw = held.enter_context(socket.create_connection(server.address, timeout=10))
            raw.sendall(head(key.raters["r01"].token, largest - 1))
            slow.append(raw)
        until(lambda: len(requests_of(server)) == 10)
        for raw in slow:
            raw.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                raw.send(b"x" * (largest - 2))
        time.sleep(0.3)
        received = [request.body_bytes_received for request in requests_of(server)]
        assert len(received) == 10
        assert sum(received) <= 2 * largest
        # Another rater has a share of its own.
        other = answer_bytes(answer_document(key, "r02"))
        assert b" 201 " in ask(server, head(key.raters["r02"].token, len(other)) + other)
        # The same rater's next answer waits, and is taken when there is room.
        with socket.create_connection(server.address, timeout=10) as raw:
            raw.sendall(head(key.raters["r01"].token, len(answer)))
            time.sleep(0.1)
            raw.sendall(answer)
            raw.settimeout(0.3)
            with pytest.raises(TimeoutError):
                raw.recv(100)
            for one in slow:
                one.close()
            raw.settimeout(10)
            assert b" 201 " in raw.recv(65536)
        until(lambda: not requests_of(server))
        budget = server._http.budget
        until(lambda: (budget._sum, set(budget._held.values())) == (0, {0}))


@pytest.mark.parametrize(
    "headers",
    [
        b"".join(b"a%d: x\r\n" % number for number in range(120)) + b"\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 2000,
    ],
    ids=["120 headers", "a long line between chunks"],
)
def test_what_takes_more_memory_than_it_should_is_refused(server: StudyServer, study: Study, headers: bytes) -> None:
    assert b" 400 " in ask(server, f"POST /{study[1].raters['r01'].token}/answer HTTP/1.1\r\n".encode() + headers)


def test_a_long_address_is_refused(server: StudyServer) -> None:
    assert b" 400 " in ask(server, b"GET /" + b"x" * 3000 + b" HTTP/1.1\r\n\r\n")


class Stuck:
    """A stderr that takes nothing until it is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()

    def write(self, text: str) -> int:
        self.opened.wait(60)
        return len(text)

    def flush(self) -> None:
        """Nothing to do."""


def test_a_stderr_that_nobody_reads_stops_no_request(
    server: StudyServer, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = Stuck()
    monkeypatch.setattr(sys, "stderr", stuck)
    try:
        body = answer_bytes(answer_document(study[1], "r01"))
        for _ in range(12):  # more than there are threads
            assert b" 201 " in ask(server, head(study[1].raters["r01"].token, len(body)) + body)
    finally:
        stuck.opened.set()
    until(lambda: not LOG._stuck)


def no_links(*args: object) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


def test_without_links_two_servers_keep_all_they_confirm(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both stores look for the name before either gives it."""
    monkeypatch.setattr("os.link", no_links)
    stores = [AnswerStore(tmp_path, study[1]) for _ in range(2)]
    real, both = Path.exists, threading.Barrier(2)

    def slow(path: Path) -> bool:
        found = real(path)
        if path.name == "r01.json":
            with contextlib.suppress(threading.BrokenBarrierError):
                both.wait(0.3)
        return found

    monkeypatch.setattr(Path, "exists", slow)
    names: list[str] = []
    threads = [
        threading.Thread(target=lambda s=store, d=data: names.append(s.add("r01", d)))
        for store, data in zip(stores, (b"first", b"second"), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(names) == ["r01-2.json", "r01.json"]
    assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == [b"first", b"second"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no call that stores names")
def test_the_name_of_an_answer_is_on_the_disk_before_it_is_confirmed(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = AnswerStore(tmp_path / "new" / "answers", study[1])
    real, synced = os.fsync, list[list[str]]()

    def fsync(handle: int) -> None:
        if os.path.samestat(os.fstat(handle), store.folder.stat()):
            synced.append(sorted(path.name for path in store.folder.glob("*.json")))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    store.add("r01", b"one")
    assert synced == [["r01.json"]]
    store.add("r01", b"one")  # sent again: the first time, the disk may have failed here
    assert len(synced) == 2

    def failing(handle: int) -> None:
        if os.path.samestat(os.fstat(handle), store.folder.stat()):
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(StudyError, match="cannot be stored"):
        store.add("r01", b"two")


def test_answers_do_not_go_into_the_raters_folder(study: Study, tmp_path: Path) -> None:
    folder, key = study
    (tmp_path / "link").symlink_to(folder)
    for answers in (folder, folder / "answers", tmp_path / "link" / "deep"):
        with pytest.raises(StudyError, match="lies in the raters' folder"):
            StudyServer(folder, key, answers)
    assert not (folder / "answers").exists()


@pytest.mark.parametrize(
    "options",
    [
        {"port": 70000},
        {"port": -1},
        {"host": "\0"},
        {"host": "a" * 300},
        {"answers": "\0"},
        {"base_url": "https://x/#f"},
        {"base_url": "https://x/?a=1"},
        {"base_url": "https://x y"},
        {"base_url": "x"},
        {"base_url": ""},
        {"base_url": "javascript:1"},
        {"base_url": "https://x:port"},
        {"base_url": "https://\x1b[31m"},
    ],
    ids=repr,
)
def test_addresses_that_cannot_be_used_are_errors(study: Study, tmp_path: Path, options: dict[str, Any]) -> None:
    answers = Path(options.pop("answers", tmp_path / "answers"))
    with pytest.raises(StudyError, match=r"choose another|links cannot begin"):
        StudyServer(*study, answers, **options)
