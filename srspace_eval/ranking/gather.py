"""The entries of a leaderboard, from all their sources. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from srspace_eval._utils.notices import notify
from srspace_eval._utils.untrusted_text import did_you_mean, name_key, slug
from srspace_eval.errors import RankingError
from srspace_eval.ranking.columns import all_default_columns
from srspace_eval.ranking.draws import DRAWS_FILE, MOR_FILE
from srspace_eval.ranking.entries import add_mor, add_values, board_entries, table_entries
from srspace_eval.ranking.joined_values import add_about
from srspace_eval.ranking.model import GROUND_TRUTH, Entry
from srspace_eval.ranking.published_tables import PublishedTable, load_published, published_tables
from srspace_eval.ranking.rule import apply_rule
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.teams import Team

_NAMED = 5  # journals named in a notice
_TOLD = 20  # strangers that are named; the similar names of each are searched in all entries


def gather_entries(
    track: Track,
    *,
    entries: Sequence[Entry] = (),
    board: Path | None = None,
    tables: Sequence[Path] = (),
    published: str | None = None,
    beside: Sequence[str] = (),
    mor: Path | None = None,
    values: Sequence[Path] = (),
    columns: Sequence[str] | None = None,
    allow_unknown: bool = False,
    teams: Sequence[Team] = (),
) -> list[Entry]:
    """The entries of a leaderboard from all sources, in the order of the parameters.

    Parameters
    ----------
    track
        Whose entries are wanted.
    entries
        Entries that the caller has.
    board
        Folder of scored submissions. A notice names submissions whose scoring has not ended.
    tables
        CSVs of numbers that the user has (:func:`srspace_eval.ranking.entries.table_entries`).
    published
        A published table whose own teams compete, as in its challenge.
    beside
        Published tables whose rows are shown as baselines; ``"all"``: every table of the track.
    mor
        A study's mean opinion ranks (:func:`srspace_eval.ranking.entries.add_mor`).
    values
        CSVs of values to join to the entries (:func:`srspace_eval.ranking.entries.add_values`).
    columns
        Metric ids that are shown; rows of ``beside`` without any of them are left out. None: the track's own.
    allow_unknown
        Names of ``mor`` without an entry become baselines. False: they are an error, but for the GT.
    teams
        What the entries show about their teams (:func:`srspace_eval.ranking.joined_values.add_about`).

    Raises
    ------
    RankingError
        If there is no entry at all, a source is damaged, a name of ``mor`` has no entry, or a published table is
        unknown or not of this track.
    ResultsError
        If files of the board are damaged.
    """
    shown = all_default_columns(track) if columns is None else columns
    found = list(entries)
    if board is not None:
        _notify_unfinished(board, track)
        found += board_entries(board, track)
    for table in tables:
        found += table_entries(table, track)
    if published is not None:
        found += _competing(published, track)
    for beside_table in _tables_beside(beside, published, track):
        found += _beside(beside_table, track, shown)
    if mor is not None:
        found = _with_mor(found, mor, allow_unknown=allow_unknown)
    for path in values:
        found, strangers = add_values(found, path, track)
        if strangers:
            new = set(strangers)
            known = [entry.team for entry in found if entry.origin != "published" and entry.team not in new]
            meant = "".join(
                f"; {name!r}: {guess}" for name in strangers[:_TOLD] if (guess := did_you_mean(name, known))
            )
            notify(
                f"{path}: {_listed(strangers)}: no entry has this name; shown as a baseline with these "
                f"values alone{meant}"
            )
    if teams:
        found, absent = add_about(found, teams, track)
        if absent:
            _tell_absent(absent, found, track)
    if not found:
        if board is None and (tables or values):
            empty = " and ".join(map(str, (*tables, *values)))
            raise RankingError(f"there is nothing to rank for track {track.name}: {empty} has no rows below its header")
        given = " and ".join(str(path) for path in (board, *tables, *values) if path is not None)
        where = f"in {given}" if given else "no board and no table was given, and there is no leaderboards/ here"
        raise RankingError(f"there is nothing to rank for track {track.name} ({where}): score a submission first")
    return found


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return ", ".join(map(repr, names[:_TOLD])) + more


def _tell_absent(absent: Sequence[str], entries: Sequence[Entry], track: Track) -> None:
    """Name the teams of the table of teams that the leaderboard lacks."""
    known = [entry.team for entry in entries if entry.origin != "published"]
    named = ", ".join(map(repr, absent[:_NAMED])) + (" …" if len(absent) > _NAMED else "")
    guesses = [f"{name!r}: {guess}" for name in absent[:_NAMED] if (guess := did_you_mean(name, known))]
    verb, whose = ("has", "its submission") if len(absent) == 1 else ("have", "their submissions")
    was = "was" if len(absent) == 1 else "were"
    notify("; ".join([f"{named} {verb} no result in track {track.name} ({was} {whose} refused?)", *guesses]))


def _notify_unfinished(board: Path, track: Track) -> None:
    """Name the submissions that a reader would miss in the table: their scoring was stopped, or is running."""
    found = (board / slug(track.name)).glob("*.journal.jsonl")
    journals = sorted(path for path in found if not path.name.startswith("."))
    if journals:
        named = ", ".join(path.name for path in journals[:_NAMED]) + (" …" if len(journals) > _NAMED else "")
        notify(f"{journals[0].parent}: not scored to the end, and left out: {named}; give `score` again to go on")


def _with_mor(entries: Sequence[Entry], mor: Path, *, allow_unknown: bool) -> list[Entry]:
    if mor.is_file() and mor.name == MOR_FILE and mor.with_name(DRAWS_FILE).is_file():
        notify(f"{mor}: --mor {mor.parent} lets the final rank's intervals move with the study, too")
    merged, strangers = add_mor(entries, mor)
    known = [entry.team for entry in entries if entry.origin != "published"]
    unknown = [name for name in strangers if name != GROUND_TRUTH]
    if unknown and not allow_unknown:
        raise RankingError(
            f"{mor}: names without an entry; correct them, or show them as baselines with --allow-unknown "
            "(allow_unknown=True)",
            [
                *(_unknown(name, known) for name in unknown[:_TOLD]),
                *([f"and {len(unknown) - _TOLD} more"] if len(unknown) > _TOLD else []),
            ],
        )
    if strangers:
        notify(f"{mor}: {_listed(strangers)}: no entry has this name; shown as a baseline with its MOR alone")
    return merged


def _unknown(name: str, known: Sequence[str]) -> str:
    """What is said of a name of a study without an entry."""
    same = [repr(other) for other in known if name_key(other) == name_key(name)]
    what = f"{' and '.join([*same, repr(name)])}: differ in case alone" if same else f"{name!r}: no entry has this name"
    return "; ".join(filter(None, (what, did_you_mean(name, known))))


def _competing(name: str, track: Track) -> list[Entry]:
    table = load_published(name, track.name)
    entries = table.entries("as published", track.columns())
    if track.name not in table.tracks or all(entry.kind == "baseline" for entry in entries):
        raise RankingError(
            f"{table.id} is not a competition of track {track.name} ({table.title}); show it beside one with "
            f"--with {table.id}"
        )
    return entries


def _tables_beside(names: Sequence[str], published: str | None, track: Track) -> list[PublishedTable]:
    """The named tables, each once, without the one whose teams compete."""
    tables = [load_published(name, track.name) for name in names if name != "all"]
    if "all" in names:
        tables += [table for table in published_tables().values() if track.name in table.tracks]
    ranked = load_published(published, track.name).id if published is not None else None
    return list({table.id: table for table in tables if table.id != ranked}.values())


def _beside(table: PublishedTable, track: Track, columns: Sequence[str]) -> list[Entry]:
    if track.name not in table.tracks:
        notify(f"{table.id} is about another task ({table.title}): for orientation only")
    fitting = [
        entry for entry in _in_order(table, track) if any(entry.values.get(metric) is not None for metric in columns)
    ]
    if not fitting:
        notify(f"{table.id} has none of the columns {', '.join(columns)}")
    return fitting


def _in_order(table: PublishedTable, track: Track) -> list[Entry]:
    """A table's rows as baselines: those of a competition in the order of their ranks, others as printed."""
    entries = table.entries(known=track.columns())
    if track.name not in table.tracks or all(row.kind == "baseline" for row in table.rows):
        return entries
    ranked = apply_rule(table.entries("as published", track.columns()), track).rows
    places = {row.entry.team: place for place, row in enumerate(ranked)}
    return sorted(entries, key=lambda entry: places[entry.team])
