"""Serving a study to raters and taking their answers. Small on purpose: no session, no database, a fixed list of files.

Every address starts with a rater's token, ``/TOKEN/…``: without one there is nothing to see. What can be asked for is a
table made at the start; no name from a request ever becomes a path.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import socket
import sys
import tempfile
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from srspace_eval.errors import StudyError
from srspace_eval.study.answers import AnswerError, largest_answer, parse_answer
from srspace_eval.study.key import Key
from srspace_eval.study.page import ASSETS, SESSION_FILE

ANSWERS_PER_RATER = 20
"""A rater may send so many answers; each is kept."""

_CONNECTIONS = 256
_TIMEOUT_SECONDS = 30.0
# A browser opens six connections and keeps them: held for long, those of a few dozen raters would take every place.
_IDLE_SECONDS = 2.0
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".png": "image/png",
}
_HEADERS = {
    # The page measures its pieces by style attributes, hence unsafe-inline for styles alone.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # The token stands in the address: no other site may see it.
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}


class StudyServer(ThreadingHTTPServer):
    """A study's folder behind tokens.

    Parameters
    ----------
    folder:
        What ``study create`` wrote for the raters.
    key:
        Its key.
    answers:
        Folder for the answers, one file each; made if it is not there.
    address:
        Host and port; port 0 takes a free one.

    Raises
    ------
    StudyError
        If the folder is not this key's study, or the address cannot be used.
    """

    daemon_threads = True
    request_queue_size = 32
    # On Windows it would let two servers listen on one port.
    allow_reuse_address = os.name != "nt"

    def __init__(self, folder: Path, key: Key, answers: Path, address: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        self.key = key
        self.files = _allowed_files(folder, key)
        self.store = AnswerStore(answers, key)
        self.slots = threading.BoundedSemaphore(_CONNECTIONS)
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        try:
            super().__init__(address, _Handler)
        except OSError as error:
            raise StudyError(
                f"{address[0]}:{address[1]}: cannot be listened on ({error.strerror or error}); choose another --port"
            ) from error

    def links(self, base: str | None = None) -> dict[str, str]:
        """Rater -> link; ``base``: the address under which raters reach this server through a proxy."""
        host, port = self.server_address[:2]
        shown = f"[{host!s}]" if ":" in str(host) else str(host)
        root = (base or f"http://{shown}:{port}").rstrip("/")
        return {rater.id: f"{root}/{rater.token}/" for rater in self.key.raters.values()}

    def rater_of(self, token: str) -> str | None:
        """The rater whose token this is. Every token is compared, in constant time."""
        found = None
        for rater in self.key.raters.values():
            if hmac.compare_digest(rater.token.encode("ascii"), token.encode("utf-8", "replace")):
                found = rater.id
        return found

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, but never in more than a bounded number at once."""
        self.slots.acquire()
        try:
            super().process_request(request, client_address)
        except BaseException:
            self.slots.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The thread's work, after which its place is free again."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away or says nothing is no fault of ours; anything else is shown as usual."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class AnswerStore:
    """A folder of answers: one file each, written whole or not at all, never replaced."""

    def __init__(self, folder: Path, key: Key) -> None:
        self.folder, self.key = folder, key
        self._placing = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StudyError(f"{folder}: cannot hold answers ({error.strerror or error}); choose another") from error

    def add(self, rater: str, data: bytes) -> str:
        """Keep an answer; the same bytes again are kept once. Returns the file's name.

        Raises
        ------
        StudyError
            If the rater has sent too many, or nothing can be written.
        """
        digest = hashlib.sha256(data).digest()
        handle, scratch = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            for number in range(1, ANSWERS_PER_RATER + 1):
                name = f"{rater}.json" if number == 1 else f"{rater}-{number}.json"
                target = self.folder / name
                try:
                    self._place(scratch, target)
                    return name
                except FileExistsError:
                    if hashlib.sha256(target.read_bytes()).digest() == digest:
                        return name
            raise StudyError(f"{rater} has sent {ANSWERS_PER_RATER} different answers; no more are taken")
        except OSError as error:
            raise StudyError(f"{self.folder}: the answer cannot be kept ({error.strerror or error})") from error
        finally:
            Path(scratch).unlink(missing_ok=True)

    def _place(self, scratch: str, target: Path) -> None:
        """Make a written file stand under a name, at once and whole, unless there is one."""
        try:
            os.link(scratch, target)  # fails where there is a file: unlike a rename, it cannot replace one
        except FileExistsError:
            raise
        except OSError:  # exFAT and some shares have no links: there, this program's threads at least take turns
            with self._placing:
                if target.exists():
                    raise FileExistsError(target) from None
                Path(scratch).rename(target)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address.

    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0")
    (True, False)
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _allowed_files(folder: Path, key: Key) -> dict[str, Path]:
    """Address below the token -> file: the page's own files and the pictures that the key names, no others."""
    names = ["index.html", "data.js", *(f"assets/{asset}" for asset in ASSETS)]
    pictures = {item for task in key.tasks.values() for item in (*task.items, task.reference)}
    names += [f"images/{picture}.png" for picture in sorted(pictures)]
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        problems = [f"{name} is missing" for name in missing[:10]]
        raise StudyError(f"{folder}: not the folder of this key's study", problems)
    if f'"study":"{key.study}"' not in (folder / "data.js").read_text(encoding="utf-8"):
        raise StudyError(f"{folder}: belongs to another key: it was built with other settings or at another time")
    return {name: folder / name for name in names}


