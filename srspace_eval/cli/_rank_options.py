"""What the options of ``rank`` mean: parsed texts, and combinations that are wrong use."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from srspace_eval._utils.csv_table import read_csv_table
from srspace_eval.cli._common import tell
from srspace_eval.errors import RankingError, ResultsError
from srspace_eval.metrics.registry import OR_INSTALL
from srspace_eval.ranking import rule
from srspace_eval.ranking.columns import cells_of
from srspace_eval.ranking.model import Ranking
from srspace_eval.ranking.published_tables import (
    load_published,
    published_tables,
    published_tracks,
    tables_called,
)
from srspace_eval.report.files import ALL_FORMATS, FORMATS, TEXT_FORMATS
from srspace_eval.report.names import file_name
from srspace_eval.results.board_tracks import board_tracks
from srspace_eval.results.store import read_result, result_folders
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.reader import load_track

_MOST_DIGITS = 12


def forms_of(formats: str | None, out: Path | None, as_json: bool) -> list[str]:
    if formats is None:
        return list(FORMATS)
    forms = [form.strip().lower() for form in formats.split(",") if form.strip()]
    unknown = [form for form in forms if form not in ALL_FORMATS]
    if unknown or not forms:
        raise click.BadParameter(f"{formats!r}: choose of {', '.join(ALL_FORMATS)}", param_hint="--format")
    if out is None and as_json:
        raise click.UsageError("--json and --format both print; give one of them, or --out too")
    if out is None and (len(forms) > 1 or forms == ["html"]):
        raise click.UsageError(
            f"without --out, --format prints one of {', '.join(TEXT_FORMATS)}; give --out for more, or for html"
        )
    return list(dict.fromkeys(forms))


def digits_of(text: str | None) -> int | dict[str, int] | None:
    if text is None:
        return None
    parts = [part.strip().partition("=") for part in text.split(",")]
    numbers = [number if sign else name for name, sign, number in parts]
    mixed = len(parts) > 1 and not all(sign for _, sign, _ in parts)
    if mixed or not all(number.isascii() and number.isdigit() and int(number) <= _MOST_DIGITS for number in numbers):
        raise click.BadParameter(f"{text!r}: write a number from 0 to {_MOST_DIGITS}, or ID=NUMBER,ID=NUMBER")
    return {name: int(number) for name, _, number in parts} if parts[0][1] else int(numbers[0])


def require_known_digits(digits: int | dict[str, int] | None, tracks: Sequence[Track]) -> None:
    """Refuse ids of ``--digits`` that no track has."""
    known = list(dict.fromkeys(column for track in tracks for column in track.columns()))
    if unknown := [name for name in (digits if isinstance(digits, dict) else ()) if name not in known]:
        raise click.BadParameter(
            f"unknown metric {', '.join(unknown)}; known are {', '.join(known)}", param_hint="--digits"
        )


def ids_of(text: str | None) -> tuple[str, ...]:
    """The ids of ``--columns``."""
    return tuple(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))


def columns_of(text: str | None, tracks: Sequence[Track]) -> tuple[str, ...] | None:
    if text is None:
        return None
    named = ids_of(text)
    known = list(dict.fromkeys(column for track in tracks for column in track.columns()))
    unknown = [metric for metric in named if metric not in known]
    if unknown or not named:
        what = f"unknown column {', '.join(map(repr, unknown))}" if unknown else repr(text)
        raise click.BadParameter(
            f"{what}: choose of {', '.join(known)}, {OR_INSTALL}; a measure of `score --measure` must be in a result "
            "of the board",
            param_hint="--columns",
        )
    return named


def tracks_of(names: Sequence[str], board: Path | None, published: Sequence[str]) -> list[Track]:
    """The named tracks; else those of the published tables; else those of the board."""
    if names:
        return [load_track(name) for name in dict.fromkeys(names)]
    if published:
        return [load_track(track) for track in dict.fromkeys(t for name in published for t in published_tracks(name))]
    if board is None:
        raise click.UsageError("name the track with --track, or a board with --board")
    return board_tracks(board)


MAX_CELLS = 30_000
"""The largest number of values (rows times columns) of all tracks of a board, if no track is named.

