"""Values that pages show beside their tables: columns of all tables, neighbours, signatures, the study's address.

Imports no torch.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote, urlencode

from srspace_eval._utils.untrusted_text import visible
from srspace_eval.errors import RankingError
from srspace_eval.ranking.model import Ranking
from srspace_eval.ranking.published_tables import table_of
from srspace_eval.ranking.reasons import NO_FINAL_RANK
from srspace_eval.report.html.track_table import PageColumn, TrackTable, make_track_table
from srspace_eval.report.table import make_table
from srspace_eval.results.record import Result
from srspace_eval.tracks.model import RankingRule
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


def other_tables(ranking: Ranking, pages: Mapping[int, str]) -> list[tuple[RankingRule, Ranking, TrackTable]]:
    """The tables of the board's further rankings; their rows lead to the same pages.

    Parameters
    ----------
    pages
        Row number of the first ranking -> address of the submission's page.
    """
    addresses = {id(ranking.rows[number].entry.result): address for number, address in pages.items()}
    found = []
    for one in ranking.others:
        numbers = enumerate(id(row.entry.result) for row in one.rows)
        own = {number: addresses[key] for number, key in numbers if key in addresses}
        found.append((one.track.ranking, one, make_track_table(make_table(one), own)))
    return found


def place_tile(table: TrackTable, number: int) -> tuple[str, str] | None:
    """A team's place among the ranked ones, and why it has none; None if the row needs no place.

    Parameters
    ----------
    number
        The row's number.

    Returns
    -------
    ``("2", "of 10")``, or ``("–", "no mean opinion rank yet")``.
    """
    line = table.lines[number]
    row = line.model.row
    if row.place is not None:
        return line.place.model.text, f"of {sum(one.model.row.place is not None for one in table.lines)}"
    if line.group == "baseline" or row.why_unranked in (None, NO_FINAL_RANK):
        return None
    return "–", "not ranked" if line.incomplete else visible(row.why_unranked or "")


def neighbours(table: TrackTable, files_: Mapping[int, str], number: int) -> dict[str, tuple[str, str] | None]:
    """Address and name of the next submissions up and down the table, of those in ``files_``.

    Parameters
    ----------
    files_
        Row number -> the file name of its page, without suffix.
    """
    numbers = sorted(files_)
    at = numbers.index(number)
    before, after = numbers[at - 1 : at] if at else [], numbers[at + 1 : at + 2]
    return {
        key: (f"{files_[found[0]]}.html", table.lines[found[0]].name) if found else None
        for key, found in (("before", before), ("after", after))
    }


def viewed_metrics(results: Iterable[Result]) -> set[str]:
    """The metrics whose values the viewer shows below samples."""
    return {metric for result in results for image in result.images for one in image.samples for metric in one.values}


def at_image(image: str) -> str:
    """The part of a viewer's address that names an image.

    >>> at_image("0801"), at_image("a b&c")
    ('#image=0801', '#image=a+b%26c')
    """
    return f"#{urlencode({'image': visible(image)})}"


def signatures(ranking: Ranking) -> list[tuple[str, str, int]]:
    """Signature id, text, and how many rows carry it."""
    found: dict[str, tuple[str, int]] = {}
    for row in ranking.rows:
        if row.entry.result is not None:
            signature = row.entry.result.signature
            text_, count = found.get(signature.id, (visible(signature.text), 0))
            found[signature.id] = (text_, count + 1)
    return [(id_, text_, count) for id_, (text_, count) in found.items()]
