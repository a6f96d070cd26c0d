"""HTTP requests that end: a server that sends nothing useful is disconnected, and redirects stay on HTTP.

The timeout of a socket holds for each packet. A server that sends a byte now and then, or endless interim replies
("100 Continue") or trailers, never exceeds it.
"""

from __future__ import annotations

import http.client
import socket
import threading
import urllib.error
import urllib.request
from contextlib import suppress
from types import TracebackType
from typing import Any

LEAST_BYTES, SECONDS = 1 << 14, 60.0
"""What a server must send, of the file, and within which time."""


class Watch:
    """Disconnect a server that sends fewer than :data:`LEAST_BYTES` bytes of the file in :data:`SECONDS` seconds.

    Attributes
    ----------
    stalled
        Whether it was disconnected.

    Examples
    --------
    >>> with Watch() as watch:
    ...     watch.received(1000)
    >>> watch.stalled
    False
    """

    def __init__(self) -> None:
        self.stalled = False
        self._bytes = 0
        self._sockets: list[socket.socket] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def received(self, count: int) -> None:
        """Count bytes of the file."""
        self._bytes += count

    def open(self, request: urllib.request.Request, timeout: float) -> Any:
        """Open an address, as ``urllib.request.urlopen`` does, with http and https only, also in redirects.

        Raises
        ------
        urllib.error.URLError, http.client.HTTPException, OSError, ValueError
            As for ``urlopen``.
        """
        opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.UnknownHandler(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
            _Redirects(),
            _Http(self),
        ):
            opener.add_handler(handler)
        return opener.open(request, timeout=timeout)

    def connected(self, connection: socket.socket) -> None:
        """Watch a socket, too."""
        self._sockets.append(connection)
        if self.stalled:
            self._disconnect()

    def _look(self) -> None:
        before = self._bytes
        while not self._ended.wait(SECONDS):
            if self._bytes - before < LEAST_BYTES:
                self.stalled = True
                self._disconnect()
                return
            before = self._bytes

    def _disconnect(self) -> None:
        for connection in self._sockets:
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)  # below TLS, whose state another thread uses


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Python follows redirects to ftp, too, and reads the whole body of a redirect, which may have no end."""

    def http_error_302(self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any) -> Any:
        fp.close()  # a closed reply reads as empty
        return super().http_error_302(req, fp, code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if not newurl.lower().startswith(("http://", "https://")):
            raise urllib.error.URLError("its redirect does not lead to an http or https address")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Http(urllib.request.AbstractHTTPHandler):
    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def http_open(self, request: urllib.request.Request) -> Any:
        return self.do_open(_watched(http.client.HTTPConnection, self._watch), request)

    def https_open(self, request: urllib.request.Request) -> Any:
        return self.do_open(_watched(http.client.HTTPSConnection, self._watch), request)

    http_request = https_request = urllib.request.AbstractHTTPHandler.do_request_


def _watched(kind: type[http.client.HTTPConnection], watch: Watch) -> Any:
    class Watched(kind):  # type: ignore[misc, valid-type]
        def connect(self) -> None:
            super().connect()
            watch.connected(self.sock)

    return Watched
