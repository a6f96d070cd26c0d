"""Scoring outputs that organisers downloaded from the platform become a board for ``rank``.

A result of the platform is a claim of the program that ran there: its provenance and a note say so, and
``srspace-eval verify`` measures it again. What can be checked without pictures is checked: the result follows from its
own images, and the scores that the leaderboard got are those of the result.

This module is longer than others because all faults of a folder of downloads are listed together, before anything is
written.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from srspace_eval._utils.csv_table import read_csv_table
from srspace_eval._utils.files import write_atomic
from srspace_eval._utils.notices import notify
from srspace_eval._utils.untrusted_text import (
    escape_cell,
    name_key,
    slug,
    spelled,
    unescape_cell,
    unusable_name,
    visible,
)
from srspace_eval.codabench.output import ScoringOutput, is_submission, owner_of, phase_of, read_output
from srspace_eval.codabench.settings import PROGRAM_COLUMN
from srspace_eval.errors import ImageError, InputError, ResultsError, SubmissionError
from srspace_eval.results.record import Result
from srspace_eval.results.store import (
    read_files,
    read_result,
    require_own_file,
    require_own_folder,
    require_readable,
    result_path,
    write_result,
)
from srspace_eval.submissions.provenance import kept_provenance
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.reader import load_track
from srspace_eval.tracks.teams import Team, read_teams

ACCOUNT = "account"
"""The column of an imported table that says which account handed a row in."""

NOTE = "imported from Codabench: measured on the platform, not here; `srspace-eval verify` measures it again"


@dataclass(frozen=True)
class ImportedBoard:
    """What :func:`import_downloads` wrote.

    Attributes
    ----------
    results
        The files of results, one for each team.
    table
        The CSV for ``rank --table``, with the teams of which only scores are known; None if there are none.
    teams
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
        """What ``srspace-eval codabench import --json`` prints.

        Returns
        -------
        dict[str, Any]
            Values that JSON can hold: ``results`` (paths), ``table`` (a path or None), ``teams``.
        """
        table = None if self.table is None else str(self.table)
        return {"results": [str(path) for path in self.results], "table": table, "teams": list(self.teams)}


