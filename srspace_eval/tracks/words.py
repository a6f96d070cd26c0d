"""A track in words: one sentence for each element of its file. Imports no torch.

``srspace-eval tracks show`` prints them, and the notes of a leaderboard hold those of its rule.
"""

from __future__ import annotations

from srspace_eval.metrics.base import MetricInfo
from srspace_eval.tracks.formula_words import formula_words
from srspace_eval.tracks.model import OrderKey, RankedMetric, RankingRule, Track


def describe_track(track: Track) -> list[str]:
    """The sentences about a track, in the order of its file.

    Parameters
    ----------
    track
        The track, such as :func:`load_track` reads it.

    Returns
    -------
    list[str]
        At least one sentence.

    Examples
    --------
    >>> from srspace_eval.tracks.reader import load_track
    >>> describe_track(load_track("x8"))[0]
    'The scale is 8.'
    """
    return [
        f"The scale is {track.scale}.",
        f"Each image has {track.samples} {'sample' if track.samples == 1 else 'samples'}.",
        *_files(track),
        *(f"{m.id}: measured as {m.metric}{_options(m.options)}." for m in track.measures),
        *_measured(track),
        *(f"{info.id}: {_column(info)}. Its values come from --table or --values." for info in track.given),
        *(_derived(track, number) for number in range(len(track.derived))),
        *([f"baseline(id) is the value of the entry {track.baseline!r}."] if track.baseline else []),
        *(sentence for rule in track.rankings for sentence in describe_rule(rule, track)),
        *_scale(track),
        *([f"Source: {track.source}."] if track.source else []),
        *(f"Uncertain: {sentence}" for sentence in track.uncertain),
    ]


def describe_rule(rule: RankingRule, track: Track) -> list[str]:
    """The sentences about one rule."""
    start = f"Ranking {rule.name!r}{f' ({rule.title})' if rule.title else ''}: " if rule.name else ""
    sentences = [
        *rule_sentences(rule, track),
        *(_criterion(criterion, track) for criterion in rule.criteria),
        *([f"Shown without ranks: {', '.join(rule.show)}."] if rule.show else []),
    ]
    return [f"{start}{sentence}" for sentence in sentences]


def rule_sentences(rule: RankingRule, track: Track, *, labels: bool = False) -> list[str]:
    """How the rule decides the places: eligibility, order, baselines.

    Parameters
    ----------
    labels
        Name columns by their labels, for readers of a board. Otherwise by their ids, as the track's file does.
    """
    text = (lambda formula: formula_words(formula, track.label)) if labels else (lambda formula: formula.text)
    found = [f"Only entries with {text(condition)} are ranked." for condition in rule.eligible]
    if rule.final:
        named = map(track.label, rule.final) if labels else rule.final
        found.append(f"The final rank is the mean of the ranks in {' and '.join(named)}.")
    for number, key in enumerate(rule.order_by):
        start = "Entries are ordered" if not number else "Equal entries are then ordered"
        found.append(f"{start} by {text(key.formula)}, {_first(key)}{_tolerance(key)}.")
    if not rule.final and not rule.order_by:
        found.append("There is no final rank.")
    found.append("Baselines are ranked too." if rule.baselines_ranked else "Baselines are shown and not ranked.")
    return found


def _first(key: OrderKey) -> str:
    """Which values come first. Ranks count from 1, the best."""
    ranks = key.formula.reads == key.formula.ranked and key.better == "lower"
    return "best (rank 1) first" if ranks else f"{'lowest' if key.better == 'lower' else 'highest'} first"


def _tolerance(key: OrderKey) -> str:
    return f"; values within {key.tolerance:g} of the best of their group are equal" if key.tolerance else ""


def _files(track: Track) -> list[str]:
    crop = f"The GT is cropped to a multiple of {track.crop} pixels."
    if track.reference == "none":
        crop = (
            f"There is no GT: the LRs name the images, else the submission. Pictures are cropped to a multiple of "
            f"{track.crop} pixels."
        )
    return [
        f"{'Image' if track.reference == 'none' else 'GT'} names: {', '.join(track.gt_names)}.",
        f"Sample names: {', '.join(track.sample_names)}." + (f" Index 0 is GT {track.first}." if track.first else ""),
        crop,
        *(["A sample that is larger than its GT is a fault."] if track.mismatch == "error" else []),
    ]


def _measured(track: Track) -> list[str]:
    own = {measure.id for measure in track.measures}
    plain = [metric for metric in track.metrics if metric not in own]
    if plain:
        return [f"Measured with default options: {', '.join(plain)}."]
    return [] if own else ["Nothing is measured."]


def _scale(track: Track) -> list[str]:
    scale = track.opinion_scale
    if scale is None:
        return []
    ends = f"from {scale.label(scale.low)} to {scale.label(scale.high)}"
    return [f"People rate pictures {ends}, {scale.better} is better."]


def _options(options: object) -> str:
    pairs = [f"{key} = {value}" for key, value in options.items()] if isinstance(options, dict) else []
    return f" with {', '.join(pairs)}" if pairs else ""


def _column(info: MetricInfo) -> str:
    unit = f" [{info.unit}]" if info.unit else ""
    return f"{info.label}{unit}, {info.digits} decimals, {info.direction} is better"


def _derived(track: Track, number: int) -> str:
    derived = track.derived[number]
    of = (
        " of each image, then averaged"
        if derived.of == "images"
        else ""
        if derived.formula.per_image
        else " of the averages"
    )
    return f"{derived.info.id}: {_column(derived.info)}. It is {derived.formula.text}{of}."


def _criterion(criterion: RankedMetric, track: Track) -> str:
    info = track.columns()[criterion.metric]
    among = f" among those with a value of {criterion.needs}" if criterion.needs else ""
    plateau = tolerance = ""
    if criterion.plateau is not None:
        side = "above" if info.direction == "higher" else "below"
        plateau = f" All values at or {side} {criterion.plateau:g} are equal."
    if criterion.tolerance:
        tolerance = f" Values within {criterion.tolerance:g} of the best of their group are equal."
    first = "lowest" if info.direction == "lower" else "highest"
    return f"{criterion.metric} is ranked{among}, {first} first.{plateau}{tolerance}"
