"""Why an entry has no final rank, in words. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from srspace_eval._utils.untrusted_text import short_name
from srspace_eval.ranking.derived import DerivedColumns
from srspace_eval.ranking.model import Entry
from srspace_eval.ranking.notes import metric_label
from srspace_eval.ranking.participants import ONLY_PUBLISHED
from srspace_eval.tracks.formula_words import formula_words
from srspace_eval.tracks.model import Track

_LINES, _LONGEST = 20, 1000
_NAMED = 10  # reasons of a row
_OPINIONS = {"mor": "mean opinion rank", "mos": "mean opinion score"}

NO_FINAL_RANK = "the track has no final rank"
"""The reason of all entries of a rule that gives no places."""


def why_unranked(
    entry: Entry,
    ranks: Mapping[str, float],
    track: Track,
    pools: Mapping[str, Sequence[int]],
    derived: DerivedColumns,
    *,
    alone: bool = False,
    apart: bool = False,
) -> str:
    """Why an entry has no final rank.

    Parameters
    ----------
    ranks
        Metric id -> the entry's rank.
    pools
        Metric id -> the entries that it ranks.
    alone
        Whether it is the only entry that could be ranked.
    apart
        Whether it is not ranked because published teams or own entries are
        (:func:`srspace_eval.ranking.participants.find_participants`).
    """
    rule = track.ranking
    if apart and entry.origin != "published":
        return ONLY_PUBLISHED
    if entry.kind == "baseline" and (apart or not (rule.baselines_ranked and entry.competes)):
        published = "published, not measured here: " if entry.origin == "published" else ""
        return f"{published}baselines are shown, not ranked"
    if entry.incomplete:
        return f"incomplete: {'; '.join(what_is_missing(entry))}"
    if alone:
        return "it is the only team; published rows are not ranked"
    if rule.order_by:
        return _why_unplaced(entry, ranks, track, pools, derived)
    if not rule.final:
        return NO_FINAL_RANK
    reasons = []
    among = {criterion.metric: criterion.needs for criterion in rule.criteria}
    for metric in (m for m in rule.final if m not in ranks):
        label = metric_label(metric, track)
        if metric != "mor" and entry.values.get(metric) is not None:
            reasons.append(_outside(label, among[metric], track))
        elif metric == "mor":
            reasons.append(_without_opinion(_OPINIONS["mor"], bool(pools["mor"])))
        else:
            reasons.append(f"{label} was not measured")
    return _joined(reasons)


def what_is_missing(entry: Entry) -> tuple[str, ...]:
    """What an incomplete submission lacks, as tables show it: the first lines, each cut."""
    more = [f"and {len(entry.incomplete) - _LINES} more"] if len(entry.incomplete) > _LINES else []
    return (*(short_name(line, _LONGEST) for line in entry.incomplete[:_LINES]), *more)


def _joined(reasons: Sequence[str]) -> str:
    """The first reasons, and how many more there are."""
    more = [f"and {len(reasons) - _NAMED} more reasons"] if len(reasons) > _NAMED else []
    return "; ".join([*reasons[:_NAMED], *more])


def _outside(label: str, needed: str | None, track: Track) -> str:
    if needed in (None, "mor"):
        return f"outside the human study, where {label} is ranked"
    return f"{label} is ranked among those with a value of {metric_label(needed, track)}"


def _why_missing(metric: str, entry: Entry, track: Track, derived: DerivedColumns) -> str:
    """Why the formula of a derived column gives nothing, if the cause is not in the table itself."""
    column = next((column for column in track.derived if column.info.id == metric), None)
    if column is None:
        return ""
    if entry.result is None and (column.of == "images" or column.formula.per_image):
        return ", because it needs the values of each image, and a table has averages only"
    if lost := derived.images_without(metric, entry):
        return f", because the formula gives no number for {lost} {'image' if lost == 1 else 'images'}"
    for name in sorted(column.formula.baselines):
        value = derived.baseline_value(name, entry)
        if not derived.baseline_missing and not value:
            what = "has no value of" if value is None else "has the value 0 of"
            return f", because the baseline {track.baseline!r} {what} {metric_label(name, track)}"
    return ""


def _without_opinion(opinion: str, others_have: bool) -> str:
    return "outside the human study" if others_have else f"no {opinion} yet"


def _why_unplaced(
    entry: Entry,
    ranks: Mapping[str, float],
    track: Track,
    pools: Mapping[str, Sequence[int]],
    derived: DerivedColumns,
) -> str:
    """Why the first key of ``order_by`` has no value."""
    key = track.ranking.order_by[0].formula
    among = {criterion.metric: criterion.needs for criterion in track.ranking.criteria}
    reasons = []
    for metric in (m for m in track.columns() if m in key.reads):
        label = metric_label(metric, track)
        if entry.values.get(metric) is None:
            opinion, others = _OPINIONS.get(metric), bool(pools.get(metric))
            told = f"no value of {label}" if opinion is None else _without_opinion(opinion, others)
            named = f" (no {label})" if opinion is not None and others else ""
            reasons.append(told + named + _why_missing(metric, entry, track, derived))
        elif metric in key.ranked and metric not in ranks:
            reasons.append(_outside(label, among[metric], track))
    if derived.baseline_missing:
        reasons.append(f"{derived.why_no_baseline}, whose values the formulas need")
    return _joined(reasons) or f"no value of {formula_words(key, track.label)}"