def import_downloads(
    downloads: Path | str,
    track: Track | str,
    board: Path | str = "leaderboards",
    *,
    teams: Sequence[Team] | Path | str | None = None,
    phase: int | None = None,
    overwrite: bool = False,
) -> ImportedBoard:
    """Make a board of downloaded scoring outputs. Nothing is written if one of them cannot be used.

    Parameters
    ----------
    downloads
        A folder of scoring outputs, each a zip or a folder with ``scores.json``, and ``result.json`` where the phase
        shows its output. If a file has the name of the platform's bulk downloads of outputs (``res_4711_OWNER_…``),
        the team is its owner, and the last submission of each owner counts. Files with names of its submissions
        (``4711_OWNER_…``) are left out with a notice, unless ``teams`` names them. Otherwise the team is the file's
        name without ``.zip``.
    track
        The track, or its name or file.
    board
        The board to write to.
    teams
        Teams, or their CSV (:func:`srspace_eval.read_teams`): the file of each download says whose it is instead.
        Other files of the same account are of the same team. An account whose name is that of a team with a file in
        the CSV is refused.
    phase
        The number of the phase, as the files' names give it (``PhaseId7``). Files of other phases are left out.
        It is needed if the names give several phases.
    overwrite
        Replace earlier results of these teams. Results and rows of other teams stay.

    Returns
    -------
    ImportedBoard
        The files that were written, and the teams.

    Raises
    ------
    InputError
        If there is no output in the folder.
    ResultsError
        If outputs cannot be used, two of them belong to one team, or files are there already. All are listed together.
    TrackError
        If there is no such track.

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
    for path in _outputs_of_phase(_entries(downloads), downloads, phase, named):
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
        notify(f"{visible(named[file].team)}: {visible(file)}: there is no such scoring output")
    outputs = _last_of_each(_by_account(outputs, known, problems), problems)
    if not outputs and not problems:
        raise InputError(
            f"{downloads}: holds no scoring outputs; download those of the submissions, each a zip with scores.json, "
            "and put them into one folder"
        )
    measured = [output for output in outputs if output.result is not None]
    if measured:
        require_own_folder(board, track.name)
    paths = {output.file: result_path(board, track.name, output.team) for output in measured}
    given = [output for output in outputs if output.result is None]
    imported = board / f"codabench-{slug(track.name)}.csv"
    # A team that now has a result leaves the table of an earlier import.
    earlier = _earlier_rows(imported, track, problems) if imported.exists() else []
    leaving = {name_key(output.team) for output in measured} & {name_key(unescape_cell(row["team"])) for row in earlier}
    table = imported if given or leaving else None
    problems += _baselines(outputs, track)
    problems += [
        f"{visible(output.file)}: {told} with --teams" for output in outputs if (told := unusable_name(output.team))
    ]
    problems += _foreign_rows(outputs, earlier, imported)
    problems += _lookalikes(board, track, outputs, paths)
    problems += _foreign_files(measured, paths)
    marked: dict[Path, Result] = {}
    for output in measured:
        assert output.result is not None
        path = paths[output.file]
        marked[path] = _marked(output, output.result)
        try:
            require_readable(path, marked[path])
        except ResultsError as error:
            problems.append(f"{output.file}: {error}")
    if not overwrite:
        there = [*paths.values(), *([table] if table is not None else [])]
        problems += [
            f"{path}: exists; give --overwrite to replace it, or another --board" for path in there if path.exists()
        ]
    problems += [
        f"{downloads / output.file}: scores.json holds no column of track {track.name}; give the track of the bundle"
        for output in given
        if not output.scores.keys() & track.columns().keys()
    ]
    text = ""
    if table is not None and not problems:
        text = _table_text(earlier, outputs, track)
    if problems:
        raise ResultsError(f"{downloads}: nothing was imported", problems)
    _tell_programs(outputs)
    for path, result in marked.items():
        write_result(path, result)
    if table is not None:
        try:
            write_atomic(table, text)
        except OSError as error:
            raise ResultsError(f"{table}: cannot be written ({error.strerror or error})") from error
    return ImportedBoard(tuple(paths.values()), table, tuple(output.team for output in outputs))


def _entries(downloads: Path) -> list[Path]:
    if not downloads.is_dir():
        raise InputError(f"{downloads}: is not a folder; unpack a bulk download into one")
    try:
        found = sorted(downloads.iterdir())
    except OSError as error:
        raise InputError(f"{downloads}: cannot be read ({error.strerror or error})") from error
    return [path for path in found if not path.name.startswith(".") and path.name != "__MACOSX"]


def _by_account(outputs: Sequence[ScoringOutput], known: Sequence[Team], problems: list[str]) -> list[ScoringOutput]:
    """Assign each file that --teams does not name to the team of its account.

    ``known`` has the teams of --teams. The team of an account is that of another file of the account in ``known``. An
    account whose files belong to several teams is a problem. So is an account that has the name of a team in ``known``,
    but handed in none of its files: everybody can register such a name.
    """
    teams = {name_key(team.team) for team in known if team.file}
    of_account: dict[str, dict[str, Team]] = defaultdict(dict)
    for team in known:
        if team.file and (owner := owner_of(team.file)) is not None:
            of_account[owner][name_key(team.team)] = team
    files = {team.file for team in known}
    found, joined = [], []
    for output in outputs:
        if (account := output.owner) is not None and output.file not in files:
            theirs = of_account.get(account, {})
            if len(theirs) == 1:
                (team,) = theirs.values()
                output = replace(output, about=replace(team, file=output.file))
                joined.append(f"{visible(output.file)} ({visible(team.team)})")
            elif theirs or name_key(account) in teams:
                what = "several teams of" if theirs else "called as a team that has other files in"
                problems.append(
                    f"{output.file}: its account {spelled(account)} is {what} --teams; name this file there, too"
                )
                continue
        found.append(output)
    if joined:
        more = f" and {len(joined) - 1} more" if len(joined) > 1 else ""
        notify(f"not in --teams, and taken for the team of another file of the same account: {joined[0]}{more}")
    return found


def _baselines(outputs: Sequence[ScoringOutput], track: Track) -> Iterator[str]:
    """Teams with the name of the track's baseline, whose values the formulas of all entries read."""
    wanted = name_key(track.baseline)
    for output in outputs:
        if wanted and output.about.kind == "team" and name_key(output.team) == wanted:
            yield (
                f"{output.file}: {spelled(output.team)} is the name of the baseline of track {track.name}; give the "
                "team another name with --teams, or write kind baseline there if it is the baseline"
            )


