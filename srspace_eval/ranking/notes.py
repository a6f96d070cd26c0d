"""The notes of a leaderboard: what a reader must know to read it, one sentence each. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from srspace_eval._utils.untrusted_text import visible
from srspace_eval.ranking.bootstrap import BootstrapPlan, coverage
from srspace_eval.ranking.compatibility import common_text
from srspace_eval.ranking.departures import standard_metrics
from srspace_eval.ranking.model import CLAIM, MEASURED, Row
from srspace_eval.ranking.participants import Participants
from srspace_eval.results.record import Result
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.words import rule_sentences

_MEASURED_WITH = "Measured with common:"
_ABOUT_INTERVALS = ("Intervals: ", "Few images: ", "Intervals of the final rank ", "MOR: intervals over ")
_GIVEN_INTERVALS = ": intervals as in the table of values."
_MEASURED_HERE = "Results measured on this machine: "
_CLAIMS = "Results that were neither measured nor verified on this machine (claims): "


def is_signature_note(note: str) -> bool:
    """Whether a note says with which settings the results were measured."""
    return note.startswith(_MEASURED_WITH)


def is_interval_note(note: str) -> bool:
    """Whether a note is about intervals or the mark ≈."""
    return note.startswith(_ABOUT_INTERVALS) or note.endswith(_GIVEN_INTERVALS)


def is_machine_note(note: str) -> bool:
    """Whether a note says what happened on this machine, which is not for readers elsewhere."""
    return note.startswith((_MEASURED_HERE, _CLAIMS))


def metric_label(metric: str, track: Track) -> str:
    """A metric's label with the track's number of samples in it.

    >>> from srspace_eval.tracks.reader import load_track
    >>> metric_label("diversity", load_track("x4"))
    'S_10'
    """
    return track.label(metric)


def make_notes(
    track: Track,
    rows: Sequence[Row],
    columns: Sequence[str],
    plan: BootstrapPlan | None,
    images: int,
    comparable: Sequence[Result],
    left_out: int,
    participants: Participants,
    asked_samples: int,
) -> tuple[str, ...]:
    """The notes of a ranking, in the order in which they matter.

    Parameters
    ----------
    plan, images
        The bootstrap and the number of images that it resampled.
    comparable, left_out
        The results that share their settings, and how many do not.
    participants
        Who is ranked with whom.
    asked_samples
        The number of samples per image that the track itself asks for.
    """
    return (
        *_sample_notes(track, asked_samples, rows),
        *_crop_notes(track, comparable),
        *_rule_notes(track, rows),
        *_participants_notes(participants),
        *_mor_notes(track, rows, columns),
        *(_bootstrap_notes(track, rows, plan, images) if plan is not None and images and _moving(rows) else ()),
        *_origin_notes(rows, comparable, left_out),
        *_trunk_notes(track, columns, comparable),
    )


def _moving(rows: Sequence[Row]) -> bool:
    """Whether any number has an interval: a ranking by runtimes alone has none."""
    return any(row.intervals or row.rank_intervals for row in rows)


def _sample_notes(track: Track, asked: int, rows: Sequence[Row]) -> list[str]:
    if track.samples == asked:
        return []
    number = f"{track.samples} {'sample' if track.samples == 1 else 'samples'}"
    published = any(row.entry.origin == "published" for row in rows)
    others = f" Published values are of {asked}." if published else ""
    return [f"The results have {number} per image. The track asks for {asked}.{others}"]


def _crop_notes(track: Track, comparable: Sequence[Result]) -> list[str]:
    """That the results were measured with another crop than the track's. The results share their settings."""
    crops = {result.signature.settings.get("common", {}).get("crop", track.crop) for result in comparable}
    return [
        f"The results were measured with crop {visible(str(crop))}. The track asks for crop {track.crop}: score the "
        "submissions again."
        for crop in crops - {track.crop}
    ]


def _rule_notes(track: Track, rows: Sequence[Row]) -> list[str]:
    rule = track.ranking
    notes = []
    label = {metric: metric_label(metric, track) for metric in track.columns()}
    if rule.final:
        named = " and ".join(label[metric] for metric in rule.final)
        if any(row.final_rank is not None for row in rows):
            mean = f"The final rank is the mean of the ranks in {named} (column Mean rank)."
            notes.append(f"{mean} It decides the places.")
        elif any(row.ranks for row in rows):
            order = [c.metric for c in rule.criteria if any(c.metric in row.ranks for row in rows)]
            order.sort(key=lambda metric: metric not in rule.final)
            by = ", then ".join(label[metric] for metric in order)
            notes.append(f"There is no final rank yet: it needs {named}. Rows are ordered by their ranks in {by}.")
    if not rule.final and not rule.order_by:
        notes.append("There is no final rank: each ranked column has its own ranks.")
    if rule.order_by and not any(row.place for row in rows):
        # Where all teams lack the same value, it is said once.
        reasons = {row.why_unranked for row in rows if row.entry.kind == "team" and row.why_unranked}
        notes += [f"No places yet: {reason}." for reason in reasons if len(reasons) == 1]
    if rule.order_by or rule.eligible:
        baselines = {"Baselines are ranked too.", "Baselines are shown and not ranked.", "There is no final rank."}
        sentences = [sentence for sentence in rule_sentences(rule, track, labels=True) if sentence not in baselines]
        notes += [s for s in sentences if not (rule.final and s.startswith("The final rank"))]
    for criterion in rule.criteria:
        if criterion.tolerance and any(row.entry.values.get(criterion.metric) is not None for row in rows):
            within = f"values within {criterion.tolerance:g} of the best of their group are equal"
            notes.append(f"{label[criterion.metric]}: {within}.")
        if criterion.plateau is not None and any(row.entry.values.get(criterion.metric) is not None for row in rows):
            info = track.columns()[criterion.metric]
            side = "above" if info.direction == "higher" else "below"
            notes.append(
                f"{label[criterion.metric]}: all values at or {side} "
                f"{criterion.plateau:g}{' ' * bool(info.unit)}{info.unit} are equal."
            )
    equal = "Equal values share the best of their places (1, 2, 2, 4)."
    baselines_ = "ranked too" if rule.baselines_ranked else "shown, not ranked"
    shown = any(row.entry.kind == "baseline" for row in rows)
    return [*notes, f"{equal} Baselines are {baselines_}." if shown else equal]


