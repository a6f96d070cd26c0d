"""A track's rule applied to entries: ranks, ties, the plateau, the fused final rank. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from srspace_eval._utils.notices import notify
from srspace_eval._utils.untrusted_text import name_key
from srspace_eval.errors import RankingError
from srspace_eval.ranking.baselines import require_free_baseline
from srspace_eval.ranking.bootstrap import BootstrapPlan
from srspace_eval.ranking.columns import cells_of, tracks_of
from srspace_eval.ranking.compatibility import measured_samples, require_one_signature, unlike_chosen
from srspace_eval.ranking.departures import find_departures
from srspace_eval.ranking.derived import DerivedColumns
from srspace_eval.ranking.eligibility import failed_conditions
from srspace_eval.ranking.entry_checks import clean_entries
from srspace_eval.ranking.intervals import (
    MAX_NUMBERS,
    Intervals,
    bootstrap_intervals,
    order_keys,
    paired_entries,
    resampled_numbers,
)
from srspace_eval.ranking.model import Entry, Ranking, Row
from srspace_eval.ranking.notes import make_notes
from srspace_eval.ranking.participants import find_participants
from srspace_eval.ranking.places import places_by
from srspace_eval.ranking.reasons import why_unranked
from srspace_eval.ranking.ties_and_plateau import competition_ranks, sort_keys
from srspace_eval.tracks.model import RankedMetric, RankingRule, Track

MAX_ROWS = 20_000
"""The largest number of rows that all rankings of a track may have together, if it has several.

Ten rankings of two hundred teams have 2000 rows.
"""

MAX_CELLS = 200_000
"""The largest number of values (rows times columns) that all rankings of a track may have together.

Ten rankings of two hundred teams in ten columns have 20 000.
"""


def apply_rule(
    entries: Iterable[Entry],
    track: Track,
    *,
    bootstrap: BootstrapPlan | None = None,
    signature: str | None = None,
    columns: Sequence[str] | None = None,
    together: bool = False,
) -> Ranking:
    """Rank entries by the track's rule; :func:`srspace_eval.rank` also gathers them.

    Each criterion ranks the complete teams that have a value of it (``among = "study"``: those with a mean opinion
    rank). Equal values share the best of their places, and a plateau makes everything at or beyond it equal. The
    final rank is the mean of the ranks that the rule names; a team that lacks one has none, and a reason. A rule with
    ``order_by`` gives places by its keys instead. Entries that are not eligible are listed and take no places.

    Parameters
    ----------
    entries
        In any order; the baselines' order is kept.
    track
        Gives the rule (:class:`srspace_eval.tracks.model.RankingRule`).
    bootstrap
        How to make intervals from the per-image values of measured entries; None: no intervals.
    signature
        Start of the signature id whose results are ranked; others that conflict with it are listed without ranks.
    columns
        Metric ids to show; None: those that the rule and the track name.
    together
        Rank published teams and other entries together. False: if published teams compete, they alone have ranks.

    Returns
    -------
    Ranking
        The ranking by the track's first rule; :attr:`Ranking.others` are those by its other rules.

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
    lines = clean_entries(entries, track)
    require_free_baseline(lines, track)
    excluded = _choose(lines, signature)
    results = [e.result for i, e in enumerate(lines) if e.result is not None and i not in excluded]
    # Labels and sentences are about what was measured: S_2 if all results have two samples.
    measured = replace(track, samples=measured_samples(results, track))
    tracks = tracks_of(measured)
    if len(tracks) > 1 and len(lines) * len(tracks) > MAX_ROWS:
        raise RankingError(
            f"track {track.name}: {len(tracks)} rankings of {len(lines)} entries have more than {MAX_ROWS} rows; leave "
            "out rankings of the track, or entries"
        )
    cells = sum(cells_of(len(lines), one, shown if columns is None else columns) for one, shown in tracks)
    if cells > MAX_CELLS:
        raise RankingError(
            f"track {track.name}: its rankings of {len(lines)} entries have {cells} values (rows times columns); at "
            f"most {MAX_CELLS} are ranked; leave out columns or rankings of the track, or entries"
        )
    if bootstrap is not None:
        numbers = resampled_numbers(results, lines, [one for one, _ in tracks], bootstrap)
        if numbers > MAX_NUMBERS:
            notify(
                f"no intervals: the bootstrap would compute {numbers} numbers (replicates times images, or times rows "
                f"and columns, for each ranking), and at most {MAX_NUMBERS} are computed; give fewer --replicates "
                "(replicates)"
            )
            bootstrap = None
    computed: dict[tuple[int, ...], DerivedColumns] = {}
    first, *others = (
        _apply(
            lines,
            one,
            excluded,
            bootstrap,
            shown if columns is None else columns,
            track.samples,
            computed,
            together=together,
        )
        for one, shown in tracks
    )
    return replace(first, track=measured, others=tuple(others))


