"""The HTTP server of a study: waitress, with deadlines for slow clients.

waitress parses requests, limits them, and answers idle connections without a thread each. Added here:

- A request must arrive within a time, and its reply must be taken within a time. waitress closes idle connections only,
  and a client that sends a byte now and then is never idle. It also waits until the client can take bytes before it
  closes, and a client that never reads cannot. The loop closes such connections itself.
- A request that was sent before the reply to the one before it is not answered: the connection ends after that reply.
  So a connection holds one reply at most, and no thread waits until a client takes what other requests asked for.
- At the limit of connections, the ones that were silent for the longest time are closed.
- Unclear and too large requests are refused (:mod:`srspace_eval.study.request_parser`). A request for which there is no
  room in memory waits until there is.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import socket
import struct
import sys
import threading
import time
from pathlib import Path
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, create_server

from srspace_eval._utils.untrusted_text import visible
from srspace_eval.errors import StudyError
from srspace_eval.study.answers import largest_answer
from srspace_eval.study.application import StudyApplication
from srspace_eval.study.body_budget import BodyBudget
from srspace_eval.study.key import Key
from srspace_eval.study.request_parser import LARGEST_HEADER, RequestParser
from srspace_eval.study.server_log import LOG

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
_IN_MEMORY = 1 << 26  # waitress puts larger bodies into temporary files


class _Channel(HTTPChannel):
    """A connection with a deadline for each request and each reply."""

    parser_class = RequestParser
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
        request: Any = self.request  # of this class's parser
        return bool(super().readable()) and (request is None or not request.must_wait())

    def service(self) -> None:
        request: Any = self.requests[0]
        try:
            super().service()
        finally:
            request.give_back()

    def handle_expt(self) -> None:
        # Urgent data, which no browser sends. Unread, it would wake the loop again and again.
        self.close_now()

    def handle_error(self) -> None:
        # waitress would report the error's text, which may hold the client's.
        logging.getLogger("waitress").error("a connection failed", exc_info=True)
        self.handle_close()

    def handle_close(self) -> None:
        super().handle_close()
        # A request that has arrived whole still waits for its thread, which gives back.
        request: Any = self.request
        if request is not None:
            request.give_back()

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
        listening = _listen(*address)
        self.server_address: tuple[str, int] = listening.getsockname()[:2]
        self._map: dict[int, Any] = {}
        # It reports each request that waits for a thread, which is normal.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        logging.getLogger("waitress").addHandler(LOG)  # without a handler it writes to stderr itself
        largest = largest_answer(key)
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
            max_request_header_size=LARGEST_HEADER,
            # waitress refuses a body of this size, so the largest answer is one byte smaller.
            max_request_body_size=largest + 1,
            inbuf_overflow=_IN_MEMORY,
            outbuf_overflow=_IN_MEMORY,
            asyncore_use_poll=True,
        )
        assert isinstance(server, BaseWSGIServer)  # one socket, so not a MultiSocketServer
        self.budget = BodyBudget(largest + 1, wake=server.pull_trigger)
        parser = functools.partial(RequestParser, application=self.application, budget=self.budget)
        server.channel_class = type("_StudyChannel", (_Channel,), {"parser_class": staticmethod(parser)})
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


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises
    ------
    StudyError
        If the address cannot be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        if not 0 <= port <= 65535:
            raise ValueError("a port is a number from 0 to 65535")
        # For a host that is no name, create_server leaves an open socket behind.
        socket.getaddrinfo(host or None, port, family, socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        return socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, ValueError, TypeError) as error:  # ValueError, TypeError: a NUL in the host, or a name too long
        reason = getattr(error, "strerror", None) or error
        raise StudyError(
            f"{visible(str(host))}:{port}: the server cannot listen there ({reason}); choose another --host or --port"
        ) from error


def _connections() -> int:
    """Number of connections: each needs an open file, and the system limits these."""
    if sys.platform == "win32":
        return 400  # select() takes 512 there
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _CONNECTIONS if soft == resource.RLIM_INFINITY else soft - _SPARE_FILES
    return max(16, min(_CONNECTIONS, limit))
