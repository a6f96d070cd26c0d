"""A phase of the competition: its dates, its limits, and where its GT is."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date as date_type
from datetime import datetime

from srspace_eval.errors import InputError

DATE_FORMAT = "%Y-%m-%d %H:%M:%S"
DATA_FOLDER = "/app/data/"
"""Where a worker of one's own shows its private data."""

_EARLIEST, _LATEST = 1970, 9999

PUBLIC_QUEUE_SECONDS = 600
"""The public queue's limit for a submission."""


@dataclass(frozen=True)
class CompetitionPhase:
    """A phase of the competition.

    Attributes
    ----------
    name
        As the platform shows it.
    gt
        A folder or zip of GTs, the UUID of data that was uploaded before, or ``/app/data/NAME`` on a worker of one's
        own. The last never leaves home.
    start, end
        UTC; the last phase may have no end.
    hide_output
        Participants see no logs, and pages hold nothing image by image.
    submissions_per_day, submissions
        Limits for a participant.
    seconds
        The platform's limit for one submission.
    description
        Markdown that the platform shows with the phase.

    Examples
    --------
    >>> CompetitionPhase("Test", "/app/data/GT_test", datetime(2026, 3, 10)).data_name
    'GT_test'
    """

    name: str
    gt: str
    start: datetime
    end: datetime | None = None
    hide_output: bool = False
    submissions_per_day: int = 5
    submissions: int = 100
    seconds: int = 600
    description: str = ""

    def __post_init__(self) -> None:
        if not 1 <= len(self.name.strip()) <= 256:
            raise InputError(f"phase {self.name!r}: a name has 1 to 256 characters")
        if self.end is not None and self.end <= self.start:
            raise InputError(f"phase {self.name!r}: ends at {self.end}, before its start")
        if self.seconds < 60:
            raise InputError(f"phase {self.name!r}: seconds = {self.seconds}: at least 60")
        if min(self.submissions_per_day, self.submissions) < 1:
            raise InputError(f"phase {self.name!r}: submissions and submissions_per_day must be at least 1")
        if self.gt.startswith(DATA_FOLDER):
            parts = self.gt.removeprefix(DATA_FOLDER).split("/")
            if not all(parts) or ".." in parts:
                raise InputError(f"phase {self.name!r}: {self.gt!r}: name a file or folder inside {DATA_FOLDER}")

    @classmethod
    def parse(cls, text: str, *, hidden: Sequence[str] = (), seconds: int = 600) -> CompetitionPhase:
        """A phase from ``NAME=GT,START[,END]``; dates are UTC, such as ``2026-03-01 12:00:00`` or ``2026-03-01``.

        A start without a time is 00:00:00. An end without a time is 23:59:59 of that day.

        Parameters
        ----------
        text
            The phase. Only the last phase of a competition may lack END.
        hidden
            Names of phases that hide their output.
        seconds
            The platform's limit for one submission.

        Returns
        -------
        CompetitionPhase
            The phase.

        Raises
        ------
        InputError
            If the text has another form.

        Examples
        --------
        >>> CompetitionPhase.parse("Test=GT_test,2026-03-10,2026-03-17").end
        datetime.datetime(2026, 3, 17, 23, 59, 59)
        """
        name, equals, rest = text.partition("=")
        parts = [part.strip() for part in rest.split(",")]
        if not equals or len(parts) not in (2, 3) or not all(parts):
            raise InputError(f"phase {text!r}: write NAME=GT,START,END; only the last phase may lack END")
        name = name.strip()
        where = f"phase {name!r}"
        dates = [parse_date(part, where, end=number > 0) for number, part in enumerate(parts[1:])]
        end = dates[1] if len(dates) == 2 else None
        return cls(name, parts[0], dates[0], end, hide_output=name in hidden, seconds=seconds)

    @property
    def data_name(self) -> str | None:
        """The GT's name inside ``/app/data``; None if it is elsewhere."""
        return self.gt.removeprefix(DATA_FOLDER) if self.gt.startswith(DATA_FOLDER) else None

    @property
    def data_key(self) -> str | None:
        """The UUID of data that was uploaded before; None if the GT is elsewhere."""
        return self.gt if is_uuid(self.gt) else None

    @property
    def at_hand(self) -> bool:
        """Whether the GT is a folder or zip of this machine."""
        return self.data_name is None and self.data_key is None


def parse_date(text: str, where: str, *, end: bool = False) -> datetime:
    """A date in UTC, without a time zone. Without a time it is 00:00:00, or 23:59:59 for an end.

    Raises
    ------
    InputError
        If it has another form. The platform would drop a time zone silently.
    """
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{where}: {text!r} is not a date such as 2026-03-01 12:00:00, in UTC") from None
    if not _EARLIEST <= date.year <= _LATEST:
        raise InputError(f"{where}: {text!r}: the year must be from {_EARLIEST} to {_LATEST}")
    if date.tzinfo is not None:
        raise InputError(f"{where}: {text!r}: the platform ignores time zones; write the time in UTC without a zone")
    if end and _is_bare(text):
        date = date.replace(hour=23, minute=59, second=59)
    return date.replace(microsecond=0)


def _is_bare(text: str) -> bool:
    """Whether a date has no time."""
    try:
        date_type.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID in its usual form.

    >>> is_uuid("0a1b2c3d-0000-4000-8000-0123456789ab"), is_uuid("GT_val")
    (True, False)
    """
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
