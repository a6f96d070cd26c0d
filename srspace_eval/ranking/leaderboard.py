"""The public call: entries of a leaderboard from all their sources, ranked by a track's rule. Imports no torch.

``srspace-eval rank`` is :func:`rank` with the command's options, then
:func:`srspace_eval.report.files.write_leaderboards`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from srspace_eval._utils.notices import notify
from srspace_eval._utils.untrusted_text import visible
from srspace_eval.errors import RankingError
from srspace_eval.ranking.bootstrap import BootstrapPlan
from srspace_eval.ranking.columns import all_default_columns
from srspace_eval.ranking.entries import result_entries
from srspace_eval.ranking.gather import gather_entries
from srspace_eval.ranking.measured_columns import including_columns
from srspace_eval.ranking.model import Entry, Ranking
from srspace_eval.ranking.participants import ONLY_PUBLISHED
from srspace_eval.ranking.published_tables import load_published, published_tracks
from srspace_eval.ranking.rule import apply_rule
from srspace_eval.results.board import Board, load_board
from srspace_eval.results.record import Result
from srspace_eval.results.store import newest_day
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.reader import load_track
from srspace_eval.tracks.teams import Team, is_day, read_teams

_NAMED = 5  # teams named in a notice


def rank(
    source: Board | Path | str | Iterable[Entry | Result] | None = None,
    track: Track | Path | str | None = None,
    *,
    table: Path | str | Sequence[Path | str] | None = None,
    published: str | None = None,
    with_published: str | Sequence[str] = (),
    mor: Path | str | None = None,
    values: Path | str | Sequence[Path | str] | None = None,
    columns: Sequence[str] | None = None,
    bootstrap: BootstrapPlan | None = BootstrapPlan(),  # noqa: B008 - it cannot be changed
    signature: str | None = None,
    allow_unknown: bool = False,
    teams: Sequence[Team] | Path | str | None = None,
    date: str = "",
    rank_together: bool = False,
) -> Ranking:
    """Rank scored submissions by a track's rule: what ``srspace-eval rank`` does.

    Parameters
    ----------
    source
        A board or its folder; or results and entries (:class:`Entry`), whose order does not matter. None: only the
        sources below.
    track
        Gives the rule: a track, a built-in track's name, or a track file. None: the track of the table ``published``.
    table
        A CSV of numbers that you have, or several: columns ``team``, optionally ``kind`` (``team`` or ``baseline``),
        and ids of the track; an empty cell is "not measured".
    published
        A published table whose own teams compete, as in its challenge: ``"ntire2021-x4"``, or ``"ntire2021"`` where
        the track says which one. Entries of other sources are shown without ranks, unless ``rank_together``.
    with_published
        Published tables whose rows are shown as baselines; ``"all"``: every table of the track.
    mor
        A study's mean opinion ranks: the folder that :func:`srspace_eval.collect_study` wrote, or a CSV ``team,mor``.
    values
        A CSV of values to join to the entries of the other sources, or several: ``team`` and any ids of the track, such
        as runtimes beside measured results. A name without an entry becomes a baseline, with a notice.
    columns
        Metric ids to show; None: those that the rule and the track name. A notice names columns without any value.
    bootstrap
        How to make 95% intervals from the images' values of measured submissions; None: no intervals.
    signature
        Start of the signature id whose results are ranked; results that conflict with it are listed without ranks.
    allow_unknown
        Names of ``mor`` without an entry (a reference method that was not scored) become baselines. False: they are an
        error, but for the GT.
    teams
        Teams or their CSV (:func:`srspace_eval.read_teams`): affiliations, links, what else they declared. Entries of
        the same name show it; upper and lower case count as the same.
    date
        The day of the newest result for pages and the history, such as ``"2026-11-21"``. Empty: the newest date of
        ``teams``, else the day on which the newest file of the board was written (or SOURCE_DATE_EPOCH). No number
        depends on it.
    rank_together
        Rank the teams of ``published`` and all other entries together, although their numbers do not compare.

    Returns
    -------
    Ranking
        The leaderboard, best first. :meth:`Ranking.to_frame` gives a pandas DataFrame, and
        :func:`srspace_eval.write_leaderboards` writes the files.

    Raises
    ------
    RankingError
        If there is nothing to rank, a source is damaged, a team is there twice, ``mor`` names a team without an entry,
        results were measured with different settings and no ``signature`` was chosen, or ``date`` is not a day.
    InputError
        If ``columns`` names a column that measures of different results, or of a result and the track, both give.
    ResultsError
        If files of the board are damaged.
    TrackError
        If there is no such track.

    Examples
    --------
    >>> from srspace_eval import rank
    >>> ranking = rank(published="ntire2021-x4")
    >>> [row.entry.team for row in ranking.rows[:3]]
    ['Deepest', 'CIPLAB', 'njtech&seu']
    """
    if date and not is_day(date):
        raise RankingError(f"date {visible(date)!r}: is not a day; write one such as 2026-11-21")
    if track is None:
        track = _track_of(published)
    track = track if isinstance(track, Track) else load_track(track)
    if isinstance(source, (str, Path)):
        source = load_board(source)
    board = source.folder if isinstance(source, Board) else None
    given = [] if source is None or isinstance(source, Board) else list(source)
    results = [item for item in given if isinstance(item, Result)]
    if columns is not None:
        track = including_columns(track, columns, results if board is None else board, signature)
    shown = all_default_columns(track) if columns is None else tuple(columns)
    entries = gather_entries(
        track,
        entries=[*(item for item in given if isinstance(item, Entry)), *result_entries(results, track)],
        board=board,
        tables=_paths(table),
        published=published,
        beside=(with_published,) if isinstance(with_published, str) else with_published,
        mor=None if mor is None else Path(mor),
        values=_paths(values),
        columns=shown,
        allow_unknown=allow_unknown,
        teams=read_teams(teams) if isinstance(teams, (Path, str)) else teams or (),
    )
    ranking = apply_rule(
        entries, track, bootstrap=bootstrap, signature=signature, columns=columns, together=rank_together
    )
    _tell_apart(ranking)
    if columns is not None:
        shown_rows = [row for one in ranking.all for row in one.rows]  # with the values of formulas
        empty = [metric for metric in columns if all(row.entry.values.get(metric) is None for row in shown_rows)]
        if empty:
            notify(f"columns: no entry has a value of {', '.join(empty)}; the tables leave it out")
    if published is not None:
        name = load_published(published, track.name).id
        ranking = replace(ranking, published=name, others=tuple(replace(o, published=name) for o in ranking.others))
    declared = max((entry.about.get("date", "") for entry in entries), default="")
    known = date or declared or ("" if board is None else newest_day(board, track.name))
    return replace(ranking, date=known, others=tuple(replace(one, date=known) for one in ranking.others))


def _track_of(published: str | None) -> str:
    if published is None:
        raise RankingError("the track is not known: give its name or its file, or a published table")
    names = published_tracks(published)
    if len(names) > 1:
        raise RankingError(
            f"{published!r} has a table for each of the tracks {', '.join(names)}: give one of them as track"
        )
    return names[0]


def _tell_apart(ranking: Ranking) -> None:
    apart = [row.entry.team for row in ranking.rows if row.why_unranked == ONLY_PUBLISHED]
    if apart:
        named = ", ".join(map(repr, apart[:_NAMED])) + (" …" if len(apart) > _NAMED else "")
        notify(
            f"only the published teams are ranked; {named}: shown without ranks; --rank-together ranks all rows "
            "together"
        )


def _paths(given: Path | str | Sequence[Path | str] | None) -> tuple[Path, ...]:
    if given is None:
        return ()
    return (Path(given),) if isinstance(given, (Path, str)) else tuple(map(Path, given))
