"""The footnotes of a table: where numbers come from, and why a team has no final rank. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from srspace_eval.ranking.model import CLAIM, MEASURED, Row
from srspace_eval.ranking.published_tables import table_of
from srspace_eval.ranking.reasons import NO_FINAL_RANK
from srspace_eval.ranking.suspicions import suspicions


def make_footnotes(
    rows: Sequence[Row],
) -> tuple[list[tuple[str, ...]], tuple[tuple[str, str], ...], tuple[str, ...]]:
    """The footnotes of a table.

    Returns
    -------
    marks, footnotes, common
        The marks of each row; (mark, text) of each footnote; the texts that hold for all rows, which have no mark. Rows
        with the same footnote share its mark.
    """
    finals_known = any(row.final_rank is not None for row in rows)
    texts = [list(_texts(row, finals_known)) for row in rows]
    common = [text for text in dict.fromkeys(texts[0]) if all(text in mine for mine in texts)] if len(rows) > 1 else []
    letters: dict[str, str] = {}
    marks = []
    for mine in texts:
        own = [text for text in mine if text not in common]
        for text in own:
            letters.setdefault(text, _letters(len(letters)))
        marks.append(tuple(letters[text] for text in own))
    return marks, tuple((letter, text) for text, letter in letters.items()), tuple(common)


def _texts(row: Row, finals_known: bool) -> Iterator[str]:
    lines = [line for line in row.entry.note.split("\n") if line]
    note = "; ".join(lines)
    if row.entry.origin == "published":
        table = table_of(row.entry.note)
        # What holds for the whole table, then what it says of this row.
        shared = len(lines) if table is None else 1 + bool(table.measured_with)
        yield f"published, not measured here: {'; '.join(lines[:shared])}"
        yield from lines[shared:]
    else:
        if row.entry.origin == "given":
            yield "from a table of numbers, not measured here"
        if row.entry.evidence == CLAIM:
            yield "a claim: neither measured nor verified on this machine"
        elif row.entry.evidence not in ("", MEASURED):
            yield row.entry.evidence
        if note:
            yield note
    if row.entry.result is not None:
        yield from suspicions(row.entry.result)
    # Where no row has a final rank, the ranking's notes say so once.
    told = row.why_unranked not in (None, NO_FINAL_RANK) and (finals_known or not row.ranks)
    if row.entry.kind == "team" and told:
        yield f"no final rank: {row.why_unranked}"


def _letters(number: int) -> str:
    """a, b, ..., z, aa, ab, ..."""
    text = ""
    number += 1
    while number:
        number, digit = divmod(number - 1, 26)
        text = chr(ord("a") + digit) + text
    return text
