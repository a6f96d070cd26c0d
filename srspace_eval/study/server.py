"""The HTTP server of a study: waitress, with deadlines for slow clients.

waitress parses requests, limits them, and answers idle connections without a thread each. Added here:

- A request must arrive within a time, and its reply must be taken within a time. waitress closes idle connections only,
  and a client that sends a byte now and then is never idle. It also waits until the client can take bytes before it
  closes, and a client that never reads cannot. The loop closes such connections itself.
- A request that was sent before the reply to the one before it is not answered: the connection ends after that reply.
  So a connection holds one reply at most, and no thread waits until a client takes what other requests asked for.
- At the limit of connections, the ones that were silent for the longest time are closed.
- Requests whose length is stated twice, and headers that go on in the next line, are refused.
"""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import struct
import sys
import threading
import time
from pathlib import Path
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import BaseWSGIServer, create_server

from srspace_eval.errors import StudyError
from srspace_eval.study.answers import largest_answer
from srspace_eval.study.application import StudyApplication
from srspace_eval.study.key import Key

REQUEST_SECONDS = 30.0
"""Time in which a request must arrive, from its first byte to its last."""
REPLY_SECONDS = 120.0
"""Time in which a client must take a reply."""
IDLE_SECONDS = 30
"""Time after which an idle connection is closed."""

