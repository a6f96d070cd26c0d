"""The study's web application: a WSGI function that sends the page and takes answers. It has no sessions and no state.

Every address starts with a rater's token, ``/TOKEN/…``; other addresses do not exist. The list of files is made at the
start. A name from a request is looked up in this list and never becomes a path.
"""

from __future__ import annotations

import hmac
import io
import json
import os
import re
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any
from wsgiref.util import FileWrapper

from srspace_eval.errors import StudyError
from srspace_eval.study.answer_store import AnswerStore, Sent
from srspace_eval.study.answers import AnswerError, largest_answer, parse_answer
from srspace_eval.study.key import Key
from srspace_eval.study.page import SESSION_FILE
from srspace_eval.study.places import refuse_raters_folder
from srspace_eval.study.server_log import LOG

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".png": "image/png",
}
_PIECE = 1 << 16  # bytes of a file that are read at once
_TEXT = "text/plain; charset=utf-8"
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

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class FileInPieces(io.RawIOBase):
    """A file that is opened for each piece. A reply that waits for its client holds no memory and no open file.

    Raises
    ------
    OSError
        If there is no such file; by ``read`` also if the file has become shorter.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.size = path, path.stat().st_size
        self._position = 0

    def __len__(self) -> int:
        return self.size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        return self._position

    def read(self, size: int = -1) -> bytes:
        """At most 64 KiB, from the position on."""
        left = min(self.size - self._position, _PIECE)
        with self.path.open("rb", buffering=0) as file:
            file.seek(self._position)
            data = file.read(left if size < 0 else min(size, left)) or b""
        if size and left > 0 and not data:
            raise OSError("the file has become shorter")
        self._position += len(data)
        return data


Reply = tuple[HTTPStatus, str, "bytes | FileInPieces"]
"""Status, content type, and body."""


class StudyApplication:
    """A study's folder behind tokens, as a WSGI application.

    Parameters
    ----------
    folder
        The raters' folder.
    key
        Key of the study.
    answers
        Folder for the answers, one file each. It is made if it does not exist.

    Raises
    ------
    StudyError
        If the folder and the key are of different studies, answers cannot be stored, or they would lie in the raters'
        folder.
    """

    def __init__(self, folder: Path, key: Key, answers: Path) -> None:
        self.key = key
        refuse_raters_folder(answers)
        self.files = _allowed_files(folder, key)
        self.store = AnswerStore(answers, key)
        self._storing = {rater: threading.Lock() for rater in key.raters}

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request. The HTTP server has received the whole body."""
        try:
            status, kind, data = self._reply(environ)
        except Exception as error:  # noqa: BLE001 - the server's own report would print the token in the address
            LOG.write(f"a request failed: {type(error).__name__}")
            status, kind, data = _fault(HTTPStatus.INTERNAL_SERVER_ERROR, "the server failed; try again")
        headers = [*_HEADERS.items(), ("Content-Type", kind), ("Content-Length", str(len(data)))]
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            headers.append(("Allow", "GET, HEAD, POST"))
        if status is HTTPStatus.FOUND:  # relative, because a proxy may put a path before it
            headers.append(("Location", environ["PATH_INFO"].removeprefix("/") + "/"))
        start_response(f"{status.value} {status.phrase}", headers)
        if environ["REQUEST_METHOD"] == "HEAD":
            return []
        if isinstance(data, bytes):
            return [data]
        wrapped: Iterable[bytes] = environ.get("wsgi.file_wrapper", FileWrapper)(data)
        return wrapped

    def rater_of(self, token: str) -> str | None:
        """The rater with this token. It is compared with every token, in constant time."""
        found, sent = None, token.encode("utf-8", "replace")
        for rater in self.key.raters.values():
            if hmac.compare_digest(rater.token.encode("ascii"), sent):
                found = rater.id
        return found

    def sender_of(self, method: str, path: str) -> str | None:
        """The rater whose answer a request brings. None: the body of the request is of no use."""
        token, _, name = path.lstrip("/").partition("/")
        return self.rater_of(token) if method == "POST" and name == "answer" else None

    def _reply(self, environ: dict[str, Any]) -> Reply:
        method = environ["REQUEST_METHOD"]
        token, slash, name = environ["PATH_INFO"].removeprefix("/").partition("/")
        rater = self.rater_of(token)
        if method not in ("GET", "HEAD", "POST"):
            return _fault(HTTPStatus.METHOD_NOT_ALLOWED, "not allowed")
        if rater is None:
            return _fault(HTTPStatus.NOT_FOUND, "not found; use the link that you were given")
        if not slash:  # some mail programs drop it; the page's own addresses need it
            return HTTPStatus.FOUND, _TEXT, b""
        return self._take(rater, name, environ) if method == "POST" else self._file(rater, name)

    def _file(self, rater: str, name: str) -> Reply:
        if name == SESSION_FILE:
            session = {"code": self.key.raters[rater].code, "submit": "answer", **_latest(self.store.latest(rater))}
            return HTTPStatus.OK, _TYPES[".js"], f"window.STUDY_SESSION = {json.dumps(session)};\n".encode("ascii")
        path = self.files.get(name or "index.html")
        if path is None:
            return _fault(HTTPStatus.NOT_FOUND, "not found")
        try:
            return HTTPStatus.OK, _TYPES[path.suffix], FileInPieces(path)
        except OSError:
            return _fault(HTTPStatus.NOT_FOUND, "a file of the study is gone")

    def _take(self, rater: str, name: str, environ: dict[str, Any]) -> Reply:
        if name != "answer":
            return _fault(HTTPStatus.NOT_FOUND, "not found")
        if not environ.get("CONTENT_LENGTH"):
            return _fault(HTTPStatus.LENGTH_REQUIRED, "an answer must have a Content-Length")
        largest = largest_answer(self.key)
        data = environ["wsgi.input"].read(largest + 1)
        if len(data) > largest:
            return _fault(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "larger than any answer to this study")
        try:
            answer = parse_answer(data, self.key)
        except AnswerError as error:
            return _fault(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        if answer.rater != rater:
            return _fault(HTTPStatus.FORBIDDEN, "the answer is from another rater")
        with self._storing[rater]:
            # Two different answers with the same revision do not count, but the first may have been confirmed. So this
            # one is refused, and the page sends it again with a later revision.
            other = self.store.latest(rater, answer.id) if answer.id and not answer.missing(self.key) else None
            if other and other.revision >= answer.revision:
                return _json(HTTPStatus.CONFLICT, {"kept": False, "id": answer.id, "revision": other.revision})
            try:
                file = self.store.add(rater, data)
            except StudyError as error:
                LOG.write(f"{rater}: {error}")
                return _fault(HTTPStatus.INSUFFICIENT_STORAGE, "the answer could not be stored; save it as a file")
        LOG.write(f"{rater}: {len(answer.given)} answers stored as {file}")
        # The page compares the id with that of the answer it sent, because a proxy may mix up replies.
        return _json(HTTPStatus.CREATED, {"kept": True, "id": answer.id})


def _latest(sent: Sent | None) -> dict[str, object]:
    """The fields of a session by which the page knows the latest answer that has arrived."""
    return {"revision": sent.revision, "latest": sent.id} if sent else {}


def _json(status: HTTPStatus, body: dict[str, object]) -> Reply:
    return status, "application/json", json.dumps(body).encode("ascii")


def _fault(status: HTTPStatus, text: str) -> Reply:
    return status, _TEXT, text.encode("utf-8")


def _allowed_files(folder: Path, key: Key) -> dict[str, Path]:
    """Address below the token -> file: the page, the assets that the page names, the pictures that the key names."""
    # The page itself tells its assets, because they differ between versions of this package.
    index = folder / "index.html"
    page = index.read_text(encoding="utf-8") if index.is_file() else ""
    names = ["index.html", "data.js", *re.findall(r'"(assets/[a-z]+\.(?:js|css))"', page)]
    pictures = {item for task in key.tasks.values() for item in (*task.items, task.reference) if item}
    names += [f"images/{picture}.png" for picture in sorted(pictures)]
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        problems = [f"{name} is missing" for name in missing[:10]]
        raise StudyError(f"{folder}: not the folder of this key's study", problems)
    if f'"study":"{key.study}"' not in (folder / "data.js").read_text(encoding="utf-8"):
        raise StudyError(f"{folder}: belongs to another key; name its own with --key")
    return {name: folder / name for name in names}
