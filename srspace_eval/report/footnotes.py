"""The footnotes of a table: where numbers come from, and why a team has no final rank. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from srspace_eval.ranking.model import CLAIM, MEASURED, Row
from srspace_eval.ranking.reasons import NO_FINAL_RANK
from srspace_eval.ranking.suspicions import suspicions


def make_footnotes(rows: Sequence[Row]) -> tuple[list[tuple[str, ...]], tuple[tuple[str, str], ...]]:
    """The marks of each row, and (mark, text) of each footnote. Rows with the same footnote share its mark."""
    finals_known = any(row.final_rank is not None for row in rows)
    letters: dict[str, str] = {}
    marks = []
    for row in rows:
        texts = list(_texts(row, finals_known))
        for text in texts:
            letters.setdefault(text, _letters(len(letters)))
        marks.append(tuple(letters[text] for text in texts))
    return marks, tuple((letter, text) for text, letter in letters.items())


def _texts(row: Row, finals_known: bool) -> Iterator[str]:
    note = "; ".join(line for line in row.entry.note.split("\n") if line)
    if row.entry.origin == "published":
        yield f"published, not measured here: {note}"
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
