"""Values that pages show beside their tables: columns of all tables, neighbours, signatures, the study's address.

Imports no torch.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from srspace_eval._utils.untrusted_text import visible
from srspace_eval.errors import RankingError
from srspace_eval.ranking.model import Ranking
from srspace_eval.ranking.published_tables import table_of
from srspace_eval.report.html.track_table import PageColumn, TrackTable
from srspace_eval.results.record import Result
from srspace_eval.tracks.teams import web_address


def places_elsewhere(ranking: Ranking, result: Result) -> list[tuple[str, str]]:
    """The board's further rankings, and the place or the reason of a submission in each."""
    found = []
    for one in ranking.others:
        row = next(row for row in one.rows if row.entry.result is result)
        rule = one.track.ranking
        reason = f"none: {row.why_unranked}" if row.why_unranked else "none"
        found.append((rule.title or rule.name, reason if row.place is None else str(row.place)))
    return found


def all_columns(tables: Sequence[TrackTable]) -> list[PageColumn]:
    """The columns of all tables, each once; one with a plateau counts before one without.

    A combined rank is another value in each table, and the page explains each.
    """
    found: dict[str, PageColumn] = {}
    for column in (column for table in tables for column in table.columns):
        if column.model.is_of_rule and not (column.model.is_final and column.model.label == "Mean rank"):
            continue
        known = found.setdefault(column.model.id, column)
        if column.reached and not known.reached:
            found[column.model.id] = column
    return list(found.values())


def published_years(rankings: Sequence[Ranking]) -> str:
    """The years of the publications that the rankings show rows of: ``"2020, 2021"``; empty if there are none."""
    notes = {row.entry.note for ranking in rankings for row in ranking.rows if row.entry.origin == "published"}
    years = {table.year for note in notes if (table := table_of(note)) is not None and table.year is not None}
    return ", ".join(map(str, sorted(years)))


def study_link(report: Path | str | None, out: Path) -> str:
    """The address of the study's report as a page of a track links to it; empty if there is none."""
    if report is None:
        return ""
    address = web_address(str(report))
    if address is not None:
        return address
    if not Path(report).is_file():
        raise RankingError(f"{report}: is neither a file nor an address that begins with https:// or http://")
    try:
        return quote(Path(os.path.relpath(report, out / "track")).as_posix())
    except ValueError as error:  # another drive on Windows
        raise RankingError(f"{report}: must be on the drive of {out}, so that a page can link to it") from error


def neighbour(table: TrackTable, files_: Mapping[int, str], number: int, step: int) -> tuple[str, str] | None:
    """Address and name of the next submission up or down the table that has a page."""
    numbers = sorted(files_)
    place = numbers.index(number) + step
    if not 0 <= place < len(numbers):
        return None
    return f"{files_[numbers[place]]}.html", table.lines[numbers[place]].name


def signatures(ranking: Ranking) -> list[tuple[str, str, int]]:
    """Signature id, text, and how many rows carry it."""
    found: dict[str, tuple[str, int]] = {}
    for row in ranking.rows:
        if row.entry.result is not None:
            signature = row.entry.result.signature
            text_, count = found.get(signature.id, (visible(signature.text), 0))
            found[signature.id] = (text_, count + 1)
    return [(id_, text_, count) for id_, (text_, count) in found.items()]
