"""The history of a leaderboard: a small document that grows when a ranking changes. Imports no torch.

A site holds it as ``history.json``; ``rank --history FILE`` keeps it elsewhere, for example in a board's repository::

    {"format": "srspace-eval/history/1",
     "entries": [{"day": "2026-11-21",
                  "standings": [{"track": "x8", "title": "Super-resolution space ×8", "ranking": "",
                                 "rows": [{"team": "Deepest", "place": 1, "final_rank": 1.5,
                                           "values": {"lr_psnr": 50.5, "diversity": 26.0},
                                           "result": "9f86...", "evidence": "measured here"}]}]}]}

An entry holds the rankings that differ from their last entry, and the day of the newest result (never today). Its rows
are the teams, without baselines.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from srspace_eval._utils import strict_json
from srspace_eval._utils.documents import Digest, Text, convert
from srspace_eval._utils.files import read_bounded, write_atomic
from srspace_eval._utils.untrusted_text import slug
from srspace_eval.errors import RankingError
from srspace_eval.ranking.columns import default_columns
from srspace_eval.ranking.model import Ranking
from srspace_eval.results.documents import Value
from srspace_eval.results.record import Result
from srspace_eval.results.store import require_no_results, result_digest

_MOST_BYTES = 16 << 20
_MOST_TEAMS = 10_000
_NAME = "history.json"

Day = Annotated[
    str, Meta(pattern="^([0-9]{4}-[0-9]{2}-[0-9]{2})?$", max_length=10, description="a day such as 2026-11-21, or ''")
]


class StandingRow(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A team in one ranking. ``result`` is the SHA-256 of its result's file as this version writes it; null if only
    numbers are known. ``evidence`` says who measured the result, as it was known on the machine that wrote the entry;
    it is left out if nothing is known. ``not_measured`` has the ids of values that a measured row has from tables."""

    team: Text
    place: Annotated[int, Meta(ge=1, le=10**9)] | None
    final_rank: Value
    values: dict[Text, Value]
    result: Digest | None
    evidence: Text = ""
    not_measured: list[Text] = []

    def is_same(self, other: StandingRow | None) -> bool:
        """Whether another row has the same team, place, numbers and result, whatever its evidence is."""
        return other is not None and self._numbers == other._numbers

    @property
    def _numbers(self) -> tuple[object, ...]:
        return self.team, self.place, self.final_rank, self.values, self.result


class Standing(Struct, frozen=True, forbid_unknown_fields=True):
    """The teams of one ranking of a track, best first. ``ranking`` is empty if the track has a single ranking."""

    track: Text
    title: Text
    ranking: Text
    rows: list[StandingRow]

    @property
    def key(self) -> tuple[str, str]:
        """Which ranking it is."""
        return self.track, self.ranking

    @property
    def by_team(self) -> dict[str, StandingRow]:
        """Team -> its row."""
        return {row.team: row for row in self.rows}


class HistoryEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """The rankings that changed together, and the day of the newest result; empty if the day is unknown."""

    day: Day
    standings: list[Standing]


class HistoryDocument(Struct, frozen=True, forbid_unknown_fields=True):
    """A leaderboard's history, oldest entry first."""

    format: Literal["srspace-eval/history/1"]
    entries: list[HistoryEntry]

    def steps(self) -> Iterator[tuple[HistoryEntry, list[tuple[Standing | None, Standing]]]]:
        """Each entry, with (the standing before, the standing) of each of its rankings."""
        latest: dict[tuple[str, str], Standing] = {}
        for entry in self.entries:
            pairs = [(latest.get(standing.key), standing) for standing in entry.standings]
            latest |= {standing.key: standing for standing in entry.standings}
            yield entry, pairs


def history_file(rankings: Sequence[Ranking]) -> str:
    """Where a site keeps its history. A track called ``history`` has its own table at the usual place."""
    names = {slug(name).casefold() for ranking in rankings for name in (ranking.track.name, ranking.published or "")}
    taken = Path(_NAME).stem in names
    return f"assets/{_NAME}" if taken else _NAME