def _last_of_each(outputs: Sequence[ScoringOutput], problems: list[str]) -> list[ScoringOutput]:
    """The last submission of each team, by the numbers in the files' names. Lookalike team names are problems."""
    found: dict[str, list[ScoringOutput]] = defaultdict(list)
    for output in outputs:
        found[name_key(output.team)].append(output)
    kept = []
    for same in found.values():
        files = ", ".join(output.file for output in same)
        if len(same) > 1 and any(output.number is None for output in same):
            problems.append(f"{files}: are all of {same[0].team!r}; keep one of them, or name the teams with --teams")
            continue
        owners = sorted({output.team for output in same})
        if len(owners) > 1:
            # Anybody can have an account whose name looks like another one. It must not replace its submission.
            problems.append(
                f"{files}: are of {' and '.join(map(spelled, owners))}, which count as the same name; keep those of "
                "one, or name the teams with --teams"
            )
            continue
        numbers = [output.number for output in same]
        if len(set(numbers)) < len(numbers):
            problems.append(f"{files}: two of them have the same number; keep one of each submission")
            continue
        last = max(same, key=lambda output: output.number or 0)
        if len(same) > 1:
            notify(f"{visible(last.team)}: the last of {len(same)} submissions counts: {visible(last.file)}")
        kept.append(last)
    return sorted(kept, key=lambda output: output.file)


def _lookalikes(
    board: Path, track: Track, outputs: Sequence[ScoringOutput], paths: Mapping[str, Path]
) -> Iterator[str]:
    """Results of the board whose team's name looks like that of an imported team; ``rank`` would refuse both."""
    imported = {name_key(output.team): output for output in outputs}
    for stored in read_files(board, track.name):
        output = imported.get(name_key(stored.result.team))
        if output is not None and stored.path != paths.get(output.file):
            yield (
                f"{output.file}: its team {spelled(output.team)} looks like {spelled(stored.result.team)}, whose "
                f"result is {stored.path}; remove that result, or give the team another name with --teams"
            )


def _foreign_files(measured: Sequence[ScoringOutput], paths: Mapping[str, Path]) -> Iterator[str]:
    """Files that two teams would have, and files of the board that hold the result of another team."""
    holders: dict[str, ScoringOutput] = {}
    for output in measured:
        path = paths[output.file]
        first = holders.setdefault(path.name.lower(), output)
        if first is not output:
            yield (
                f"{output.file}: its team {spelled(output.team)} would have the file {path}, as {spelled(first.team)} "
                f"of {first.file}; give one of them another name with --teams"
            )
            continue
        try:
            require_own_file(path, output.team)
            earlier = read_result(path) if path.is_file() and not output.about.file else None
        except ResultsError as error:
            yield f"{output.file}: {error}"
            continue
        if earlier is not None and output.owner is not None and _account(earlier) != output.owner:
            yield (
                f"{output.file}: the account {spelled(output.owner)} did not hand in {path}, which it would replace; "
                "name the file with --teams if it is of this team"
            )


def _foreign_rows(outputs: Sequence[ScoringOutput], earlier: Sequence[Mapping[str, str]], table: Path) -> Iterator[str]:
    """Yield a problem for each row of an earlier import that another account would replace.

    A file whose team --teams tells may replace any row. So may a file that has no account.
    """
    accounts = {name_key(unescape_cell(row["team"])): row.get(ACCOUNT, "") for row in earlier}
    for output in outputs:
        account = accounts.get(name_key(output.team))
        if account is None or output.owner is None or output.about.file:
            continue
        if unescape_cell(account) != output.owner:
            yield (
                f"{output.file}: the account {spelled(output.owner)} did not hand in the row {spelled(output.team)} of "
                f"{table}, which it would replace; name the file with --teams if it is of this team"
            )


