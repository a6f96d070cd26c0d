"""What results hold beyond what their track names: measures of ``score --measure``, metrics of ``score --metrics``.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from srspace_eval._utils.notices import notify
from srspace_eval._utils.untrusted_text import visible
from srspace_eval.metrics.registry import columns, measures_of, metrics, own_values, refuse_shared_columns
from srspace_eval.ranking.compatibility import comparable_first
from srspace_eval.ranking.model import Ranking
from srspace_eval.results.record import Result
from srspace_eval.results.store import read_results
from srspace_eval.tracks.model import Track

_NAMED = 8  # ids named in a notice


def including_columns(
    track: Track, asked: Collection[str], results: Path | Sequence[Result], signature: str | None = None
) -> Track:
    """The track with the measures of results that have one of the asked columns.

    Parameters
    ----------
    asked
        Ids of columns. Ids that the track has, or that no result holds, change nothing.
    results
        The results, or the folder of their board.
    signature
        Start of the signature id whose results are ranked. Results that it leaves out decide only what the columns
        are that no ranked result has.

    Raises
    ------
    InputError
        If measures of different results, or of a result and the track, give the same column.
    ResultsError
        If files of the board are damaged.
    """
    lost = {column for column in asked if column not in track.columns()}
    if not lost:
        return track
    found = read_results(results, track.name) if isinstance(results, Path) else results
    for result in found if signature is None else comparable_first(found, signature):
        extended = track.including(result.signature.settings)
        more = [m for m in extended.measures[len(track.measures) :] if lost & (columns([m]).keys() - columns().keys())]
        if more:
            track = replace(track, measures=(*track.measures, *more))
            refuse_shared_columns(track.measures, track.unmeasured)
            lost -= track.columns().keys()
    return track


def tell_hidden(ranking: Ranking) -> None:
    """A notice with the metrics that were measured in addition to the track's own, and are not shown."""
    track, own = ranking.track, _owners(ranking.track)
    shown = {column for one in ranking.all for column in one.columns}
    results = [row.entry.result for row in ranking.rows if row.entry.result is not None]
    expected = {own[column] for column in (*shown, *track.measured) if column in own}
    hidden: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for result in results:
        owners = _owners(track.including(result.signature.settings))
        values = own_values(result.summary, result.signature.settings)
        own_prefixes = tuple(f"{measure.id}_" for measure in measures_of(result.signature.settings))
        for column in (key for key, value in values.items() if value is not None):
            if column not in owners and not column.startswith(own_prefixes):  # by-products of a measure are not told
                unknown.setdefault(column)
            elif column in owners and owners[column] not in expected:
                hidden.setdefault(owners[column])
    if hidden:
        notify(f"also measured: {_listed(hidden)}; show it with --columns")
    if unknown:
        notify(f"also measured: {_listed(unknown)}; no installed package has such a metric: install it to show it")


def _owners(track: Track) -> dict[str, str]:
    """Column -> the metric or measure that gives it."""
    found = {info.id: name for name, metric in metrics().items() for info in metric.columns}
    for measure in track.measures:
        found |= dict.fromkeys(columns([measure]).keys() - columns().keys(), measure.id)
    return found


def _listed(ids: Collection[str]) -> str:
    return ", ".join(visible(one) for one in list(ids)[:_NAMED]) + (" …" if len(ids) > _NAMED else "")
