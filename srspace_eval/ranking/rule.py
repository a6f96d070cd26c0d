"""A track's rule applied to entries: ranks, ties, the plateau, the fused final rank. Imports no torch."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from srspace_eval.errors import RankingError
from srspace_eval.ranking.bootstrap import BootstrapPlan
from srspace_eval.ranking.compatibility import choose_signature, require_one_signature
from srspace_eval.ranking.intervals import Intervals, bootstrap_intervals
from srspace_eval.ranking.model import Entry, Ranking, Row, name_key
from srspace_eval.ranking.notes import make_notes, metric_label
from srspace_eval.ranking.ranks import competition_ranks, sort_keys
from srspace_eval.tracks.model import RankedMetric, RankingRule, Track


def apply_rule(
    entries: Iterable[Entry],
    track: Track,
    *,
    bootstrap: BootstrapPlan | None = None,
    signature: str | None = None,
    columns: Sequence[str] | None = None,
) -> Ranking:
    """Rank entries by the track's rule; :func:`srspace_eval.rank` also gathers them.

    Each criterion ranks the complete teams that have a value of it (``among = "study"``: those with a mean opinion
    rank). Equal values share the best of their places, and a plateau makes everything at or beyond it equal. The
    final rank is the mean of the ranks that the rule names; a team that lacks one has none, and a reason.

    Parameters
    ----------
    entries:
        In any order; the baselines' order is kept.
    track:
        Gives the rule (:class:`srspace_eval.tracks.model.RankingRule`).
    bootstrap:
        How to make intervals from the per-image values of measured entries; None: no intervals.
    signature:
        Start of the signature id whose results are ranked; others that conflict with it are listed without ranks.
    columns:
        Metric ids to show; None: those that the rule and the track name.

    Raises
    ------
    RankingError
        If two entries share a name (names differ in more than case), a metric is unknown, or results were measured
        with different settings and no ``signature`` was chosen.

    Examples
    --------
    >>> from srspace_eval.tracks.reader import load_track
    >>> a = Entry("A", "team", {"lr_psnr": 50.0, "diversity": 20.0, "mor": 2.0}, "given")
    >>> b = Entry("B", "team", {"lr_psnr": 46.0, "diversity": 25.0, "mor": 1.5}, "given")
    >>> [(row.entry.team, row.final_rank) for row in apply_rule([a, b], load_track("x4")).rows]
    [('B', 1.0), ('A', 2.0)]
    """
    lines = [_clean(entry, track) for entry in entries]
    _require_distinct(lines)
    excluded = _choose(lines, signature)
    rule = track.ranking
    competing = [i for i, e in enumerate(lines) if e.kind == "team" and not e.incomplete and i not in excluded]
    pools = {c.metric: _pool(lines, competing, c) for c in rule.criteria}
    ranks: list[dict[str, float]] = [{} for _ in lines]
    for criterion in rule.criteria:
        pool = pools[criterion.metric]
        values = np.array([lines[i].values[criterion.metric] for i in pool], dtype=np.float64)
        better = track.columns()[criterion.metric].direction
        for i, place in zip(pool, competition_ranks(sort_keys(values, criterion, better)), strict=True):
            ranks[i][criterion.metric] = float(place)

    shown = tuple(columns) if columns is not None else default_columns(track)
    unknown = [metric for metric in shown if metric not in track.columns()]
    if unknown:
        raise RankingError(f"unknown column {', '.join(map(repr, unknown))}; known are {', '.join(track.columns())}")
    finals = [_final_rank(row_ranks, rule) for row_ranks in ranks]
    rows = [
        Row(
            entry=entry,
            ranks=ranks[i],
            final_rank=finals[i],
            why_unranked=None if finals[i] is not None else excluded.get(i) or _why(entry, ranks[i], track, pools),
            intervals=entry.intervals,
        )
        for i, entry in enumerate(lines)
    ]
    order = sorted(range(len(rows)), key=lambda i: (*_order(rows[i], rule, i in excluded), i))
    found = Intervals()
    if bootstrap is not None:
        found = bootstrap_intervals(lines, track, pools, finals, shown, bootstrap, order, set(excluded))
    rows = [
        replace(
            row,
            intervals={**row.intervals, **found.values.get(i, {})},
            rank_intervals=found.ranks.get(i, {}),
            indistinguishable_from_next=found.indistinguishable.get(i, {}),
        )
        for i, row in enumerate(rows)
    ]
    comparable = [e.result for i, e in enumerate(lines) if e.result is not None and i not in excluded]
    return Ranking(
        track=track,
        columns=shown,
        rows=tuple(rows[i] for i in order),
        notes=make_notes(track, rows, shown, bootstrap, found.images, comparable, len(excluded)),
        bootstrap=bootstrap if found.images else None,
    )


def _clean(entry: Entry, track: Track) -> Entry:
    """The entry with NaN as None; an unknown metric, or a name that cannot be written as UTF-8, is an error."""
    unknown = [metric for metric in entry.values if metric not in track.columns()]
    if unknown:
        known = ", ".join(track.columns())
        raise RankingError(f"{entry.team!r}: unknown metric {', '.join(unknown)}; known are {known}")
    if not entry.team.strip():
        raise RankingError("an entry has no team name")
    if any(unicodedata.category(char) == "Cs" for char in entry.team):
        raise RankingError(f"{entry.team!r}: the name holds half a character (a lone surrogate); write it anew")
    values = {k: None if v is None or math.isnan(v) else float(v) for k, v in entry.values.items()}
    return replace(entry, values=values)


def _require_distinct(entries: Sequence[Entry]) -> None:
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        # Two papers may have the same method: published rows are distinguished by their citation.
        where = entry.note.split("\n")[0] if entry.origin == "published" else ""
        groups.setdefault((where, name_key(entry.team)), []).append(entry)
    problems = [
        f"{' and '.join(repr(e.team) for e in group)}: keep one, or give one another name"
        for group in groups.values()
        if len(group) > 1
    ]
    if problems:
        raise RankingError("some teams are there twice (upper and lower case count as the same)", problems)


def _choose(entries: Sequence[Entry], chosen: str | None) -> dict[int, str]:
    """Index -> reason, for the measured entries that a chosen signature leaves out."""
    results = [entry.result for entry in entries if entry.result is not None]
    if chosen is None:
        require_one_signature(results)
        return {}
    signature = choose_signature(results, chosen)
    excluded = {}
    for i, entry in enumerate(entries):
        conflicts = entry.result.signature.conflicts(signature) if entry.result is not None else []
        if conflicts:
            excluded[i] = f"measured with other settings ({'; '.join(conflicts)})"
    require_one_signature([e.result for i, e in enumerate(entries) if e.result is not None and i not in excluded])
    return excluded


def default_columns(track: Track) -> tuple[str, ...]:
    """The metrics that a track's rule or its measurement names, in the order of all tables."""
    named = {c.metric for c in track.ranking.criteria} | set(track.ranking.show) | set(track.metrics)
    return tuple(metric for metric in track.columns() if metric in named)