def _apply(
    lines: Sequence[Entry],
    track: Track,
    excluded: Mapping[int, str],
    bootstrap: BootstrapPlan | None,
    shown: Sequence[str],
    asked: int,
    computed: dict[tuple[int, ...], DerivedColumns],
    *,
    together: bool,
) -> Ranking:
    """One rule applied to checked entries. The track has the number of samples that were measured; ``asked`` is its
    own. ``computed`` keeps the derived columns for further rules, which rank the same entries or those of few other
    groups."""
    rule = track.ranking
    participants = find_participants(lines, excluded, rule, together=together)
    able, apart = participants.able, participants.apart
    paired = paired_entries(lines, set(excluded))
    if able not in computed:
        computed[able] = DerivedColumns(lines, track, paired, able, excluded=excluded, tell=not computed)
    derived = computed[able]
    lines = derived.entries
    failed = failed_conditions(derived, track, able)
    competing = [i for i in able if i not in failed]
    own = all(lines[i].origin != "published" for i in competing)
    alone = len(competing) == 1 and own and any(entry.origin == "published" for entry in lines)
    if alone:
        competing = []
    pools = {c.metric: _pool(lines, competing, c) for c in rule.criteria}
    ranks: list[dict[str, float]] = [{} for _ in lines]
    for criterion in rule.criteria:
        pool = pools[criterion.metric]
        values = np.array([lines[i].values[criterion.metric] for i in pool], dtype=np.float64)
        better = track.columns()[criterion.metric].direction
        for i, place in zip(pool, competition_ranks(sort_keys(values, criterion, better)), strict=True):
            ranks[i][criterion.metric] = float(place)

    shown = tuple(shown)
    unknown = [metric for metric in shown if metric not in track.columns()]
    if unknown:
        raise RankingError(f"unknown column {', '.join(map(repr, unknown))}; known are {', '.join(track.columns())}")
    finals, places = _finals(derived, ranks, rule, competing)
    keys = _key_values(derived, ranks, rule)
    rows = [
        Row(
            entry=entry,
            ranks=ranks[i],
            final_rank=finals[i],
            why_unranked=None
            if finals[i] is not None
            else excluded.get(i)
            or failed.get(i)
            or why_unranked(entry, ranks[i], track, pools, derived, alone=alone, apart=i in apart),
            intervals=entry.intervals,
            place=places[i],
            other_settings=i in excluded,
            keys=tuple(values[i] for values in keys) if places[i] is not None else (),
        )
        for i, entry in enumerate(lines)
    ]
    order = sorted(
        range(len(rows)), key=lambda i: (*_order(rows[i], rule, i in excluded or i in apart, i in failed), i)
    )
    found = Intervals()
    if bootstrap is not None:
        found = bootstrap_intervals(derived, track, pools, finals, shown, bootstrap, order, paired)
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
    departures = find_departures(lines, comparable, shown, replace(track, samples=asked))
    return Ranking(
        track=track,
        columns=shown,
        rows=tuple(rows[i] for i in order),
        notes=(
            *make_notes(track, rows, shown, bootstrap, found.images, comparable, len(excluded), participants, asked),
            *derived.baseline_notes([*rule.eligible, *(key.formula for key in rule.order_by)]),
        ),
        bootstrap=bootstrap if found.images else None,
        departures=departures,
        asked_samples=asked,
    )


