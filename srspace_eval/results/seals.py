"""Seals: which result files were measured or verified on this machine. Imports no torch.

A seal is a small file in the user's state folder, named by the SHA-256 of the result's bytes and signed with this
machine's secret. A board holds no seals, so that a result has the same bytes wherever it was measured. A result that
was measured elsewhere, or changed since, has no seal here: its numbers are a claim.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from msgspec import Struct

from srspace_eval._utils import strict_json
from srspace_eval._utils.documents import Digest, convert
from srspace_eval._utils.files import read_bounded, write_atomic
from srspace_eval._utils.machine_secret import (
    ENVIRONMENT,
    existing_secret,
    keyed_digest,
    machine_secret,
    state_folder,
)
from srspace_eval._utils.notices import notify

How = Literal["measured", "verified", "trusted"]

CLAIM = "claim"
"""The evidence of a result that this machine neither measured nor verified."""

_FOLDER = "seals"
_FORMAT = "srspace-eval/seal/1"
_MAX_BYTES = 4096
_ORDER: tuple[How, ...] = ("trusted", "verified", "measured")


@dataclass(frozen=True)
class Seal:
    """How this machine came to a result.

    Attributes
    ----------
    how
        ``"measured"``: by ``score``. ``"verified"``: ``verify`` measured it again and found no difference.
        ``"trusted"``: some images were taken from journals or results of other machines, with ``--trust-board``.
    images, total
        How many of the images were measured here; of how many.
    """

    how: How
    images: int
    total: int

    @property
    def whole(self) -> bool:
        """Whether the seal is of all images: measured here, verified here, or taken on trust."""
        return self.how != "verified" or self.images == self.total

    @property
    def of_this_machine(self) -> bool:
        """Whether this machine measured all images itself."""
        return self.how != "trusted" and self.whole

    def __str__(self) -> str:
        if self.how == "trusted":
            return "taken on trust (score --trust-board)"
        part = "" if self.images == self.total else f" ({self.images} of {self.total} images)"
        return f"{self.how} here{part}"


class SealDocument(Struct, frozen=True):
    """The seal of one result file, as it is stored. ``result`` is the SHA-256 of the file."""

    format: Literal["srspace-eval/seal/1"]
    result: Digest
    how: How
    images: int
    total: int
    seal: Digest


def seal_of(digest: str) -> Seal | None:
    """The seal of a result; None if its numbers are a claim.

    Parameters
    ----------
    digest
        The SHA-256 of the bytes that the result was decoded from. A file that is read a second time may be another one
        by then.
    """
    secret = existing_secret()
    return None if secret is None else _read(secret, digest)


def evidence_of(digest: str) -> str:
    """How a result's numbers are known, such as ``"measured here"``; ``"claim"`` without a seal of this machine."""
    return str(seal_of(digest) or CLAIM)


def seal_result(digest: str, seal: Seal) -> None:
    """Keep that this machine measured or verified a result. A better seal that it has already stays.

    Parameters
    ----------
    digest
        The SHA-256 of the file's bytes.

    Raises
    ------
    OSError
        If the state folder cannot be written. The result stays a claim.
    """
    secret = machine_secret()
    earlier = _read(secret, digest)
    if earlier is not None and _rank(earlier) >= _rank(seal):
        return
    document = {
        "format": _FORMAT, "result": digest, "how": seal.how, "images": seal.images, "total": seal.total,
        "seal": _signed(secret, digest, seal),
    }  # fmt: skip
    write_atomic(_path(digest), strict_json.dumps(document) + "\n")


def notify_without_seal(error: OSError) -> None:
    """Say that nothing can be sealed, and what follows."""
    notify(
        f"the state folder cannot be used ({error}): nothing tells later what was measured here. A stopped run starts "
        "anew unless --trust-board is given, and `rank` shows the result as a claim. Name a folder that can be written "
        f"with {ENVIRONMENT}"
    )


def _read(secret: bytes, digest: str) -> Seal | None:
    try:
        document = convert(strict_json.loads(read_bounded(_path(digest), _MAX_BYTES)), SealDocument)
    except (OSError, ValueError, RecursionError):
        return None
    seal = Seal(document.how, document.images, document.total)
    genuine = document.result == digest and hmac.compare_digest(document.seal, _signed(secret, digest, seal))
    return seal if genuine else None


def _signed(secret: bytes, digest: str, seal: Seal) -> str:
    return keyed_digest(secret, _FORMAT.encode(), digest.encode(), f"{seal.how} {seal.images} {seal.total}".encode())


def _rank(seal: Seal) -> tuple[int, int]:
    """A part that was verified is worth less than a whole result that was taken on trust."""
    return (_ORDER.index(seal.how) if seal.whole else -1, seal.images)


def _path(digest: str) -> Path:
    return state_folder() / _FOLDER / f"{digest}.json"
