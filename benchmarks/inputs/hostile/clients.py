"""Hostile and unlucky clients of a study's server: name -> (what the client does, words of the replies).

A client returns what it saw. The words must be in it, and no client may see another rater's token.
"""

from __future__ import annotations

import json
import resource
import shutil
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srspace_eval.study.collect import compute_outcome
from srspace_eval.study.create import create_study
from srspace_eval.study.key import Key, load_key
from srspace_eval.study.options import StudyOptions
from srspace_eval.study.serve import StudyServer

from ..answers import answer_document
from ..submissions import small

BURST = 500


@dataclass(frozen=True)
class Served:
    """A running server, its key and its folder of answers."""

    server: StudyServer
    key: Key
    answers: Path

    def token(self, rater: str) -> str:
        return self.key.raters[rater].token

    def exchange(self, sent: bytes, seconds: float = 1.0) -> bytes:
        """What the server replies on one connection until it closes it or is silent."""
        with socket.create_connection(self.server.address, timeout=30) as raw:
            with suppress(ConnectionError):
                raw.sendall(sent)
            raw.settimeout(seconds)
            received = b""
            with suppress(TimeoutError, ConnectionError):
                while data := raw.recv(65536):
                    received += data
        return received

    def session(self, rater: str, method: str = "GET") -> bytes:
        return f"{method} /{self.token(rater)}/session.js HTTP/1.1\r\nHost: x\r\n".encode()

    def post(self, body: bytes, rater: str = "r01") -> bytes:
        head = f"POST /{self.token(rater)}/answer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        return self.exchange(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body, 60)

    def answer(self, rater: str = "r01", **changes: Any) -> bytes:
        return json.dumps({**answer_document(self.key, rater), **changes}).encode()


Client = Callable[[Served], str]


def statuses(received: bytes) -> str:
    """The status codes of the replies: ``200, 404``."""
    return ", ".join(part.split()[1].decode() for part in received.split(b"HTTP/1.")[1:] if len(part.split()) > 1)


def sends(build: Callable[[Served], bytes]) -> Client:
    """A client of rater 1 that sends these bytes. Rater 2's token must not come back."""

    def run(served: Served) -> str:
        received = served.exchange(build(served))
        foreign = served.token("r02").encode() in received or served.key.raters["r02"].code.encode() in received
        return "the session of another rater" if foreign else statuses(received) + ";"

    return run


def smuggled(method: str, *, chunked: bool) -> Client:
    def build(served: Served) -> bytes:
        inner = served.session("r02") + b"\r\n"
        if chunked:
            body = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(inner), inner)
        else:
            body = b"Content-Length: %d\r\n\r\n%s" % (len(inner), inner)
        return served.session("r01", method) + body

    return sends(build)


def unclear(lengths: bytes) -> Client:
    return sends(lambda s: s.session("r01") + lengths + b"\r\n0\r\n\r\n" + s.session("r02") + b"\r\n")


def path(address: str) -> Client:
    return sends(
        lambda s: f"GET {address.replace('TOKEN', s.token('r01'))} HTTP/1.1\r\nConnection: close\r\n\r\n".encode()
    )


def posts(build: Callable[[Served], bytes]) -> Client:
    return lambda served: statuses(served.post(build(served))) + ";"


def dribblers(served: Served) -> str:
    """300 connections send half a request. Others are answered, and the server ends."""
    with ExitStack() as held:
        for _ in range(300):
            raw = held.enter_context(socket.create_connection(served.server.address, timeout=10))
            raw.sendall(served.session("r01"))
        began = time.monotonic()
        received = served.exchange(served.session("r01") + b"Connection: close\r\n\r\n", 30)
        answered = time.monotonic() - began
        served.server.stop()
        ended = time.monotonic() - began - answered
    return f"{statuses(received)}; {'in time' if answered < 5 and ended < 10 else f'{answered:.1f} s, {ended:.1f} s'}"


def stale_tab(served: Served) -> str:
    """A tab with older work sends after one with newer work. The newer revision counts; the older one is refused."""
    sent = [served.answer(id=f"{revision:032x}", revision=revision) for revision in (2, 1)]
    replies = [statuses(served.post(body)) for body in sent]
    files = sorted(served.answers.glob("*.json"))
    others = [served.answers / "r02.json"]
    others[0].write_bytes(served.answer("r02"))
    outcome = compute_outcome([*files, *others], served.key)
    counted = [a.answer.revision for a in outcome.accepted if a.answer.rater == "r01"]
    return f"{', '.join(replies)}; {len(files)} kept; revision {counted} counts"


def folder_gone(served: Served) -> str:
    shutil.rmtree(served.answers)
    first = statuses(served.post(served.answer()))
    served.answers.mkdir()
    return f"{first}, {statuses(served.post(served.answer()))};"


