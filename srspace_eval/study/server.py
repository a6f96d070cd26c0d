"""The study's HTTP server: it sends the page and takes answers. It has no sessions and no database.

Every address starts with a rater's token, ``/TOKEN/…``; other addresses do not exist. The list of files is made at the
start. A name from a request is looked up in this list and never becomes a path.
"""

from __future__ import annotations

import hmac
import json
import os
import re
import socket
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from srspace_eval.errors import StudyError
from srspace_eval.study.answer_store import AnswerStore
from srspace_eval.study.answers import AnswerError, largest_answer, parse_answer
from srspace_eval.study.key import Key
from srspace_eval.study.page import SESSION_FILE

_CONNECTIONS = 256
_TIMEOUT_SECONDS = 30.0
# A browser opens six connections and keeps them open. With a long timeout, a few dozen raters would use all of them.
_IDLE_SECONDS = 2.0
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".png": "image/png",
}
_HEADERS = {
    # The page sets sizes by style attributes, so styles (and only styles) need unsafe-inline.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # The address holds the token, so other sites must not see the address.
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}


class StudyHttpServer(ThreadingHTTPServer):
    """A study's folder behind tokens.

    Parameters
    ----------
    folder:
        The raters' folder.
    key:
        Key of the study.
    answers:
        Folder for the answers, one file each. It is made if it does not exist.
    address:
        Host and port. Port 0: a free port.

    Raises
    ------
    StudyError
        If the folder and the key are of different studies, or the address cannot be used.
    """

    daemon_threads = True
    request_queue_size = 32
    # On Windows, address reuse would let two servers listen on one port.
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
                f"{address[0]}:{address[1]}: the server cannot listen there ({error.strerror or error}); "
                "choose another --port"
            ) from error

    def links(self, base: str | None = None) -> dict[str, str]:
        """Rater -> link. ``base``: the address under which raters reach this server through a proxy."""
        host, port = self.server_address[:2]
        shown = f"[{host!s}]" if ":" in str(host) else str(host)
        root = (base or f"http://{shown}:{port}").rstrip("/")
        return {rater.id: f"{root}/{rater.token}/" for rater in self.key.raters.values()}

    def rater_of(self, token: str) -> str | None:
        """The rater with this token. It is compared with every token, in constant time."""
        found = None
        for rater in self.key.raters.values():
            if hmac.compare_digest(rater.token.encode("ascii"), token.encode("utf-8", "replace")):
                found = rater.id
        return found

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a new thread; wait while too many threads are at work."""
        self.slots.acquire()
        try:
            super().process_request(request, client_address)
        except BaseException:
            self.slots.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The thread's work."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that break or time out are normal. Other errors are printed."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


def _allowed_files(folder: Path, key: Key) -> dict[str, Path]:
    """Address below the token -> file: the page, the assets that the page names, the pictures that the key names."""
    # The page itself tells its assets, because they differ between versions of this package.
    index = folder / "index.html"
    page = index.read_text(encoding="utf-8") if index.is_file() else ""
    names = ["index.html", "data.js", *re.findall(r'"(assets/[a-z]+\.(?:js|css))"', page)]
    pictures = {item for task in key.tasks.values() for item in (*task.items, task.reference)}
    names += [f"images/{picture}.png" for picture in sorted(pictures)]
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        problems = [f"{name} is missing" for name in missing[:10]]
        raise StudyError(f"{folder}: not the folder of this key's study", problems)
    if f'"study":"{key.study}"' not in (folder / "data.js").read_text(encoding="utf-8"):
        raise StudyError(f"{folder}: belongs to another key; name its own with --key")
    return {name: folder / name for name in names}


class _Handler(BaseHTTPRequestHandler):
    server: StudyHttpServer
    protocol_version = "HTTP/1.1"
    server_version = "srspace-eval"
    sys_version = ""
    timeout = _TIMEOUT_SECONDS

    def do_GET(self) -> None:
        self._get(body=True)

    def do_HEAD(self) -> None:
        self._get(body=False)

    def do_POST(self) -> None:
        # The body may not be read to its end, so the connection cannot be used again.
        self.close_connection = True
        self.connection.settimeout(_TIMEOUT_SECONDS)
        rater, name = self._route()
        if rater is None or name != "answer":
            return self._fail(HTTPStatus.NOT_FOUND, "not found")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and len(length) < 10):
            return self._fail(HTTPStatus.LENGTH_REQUIRED, "an answer must have a Content-Length")
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
            return self._fail(HTTPStatus.FORBIDDEN, "the answer is from another rater")
        try:
            name = self.server.store.add(rater, data)
        except StudyError as error:
            self.log_message("%s: %s", rater, error)
            return self._fail(HTTPStatus.INSUFFICIENT_STORAGE, "the answer could not be stored; save it as a file")
        self.log_message("%s: %d answers stored as %s", rater, len(answer.rankings), name)
        return self._send(HTTPStatus.CREATED, "application/json", json.dumps({"kept": True}).encode("ascii"))

    def _get(self, *, body: bool) -> None:
        rater, name = self._route()
        if rater is None:
            return self._fail(HTTPStatus.NOT_FOUND, "not found; use the link that you were given")
        if name == SESSION_FILE:
            code = f"{rater}-{self.server.key.raters[rater].token}"
            session = json.dumps({"code": code, "submit": "answer"})
            text = f"window.STUDY_SESSION = {session};\n".encode("ascii")
            return self._send(HTTPStatus.OK, _TYPES[".js"], text, body=body)
        path = self.server.files.get(name or "index.html")
        if path is None:
            return self._fail(HTTPStatus.NOT_FOUND, "not found")
        try:
            data = path.read_bytes()
        except OSError:
            return self._fail(HTTPStatus.NOT_FOUND, "a file of the study is gone")
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
        """Requests are not logged, because their addresses hold tokens."""

    def log_error(self, format: str, *args: Any) -> None:  # noqa: A002
        """Timeouts are not logged: idle connections are closed all the time."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Malformed requests get a plain answer that repeats nothing of the request."""
        self.command = getattr(self, "command", None) or "GET"
        # A request that cannot be parsed counts as HTTP/0.9, and replies of that version have no status.
        self.request_version = "HTTP/1.1"
        self._fail(HTTPStatus(code), HTTPStatus(code).phrase)
