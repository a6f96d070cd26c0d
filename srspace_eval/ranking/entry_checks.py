"""Checks of entries before they are ranked: names, kinds, and values that their columns can have. Imports no torch."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from numbers import Real
from typing import get_args

from srspace_eval._utils.untrusted_text import name_key, short_name, spelled
from srspace_eval.errors import RankingError
from srspace_eval.ranking.given_values import range_faults
from srspace_eval.ranking.model import Entry, Origin
from srspace_eval.results.record import Kind
from srspace_eval.tracks.model import Track


def clean_entries(entries: Iterable[Entry], track: Track) -> list[Entry]:
    """The entries with NaN as None.

    Raises
    ------
    RankingError
        If a metric is unknown, a value is not a number or not one that its column can have, a kind or an origin is
        unknown, a name cannot be written as UTF-8, or two entries share a name.
    """
    lines = [_clean(entry, track) for entry in entries]
    problems = [
        f"{spelled(entry.team)}: {fault}"
        for entry in lines
        # Results are checked as files, and published tables are data of the package.
        if entry.result is None and entry.origin != "published"
        for fault in range_faults(_not_lost(entry, track), track.columns())
    ]
    if problems:
        raise RankingError("values that no measurement gives", problems)
    _require_distinct(lines)
    return lines


def _not_lost(entry: Entry, track: Track) -> dict[str, float | None]:
    """The values without infinitely bad ones, which give an entry no advantage."""
    worst = {info.id: -math.inf if info.direction == "higher" else math.inf for info in track.columns().values()}
    return {metric: value for metric, value in entry.values.items() if value != worst[metric]}


def _clean(entry: Entry, track: Track) -> Entry:
    """The entry with NaN as None; an unknown metric, or a name that cannot be written as UTF-8, is an error."""
    unknown = [metric for metric in entry.values if metric not in track.columns()]
    if unknown:
        known = ", ".join(track.columns())
        raise RankingError(f"{entry.team!r}: unknown metric {', '.join(unknown)}; known are {known}")
    if not name_key(entry.team):
        raise RankingError(f"an entry has no team name that can be seen ({entry.team!a}); give it a name")
    if any(unicodedata.category(char) == "Cs" for char in entry.team):
        raise RankingError(f"{entry.team!r}: the name has an invalid character (a lone surrogate); type it again")
    for field, text, known_ in (("kind", entry.kind, get_args(Kind)), ("origin", entry.origin, get_args(Origin))):
        if text not in known_:
            raise RankingError(f"{spelled(entry.team)}: {field} is {text!a}; give {' or '.join(map(repr, known_))}")
    return replace(entry, values={metric: _number(entry, metric, value) for metric, value in entry.values.items()})


def _number(entry: Entry, metric: str, value: object) -> float | None:
    """A value as a float; None: not measured."""
    try:
        number = math.nan if value is None else float(value) if isinstance(value, Real) else None
    except OverflowError:
        number = None
    if number is None:
        raise RankingError(f"{spelled(entry.team)}: {metric} is {short_name(ascii(value))}; give a number, or None")
    return None if math.isnan(number) else number


def _require_distinct(entries: Sequence[Entry]) -> None:
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        # Two papers may have the same method: published rows are distinguished by their citation.
        where = entry.note.split("\n")[0] if entry.origin == "published" else ""
        groups.setdefault((where, name_key(entry.team)), []).append(entry)
    problems = [
        f"{' and '.join(spelled(e.team) for e in group)}: keep one, or give one another name"
        for group in groups.values()
        if len(group) > 1
    ]
    if problems:
        raise RankingError("some teams are there twice (case, blanks and look-alike letters do not count)", problems)
