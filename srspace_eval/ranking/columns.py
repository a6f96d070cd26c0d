"""Which columns a ranking's table shows, and in which order. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from srspace_eval.tracks.model import Track


def tracks_of(track: Track) -> list[tuple[Track, tuple[str, ...]]]:
    """For each rule of a track: a track with this rule alone, and the columns that its table shows."""
    tracks = [replace(track, ranking=rule, more_rankings=()) for rule in track.rankings]
    # The first table has all that is measured. The further ones have what their rules name.
    return [(one, _columns(one, one.measured if number == 0 else ())) for number, one in enumerate(tracks)]


def default_columns(track: Track) -> tuple[str, ...]:
    """The metrics that a track's rule or its measurement names.

    They are in the order of all tables. A rule with ``order_by`` puts those that it ranks first.
    """
    return _columns(track, track.measured)


def _columns(track: Track, measured: Sequence[str]) -> tuple[str, ...]:
    rule = track.ranking
    named = {*rule.named, *measured}
    ranked = dict.fromkeys(c.metric for c in rule.criteria) if rule.order_by else {}
    return (*ranked, *(metric for metric in track.columns() if metric in named and metric not in ranked))


def all_default_columns(track: Track) -> tuple[str, ...]:
    """The metrics that the track's measurement or any of its rules names."""
    named = {*track.measured, *(metric for rule in track.rankings for metric in rule.named)}
    return tuple(metric for metric in track.columns() if metric in named)


def cells_of(rows: int, track: Track, shown: Sequence[str]) -> int:
    """Rows times columns of a ranking: those that its table shows or its rule ranks, and its keys of ``order_by``.

    Parameters
    ----------
    track
        A track with the ranking's rule alone.
    shown
        The columns that the table shows.
    """
    rule = track.ranking
    return rows * (len({*shown, *(criterion.metric for criterion in rule.criteria)}) + len(rule.order_by))
