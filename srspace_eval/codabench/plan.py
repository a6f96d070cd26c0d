"""What a bundle is made from: the track, the phases, the image of the worker, and the rest of the competition."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from srspace_eval.errors import InputError
from srspace_eval.metrics.base import MetricInfo
from srspace_eval.metrics.registry import bind
from srspace_eval.tracks.model import Track

DATE_FORMAT = "%Y-%m-%d %H:%M:%S"
DATA_FOLDER = "/app/data/"
"""Where a worker of one's own shows its private data."""

Net = Literal["alex", "vgg", "squeeze"]


@dataclass(frozen=True)
class CompetitionPhase:
    """A phase of the competition.

    Attributes
    ----------
    name:
        As the platform shows it.
    gt:
        A folder or zip of GTs, the UUID of data that was uploaded before, or ``/app/data/NAME`` on a worker of one's
        own. The last never leaves home.
    start, end:
        UTC; the last phase may have no end.
    hide_output:
        Participants see no logs, and pages hold nothing image by image.
    submissions_per_day, submissions:
        Limits for a participant.
    seconds:
        The platform's limit for one submission.
    """

    name: str
    gt: str
    start: datetime
    end: datetime | None = None
    hide_output: bool = False
    submissions_per_day: int = 5
    submissions: int = 100
    seconds: int = 600

    def __post_init__(self) -> None:
        if not 1 <= len(self.name.strip()) <= 256:
            raise InputError(f"phase {self.name!r}: a name has 1 to 256 characters")
        if self.end is not None and self.end <= self.start:
            raise InputError(f"phase {self.name!r}: ends at {self.end}, before its start")
        if self.seconds < 60:
            raise InputError(f"phase {self.name!r}: seconds = {self.seconds}: at least 60")
        if self.gt.startswith(DATA_FOLDER):
            parts = self.gt.removeprefix(DATA_FOLDER).split("/")
            if not all(parts) or ".." in parts:
                raise InputError(f"phase {self.name!r}: {self.gt!r}: name a file or folder inside {DATA_FOLDER}")

    @classmethod
    def parse(cls, text: str, *, hidden: Sequence[str] = (), seconds: int = 600) -> CompetitionPhase:
        """A phase from ``NAME=GT,START[,END]``; dates are UTC, such as ``2026-03-01 12:00:00`` or ``2026-03-01``.

        Parameters
        ----------
        hidden:
            Names of phases that hide their output.
        seconds:
            The platform's limit for one submission.

        Raises
        ------
        InputError
            If the text has another form.

        Examples
        --------
        >>> CompetitionPhase.parse("Test=GT_test,2026-03-10,2026-03-17 23:59:59").end
        datetime.datetime(2026, 3, 17, 23, 59, 59)
        """
        name, equals, rest = text.partition("=")
        parts = [part.strip() for part in rest.split(",")]
        if not equals or len(parts) not in (2, 3) or not all(parts):
            raise InputError(f"phase {text!r}: write NAME=GT,START,END; only the last phase may lack END")
        dates = [parse_date(part, f"phase {name.strip()!r}") for part in parts[1:]]
        name = name.strip()
        end = dates[1] if len(dates) == 2 else None
        return cls(name, parts[0], dates[0], end, hide_output=name in hidden, seconds=seconds)

    @property
    def data_name(self) -> str | None:
        """The GT's name inside ``/app/data``; None if it is elsewhere."""
        return self.gt.removeprefix(DATA_FOLDER) if self.gt.startswith(DATA_FOLDER) else None

    @property
    def data_key(self) -> str | None:
        """The UUID of data that was uploaded before; None if the GT is elsewhere."""
        return self.gt if _is_uuid(self.gt) else None


def parse_date(text: str, where: str) -> datetime:
    """A date in UTC, without a time zone.

    Raises
    ------
    InputError
        If it has another form. The platform would drop a time zone silently.
    """
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{where}: {text!r} is not a date such as 2026-03-01 12:00:00, in UTC") from None
    if date.tzinfo is not None:
        raise InputError(f"{where}: {text!r}: the platform ignores time zones; write the time in UTC without a zone")
    return date.replace(microsecond=0)


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


@dataclass(frozen=True)
class CompetitionPlan:
    """A competition.

    Attributes
    ----------
    track, phases:
        What is scored, and when; phases in order.
    image:
        The Docker image of the worker: ``USER/NAME:TAG``.
    title, description, organisers, contact:
        Texts of the pages; empty: made from the track.
    metrics, samples, net:
        As for ``score``; empty: the track's.
    primary:
        The metric that orders the leaderboard; empty: the first of the track's final rule that is measured.
    queue:
        Vhost (UUID) of a queue of one's own.
    logo:
        A PNG; None: a plain one.
    """

    track: Track
    phases: tuple[CompetitionPhase, ...]
    image: str
    title: str = ""
    description: str = ""
    organisers: str = ""
    contact: str = ""
    metrics: tuple[str, ...] = ()
    samples: int | None = None
    net: Net = "alex"
    primary: str = ""
    queue: str = ""
    logo: Path | None = None
    columns: tuple[MetricInfo, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        problems = []
        if not self.phases:
            problems.append("no phase: give at least one")
        if not re.fullmatch(r"[a-z0-9][\w.-]*(?::\d+)?(?:/[a-z0-9][\w.-]*)*(?::[\w.-]{1,128})?", self.image):
            problems.append(f"image {self.image!r}: write USER/NAME:TAG")
        if len(self.image) > 128:
            problems.append(f"image: {len(self.image)} characters; the platform takes 128")
        if self.queue and not _is_uuid(self.queue):
            problems.append(f"queue {self.queue!r}: give the queue's Vhost, a UUID")
        for before, after in zip(self.phases, self.phases[1:], strict=False):
            if before.end is None:
                problems.append(f"phase {before.name!r}: has no end, but {after.name!r} follows")
            elif after.start <= before.end:
                problems.append(f"phase {after.name!r}: must start after {before.name!r} has ended ({before.end})")
        if len({phase.name for phase in self.phases}) != len(self.phases):
            problems.append("two phases have one name")
        if problems:
            raise InputError("; ".join(problems))
        object.__setattr__(self, "columns", self._columns())
        if not self.primary:
            object.__setattr__(self, "primary", self._first_ranked())
        if self.primary not in [info.id for info in self.columns]:
            raise InputError(
                f"primary {self.primary!r}: not measured; choose from {', '.join(info.id for info in self.columns)}"
            )

    @property
    def measured(self) -> tuple[str, ...]:
        """Ids of what is measured."""
        return self.metrics or self.track.measured

    @property
    def shown_title(self) -> str:
        """The competition's title."""
        return self.title or self.track.title

    def needs_network(self) -> bool:
        """Whether a metric needs LPIPS's network."""
        return any(metric.network for metric in bind(self.measured, self.track.measures).values())

    def _columns(self) -> tuple[MetricInfo, ...]:
        bound = bind(self.measured, self.track.measures)
        missing = [f"{name} needs {metric.missing()}" for name, metric in bound.items() if metric.missing()]
        if missing:
            raise InputError("; ".join(missing))
        return tuple(info for name, metric in bound.items() for info in metric.columns_as(name))

    def _first_ranked(self) -> str:
        ids = [info.id for info in self.columns]
        ranked: Sequence[str] = [*self.track.ranking.final, *(c.metric for c in self.track.ranking.criteria)]
        return next((name for name in ranked if name in ids), ids[0])