def read_history(path: Path) -> HistoryDocument:
    """The history in a file; without entries if there is no such file.

    Raises
    ------
    RankingError
        If the file is no history, or cannot be read.
    """
    try:
        if not path.exists():
            return HistoryDocument("srspace-eval/history/1", [])
        history = convert(strict_json.loads(read_bounded(path, _MOST_BYTES)), HistoryDocument)
        most = max((len(one.rows) for entry in history.entries for one in entry.standings), default=0)
        if most > _MOST_TEAMS:
            raise ValueError(f"a ranking has {most} teams, and at most {_MOST_TEAMS} are read")
        return history
    except (OSError, ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise RankingError(
            f"{path}: this history cannot be used ({reason}); nothing was written. Restore the file from a copy, or "
            "move it away: a new history then begins"
        ) from error


def with_rankings(history: HistoryDocument, rankings: Sequence[Ranking]) -> HistoryDocument:
    """The history with one more entry if a ranking differs from its last entry; else the history itself."""
    latest = {standing.key: standing for entry in history.entries for standing in entry.standings}
    changed = []
    for standing in (_standing(one) for ranking in rankings for one in ranking.all):
        known = latest.get(standing.key)
        before, after = known.by_team if known else {}, standing.by_team
        if before.keys() != after.keys() or not all(row.is_same(before[team]) for team, row in after.items()):
            changed.append(standing)
    if not changed:
        return history
    day = max((ranking.date for ranking in rankings), default="")
    return HistoryDocument(history.format, [*history.entries, HistoryEntry(day, changed)])


def history_text(history: HistoryDocument) -> str:
    """The document as text. Equal histories give equal bytes.

    Raises
    ------
    RankingError
        If it is too large to be read again.
    """
    text = strict_json.visible_dumps(msgspec.to_builtins(history)) + "\n"
    if len(text.encode("utf-8")) > _MOST_BYTES:
        raise RankingError(
            f"the history is larger than {_MOST_BYTES >> 20} MiB; nothing was written. Move its file away: a new "
            "history then begins"
        )
    return text


def update_history(rankings: Sequence[Ranking], path: Path | str) -> bool:
    """Add an entry to a history file if a ranking differs from its last entry. ``rank --history`` does the same.

    Parameters
    ----------
    rankings
        One ranking a track.
    path
        The file; made if missing.

    Returns
    -------
    bool
        Whether the file was written. The same rankings again change nothing.

    Raises
    ------
    RankingError
        If the file is no history, or cannot be read or written.
    ResultsError
        If its folder holds results of a board.

    Examples
    --------
    >>> from srspace_eval import Entry, rank, update_history
    >>> ranking = rank([Entry("A", "team", {"lpips": 0.2, "diversity": 20.0}, "given")], "x8")
    >>> update_history([ranking], "history.json"), update_history([ranking], "history.json")
    (True, False)
    """
    path = Path(path)
    require_no_results(path)
    history = read_history(path)
    found = with_rankings(history, rankings)
    if found is not history:
        write_history(found, path)
    return found is not history


def write_history(history: HistoryDocument, path: Path) -> None:
    """Write a history, atomically.

    Raises
    ------
    RankingError
        If it cannot be written, or is too large to be read again.
    """
    text = history_text(history)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, text)
    except OSError as error:
        raise RankingError(
            f"{path}: cannot be written ({error.strerror or error}); choose another --history"
        ) from error


def keep_history(history: HistoryDocument, path: Path, others: Sequence[Path], *, changed: bool = True) -> None:
    """Write a history beside other files, none of which it may be; not if nothing changed and the file is there.

    Raises
    ------
    RankingError
        If it cannot be written, or the path is that of one of ``others``.
    """
    if path.resolve() in {other.resolve() for other in others}:
        raise RankingError(
            f"{path}: the leaderboard writes a file of this name; nothing was written. Give another --history"
        )
    if changed or not path.exists():
        write_history(history, path)


def _standing(ranking: Ranking) -> Standing:
    rule = ranking.track.ranking
    named = [metric for metric in ranking.track.columns() if metric in rule.named]
    metrics = named or default_columns(ranking.track)  # what the rule names, whichever columns are shown
    rows = [
        StandingRow(
            row.entry.team,
            row.place,
            _stored(row.final_rank),
            {metric: _stored(row.entry.values.get(metric)) for metric in metrics},
            None if row.entry.result is None else _digest(row.entry.result),
            row.entry.evidence,
            [metric for metric in metrics if metric in row.entry.joined],
        )
        for row in ranking.rows
        if row.entry.kind == "team"
    ]
    return Standing(ranking.track.name, ranking.title, rule.name, rows[:_MOST_TEAMS])


def _digest(result: Result) -> str | None:
    try:
        return result_digest(result)
    except RecursionError:  # a provenance that is nested too deeply for any file
        return None


def _stored(value: float | None) -> Value:
    """A value as the document holds it, so that what was read equals what is made."""
    if value is None or math.isnan(value):
        return None
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return float(value)