def disk_full(served: Served) -> str:
    """No file can be longer than ten bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        return statuses(served.post(served.answer())) + f"; {len(list(served.answers.iterdir()))} files"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def burst(served: Served) -> str:
    """500 connections at once send different answers. Each is confirmed by its own id and kept, or told as not kept."""

    def one(number: int) -> tuple[str, bool]:
        rater = f"r{1 + number % len(served.key.raters):02d}"
        name = f"{number:032x}"
        received = served.post(served.answer(rater, id=name, revision=1 + number), rater)
        head, _, body = received.partition(b"\r\n\r\n")
        # A reply may also state the revision of another answer of the rater.
        kept = b" 201 " in head and {"kept": True, "id": name}.items() <= json.loads(body).items()
        return name if kept else "", bool(received)

    threading.stack_size(1 << 18)  # the address space of a case is limited
    with ThreadPoolExecutor(BURST) as pool:
        seen = list(pool.map(one, range(BURST)))
    confirmed = {name for name, _ in seen if name}
    stored = {json.loads(file.read_bytes())["id"] for file in served.answers.glob("*.json")}
    silent = sum(not replied for _, replied in seen)
    lost = len(confirmed - stored)
    return f"{len(confirmed)} kept, {BURST - len(confirmed) - silent} told as not kept, {silent} silent, {lost} lost"


CLIENTS: dict[str, tuple[Client, str]] = {
    **{
        f"request in the body of a {method}{', chunked' if chunked else ''}": (smuggled(method, chunked=chunked), ";")
        for method in ("GET", "HEAD", "PUT", "OPTIONS")
        for chunked in (False, True)
    },
    **{
        f"length {said}": (unclear(lengths), "400;")
        for said, lengths in {
            "twice": b"Content-Length: 5\r\nContent-Length: 6\r\n",
            "and chunked": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "after chunked": b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
            "with a sign": b"Content-Length: +5\r\n",
            "in hexadecimal": b"Content-Length: 0x5\r\n",
            "with a blank in the name": b"Content-Length : 5\r\n",
            "in the next line": b"Content-Length:\r\n 5\r\n",
            "after a tab in the next line": b"Content-Length:\r\n\t5\r\n",
            "negative": b"Content-Length: -5\r\n",
        }.items()
    },
    "an unknown transfer coding": (unclear(b"Transfer-Encoding: chunked, identity\r\n"), "501;"),
    "chunked in HTTP 1.0": (
        sends(lambda s: s.session("r01").replace(b"/1.1", b"/1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        "400;",
    ),
    "headers without an end": (
        sends(lambda s: (start := s.session("r01") + b"A: ") + b"x" * (16384 - len(start))), "431;",
    ),
    "a path that leads out": (path("/TOKEN/../key.json"), "404;"),
    "the same, escaped": (path("/TOKEN/%2e%2e/key.json"), "404;"),
    "an absolute path": (path("/TOKEN//etc/passwd"), "404;"),
    "NUL in the path": (path("/TOKEN/index.html%00.png"), "404;"),
    "no token": (path("/"), "404;"),
    "half a token": (path("/TOK/index.html"), "404;"),
    "an answer without a length": (
        sends(lambda s: s.session("r01", "POST").replace(b"session.js", b"answer") + b"\r\n"), "411;",
    ),
    "an answer that is too large": (posts(lambda s: b" " * 3_000_000), "413;"),
    "an answer of another rater": (posts(lambda s: s.answer("r02")), "403;"),
    "an answer with a wrong token": (posts(lambda s: s.answer(token="0" * 32)), "422;"),
    "an answer with a key twice": (posts(lambda s: s.answer()[:-1] + b', "rater": "r01"}'), "422;"),
    "an answer nested 1000 deep": (posts(lambda s: b"[" * 1000), "422;"),
    "half an answer": (posts(lambda s: s.answer()[:99]), "422;"),
    "an answer that is not UTF-8": (posts(lambda s: b"\xff" + s.answer()), "422;"),
    "a stale tab": (stale_tab, "201, 409; 1 kept; revision [2] counts"),
    "300 dribbling connections": (dribblers, "200; in time"),
    "the folder of answers is removed": (folder_gone, "507, 201;"),
    "the disk is full": (disk_full, "507; 0 files"),
    "500 answers at once": (burst, "0 silent, 0 lost"),
}  # fmt: skip


def write_study(folder: Path) -> Path:
    """A study of two methods and thirty raters: ``folder/study`` and ``folder/study-key.json``."""
    for name in ("a", "b"):
        small(folder / name, images=2, samples=1, size=(64, 64))
    options = StudyOptions(size=16, crops=1, raters=30, seed=0, repeats=0, obvious=0)
    submissions = {name: folder / name / "sub" for name in ("a", "b")}
    create_study(submissions, folder / "a" / "gt", folder / "study", track="x4", options=options, secret=bytes(32))
    return folder / "study"


def attack(name: str, study: Path) -> str:
    """Serve a study, and let the client do its work; returns what the client saw."""
    key = load_key(study.with_name("study-key.json"))
    answers = study.with_name("answers")
    with StudyServer(study, key, answers) as server:
        return CLIENTS[name][0](Served(server, key, answers))
