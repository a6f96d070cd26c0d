"""What the page of a site's history shows: per entry and ranking, the teams that changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from srspace_eval._utils import strict_json
from srspace_eval._utils.untrusted_text import visible
from srspace_eval.metrics.base import MetricInfo
from srspace_eval.metrics.registry import columns as metric_columns
from srspace_eval.ranking.notes import metric_label
from srspace_eval.report.history import HistoryDocument, Standing, StandingRow
from srspace_eval.report.html import text
from srspace_eval.report.numbers import short_number
from srspace_eval.report.table_parts import GIVEN_MARK, doubt
from srspace_eval.results.documents import Value
from srspace_eval.tracks.model import Track

MOST = 100
"""The page shows at most this many entries, the newest ones."""

MOST_TEAMS, MOST_ROWS = 200, 5000
"""The page shows the first 200 teams of each change of a ranking. After 5000 teams, it shows no older changes."""

MOST_COLUMNS = 24
"""A table has at most this many columns of values. A document from elsewhere may hold any number."""

_NONE = "–"


@dataclass(frozen=True)
class Change:
    """A number before and after a change.

    ``before`` is empty if the number is unchanged, or if there was none. ``mark`` is the sign of a number that was not
    measured although its row was; it is empty for others.
    """

    before: str
    after: str
    mark: str = ""


@dataclass(frozen=True)
class TeamChange:
    """A team that changed: what happened to it in words, its place, and its values in the table's order.

    ``doubt`` is a key of :data:`~srspace_eval.report.table_parts.DOUBTS`, or empty if the result was measured or
    verified where the entry was made.
    """

    team: str
    doubt: str
    what: str
    place: Change
    values: tuple[Change, ...]


@dataclass(frozen=True)
class StandingChanges:
    """What changed in one ranking. ``folder`` is empty if the site has no page of the track.

    ``changed`` is the number of teams that changed. ``teams`` has the first :data:`MOST_TEAMS` of them.
    """

    title: str
    folder: str
    first: bool
    columns: tuple[Markup, ...]
    teams: tuple[TeamChange, ...]
    changed: int
    unchanged: int

    @property
    def doubt(self) -> str:
        """The ``doubt`` of the teams, if all have the same one; else empty."""
        found = {team.doubt for team in self.teams}
        return found.pop() if len(found) == 1 else ""


@dataclass(frozen=True)
class Step:
    """One entry, with its number from 1."""

    number: int
    day: str
    standings: tuple[StandingChanges, ...]


def make_steps(history: HistoryDocument, folders: Mapping[str, str], tracks: Mapping[str, Track]) -> list[Step]:
    """The entries, newest first, at most :data:`MOST`. No ranking is added once :data:`MOST_ROWS` teams are shown.

    Parameters
    ----------
    folders
        Track name -> folder of its pages.
    tracks
        The site's tracks by name. Metrics that neither they nor the registry know are shown by their ids.
    """
    numbered = list(enumerate(history.steps(), 1))[-MOST:]
    steps: list[Step] = []
    rows = 0
    for number, (entry, pairs) in reversed(numbered):
        found: list[StandingChanges] = []
        for before, after in pairs:
            if rows < MOST_ROWS:
                found.append(_changes(before, after, folders, tracks))
                rows += len(found[-1].teams)
        if found:
            steps.append(Step(number, entry.day, tuple(found)))
    return steps


def _changes(
    before: Standing | None,
    after: Standing,
    folders: Mapping[str, str],
    tracks: Mapping[str, Track],
) -> StandingChanges:
    old, new = before.by_team if before else {}, after.by_team
    both = [*new, *(team for team in old if team not in new)]
    track = tracks.get(after.track)
    known = {**metric_columns(), **(track.columns() if track else {})}
    # What nobody has a value of, such as LPIPS where it was not measured, has no column.
    metrics = list(
        dict.fromkeys(
            metric
            for one in (new, old)
            for row in one.values()
            for metric, value in row.values.items()
            if strict_json.number(value) is not None
        )
    )
    metrics = metrics[:MOST_COLUMNS]
    changed = [team for team in both if team not in new or not new[team].is_same(old.get(team))]
    teams = tuple(_team(old.get(team), new.get(team), metrics, known) for team in changed[:MOST_TEAMS])
    heads = tuple(_head(metric, known.get(metric), track) for metric in metrics)
    return StandingChanges(
        visible(after.title),
        folders.get(after.track, ""),
        before is None,
        heads,
        teams,
        len(changed),
        len(both) - len(changed),
    )


def _head(metric: str, info: MetricInfo | None, track: Track | None) -> Markup:
    if info is None:
        return text.label_html(metric)
    label = metric_label(metric, track) if track and metric in track.columns() else info.label
    return text.label_html(f"{label} ({info.unit})" if info.unit else label)


def _team(
    old: StandingRow | None, new: StandingRow | None, metrics: list[str], known: Mapping[str, MetricInfo]
) -> TeamChange:
    shown = new or old
    assert shown is not None
    values = tuple(
        _change(
            _NONE if old is None else _value(old.values.get(metric), known.get(metric)),
            _NONE if new is None else _value(new.values.get(metric), known.get(metric)),
            GIVEN_MARK if metric in shown.not_measured else "",
        )
        for metric in metrics
    )
    place = _change(_place(old), _place(new))
    return TeamChange(
        visible(shown.team),
        _doubt(shown),
        _what(old, new),
        place,
        values,
    )


def _doubt(row: StandingRow) -> str:
    return "numbers only" if row.result is None else doubt(row.evidence)


def _what(old: StandingRow | None, new: StandingRow | None) -> str:
    if old is None:
        return "new"
    if new is None:
        return "removed"
    if old.result != new.result:
        return "result replaced"
    if old.values != new.values:
        return "values changed"
    return "place changed" if old.place != new.place else "final rank changed"


def _change(before: str, after: str, mark: str = "") -> Change:
    return Change("" if before in (after, _NONE) else before, after, mark)


def _place(row: StandingRow | None) -> str:
    return _NONE if row is None or row.place is None else str(row.place)


def _value(value: Value, info: MetricInfo | None) -> str:
    number = strict_json.number(value)
    if number is None:
        return _NONE
    return f"{number:.6g}" if info is None else short_number(info, number)
