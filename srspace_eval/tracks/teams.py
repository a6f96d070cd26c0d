"""The teams of a challenge, from an organiser's CSV: the submissions' files, the names, and what boards show of them.

::

    file,team,kind,affiliation,paper,code,extra_data,runtime,date
    team01.zip,Deepest,team,Example University,https://arxiv.org/abs/0000.00000,https://github.com/a/b,yes,0.31,2026-11-21

Every text in it is untrusted. A link is an address of the web (http or https), and nothing else.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from srspace_eval._utils.csv_table import read_csv_table
from srspace_eval._utils.untrusted_text import escape_cell, name_key, spelled, unescape_cell, visible
from srspace_eval.errors import InputError, SubmissionError

FIELDS = ("affiliation", "paper", "code", "extra_data", "runtime", "date")
"""What boards show of a team, in this order."""

LABELS: Mapping[str, str] = {
    "affiliation": "Affiliation",
    "paper": "Paper",
    "code": "Code",
    "extra_data": "Extra data",
    "runtime": "Runtime",
    "date": "Date",
}
"""The headings of :data:`FIELDS`."""

LONGEST = 500
"""Characters of a field. A longer text is an error."""


@dataclass(frozen=True)
class Team:
    """What an organiser knows of one submission. All texts are untrusted.

    Attributes
    ----------
    team
        The name in leaderboards.
    file
        The name of the submission's folder or zip; empty if the table does not say.
    kind
        ``"team"``, or ``"baseline"``: shown and not ranked.
    affiliation, extra_data, runtime
        Texts as the team declared them; empty if unknown. Nothing of them is measured. The runtime is in seconds per
        image.
    date
        The day of the submission, such as ``"2026-11-21"``.
    paper, code
        An address of the web, or another text.

    Raises
    ------
    InputError
        If a field is too long, an address is not one of the web, or the date is not a day.

    Examples
    --------
    >>> from srspace_eval import Team
    >>> Team("My Team", file="my-team.zip", affiliation="Some University").kind
    'team'
    """

    team: str
    file: str = ""
    kind: Literal["team", "baseline"] = "team"
    affiliation: str = ""
    paper: str = ""
    code: str = ""
    extra_data: str = ""
    runtime: str = ""
    date: str = ""

    def __post_init__(self) -> None:
        for field in FIELDS:
            text = getattr(self, field)
            if fault := _fault(field, text):
                raise InputError(f"team {visible(self.team)!r}: {fault}")

    @property
    def about(self) -> dict[str, str]:
        """The fields that boards show, without the empty ones."""
        return {field: text for field in FIELDS if (text := getattr(self, field))}


def make_team(name: str, about: Mapping[str, str]) -> Team:
    """A team with some of :data:`FIELDS`.

    Raises
    ------
    InputError
        As :class:`Team`.
    """
    told = {field: about.get(field, "") for field in FIELDS}
    return Team(
        name, affiliation=told["affiliation"], paper=told["paper"], code=told["code"], extra_data=told["extra_data"],
        runtime=told["runtime"], date=told["date"],
    )  # fmt: skip


def about_fields(teams: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """The fields that at least one of the teams has, in the order of tables.

    >>> about_fields([{"code": "https://example.org"}, {"affiliation": "A"}])
    ('affiliation', 'code')
    """
    return tuple(field for field in FIELDS if any(team.get(field) for team in teams))


def is_day(text: str) -> bool:
    """Whether a text is a day such as ``2026-11-21``.

    >>> is_day("2026-11-21"), is_day("2026-11-31"), is_day("21.11.2026")
    (True, False, False)
    """
    try:
        return re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


def web_address(text: str) -> str | None:
    """The text if it is an address of the web (http or https) that a page may link to; otherwise None.

    >>> web_address("https://example.org/a"), web_address("javascript:alert(1)")
    ('https://example.org/a', None)
    """
    if not text.isprintable() or any(char in text for char in ' "<>\\^`{|}') or len(text) > LONGEST:
        return None
    try:
        parts = urlsplit(text)
        plain = parts.scheme in ("http", "https") and parts.hostname and parts.username is None and parts.port != 0
    except ValueError:
        return None
    return text if plain else None


def read_teams(path: Path | str) -> list[Team]:
    """The teams of a CSV with the columns ``team`` and any of ``file, kind`` and :data:`FIELDS`.

    Parameters
    ----------
    path
        The CSV, in UTF-8. Its first line names the columns, in any order.

    Returns
    -------
    list[Team]
        The teams, in the order of the lines.

    Raises
    ------
    SubmissionError
        If it cannot be read or has faults. All faults are listed, with line numbers.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = Path(folder, "teams.csv")
    ...     _ = table.write_text("file,team,affiliation\\na.zip,Deepest,Example University\\n")
    ...     read_teams(table)[0].about
    {'affiliation': 'Example University'}
    """
    path = Path(path)
    table = read_csv_table(path, "team", error=SubmissionError)
    known = ("file", "team", "kind", *FIELDS)
    for column in table.columns:
        if column not in known:
            table.fault(1, f"unknown column {column!r}; known are {', '.join(known)}")
    teams: list[Team] = []
    files: dict[str, str] = {}
    names: dict[str, str] = {}
    for line in table.lines():
        name, file, kind = line.name(), unescape_cell(line.cell("file")), line.cell("kind") or "team"
        about = {field: unescape_cell(line.cell(field)) for field in FIELDS}
        faults = [fault for field, text in about.items() if (fault := _fault(field, text))]
        if kind not in ("team", "baseline"):
            faults.append(f"kind is {kind!r}; write team or baseline")
        if Path(file).name != file:
            faults.append(f"file is {visible(file)!r}; write the name without its folder")
        if file and files.setdefault(file.casefold(), name) != name:
            faults.append(f"file {visible(file)!r} is also that of {visible(files[file.casefold()])!r}")
        if name and names.setdefault(name_key(name), name) != name:
            faults.append(
                f"{spelled(name)} and {spelled(names[name_key(name)])} count as the same name (case, blanks and "
                "look-alike letters do not count)"
            )
        for fault in faults:
            line.fault(fault)
        if not faults and name:
            teams.append(replace(make_team(name, about), file=file, kind="baseline" if kind == "baseline" else "team"))
    table.done()
    return teams


def teams_csv(teams: Sequence[Team]) -> str:
    """The CSV of teams, as :func:`read_teams` reads it.

    >>> print(teams_csv([Team("A", "a.zip")]), end="")
    file,team,kind,affiliation,paper,code,extra_data,runtime,date
    a.zip,A,team,,,,,,
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["file", "team", "kind", *FIELDS])
    for team in teams:
        texts = [team.file, team.team, team.kind, *(getattr(team, field) for field in FIELDS)]
        writer.writerow([escape_cell(text) for text in texts])
    return file.getvalue()


def _fault(field: str, text: str) -> str | None:
    """What is wrong with a field; None if nothing is."""
    if len(text) > LONGEST:
        return f"{field} has {len(text)} characters; write at most {LONGEST}"
    if field == "date" and text and not is_day(text):
        return f"date is {visible(text)!r}; write a day such as 2026-11-21"
    looks_like_address = "://" in text or text.partition(":")[0].strip().lower() in ("javascript", "data", "vbscript")
    if field in ("paper", "code") and looks_like_address and web_address(text) is None:
        return f"{field} is {visible(text)!r}; write an address that begins with https:// or http://, or another text"
    return None