def _choose(entries: Sequence[Entry], chosen: str | None) -> dict[int, str]:
    """Index -> reason, for the measured entries that a chosen signature leaves out."""
    results = {i: entry.result for i, entry in enumerate(entries) if entry.result is not None}
    whys = [""] * len(results) if chosen is None else unlike_chosen(list(results.values()), chosen)
    excluded = {i: f"measured with other settings ({why})" for i, why in zip(results, whys, strict=True) if why}
    require_one_signature([result for i, result in results.items() if i not in excluded])
    return excluded


def _pool(entries: Sequence[Entry], competing: Sequence[int], criterion: RankedMetric) -> list[int]:
    """The entries that a criterion ranks."""
    needed = [criterion.metric, *([criterion.needs] if criterion.needs else [])]
    return [i for i in competing if all(entries[i].values.get(metric) is not None for metric in needed)]


def _finals(
    derived: DerivedColumns, ranks: Sequence[Mapping[str, float]], rule: RankingRule, competing: Sequence[int]
) -> tuple[list[float | None], list[int | None]]:
    """The final ranks and the places."""
    finals: list[float | None]
    if not rule.order_by:
        finals = [_final_rank(row_ranks, rule) for row_ranks in ranks]
        points = np.array([math.nan if final is None else final for final in finals])
        found = competition_ranks(np.where(np.isnan(points), np.inf, points))
        return finals, [None if final is None else int(found[i]) for i, final in enumerate(finals)]
    keys = order_keys(derived, ranks, rule)
    able = [i for i in competing if not np.isnan(keys[0][0][i])]
    places = dict(zip(able, places_by([(values[able], tolerance) for values, tolerance in keys]), strict=True))
    numbers = [int(places[i]) if i in places else None for i in range(len(ranks))]
    if rule.by_ranks_alone:
        sign = -1.0 if rule.order_by[0].better == "higher" else 1.0
        return [float(sign * keys[0][0][i]) if i in places else None for i in range(len(ranks))], numbers
    return [None if number is None else float(number) for number in numbers], numbers


def _key_values(
    derived: DerivedColumns, ranks: Sequence[Mapping[str, float]], rule: RankingRule
) -> list[list[float | None]]:
    """For each key of ``order_by``, the value of each entry; None: it has none."""
    if not rule.order_by:
        return []
    signs = [-1.0 if key.better == "higher" else 1.0 for key in rule.order_by]
    found = [sign * values for sign, (values, _) in zip(signs, order_keys(derived, ranks, rule), strict=True)]
    return [[None if math.isnan(value) else float(value) for value in values] for values in found]


def _final_rank(ranks: Mapping[str, float], rule: RankingRule) -> float | None:
    if not rule.final or any(metric not in ranks for metric in rule.final):
        return None
    return sum(ranks[metric] for metric in rule.final) / len(rule.final)


def _order(row: Row, rule: RankingRule, listed: bool, failed: bool) -> tuple[float | str, ...]:
    """Best first: final rank; then teams without one, by the ranks they have; incomplete ones; baselines."""
    if row.entry.kind == "baseline" and row.place is None:
        return (3.0,)
    if row.entry.incomplete or listed:
        return (2.0,)
    others = [c.metric for c in rule.criteria if c.metric not in rule.final]
    have = [row.ranks[metric] for metric in rule.final if metric in row.ranks]
    mean = sum(have) / len(have) if have else math.inf
    places = [row.ranks.get(metric, math.inf) for metric in (*rule.final, *others)]
    if rule.order_by:
        # Rows that nothing tells apart go by name, so that their order does not depend on the entries' order.
        group = 0.0 if row.place is not None else 1.5 if failed else 1.0
        return (group, math.inf if row.place is None else float(row.place), *places, name_key(row.entry.team))
    return (0.0 if row.final_rank is not None else 1.5 if failed else 1.0, mean, *places)