def _account(result: Result) -> str | None:
    """The account of an imported result; None if it was not imported, or from a file that the organiser named."""
    file = (result.provenance or {}).get("file")
    return owner_of(file) if NOTE in result.notes and isinstance(file, str) else None


def _tell_programs(outputs: Sequence[ScoringOutput]) -> None:
    """A notice if the outputs are not of one scoring program."""
    found: dict[float | None, list[str]] = defaultdict(list)
    for output in outputs:
        found[output.scores.get(PROGRAM_COLUMN)].append(visible(output.team))
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
        "samples_made_by": kept_provenance(result.provenance),
    }  # fmt: skip
    notes = result.notes if NOTE in result.notes else (*result.notes, NOTE)
    return replace(result, team=output.team, kind=output.about.kind, provenance=origin, notes=notes)


def _outputs_of_phase(paths: Sequence[Path], downloads: Path, phase: int | None, named: Collection[str]) -> list[Path]:
    """The files of one phase that can be scoring outputs."""
    sent = {path.name: path for path in paths if path.name not in named and is_submission(path.name)}
    if sent:
        # A participant may put a scores.json of his own into his submission.
        more = f" and {len(sent) - 1} more" if len(sent) > 1 else ""
        notify(
            f"{downloads}: left out {next(iter(sent))}{more}: submissions have such names, and scoring outputs begin "
            "with res_; "
            "name the files with --teams if they are scoring outputs"
        )
    return _of_phase([path for path in paths if path.name not in sent], downloads, phase)


def _of_phase(paths: Sequence[Path], downloads: Path, phase: int | None) -> list[Path]:
    """The files of one phase, and those whose names give none."""
    numbers = {path: phase_of(path.name) for path in paths}
    there = sorted({number for number in numbers.values() if number is not None})
    listed = ", ".join(map(str, there))
    if phase is None:
        if len(there) > 1:
            raise InputError(f"{downloads}: holds outputs of several phases ({listed}); choose one with --phase")
        return list(paths)
    if there and phase not in there:
        raise InputError(f"--phase {phase}: {downloads} holds no output of this phase, but of {listed}")
    kept = [path for path, number in numbers.items() if number in (None, phase)]
    if len(kept) < len(paths):
        notify(f"{downloads}: outputs of other phases are left out ({len(paths) - len(kept)} of {len(paths)})")
    return kept


def _earlier_rows(path: Path, track: Track, problems: list[str]) -> list[dict[str, str]]:
    """The rows of an earlier import, with their cells as they are written."""
    spelled = {metric.lower(): metric for metric in track.columns()}
    try:
        table = read_csv_table(path, "team", error=ResultsError)
        rows = [{spelled.get(key, key): cell for key, cell in line.cells.items()} for line in table.lines()]
        table.done()
    except ResultsError as error:
        problems.append(str(error))
        return []
    return rows


def _table_text(earlier: Sequence[Mapping[str, str]], outputs: Sequence[ScoringOutput], track: Track) -> str:
    """The CSV: rows of earlier imports stay, in their order, unless their team is imported again."""
    rows: dict[str, dict[str, str]] = {name_key(unescape_cell(row["team"])): dict(row) for row in earlier}
    for output in outputs:
        key = name_key(output.team)
        if output.result is not None:
            rows.pop(key, None)
            continue
        scores = {metric: repr(output.scores[metric]) for metric in track.columns() if metric in output.scores}
        rows[key] = {"team": escape_cell(output.team), "kind": output.about.kind, **scores}
        if output.owner is not None:
            rows[key][ACCOUNT] = escape_cell(output.owner)
    there = {column for row in rows.values() for column in row} - {"team", "kind"}
    known = [metric for metric in track.columns() if metric in there]
    columns = ["team", "kind", *known, *sorted(there - set(known))]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows.values())
    return text.getvalue()
