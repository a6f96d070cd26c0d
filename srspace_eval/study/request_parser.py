"""Requests to a study's server, as waitress reads them, with stricter rules and bounded memory.

- Requests whose length is stated twice, and headers that go on in the next line, are refused.
- Addresses are short, and headers are few.
- The body of a request is dropped as it arrives, unless the address has a rater's token and takes an answer.
- Answers share a budget of memory (:mod:`srspace_eval.study.body_budget`).
"""

from __future__ import annotations

import io
import re
from typing import Any

from waitress.adjustments import Adjustments
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.receiver import ChunkedReceiver
from waitress.utilities import BadRequest

from srspace_eval.study.application import StudyApplication
from srspace_eval.study.body_budget import BodyBudget

LARGEST_HEADER = 16384
"""Bytes of a request's headers, with its first line."""

_LONGEST_ADDRESS = 2048
_HEADER_LINES = 100
_CHUNK_LINE = 1024
_CODING = re.compile(rb"^transfer-encoding:[ \t]*(.*?)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)


class _Nowhere:
    """A buffer of waitress that keeps nothing: for the body of a request that is refused once it has arrived."""

    def __init__(self) -> None:
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, data: bytes) -> None:
        self._length += len(data)

    def getfile(self) -> io.BytesIO:
        return io.BytesIO()

    def close(self) -> None:
        """Nothing to close."""


class RequestParser(HTTPRequestParser):
    """A request whose length can be read in two ways is refused, because a proxy may read it in the other one.

    Parameters
    ----------
    adj
        Settings of waitress.
    application, budget
        They say whose answer the request brings, and whether there is room for it. None: no body is kept.
    """

    def __init__(
        self, adj: Adjustments, application: StudyApplication | None = None, budget: BodyBudget | None = None
    ) -> None:
        super().__init__(adj)
        self._application, self._budget = application, budget
        self._sender: str | None = None
        self._taken = 0
        self._tried = -1  # what the budget had given back when there was no room

    def received(self, data: bytes) -> int:
        consumed = int(super().received(data))
        if self.headers_finished:
            self.header_plus = b""
        if not self.completed and isinstance(self.body_rcv, ChunkedReceiver):
            lines: Any = self.body_rcv  # the type stubs lack some attributes
            if len(lines.control_line) + len(lines.trailer) > _CHUNK_LINE:
                self.error, self.completed = BadRequest("a line between chunks is too long"), True
                consumed = len(data)
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
        if header_plus.find(b"\r\n") > _LONGEST_ADDRESS or header_plus.count(b"\n") > _HEADER_LINES:
            raise ParsingError("the address is too long, or there are too many headers")
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # a host in wrong brackets, or a length of thousands of digits
            raise ParsingError("the address or the length cannot be read") from error
        codings = _CODING.findall(header_plus)
        if codings and [coding.lower() for coding in codings] != [b"chunked"]:
            raise ParsingError("only the coding 'chunked', stated once, is read")
        coded = self.chunked or "TRANSFER_ENCODING" in self.headers
        if coded and ("CONTENT_LENGTH" in self.headers or self.version != "1.1"):
            raise ParsingError("the length of the request is stated twice")
        receiver: Any = self.body_rcv
        if receiver is not None:
            if self._application is not None:
                command: Any = self.command  # the type stubs are wrong: it is str
                path: str = self.path  # type: ignore[attr-defined]
                self._sender = self._application.sender_of(command, path)
            if self._sender is None:
                receiver.buf = _Nowhere()

    def must_wait(self) -> bool:
        """Whether there is no room for the body now. Once there is, the room is taken."""
        if self._taken or self.completed or self._sender is None or self._budget is None:
            return False
        given_back = self._budget.given_back
        if given_back == self._tried:
            return True
        size = int(self.adj.max_request_body_size) if self.chunked else self.content_length
        if not self._budget.take(self._sender, size):
            self._tried = given_back
            return True
        self._taken = size
        return False

    def give_back(self) -> None:
        """Give back the room for the body. The request is answered, or its connection has ended."""
        if self._taken and self._sender is not None and self._budget is not None:
            taken, self._taken = self._taken, 0
            self._budget.give_back(self._sender, taken)