class _Handler(BaseHTTPRequestHandler):
    server: StudyServer
    protocol_version = "HTTP/1.1"
    server_version = "srspace-eval"
    sys_version = ""
    timeout = _TIMEOUT_SECONDS

    def do_GET(self) -> None:
        self._get(body=True)

    def do_HEAD(self) -> None:
        self._get(body=False)

    def do_POST(self) -> None:
        # Whatever happens to its body, this connection is not used again.
        self.close_connection = True
        self.connection.settimeout(_TIMEOUT_SECONDS)
        rater, name = self._route()
        if rater is None or name != "answer":
            return self._fail(HTTPStatus.NOT_FOUND, "there is nothing here")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and len(length) < 10):
            return self._fail(HTTPStatus.LENGTH_REQUIRED, "an answer must say how long it is")
        if int(length) > largest_answer(self.server.key):
            return self._fail(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "larger than any answer to this study")
        data = self.rfile.read(int(length))
        if len(data) < int(length):
            return None
        try:
            answer = parse_answer(data, self.server.key)
        except AnswerError as error:
            return self._fail(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        if answer.rater != rater:
            return self._fail(HTTPStatus.FORBIDDEN, "the answer is another rater's")
        try:
            name = self.server.store.add(rater, data)
        except StudyError as error:
            self.log_message("%s: %s", rater, error)
            return self._fail(HTTPStatus.INSUFFICIENT_STORAGE, "the answer could not be kept; save it as a file")
        self.log_message("%s: %d answers kept as %s", rater, len(answer.rankings), name)
        return self._send(HTTPStatus.CREATED, "application/json", json.dumps({"kept": True}).encode("ascii"))

    def _get(self, *, body: bool) -> None:
        rater, name = self._route()
        if rater is None:
            return self._fail(HTTPStatus.NOT_FOUND, "there is nothing here; use the link that you were given")
        if name == SESSION_FILE:
            code = f"{rater}-{self.server.key.raters[rater].token}"
            session = json.dumps({"code": code, "submit": "answer"})
            text = f"window.STUDY_SESSION = {session};\n".encode("ascii")
            return self._send(HTTPStatus.OK, _TYPES[".js"], text, body=body)
        path = self.server.files.get(name or "index.html")
        if path is None:
            return self._fail(HTTPStatus.NOT_FOUND, "there is nothing here")
        try:
            data = path.read_bytes()
        except OSError:
            return self._fail(HTTPStatus.NOT_FOUND, "the study's folder has changed")
        return self._send(HTTPStatus.OK, _TYPES[path.suffix], data, body=body)

    def _route(self) -> tuple[str | None, str]:
        token, slash, name = self.path.partition("?")[0].removeprefix("/").partition("/")
        return (self.server.rater_of(token) if slash else None), name

    def _fail(self, status: HTTPStatus, text: str) -> None:
        self.close_connection = True
        self._send(status, "text/plain; charset=utf-8", text.encode("utf-8"), body=self.command != "HEAD")

    def _send(self, status: HTTPStatus, kind: str, data: bytes, *, body: bool = True) -> None:
        self.connection.settimeout(_TIMEOUT_SECONDS)
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if body:
            self.wfile.write(data)
        self.connection.settimeout(_IDLE_SECONDS)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Requests are not logged: their addresses hold tokens."""

    def log_error(self, format: str, *args: Any) -> None:  # noqa: A002
        """Connections that say nothing more are closed; that is no news."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Malformed requests get a plain answer that repeats nothing of them."""
        self.command = getattr(self, "command", None) or "GET"
        # What could not be parsed counts as HTTP/0.9, whose replies have no status.
        self.request_version = "HTTP/1.1"
        self._fail(HTTPStatus(code), HTTPStatus(code).phrase)
