"""Small pieces of data of the site's pages: file names, neighbours, signatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from srspace_eval._utils.notices import notify
from srspace_eval._utils.untrusted_text import slug, visible
from srspace_eval.ranking.model import FINAL, Ranking
from srspace_eval.report.html.track_table import PageColumn, TrackTable
from srspace_eval.report.html.viewer import Pictures


@dataclass
class Names:
    """File names that differ in more than case, for file systems that ignore case."""

    taken: set[str] = field(default_factory=set)

    def name(self, wanted: str) -> str:
        base, count, name = slug(wanted), 2, slug(wanted)
        while name.casefold() in self.taken:
            name, count = f"{base}-{count}", count + 1
        self.taken.add(name.casefold())
        return name


def all_columns(tables: Sequence[TrackTable]) -> list[PageColumn]:
    """The columns of all tables, each once; one with a plateau counts before one without.

    A combined rank is another value in each table, and the page explains each.
    """
    found: dict[str, PageColumn] = {}
    for column in (column for table in tables for column in table.columns):
        if column.model.id == FINAL and not column.model.description:
            continue
        known = found.setdefault(column.model.id, column)
        if column.reached and not known.reached:
            found[column.model.id] = column
    return list(found.values())


def require_known(pictures: Pictures, teams: Sequence[str]) -> None:
    strangers = [team for team in pictures.submissions if team not in teams]
    if strangers:
        notify(
            f"no scored submission is called {', '.join(map(repr, strangers))}, so its pictures are not shown; scored "
            f"are {', '.join(map(repr, teams)) or 'none'}"
        )


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
