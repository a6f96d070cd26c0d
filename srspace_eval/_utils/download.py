"""Downloading one published file: resumable, checked by its hash, and stored under its name only when complete."""

from __future__ import annotations

import http.client
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import filelock

from srspace_eval._utils.files import locked, open_regular
from srspace_eval._utils.hashing import sha256_of_file
from srspace_eval._utils.watched_http import LEAST_BYTES, SECONDS, Watch
from srspace_eval.errors import WeightsError

TIMEOUT_SECONDS = 30
_BLOCK = 1 << 18
_SLOW = f"sent fewer than {LEAST_BYTES} bytes of the file in {SECONDS:.0f} seconds"
_LENGTH = re.compile("[0-9]{1,18}")
_LONGEST_REASON = 300  # characters of what a server says


def download(
    url: str,
    target: Path,
    sha256_prefix: str,
    *,
    largest: int | None = None,
    advance: Callable[[int, int | None], None] = lambda done, total: None,
) -> None:
    """Download ``url`` to ``target``.

    Received bytes are stored beside the target as ``NAME.part``. After an interruption the next call continues there.
    The file is renamed only after its SHA-256 was checked.

    Parameters
    ----------
    url
        An http or https address.
    target
        The file to write; its folder is created.
    sha256_prefix
        The first hexadecimal digits of the file's SHA-256.
    largest
        The file's size in bytes. If a server sends more, the download ends with an error. None: unknown.
    advance
        Called with the number of bytes received so far, and the file's size (None if the server does not send it).

    Raises
    ------
    WeightsError
        If another process downloads the file, the server cannot be reached, its reply makes no sense, the connection
        breaks or is slower than 16 KB in a minute, the disk is full or the file is not the one expected.
    """
    if not url.startswith(("https://", "http://")):
        raise WeightsError(f"{url}: not an http or https address")
    part = target.with_name(target.name + ".part")
    by_hand = f"run the same command again to continue, or download {url} by hand and store it as {target}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target.with_name(target.name + ".lock")):
            if not (target.is_file() and sha256_of_file(target).startswith(sha256_prefix)):
                _download(url, target, part, sha256_prefix, largest, advance, by_hand)
    except filelock.Timeout:
        raise WeightsError(f"{target}: another process downloads it; wait until that has ended") from None
    except OSError as error:
        raise WeightsError(f"{target}: cannot be written ({error.strerror or error})") from None


def _download(
    url: str,
    target: Path,
    part: Path,
    sha256_prefix: str,
    largest: int | None,
    advance: Callable[[int, int | None], None],
    by_hand: str,
) -> None:
    """Download to ``part``, and rename it to ``target`` after its SHA-256 was checked."""
    watch = Watch()
    try:
        with watch:
            whole = _receive(url, part, largest, advance, watch)
    except _TooLongError:
        part.unlink()
        raise WeightsError(
            f"{url}: sent more than the {largest} bytes of the file; they were deleted; {by_hand}"
        ) from None
    # A ValueError: an address or a length in the server's reply that is none.
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError, ValueError) as error:
        reason = _SLOW if watch.stalled else getattr(error, "reason", None) or error
        raise WeightsError(f"{url}: {str(reason)[:_LONGEST_REASON]}; {by_hand}") from None
    except OSError as error:
        if watch.stalled:  # of TLS
            raise WeightsError(f"{url}: {_SLOW}; {by_hand}") from None
        raise WeightsError(f"{part}: cannot be written ({error.strerror or error})") from None
    if watch.stalled and not whole:
        raise WeightsError(f"{url}: {_SLOW}; {by_hand}")
    if not whole:
        raise WeightsError(f"{url}: the connection broke after {part.stat().st_size} bytes; {by_hand}")
    digest = sha256_of_file(part)
    if not digest.startswith(sha256_prefix):
        part.unlink()
        raise WeightsError(
            f"{url}: sent a file whose SHA-256 starts with {digest[:8]}, not {sha256_prefix}; it was deleted; {by_hand}"
        )
    part.replace(target)


class _TooLongError(Exception):
    """The server sent more bytes than the file has."""


def _receive(
    url: str, part: Path, largest: int | None, advance: Callable[[int, int | None], None], watch: Watch
) -> bool:
    """Append the missing bytes to ``part``; whether it is complete now."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "srspace-eval"} | ({"Range": f"bytes={have}-"} if have else {})
    request = urllib.request.Request(url, headers=headers)
    try:
        response = watch.open(request, TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            return True  # nothing is missing; if the file is too long, its hash is wrong
        raise
    # A link would lead elsewhere, and a pipe may have no end.
    with response, os.fdopen(open_regular(part, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab") as file:
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:  # the server does not resume, and sends all of the file
            file.truncate(0)
            have = 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length is not None and _LENGTH.fullmatch(length) else None
        advance(have, total)
        while block := response.read1(_BLOCK):
            file.write(block)
            watch.received(len(block))
            have += len(block)
            if largest is not None and have > largest:
                raise _TooLongError
            advance(have, total)
        file.flush()
        os.fsync(file.fileno())
    return total is None or have == total