Six tracks of fifty teams in ten columns have 3000.
"""


def counts_of(ranking: Ranking) -> tuple[int, int]:
    """The rows of all rankings of a track, and their values: rows times columns."""
    values = (cells_of(len(one.rows), one.track, one.columns) for one in ranking.all)
    return sum(len(one.rows) for one in ranking.all), sum(values)


def require_few_rows(board: Path, counts: Sequence[tuple[int, int]]) -> None:
    """Check that the rankings of a board's tracks are not too large together. A single track is not checked.

    Parameters
    ----------
    counts
        What :func:`counts_of` gives for each track.

    Raises
    ------
    RankingError
        If several tracks have more than :data:`srspace_eval.ranking.rule.MAX_ROWS` rows, or :data:`MAX_CELLS` values.
    """
    rows, cells = (sum(numbers) for numbers in zip(*counts, strict=True))
    if len(counts) > 1 and rows > rule.MAX_ROWS:
        raise RankingError(
            f"{board}: the rankings of its first {len(counts)} tracks have {rows} rows together, and at most "
            f"{rule.MAX_ROWS} are ranked if no track is named; name those to rank with --track"
        )
    if len(counts) > 1 and cells > MAX_CELLS:
        raise RankingError(
            f"{board}: the rankings of its first {len(counts)} tracks have {cells} values together (rows times "
            f"columns), and at most {MAX_CELLS} are ranked if no track is named; name those to rank with --track"
        )


def wants_board(tables: Sequence[Path], published: Sequence[str], own: str | None) -> bool:
    """Whether the default board is read: the own method is to be shown, and no other source has it."""
    if not tables and not published:
        return True
    if own is None:
        return False
    rows = [row.team for name in published for table in tables_called(name) for row in table.rows]
    rows += [line.name() for path in tables for line in read_csv_table(path, "team").lines()]
    return own not in rows


def published_of(names: Sequence[str], tracks: Sequence[Track]) -> dict[str, str]:
    """Track -> the published table whose teams compete in it; a track has one."""
    names = list(dict.fromkeys(names))
    found: dict[str, str] = {}
    for track in tracks if names else ():
        fitting = [name for name in names if track.name in load_published(name, track.name).tracks]
        if len(fitting) > 1:
            raise click.UsageError(
                f"--published names several tables of track {track.name} ({', '.join(fitting)}); only one can be "
                "ranked: keep it, and give the others to --with"
            )
        found[track.name] = (fitting or names)[0]  # one that does not fit is refused where it is ranked
    if unused := [name for name in names if name not in found.values()]:
        ranked = ", ".join(found)
        raise click.UsageError(
            f"--published {' and '.join(unused)}: not a table of the ranked tracks ({ranked}); leave it out"
        )
    return found


def misplaced(path: Path) -> str:
    """The error for a path that was given without its option: it names the option that fits the file."""
    board = path if path.is_dir() else path.parents[1] if len(path.parts) > 2 else path.absolute().parents[1]
    files = [file for files in result_folders(path).values() for file in files][:1] if path.is_dir() else [path]
    with suppress(ResultsError):
        result = read_result(files[0]) if files and files[0].suffix == ".json" else None
        if result is not None and path.is_dir():
            return f"{path}: this is a board of results; give it with --board {board}"
        if result is not None:
            return f"{path}: this is a result of track {result.track}; give its board with --board {board}"
    return f"{path}: rank takes no argument without an option; if these are submissions, give --submission {path}"


def require_one(tracks: Sequence[Track], **options: object) -> None:
    given = [f"--{name}" for name, value in options.items() if value is not None]
    if len(tracks) > 1 and given:
        names = ", ".join(track.name for track in tracks)
        raise click.UsageError(f"{', '.join(given)} is about one track: name it with --track (there are {names})")


def require_inputs_kept(inputs: Sequence[Path], out: Path, forms: Sequence[str], stems: Sequence[str]) -> None:
    written = {(out / file_name(one, form)).resolve() for one in stems for form in forms}
    for path in inputs:
        if path.resolve() in written:
            raise click.UsageError(f"{path} would be replaced by the leaderboard; give another folder with --out")


def print_published() -> None:
    for table in published_tables().values():
        tell(f"{table.id}: {table.title} ({len(table.rows)} rows; tracks: {', '.join(table.tracks) or 'none'})")
        tell(f"    {table.paper}, {table.table}; {table.data}")
