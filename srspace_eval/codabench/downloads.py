"""Scoring outputs that organisers downloaded from the platform become a board for ``rank``.

A result of the platform is a claim of the program that ran there: its provenance and a note say so, and
``srspace-eval verify`` measures it again. What can be checked without pictures is checked: the result follows from its
own images, and the scores that the leaderboard got are those of the result.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from srspace_eval._utils import strict_json
from srspace_eval._utils.files import write_atomic
from srspace_eval._utils.notices import notify
from srspace_eval._utils.untrusted_text import escape_cell, name_key, slug
from srspace_eval.codabench.dry_run import stored
from srspace_eval.codabench.settings import PROGRAM_COLUMN
from srspace_eval.errors import ImageError, InputError, ResultsError, SubmissionError
from srspace_eval.results.documents import from_document
from srspace_eval.results.record import Result
from srspace_eval.results.store import result_path, write_result
from srspace_eval.scoring.summary import summarise
from srspace_eval.submissions.sources import Source, open_source
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.reader import load_track
from srspace_eval.tracks.teams import Team, read_teams

NOTE = "imported from Codabench: measured on the platform, not here; `srspace-eval verify` measures it again"

_NAME = re.compile(r"(?:res_)?(?P<number>\d{1,18})_(?P<owner>.+?)_PhaseId(?P<phase>\d{1,18})_.*", re.DOTALL)
"""How the platform names the files of a bulk download (src/apps/api/views/submissions.py)."""

_NOT_A_TEAM = frozenset({"scoring_result", "scoring_output", "output", "bulk_submissions"})
_LARGEST_SCORES = 1 << 20


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


@dataclass(frozen=True)
class _Output:
    """One scoring output."""

    file: str
    about: Team
    number: int | None
    scores: Mapping[str, float]
    result: Result | None

    @property
    def team(self) -> str:
        """The name in leaderboards."""
        return self.about.team


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
    outputs: list[_Output] = []
    for path in _entries(downloads):
        try:
            output = _read(path, track, named)
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


def team_of(name: str) -> tuple[str, int | None]:
    """The team and the submission's number in the name of a download.

    >>> team_of("res_4711_jane_doe_PhaseId12_2026-03-01:10-30_prediction.zip")
    ('jane_doe', 4711)
    >>> team_of("Team A.zip")
    ('Team A', None)
    """
    match = _NAME.fullmatch(name)
    if match:
        return match["owner"], int(match["number"])
    return name.removesuffix(".zip"), None


def _entries(downloads: Path) -> list[Path]:
    if not downloads.is_dir():
        raise InputError(f"{downloads}: is not a folder; unpack a bulk download into one")
    try:
        found = sorted(downloads.iterdir())
    except OSError as error:
        raise InputError(f"{downloads}: cannot be read ({error.strerror or error})") from error
    return [path for path in found if not path.name.startswith(".") and path.name != "__MACOSX"]


def _read(path: Path, track: Track, named: Mapping[str, Team]) -> _Output | None:
    if not (path.is_dir() or path.suffix == ".zip"):
        return None
    source = open_source(path)
    files = source.names()
    if "scores.json" not in files:
        return None
    name, number = team_of(path.name)
    team = named.get(path.name) or Team(name)
    if path.name not in named and name in _NOT_A_TEAM:
        raise ResultsError(f"{path}: does not say whose it is; rename it to TEAM.zip, or name the team with --teams")
    scores = _scores(source)
    result = None
    if "result.json" in files:
        where = source.where("result.json")
        result = from_document(_json(source, "result.json"), where)
        _require_consistent(result, scores, track, where)
    return _Output(path.name, team, number, scores, result)


def _json(source: Source, name: str) -> Any:
    data = source.read(name)
    if name == "scores.json" and len(data) > _LARGEST_SCORES:
        raise ResultsError(f"{source.where(name)}: larger than {_LARGEST_SCORES} bytes")
    try:
        return strict_json.loads(data, unique_keys=True)
    except (ValueError, RecursionError) as error:
        raise ResultsError(f"{source.where(name)}: cannot be read as JSON ({error})") from error


def _scores(source: Source) -> dict[str, float]:
    """The numbers of ``scores.json`` as the leaderboard stores them."""
    data = _json(source, "scores.json")
    where = source.where("scores.json")
    if not isinstance(data, dict):
        raise ResultsError(f"{where}: not an object of column keys and numbers")
    scores = {}
    for key, value in data.items():
        try:
            number = strict_json.number(value)
            if number is None:
                raise ValueError("null is not a score")
            scores[key] = stored(number)
        except ValueError as error:
            raise ResultsError(f"{where}: {key[:100]!r}: {error}") from error
    return scores


def _require_consistent(result: Result, scores: Mapping[str, float], track: Track, where: str) -> None:
    if result.track != track.name:
        raise ResultsError(f"{where}: is a result of track {result.track!r}, not of {track.name!r}; give its --track")
    if result.incomplete:
        raise ResultsError(f"{where}: is incomplete; a scoring program scores complete submissions only")
    summary, _, _ = summarise(result.images, {})
    wrong = [key for key in sorted({*summary, *result.summary}) if summary.get(key) != result.summary.get(key)]
    if wrong:
        raise ResultsError(f"{where}: its summary does not follow from its images: {', '.join(wrong)}; score it again")
    shared = sorted(scores.keys() & result.summary.keys())
    if not shared:
        raise ResultsError(f"{where}: shares no score with scores.json; they are not of one submission")
    for key in shared:
        value = result.summary[key]
        try:
            expected = None if value is None else stored(value)
        except ValueError:
            expected = None
        if expected != scores[key]:
            raise ResultsError(f"{where}: {key} is {value}, but scores.json says {scores[key]}; score it again")


def _last_of_each(outputs: Sequence[_Output], problems: list[str]) -> list[_Output]:
    """The last submission of each team. Without numbers nobody knows which is the last."""
    found: dict[str, list[_Output]] = defaultdict(list)
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


def _tell_programs(outputs: Sequence[_Output]) -> None:
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


def _marked(output: _Output, result: Result) -> Result:
    """The result with its team, and with where it comes from."""
    origin = {
        "imported_from": "Codabench", "file": output.file, "submission": output.number,
        "scoring_program": output.scores.get(PROGRAM_COLUMN), "measured_here": False,
        "samples_made_by": result.provenance,
    }  # fmt: skip
    notes = result.notes if NOTE in result.notes else (*result.notes, NOTE)
    return replace(result, team=output.team, kind=output.about.kind, provenance=origin, notes=notes)


def _write_table(path: Path, outputs: Sequence[_Output], track: Track) -> None:
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