_SWEEP_SECONDS = 0.5
_CONNECTIONS = 2000
_SPARE_FILES = 64  # open files other than connections
_THREADS = 8
_LARGEST_HEADER = 16384
_IN_MEMORY = 1 << 26  # waitress puts larger replies into temporary files
_CODING = re.compile(rb"^transfer-encoding:[ \t]*(.*?)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)


class _Parser(HTTPRequestParser):
    """A request whose length can be read in two ways is refused, because a proxy may read it in the other one."""

    def received(self, data: bytes) -> int:
        consumed = int(super().received(data))
        if self.completed:
            # Without this, waitress sends "100 Continue" only, and reads the next request as a part of this one.
            self.expect_continue = False
            if not self.empty and data[consumed:].strip(b"\r\n"):
                # RFC 9112, 9.3.2: a client sends requests again that were not answered when the connection ended.
                headers: dict[str, str] = self.headers  # type: ignore[assignment]
                headers["CONNECTION"] = "close"
                consumed = len(data)
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        if b"\n " in header_plus or b"\n\t" in header_plus:
            # RFC 9112, 5.2: a server may refuse a header that goes on in the next line. Not all proxies join the lines.
            raise ParsingError("a header goes on in the next line")
        super().parse_header(header_plus)
        codings = _CODING.findall(header_plus)
        if codings and [coding.lower() for coding in codings] != [b"chunked"]:
            raise ParsingError("only the coding 'chunked', stated once, is read")
        coded = self.chunked or "TRANSFER_ENCODING" in self.headers
        if coded and ("CONTENT_LENGTH" in self.headers or self.version != "1.1"):
            raise ParsingError("the length of the request is stated twice")


class _Channel(HTTPChannel):
    """A connection with a deadline for each request and each reply."""

    parser_class = _Parser
    _receiving: tuple[object, float] | None = None
    _sending: float | None = None

    def received(self, data: bytes) -> bool:
        result = super().received(data)
        if self.request is None:
            self._receiving = None
        elif self._receiving is None or self._receiving[0] is not self.request:
            self._receiving = (self.request, time.monotonic())
        return bool(result)

    def readable(self) -> bool:
        # The loop asks this of every connection, once a second or more often.
        self._sending = (self._sending or time.monotonic()) if self.total_outbufs_len else None
        return bool(super().readable())

    def is_late(self, now: float) -> bool:
        """Whether its request or its reply takes too long, or waitress wants to close it."""
        late = self._receiving is not None and now - self._receiving[1] > REQUEST_SECONDS
        return late or self.will_close or (self._sending is not None and now - self._sending > REPLY_SECONDS)

    def close_now(self) -> None:
        """Close the connection, and drop what the client did not take. For the thread of the loop."""
        with contextlib.suppress(OSError):
            # Else the system keeps what it holds for this client, for minutes.
            assert self.socket is not None
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.handle_close()


class StudyHttpServer:
    """A study's application behind a socket.

    Parameters
    ----------
    folder, key, answers
        As for :class:`~srspace_eval.study.application.StudyApplication`.
    address
        Host and port. Port 0: a free port.

    Raises
    ------
    StudyError
        If the folder and the key are of different studies, answers cannot be stored, or the address cannot be used.
    """

    def __init__(self, folder: Path, key: Key, answers: Path, address: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        self.key = key
        self.application = StudyApplication(folder, key, answers)
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        try:
            listening = socket.create_server(address, family=family, backlog=1024)
        except OSError as error:
            raise StudyError(
                f"{address[0]}:{address[1]}: the server cannot listen there ({error.strerror or error}); "
                "choose another --port"
            ) from error
        self.server_address: tuple[str, int] = listening.getsockname()[:2]
        self._map: dict[int, Any] = {}
        # It reports each request that waits for a thread, which is normal.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        server = create_server(
            self.application,
            map=self._map,
            sockets=[listening],
            threads=_THREADS,
            ident="srspace-eval",
            connection_limit=_connections(),
            channel_timeout=IDLE_SECONDS,
            cleanup_interval=5,
            log_socket_errors=False,
            max_request_header_size=_LARGEST_HEADER,
            # waitress refuses a body of this size, so the largest answer is one byte smaller.
            max_request_body_size=largest_answer(key) + 1,
            inbuf_overflow=_IN_MEMORY,
            outbuf_overflow=_IN_MEMORY,
            asyncore_use_poll=True,
        )
        assert isinstance(server, BaseWSGIServer)  # one socket, so not a MultiSocketServer
        server.channel_class = _Channel
        self._server = server
        self._ending = threading.Event()
        self._next_sweep = 0.0

    def links(self, base: str | None = None) -> dict[str, str]:
        """Rater -> link. ``base``: the address under which raters reach this server through a proxy."""
        host, port = self.server_address
        root = (base or f"http://{f'[{host}]' if ':' in host else host}:{port}").rstrip("/")
        return {rater.id: f"{root}/{rater.token}/" for rater in self.key.raters.values()}

    def serve_forever(self) -> None:
        """Answer requests until :meth:`shutdown`."""
        while not self._ending.is_set():
            wasyncore.loop(timeout=1.0, use_poll=True, map=self._map, count=1)
            self._sweep()

    def _sweep(self) -> None:
        """Close late connections; at the limit of connections, also those that were silent for the longest time."""
        now = time.monotonic()
        if now < self._next_sweep:
            return
        self._next_sweep = now + _SWEEP_SECONDS
        active: Any = self._server.active_channels  # the type stubs call it one channel
        channels: list[_Channel] = list(active.values())
        late = [channel for channel in channels if channel.is_late(now)]
        if len(self._map) >= self._server.adj.connection_limit and not late:
            waiting = [channel for channel in channels if not channel.requests]
            late = sorted(waiting, key=lambda channel: channel.last_activity)[: 1 + len(channels) // 8]
        for channel in late:
            channel.close_now()

    def shutdown(self) -> None:
        """Let requests that are being answered finish, for at most five seconds; then end the loop."""
        self._server.task_dispatcher.shutdown()
        self._ending.set()
        self._server.pull_trigger()

    def server_close(self) -> None:
        """Close all connections and free the port."""
        wasyncore.close_all(self._map, ignore_all=True)


def _connections() -> int:
    """Number of connections: each needs an open file, and the system limits these."""
    if sys.platform == "win32":
        return 400  # select() takes 512 there
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _CONNECTIONS if soft == resource.RLIM_INFINITY else soft - _SPARE_FILES
    return max(16, min(_CONNECTIONS, limit))