def _pool(entries: Sequence[Entry], competing: Sequence[int], criterion: RankedMetric) -> list[int]:
    """The entries that a criterion ranks."""
    pool = [i for i in competing if entries[i].values.get(criterion.metric) is not None]
    if criterion.among == "study":
        pool = [i for i in pool if entries[i].values.get("mor") is not None]
    return pool


def _final_rank(ranks: Mapping[str, float], rule: RankingRule) -> float | None:
    if not rule.final or any(metric not in ranks for metric in rule.final):
        return None
    return sum(ranks[metric] for metric in rule.final) / len(rule.final)


def _why(entry: Entry, ranks: Mapping[str, float], track: Track, pools: Mapping[str, Sequence[int]]) -> str:
    """Why an entry has no final rank."""
    if entry.kind == "baseline":
        published = "published, not measured here: " if entry.origin == "published" else ""
        return f"{published}baselines are shown, not ranked"
    if entry.incomplete:
        return f"incomplete: {'; '.join(entry.incomplete)}"
    if not track.ranking.final:
        return "the track has no final rank"
    reasons = []
    for metric in (m for m in track.ranking.final if m not in ranks):
        label = metric_label(metric, track)
        if metric != "mor" and entry.values.get(metric) is not None:
            reasons.append(f"outside the human study, where {label} is ranked")
        elif metric == "mor":
            reasons.append("outside the human study" if pools["mor"] else "no mean opinion rank yet")
        else:
            reasons.append(f"{label} was not measured")
    return "; ".join(reasons)


def _order(row: Row, rule: RankingRule, excluded: bool) -> tuple[float, ...]:
    """Best first: final rank; then teams without one, by the ranks they have; incomplete ones; baselines."""
    if row.entry.kind == "baseline":
        return (3.0,)
    if row.entry.incomplete or excluded:
        return (2.0,)
    others = [c.metric for c in rule.criteria if c.metric not in rule.final]
    have = [row.ranks[metric] for metric in rule.final if metric in row.ranks]
    mean = sum(have) / len(have) if have else math.inf
    places = [row.ranks.get(metric, math.inf) for metric in (*rule.final, *others)]
    return (0.0 if row.final_rank is not None else 1.0, mean, *places)
