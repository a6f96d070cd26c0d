"""Values and texts of tables, joined to the entries that they are about. Imports no torch.

A value that joins a measured entry is recorded in :attr:`srspace_eval.ranking.model.Entry.joined`, so that tables can
mark it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from srspace_eval._utils.untrusted_text import name_key, spelled
from srspace_eval.errors import RankingError
from srspace_eval.ranking.given_values import range_faults
from srspace_eval.ranking.model import GROUND_TRUTH, Entry
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.teams import Team


def add_about(entries: Sequence[Entry], teams: Sequence[Team], track: Track) -> tuple[list[Entry], list[str]]:
    """Entries with what a table of teams says about them. Published entries stay as they are.

    If the track has a column ``runtime`` and an entry no value of it, the number of the field ``runtime`` is its value.
    Tables mark it as not measured.

    Returns
    -------
    entries, absent:
        The absent ones are teams of the table without an entry.

    Raises
    ------
    RankingError
        If a declared runtime that becomes a value cannot be one. All are listed.
    """
    by_name = {name_key(team.team): team for team in teams}
    known = {name_key(entry.team) for entry in entries if entry.origin != "published"}
    told, problems = [], []
    for entry in entries:
        team = None if entry.origin == "published" else by_name.get(name_key(entry.team))
        if team is not None:
            values, joined = dict(entry.values), entry.joined
            if "runtime" in track.columns() and values.get("runtime") is None:
                runtime = _declared_number(team.runtime)
                if runtime is not None:
                    values["runtime"] = runtime
                    problems += [
                        f"{spelled(entry.team)}: {fault}"
                        for fault in range_faults({"runtime": runtime}, track.columns())
                    ]
                    if entry.result is not None:
                        joined = _marked(entry, ["runtime"], "the table of teams, as declared")
            entry = replace(entry, about=team.about, values=values, joined=joined)
        told.append(entry)
    if problems:
        what = "the table of teams declares runtimes that cannot be ranked; correct these, or empty the cells"
        raise RankingError(what, problems)
    return told, [team.team for key, team in by_name.items() if key not in known]


def _declared_number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text and text.isascii() else None


def joined_entries(entries: Sequence[Entry], found: Mapping[str, Entry], where: str) -> tuple[list[Entry], list[str]]:
    """Entries with the values of others of the same name; names without an entry come last, and are listed.

    ``where``: the table that gives the values; empty: a study, whose columns hold nothing but people's opinion.
    """
    known = {entry.team for entry in entries if entry.origin != "published"}
    truth = [name for name in found if name_key(name) == name_key(GROUND_TRUTH)]
    if named := [e.team for e in entries if e.team in truth and e.kind == "team" and e.origin != "published"]:
        raise RankingError(
            f"{spelled(named[0])} is the name of the ground truth in a study, and a team has this name: its values "
            "would become the team's. Give the team another name"
        )
    merged = [
        _with_values(entry, found[entry.team], where) if entry.origin != "published" and entry.team in found else entry
        for entry in entries
    ]
    strangers = [name for name in found if name not in known]
    return merged + [found[name] for name in strangers], strangers


def _with_values(entry: Entry, other: Entry, where: str) -> Entry:
    values, intervals = {**entry.values, **other.values}, {**entry.intervals, **other.intervals}
    joined = entry.joined if entry.result is None or not where else _marked(entry, other.values, where)
    return replace(entry, values=values, intervals=intervals, draws={**entry.draws, **other.draws}, joined=joined)


def _marked(entry: Entry, ids: Iterable[str], where: str) -> dict[str, str]:
    """:attr:`Entry.joined` with the ids of which the entry has no value so far."""
    return {**entry.joined, **{metric: where for metric in ids if entry.values.get(metric) is None}}
