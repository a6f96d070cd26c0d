"""Entries of a leaderboard: from a board's results, from a user's table, from a study. Imports no torch.

:mod:`srspace_eval.ranking.gather` puts all sources together.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from srspace_eval._utils.csv_table import read_csv_table
from srspace_eval._utils.notices import notify
from srspace_eval._utils.untrusted_text import name_key, slug, spelled, unescape_cell, visible
from srspace_eval.errors import InputError, RankingError
from srspace_eval.metrics.registry import columns, own_values
from srspace_eval.ranking.draws import DRAWS_FILE, MOR_FILE, MOS_FILE, read_draws, refuse_other_level
from srspace_eval.ranking.given_values import check_ranges
from srspace_eval.ranking.joined_values import joined_entries
from srspace_eval.ranking.model import Entry, Origin
from srspace_eval.ranking.older_results import as_now
from srspace_eval.ranking.published_tables import table_of
from srspace_eval.ranking.summary_checks import summary_faults
from srspace_eval.ranking.told_columns import ABOUT, EVIDENCE, NOT_MEASURED
from srspace_eval.results.record import Kind, Result
from srspace_eval.results.seals import evidence_of
from srspace_eval.results.store import read_files, read_result, result_digest, result_files
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.teams import FIELDS, make_team

# Columns that ``rank`` writes beside the numbers. They are skipped, so that a table written by it can be ranked again.
_WRITTEN_SUFFIXES = ("_rank", "_low", "_high", "_rank_low", "_rank_high", "_tied_with_next")
_WRITTEN = {
    "place", "final_rank", "why_unranked", "source", "note", "account", EVIDENCE, NOT_MEASURED, *FIELDS,
    *(f"{ABOUT}{name}" for name in FIELDS),
}  # fmt: skip


def board_entries(board: Path, track: Track) -> list[Entry]:
    """The scored submissions of a board, and which of them were measured or verified on this machine.

    Raises
    ------
    ResultsError
        If files are damaged.
    RankingError
        If a team is there twice, or a result contradicts itself: its summary is not the mean of just the images that
        were to be measured, for instance. A file that was edited by hand has such faults.
    """
    files = read_files(board, track.name)
    _require_distinct([stored.result for stored in files], board, track)
    problems = [f"{stored.path}: {fault}" for stored in files for fault in summary_faults(stored.result, track)]
    if problems:
        raise RankingError(f"{board}: results that contradict themselves; score these again", problems)
    # The seal is of the bytes that were decoded: a file that is read again may be another one.
    return [replace(_entry(stored.result, track), evidence=evidence_of(stored.digest)) for stored in files]


def result_entries(results: Iterable[Result], track: Track) -> list[Entry]:
    """Entries of results that lie in memory, and which of them were measured or verified on this machine.

    The seal is of the bytes that :func:`srspace_eval.write_result` writes of the result. A result of other numbers is a
    claim, and so is one that was never written.

    Raises
    ------
    RankingError
        If a result is of another track, or contradicts itself.
    """
    entries, problems = [], []
    for result in results:
        if result.track != track.name:
            problems.append(f"{result.team}: is a result of track {result.track}")
        else:
            problems += [f"{result.team}: {fault}" for fault in summary_faults(result, track)]
        entries.append(replace(_entry(result, track), evidence=evidence_of(result_digest(result))))
    if problems:
        raise RankingError(f"results that cannot be ranked in track {track.name}", problems)
    return entries


def _entry(result: Result, track: Track) -> Entry:
    result = as_now(result)
    own = own_values(result.summary, result.signature.settings)
    values = {metric: value for metric, value in own.items() if metric in track.columns()}
    return Entry(result.team, result.kind, values, "measured", result, result.incomplete)


def table_entries(path: Path, track: Track | None = None) -> list[Entry]:
    """The entries of a CSV table with the columns ``team,kind`` and metric ids; an empty cell is "not measured".

    ``kind`` is ``team`` or ``baseline`` (left out or empty: ``team``). A CSV that ``rank`` wrote can be ranked again:
    its published rows stay published, with their source in ``note``; ranks and intervals are skipped. Columns of
    :data:`srspace_eval.tracks.teams.FIELDS` that are not the track's are shown with the team.

    Raises
    ------
    RankingError
        If the table has faults: all are listed, with line numbers.
    """
    known = columns() if track is None else track.columns()
    table = read_csv_table(path, "team")
    metrics = [column for column in table.columns if column in known]
    for column in table.columns:
        if column not in known and column not in ("team", "kind") and not _written(column, known):
            table.fault(1, f"unknown column {column!r}; known are team, kind, {', '.join(known)}")
    if not metrics:
        table.fault(1, f"no column of numbers; known are {', '.join(known)}")
    entries: list[Entry] = []
    changed: list[str] = []
    for line in table.lines():
        kind: Kind = "baseline" if line.cell("kind") == "baseline" else "team"
        if line.cell("kind") not in ("", "team", "baseline"):
            line.fault(f"kind is {line.cell('kind')!r}; write team or baseline")
        origin: Origin = "published" if line.cell("source") == "published" else "given"
        values = {metric: line.number(metric) for metric in metrics}
        check_ranges(values, known, line)
        note = unescape_cell(line.cell("note"))
        if origin == "published" and not _is_as_published(line.name(), values, note, track):
            origin = "given"
            changed.append(line.name())
        columns_ = {name: f"{ABOUT}{name}" if name in known else name for name in FIELDS}
        told = {name: text for name, column in columns_.items() if (text := unescape_cell(line.cell(column)))}
        about: dict[str, str] = {}
        try:
            about = make_team(line.name(), told).about
        except InputError as error:
            line.fault(str(error))
        entries.append(Entry(line.name(), kind, values, origin, note=note, about=about))
    table.done()
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        notify(
            f"{path}: {spelled(changed[0])}{more}: the table that the note cites does not have these values; shown as "
            "given, and not as published"
        )
    return entries


def _is_as_published(team: str, values: Mapping[str, float | None], note: str, track: Track | None) -> bool:
    """Whether a row has the values of the published table that its note cites.

    True if the note cites no table of this package: such a row cannot be checked.
    """
    cited = table_of(note)
    if cited is None:
        return True
    computed = set() if track is None else {derived.info.id for derived in track.derived}
    ids = None if track is None else track.columns()
    stated = next((e.values for e in cited.entries(known=ids) if name_key(e.team) == name_key(team)), {})
    for metric, value in values.items():
        if value is not None and metric not in computed:
            printed = stated.get(metric)
            if printed is None or not math.isclose(value, printed, rel_tol=1e-9, abs_tol=1e-9):
                return False
    return True


def add_mor(entries: Sequence[Entry], path: Path) -> tuple[list[Entry], list[str]]:
    """Entries with the mean opinion ranks of a study's CSV, or of the folder that ``study collect`` wrote.

    Columns ``team,mor`` and, if there are any, ``mor_low,mor_high``; others are skipped. A folder holds the
    resampled studies too.

    Published entries keep the MOR of their own study. The study may name methods without an entry (the GT, a reference
    method that was not scored): each becomes a baseline of which only the MOR is known.

    Returns
    -------
    entries, strangers:
        The strangers are the names that became baselines. Show them to the user: one may be a misspelled team.

    Raises
    ------
    RankingError
        If the table has faults (all are listed, with line numbers), a MOR differs from the one that an entry already
        has, or the draws do not belong to these MORs.
    """
    if scores := _opinion_scores(path):
        raise RankingError(f"{scores}: holds mean opinion scores, not ranks; give it with --values")
    folder, path = (path, path / MOR_FILE) if path.is_dir() else (None, path)
    refuse_other_level(path)
    table = read_csv_table(path, "team", "mor")
    opinions: dict[str, Entry] = {}
    known = {entry.team: entry for entry in entries if entry.origin != "published"}
    for line in table.lines(publications=False):
        name, value = line.name(), line.number("mor")
        if value is None:
            continue
        check_ranges({"mor": value}, columns(), line)
        earlier = known[name].values.get("mor") if name in known else None
        if earlier is not None and earlier != value:
            line.fault(f"{name!r} already has the MOR {earlier:g}; leave one of the two out")
        ends = {} if (interval := line.interval("mor", value)) is None else {"mor": interval}
        opinions[name] = Entry(name, "baseline", {"mor": value}, "given", note="only in the study", intervals=ends)
    table.done()
    if folder is not None:
        draws = read_draws(
            folder / DRAWS_FILE,
            {name: float(e.values["mor"] or 0) for name, e in opinions.items()},
            {name: e.intervals["mor"] for name, e in opinions.items() if "mor" in e.intervals},
        )
        opinions = {name: replace(e, draws={"mor": draws[name]}) if draws else e for name, e in opinions.items()}
    return joined_entries(entries, opinions, "")


def _opinion_scores(path: Path) -> Path | None:
    """The table of a rating study that was given in place of MORs. None: it was not."""
    if path.is_dir():
        return path / MOS_FILE if (path / MOS_FILE).is_file() and not (path / MOR_FILE).exists() else None
    return path if path.name == MOS_FILE and path.is_file() else None


def add_values(entries: Sequence[Entry], path: Path, track: Track) -> tuple[list[Entry], list[str]]:
    """Entries with the values of a CSV: ``team`` and ids of the track's columns, such as runtimes.

    Columns that the track declares may have intervals: ``ID_low`` and ``ID_high``, as in the table of a rating study.
    Published entries keep their own values. A name without an entry becomes a baseline with these values alone, so
    that a reference method needs no result.

    Returns
    -------
    entries, strangers:
        The strangers are the names that became baselines. Show them to the user: one may be a misspelled team.

    Raises
    ------
    RankingError
        If the table has faults (all are listed, with line numbers), or a value differs from the one that an entry
        already has.
    """
    columns_ = track.columns()
    refuse_other_level(path, columns_["mos"].direction if "mos" in columns_ else None)
    table = read_csv_table(path, "team")
    ids = [column for column in table.columns if column in columns_]
    skipped = {"team", "kind", *columns_}
    unknown = [column for column in table.columns if column not in skipped and not _written(column, columns_)]
    for column in (name for name in unknown if not _written(name, unknown)):
        table.fault(
            1,
            f'unknown column {column!r}; if it is the challenge\'s own, add {column} = {{ better = "lower" }} or '
            f'"higher" under [columns] of the track file; known are team, {", ".join(columns_)}',
        )
    if not ids and not unknown:
        table.fault(1, f"no column of numbers; known are {', '.join(columns_)}")
    known = {entry.team: entry for entry in entries if entry.origin != "published"}
    found: dict[str, Entry] = {}
    for line in table.lines(publications=False):
        name = line.name()
        numbers = {metric: value for metric in ids if (value := line.number(metric)) is not None}
        check_ranges(numbers, columns_, line)
        for metric, value in numbers.items():
            earlier = known[name].values.get(metric) if name in known else None
            if earlier is not None and earlier != value:
                line.fault(f"{name!r} already has {metric} {earlier:g}, here it is {value:g}; leave one of the two out")
        ends: dict[str, tuple[float, float]] = {}
        for metric in (info.id for info in track.given):
            if (interval := line.interval(metric, numbers.get(metric))) is not None:
                ends[metric] = interval
        if numbers:
            note = f"only in the table of values {path.name}"
            found[name] = Entry(name, "baseline", numbers, "given", note=note, intervals=ends)
    table.done()
    return joined_entries(entries, found, f"the table of values {visible(path.name)}")


def _require_distinct(results: Sequence[Result], board: Path, track: Track) -> None:
    counts = Counter(name_key(result.team) for result in results)
    twice = [key for key, count in counts.items() if count > 1]
    if not twice:
        return
    holders: dict[str, list[str]] = {key: [] for key in twice}
    for path in result_files(board / slug(track.name)):
        team = read_result(path).team
        if name_key(team) in holders:
            holders[name_key(team)].append(f"{path} ({spelled(team)})")
    raise RankingError(
        f"{board}: some teams are there twice (case, blanks and look-alike letters do not count); keep one of each",
        [" and ".join(paths) for paths in holders.values()],
    )


def _written(column: str, known: Collection[str]) -> bool:
    return (
        column in _WRITTEN
        or column.startswith("place_")
        or any(
            column.endswith(suffix) and column[: -len(suffix)] in {*known, "final_rank"} for suffix in _WRITTEN_SUFFIXES
        )
    )
