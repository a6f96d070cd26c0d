"""Columns of a leaderboard's CSV and DataFrame: intervals, and what is known of the rows in addition to their numbers.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from srspace_eval._utils.frames import Kind
from srspace_eval.tracks.teams import about_fields

EVIDENCE, NOT_MEASURED, ABOUT = "evidence", "not_measured", "about_"
"""The first two columns, and what a field of the table of teams begins with where a metric has its name."""


def told_columns(
    evidence: Sequence[str],
    joined: Sequence[Mapping[str, str]],
    about: Sequence[Mapping[str, str]],
    others: Collection[str],
) -> dict[str, list[str]]:
    """The columns ``evidence``, ``not_measured`` and the fields of a table of teams; empty columns are left out.

    Parameters
    ----------
    evidence, joined, about
        These attributes of each row's :class:`srspace_eval.ranking.model.Entry`.
    others
        The other columns' names. A field of the table of teams with such a name is called ``about_FIELD``.

    Examples
    --------
    >>> told_columns(["claim"], [{"runtime": "the table of values v.csv"}], [{"runtime": "7"}], ["team", "runtime"])
    {'evidence': ['claim'], 'not_measured': ['runtime'], 'about_runtime': ['7']}
    """
    found = {EVIDENCE: list(evidence), NOT_MEASURED: [" ".join(ids) for ids in joined]}
    found = {name: texts for name, texts in found.items() if any(texts)}
    for name in about_fields(about):
        found[f"{ABOUT}{name}" if name in others else name] = [one.get(name, "") for one in about]
    return found


def interval_ends(
    name: str, intervals: Sequence[tuple[float, float] | None]
) -> dict[str, tuple[Kind, Sequence[object]]]:
    """The two columns of a column's intervals, ``NAME_low`` and ``NAME_high``."""
    return {
        f"{name}_{end}": ("float64", [None if interval is None else interval[i] for interval in intervals])
        for i, end in enumerate(("low", "high"))
    }
