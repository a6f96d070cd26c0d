"""Lines of a journal with a seal: each holds a keyed digest of itself and of the line before it.

A line that another machine wrote, or that was changed, moved or left out, is found without knowing the numbers.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import Any

from srspace_eval._utils import strict_json
from srspace_eval._utils.machine_secret import keyed_digest

_SEAL = re.compile(rb', "seal": "([0-9a-f]{64})"\}\n\Z')


class LineSealer:
    """Seals lines, or checks their seals, one after the other.

    Parameters
    ----------
    secret
        This machine's; None: lines get no seal, and none is genuine.
    """

    def __init__(self, secret: bytes | None) -> None:
        self._secret = secret
        self._before = ""

    def sealed(self, document: Mapping[str, Any]) -> bytes:
        """The next line, with its end."""
        body = strict_json.dumps(document, indent=None).encode()
        if self._secret is None:
            return body + b"\n"
        self._before = keyed_digest(self._secret, self._before.encode(), body)
        return body[:-1] + f', "seal": "{self._before}"}}\n'.encode()

    def genuine(self, line: bytes) -> bool:
        """Whether this machine wrote the line after the one before it; then the next line is checked against it."""
        found = _SEAL.search(line)
        if self._secret is None or found is None:
            return False
        wanted = keyed_digest(self._secret, self._before.encode(), unsealed(line))
        if not hmac.compare_digest(found[1], wanted.encode()):
            return False
        self._before = wanted
        return True


def unsealed(line: bytes) -> bytes:
    r"""The line without its seal and end.

    >>> unsealed(b'{"a": 1, "seal": "' + b"0" * 64 + b'"}\n')
    b'{"a": 1}'
    """
    found = _SEAL.search(line)
    return line.rstrip(b"\n") if found is None else line[: found.start()] + b"}"
