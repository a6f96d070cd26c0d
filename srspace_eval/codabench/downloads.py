"""Scoring outputs that organisers downloaded from the platform become a board for ``rank``.

A result of the platform is a claim of the program that ran there: its provenance and a note say so, and
``srspace-eval verify`` measures it again. What can be checked without pictures is checked: the result follows from its
own images, and the scores that the leaderboard got are those of the result.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from srspace_eval._utils.files import write_atomic
from srspace_eval._utils.notices import notify
from srspace_eval._utils.untrusted_text import escape_cell, name_key, slug
from srspace_eval.codabench.output import ScoringOutput, read_output
from srspace_eval.codabench.settings import PROGRAM_COLUMN
from srspace_eval.errors import ImageError, InputError, ResultsError, SubmissionError
from srspace_eval.results.record import Result
from srspace_eval.results.store import result_path, write_result
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.reader import load_track
from srspace_eval.tracks.teams import Team, read_teams

NOTE = "imported from Codabench: measured on the platform, not here; `srspace-eval verify` measures it again"


@dataclass(frozen=True)
class ImportedBoard:
    """What :func:`import_downloads` wrote.

    Attributes
    ----------
    results:
        The files of results, one for each team.
    table:
        The CSV for ``rank --table``, with the teams of which only scores are known; None if there are none.
    teams:
        All teams, in the order of the files' names.

    Examples
    --------
    >>> ImportedBoard((), Path("board/codabench-x4.csv"), ("A",)).teams
    ('A',)
    """

    results: tuple[Path, ...]
    table: Path | None
    teams: tuple[str, ...]

    def to_document(self) -> dict[str, Any]:
        """What ``srspace-eval codabench import --json`` prints."""
        table = None if self.table is None else str(self.table)
        return {"results": [str(path) for path in self.results], "table": table, "teams": list(self.teams)}


def import_downloads(
    downloads: Path | str,
    track: Track | str,
    board: Path | str = "leaderboards",
    *,
    teams: Sequence[Team] | Path | str | None = None,
    overwrite: bool = False,
) -> ImportedBoard:
    """Make a board of downloaded scoring outputs. Nothing is written if one of them cannot be used.

    Parameters
    ----------
    downloads:
        A folder of scoring outputs, each a zip or a folder with ``scores.json``, and ``result.json`` where the phase
        shows its output. If a file has the name of the platform's bulk downloads, the team is its owner, and the last
        submission of each owner counts. Otherwise the team is the file's name without ``.zip``.
    track:
        The track, or its name or file.
    board:
        The board to write to.
    teams:
        Teams, or their CSV (:func:`srspace_eval.read_teams`): the file of each download says whose it is instead.
    overwrite:
        Replace earlier results of these teams.

    Raises
    ------
    InputError
        If there is no output in the folder.
    ResultsError
        If outputs cannot be used, two of them belong to one team, or files are there already. All are listed together.

    Examples
    --------
    >>> import json, tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     output = Path(name, "downloads", "Team A")
    ...     output.mkdir(parents=True)
    ...     _ = (output / "scores.json").write_text(json.dumps({"lpips": 0.12, "lr_psnr": 50.1}))
    ...     found = import_downloads(Path(name, "downloads"), "x4", Path(name, "board"))
    ...     print(found.table.read_text())
    team,kind,lpips,lr_psnr
    Team A,team,0.12,50.1
    <BLANKLINE>
    """
    downloads, board = Path(downloads), Path(board)
    track = track if isinstance(track, Track) else load_track(track)
    known = read_teams(teams) if isinstance(teams, (Path, str)) else list(teams or ())
    named = {team.file: team for team in known if team.file}
    problems: list[str] = []
    outputs: list[ScoringOutput] = []
    for path in _entries(downloads):
        try:
            output = read_output(path, track, named)
        except (ResultsError, SubmissionError, ImageError) as error:
            problems.append(str(error))
            continue
        if output is None:
            notify(f"{path}: not a scoring output (no scores.json); left out")
        else:
            outputs.append(output)
    used = {output.file for output in outputs}
    for file in named.keys() - used:
        notify(f"{named[file].team}: {file}: there is no such scoring output")
    outputs = _last_of_each(outputs, problems)
    if not outputs and not problems:
        raise InputError(
            f"{downloads}: holds no scoring outputs; download those of the submissions, each a zip with scores.json, "
            "and put them into one folder"
        )
    measured = [output for output in outputs if output.result is not None]
    paths = {output.file: result_path(board, track.name, output.team) for output in measured}
    given = [output for output in outputs if output.result is None]
    table = board / f"codabench-{slug(track.name)}.csv" if given else None
    if not overwrite:
        there = [*paths.values(), *([table] if table is not None else [])]
        problems += [
            f"{path}: exists; give --overwrite to replace it, or another --board" for path in there if path.exists()
        ]
    if problems:
        raise ResultsError(f"{downloads}: nothing was imported", problems)
    _tell_programs(outputs)
    for output in measured:
        assert output.result is not None
        write_result(paths[output.file], _marked(output, output.result))
    if table is not None:
        _write_table(table, given, track)
    return ImportedBoard(tuple(paths.values()), table, tuple(output.team for output in outputs))


def _entries(downloads: Path) -> list[Path]:
    if not downloads.is_dir():
        raise InputError(f"{downloads}: is not a folder; unpack a bulk download into one")
    try:
        found = sorted(downloads.iterdir())
    except OSError as error:
        raise InputError(f"{downloads}: cannot be read ({error.strerror or error})") from error
    return [path for path in found if not path.name.startswith(".") and path.name != "__MACOSX"]


def _last_of_each(outputs: Sequence[ScoringOutput], problems: list[str]) -> list[ScoringOutput]:
    """The last submission of each team. Without numbers nobody knows which is the last."""
    found: dict[str, list[ScoringOutput]] = defaultdict(list)
    for output in outputs:
        found[name_key(output.team)].append(output)
    kept = []
    for same in found.values():
        files = ", ".join(output.file for output in same)
        if len(same) > 1 and any(output.number is None for output in same):
            problems.append(f"{files}: are all of {same[0].team!r}; keep one of them, or name the teams with --teams")
            continue
        last = max(same, key=lambda output: output.number or 0)
        if len(same) > 1:
            notify(f"{last.team}: the last of {len(same)} submissions counts: {last.file}")
        kept.append(last)
    return sorted(kept, key=lambda output: output.file)


def _tell_programs(outputs: Sequence[ScoringOutput]) -> None:
    """A notice if the outputs are not of one scoring program."""
    found: dict[float | None, list[str]] = defaultdict(list)
    for output in outputs:
        found[output.scores.get(PROGRAM_COLUMN)].append(output.team)
    if len(found) > 1:
        listed = "; ".join(
            f"{'none' if number is None else format(number, '.0f')}: {', '.join(teams)}"
            for number, teams in sorted(found.items(), key=lambda item: item[0] or 0)
        )
        notify(
            f"scored by different scoring programs ({listed}); run the submissions of one phase again on the platform"
        )


def _marked(output: ScoringOutput, result: Result) -> Result:
    """The result with its team, and with where it comes from."""
    origin = {
        "imported_from": "Codabench", "file": output.file, "submission": output.number,
        "scoring_program": output.scores.get(PROGRAM_COLUMN), "measured_here": False,
        "samples_made_by": result.provenance,
    }  # fmt: skip
    notes = result.notes if NOTE in result.notes else (*result.notes, NOTE)
    return replace(result, team=output.team, kind=output.about.kind, provenance=origin, notes=notes)


def _write_table(path: Path, outputs: Sequence[ScoringOutput], track: Track) -> None:
    known = track.columns()
    keys = [key for key in known if any(key in output.scores for output in outputs)]
    if not keys:
        raise ResultsError(f"{path}: scores.json holds no column of track {track.name}; give the track of the bundle")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["team", "kind", *keys])
    for output in outputs:
        values = (output.scores.get(key) for key in keys)
        writer.writerow(
            [escape_cell(output.team), output.about.kind, *("" if value is None else repr(value) for value in values)]
        )
    try:
        write_atomic(path, text.getvalue())
    except OSError as error:
        raise ResultsError(f"{path}: cannot be written ({error.strerror or error})") from error