def _participants_notes(participants: Participants) -> list[str]:
    if participants.mixed:
        return [
            "Published teams and other rows are ranked together, as asked. The published teams' ranks therefore differ "
            "from those of the publication."
        ]
    if participants.published_alone:
        return ["Only the teams of the published table are ranked. All other rows are shown without ranks."]
    return []


def _mor_notes(track: Track, rows: Sequence[Row], columns: Sequence[str]) -> list[str]:
    notes = []
    # The MOR of a published baseline does not come from a study of these entries.
    here = [row.entry for row in rows if row.entry.origin != "published" or row.entry.kind == "team"]
    measured = [m for m in columns if any(entry.values.get(m) is not None for entry in here)]
    if "mor" in columns and "mor" not in measured:
        notes += [
            f"There is no human study yet. {metric_label(metric, track)} only hints at photo-realism: it is not a mean "
            "opinion rank."
            for metric in measured
            if track.columns()[metric].aspect == "photo-realism"
        ]
    published = (row.entry for row in rows if row.entry.origin == "published" and row.entry.kind == "baseline")
    if any(e.origin != "published" for e in here) and any(e.values.get("mor") is not None for e in published):
        notes.append("A published MOR comes from another study with other methods. It does not compare with one here.")
    return notes


def _bootstrap_notes(track: Track, rows: Sequence[Row], plan: BootstrapPlan, images: int) -> list[str]:
    notes = [
        f"Intervals: {plan.level:.0%}, paired bootstrap over {images} images "
        f"({plan.replicates} replicates, seed {plan.seed}). The mark ≈ means that the data cannot tell a team from "
        "the next one in that column."
    ]
    if (held := coverage(images)) is not None:
        notes.append(
            f"Few images: in simulations, 95% intervals of {images} images held the true mean in only about {held:.0%} "
            "of all cases. These intervals are too narrow, and a missing ≈ says little."
        )
    if any(row.entry.draws.get("mor") for row in rows):
        notes.append("MOR: intervals over raters and crops, which the study resampled independently of the images.")
    elif "mor" in track.ranking.final and any("final_rank" in row.intervals for row in rows):
        notes.append("Intervals of the final rank treat the ranks in MOR as exact.")
    given = [info.label for info in track.given if any(info.id in row.entry.intervals for row in rows)]
    if given:
        notes.append(f"{', '.join(given)}{_GIVEN_INTERVALS}")
    return notes


def _origin_notes(rows: Sequence[Row], comparable: Sequence[Result], left_out: int) -> list[str]:
    notes = []
    if comparable:
        notes.append(f"Measured with {common_text(comparable)}.")
    notes += _evidence_notes(rows)
    if comparable and any(row.entry.origin == "given" and row.ranks for row in rows):
        notes.append("Numbers given in a table are ranked together with measured ones, unchecked.")
    if left_out:
        results, listed = ("result was", "It is") if left_out == 1 else ("results were", "They are")
        notes.append(f"{left_out} {results} measured with other settings. {listed} listed without ranks.")
    published = [row.entry.origin == "published" for row in rows]
    if any(published) and not all(published):
        notes.append("Rows marked as published were not measured here.")
    return notes


def _trunk_notes(track: Track, columns: Sequence[str], comparable: Sequence[Result]) -> list[str]:
    """That values were measured with a trunk of LPIPS or DISTS that is not torchvision's."""
    custom = {
        group
        for result in comparable
        for group, settings in result.signature.settings.items()
        if settings.get("trunk") == "custom"
    }
    if not custom:
        return []
    standard = standard_metrics(track)
    labels = [
        metric_label(column, track)
        for column in columns
        if column in standard and ("lpips" if standard[column][1].needs.network else standard[column][0]) in custom
    ]
    return [
        f"{', '.join(labels)}: measured with weights that are not torchvision's (trunk custom). These values do not "
        "compare with published ones."
    ] * bool(labels)


def _evidence_notes(rows: Sequence[Row]) -> list[str]:
    """Which results were measured on this machine; nothing if the rows do not come from a board."""
    known = [row.entry for row in rows if row.entry.evidence]
    if not known:
        return []
    measured = sum(entry.evidence == MEASURED for entry in known)
    claims = [entry for entry in known if entry.evidence == CLAIM]
    notes = [f"{_MEASURED_HERE}{measured} of {len(known)}."]
    if claims:
        notes.append(f"{_CLAIMS}{len(claims)}. `srspace-eval verify` measures them again.")
    return notes
