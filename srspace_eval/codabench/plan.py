"""What a bundle is made from: the track, the phases, the image of the worker, and the rest of the competition."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from srspace_eval.codabench.phase import CompetitionPhase, is_uuid
from srspace_eval.errors import InputError
from srspace_eval.metrics.base import MetricInfo
from srspace_eval.metrics.registry import bind
from srspace_eval.tracks.model import Track

Net = Literal["alex", "vgg", "squeeze"]
SubmissionRule = Literal["Force_Last", "Force_Best", "Add", "Add_And_Delete"]
"""The platform's rules that put one submission of each participant on the leaderboard."""

EMAIL = re.compile(r"[^@\s\"(),:;<>\[\]\\]+@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}")


@dataclass(frozen=True)
class Page:
    """A page of the competition: its title, and its text in Markdown.

    Examples
    --------
    >>> Page("Data", "# Where the data is").title
    'Data'
    """

    title: str
    text: str


@dataclass(frozen=True)
class Question:
    """A question of the fact sheet, which participants answer with each submission.

    Attributes
    ----------
    key, title
        Its id and its text.
    required
        Whether an answer is needed.
    shown
        Whether the leaderboard has a column with the answers.
    """

    key: str
    title: str
    required: bool = False
    shown: bool = True


QUESTIONS: tuple[Question, ...] = (
    Question("method", "Method", required=True),
    Question("code", "Link to the code"),
    Question("data", "Extra data"),
)
"""The fact sheet if none is given."""


@dataclass(frozen=True)
class CompetitionPlan:
    """A competition. Nothing of it is public before the organisers publish it.

    Attributes
    ----------
    track, phases
        What is scored, and when; phases in order.
    image
        The Docker image of the worker: ``USER/NAME:TAG``.
    title, description, organisers, contact, reward
        Texts of the pages. If no title is given, it is the track's.
    metrics, samples, net
        As for ``score``. If none is given, they are the track's.
    primary
        The metric that orders the leaderboard. If none is given, it is the first of the track's final rule that is
        measured.
    queue
        Vhost (UUID) of a queue of one's own.
    logo
        A PNG. If none is given, a plain one is drawn.
    terms
        Markdown. If none is given, short terms are made.
    pages
        Further pages, shown after those that are made from the track.
    questions
        The fact sheet.
    submission_rule
        Which of a participant's submissions the leaderboard shows.
    auto_approve, forum, public_submissions
        Whether participants are admitted without the organisers, whether there is a forum, and whether participants
        may publish their submissions.
    starting_kit
        Whether phases whose GT is at hand get a starting kit.
    columns
        Columns of the leaderboard, in order. They follow from the track and the metrics.

    Examples
    --------
    >>> from srspace_eval.tracks.reader import load_track
    >>> phase = CompetitionPhase.parse("Test=/app/data/GT_test,2026-03-10")
    >>> CompetitionPlan(load_track("x4"), (phase,), "user/srspace-eval:1").primary
    'diversity'
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
    terms: str = ""
    pages: tuple[Page, ...] = ()
    questions: tuple[Question, ...] = QUESTIONS
    reward: str = ""
    submission_rule: SubmissionRule = "Force_Last"
    auto_approve: bool = False
    forum: bool = True
    public_submissions: bool = False
    starting_kit: bool = False
    columns: tuple[MetricInfo, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        problems = []
        if not self.phases:
            problems.append("no phase: give at least one")
        if not re.fullmatch(r"[a-z0-9][\w.-]*(?::\d+)?(?:/[a-z0-9][\w.-]*)*(?::[\w.-]{1,128})?", self.image):
            problems.append(f"image {self.image!r}: write USER/NAME:TAG")
        if len(self.image) > 128:
            problems.append(f"image: {len(self.image)} characters; the platform takes 128")
        if self.queue and not is_uuid(self.queue):
            problems.append(f"queue {self.queue!r}: give the queue's Vhost, a UUID")
        for before, after in zip(self.phases, self.phases[1:], strict=False):
            if before.end is None:
                problems.append(f"phase {before.name!r}: has no end, but {after.name!r} follows")
            elif after.start <= before.end:
                problems.append(f"phase {after.name!r}: must start after {before.name!r} has ended ({before.end})")
        if len({phase.name for phase in self.phases}) != len(self.phases):
            problems.append("two phases have one name")
        if self.contact and not (EMAIL.fullmatch(self.contact) and len(self.contact) <= 256):
            problems.append(f"contact {self.contact!r}: must be an e-mail address, or empty")
        if len(self.reward) > 256:
            problems.append(f"reward: {len(self.reward)} characters; the platform takes 256")
        if len({question.key for question in self.questions}) != len(self.questions):
            problems.append("two questions of the fact sheet have one key")
        problems += [
            f"page {page.title!r}: a title has 1 to 255 characters, and a page has a text"
            for page in self.pages
            if not 1 <= len(page.title.strip()) <= 255 or not page.text.strip()
        ]
        problems += self._not_scored()
        if self.starting_kit and not any(phase.at_hand for phase in self.phases):
            problems.append("starting_kit: needs a phase whose GT is a folder or zip; it holds pictures of their sizes")
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
    def sample_count(self) -> int:
        """Samples of an image that a submission has."""
        return self.samples or self.track.samples

    @property
    def shown_title(self) -> str:
        """The competition's title."""
        return self.title or self.track.title

    def trunks(self) -> tuple[str, ...]:
        """The trunks that the metrics' networks need, such as ``("alex",)``; none if no metric has a network.

        Returns
        -------
        tuple[str, ...]
            Names of trunks, sorted.

        Raises
        ------
        InputError
            If a metric or an option of the track is unknown.
        """
        bound = bind(self.measured, self.track.measures).values()
        return tuple(sorted({m.trunk if m.network != "lpips" else self.net for m in bound if m.network} - {""}))

    def _not_scored(self) -> list[str]:
        """Why a scoring program cannot measure this track."""
        if self.track.reference == "none":
            return [
                f'track {self.track.name}: reference = "none" says that there is no GT, and a scoring program pairs '
                "samples with a GT; score submissions with `srspace-eval score` instead"
            ]
        if not self.measured:
            return [
                f"track {self.track.name}: measures nothing, all its values come from elsewhere, so a scoring program "
                "has nothing to do; give metrics, or rank the values with `rank --table`"
            ]
        return []

    def _columns(self) -> tuple[MetricInfo, ...]:
        bound = bind(self.measured, self.track.measures)
        missing = [f"{name} needs {metric.missing()}" for name, metric in bound.items() if metric.missing()]
        if missing:
            raise InputError("; ".join(missing))
        return tuple(info for name, metric in bound.items() for info in metric.columns_as(name))

    def _first_ranked(self) -> str:
        ids = [info.id for info in self.columns]
        rule = self.track.ranking
        ordered = [name for key in rule.order_by for name in sorted(key.formula.reads)]
        ranked = [*rule.final, *ordered, *(criterion.metric for criterion in rule.criteria)]
        return next((name for name in ranked if name in ids), ids[0])
