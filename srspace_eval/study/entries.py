"""Who takes part: submissions, published baselines and the GT, each with one file for every image of the study."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from srspace_eval._utils.notices import notify
from srspace_eval.errors import StudyError
from srspace_eval.study.design import draw_sample
from srspace_eval.submissions.guessing import guess_track
from srspace_eval.submissions.pairing import Pairing, pair
from srspace_eval.submissions.sources import Source, open_source
from srspace_eval.tracks.model import Track

GT_NAME = "GT"
"""The GT's name among the methods, as the published tables write it."""


@dataclass(frozen=True)
class Entry:
    """One method of the study. ``files``: image -> the file that is shown (one of its samples, drawn by seed)."""

    name: str
    source: Source
    files: Mapping[str, str]


@dataclass(frozen=True)
class Field:
    """Everything that is shown: the methods, and for each image its GT and its LR file (None: made from the GT)."""

    track: Track
    entries: tuple[Entry, ...]
    gt: Source
    gt_files: Mapping[str, str]
    lr: Source | None
    lr_files: Mapping[str, str]


def named_source(argument: str) -> tuple[str, Source]:
    """A submission as the command line gives it: ``PATH``, or ``NAME=PATH``; the name defaults to the path's own.

    Raises
    ------
    SubmissionError
        If there is neither a folder nor a zip.
    StudyError
        If the name cannot stand in a table.
    """
    name, equals, path_text = argument.partition("=")
    if not equals or Path(argument).exists():
        path = Path(argument)
        name = path.resolve().stem if path.suffix.lower() == ".zip" else path.resolve().name
    else:
        path = Path(path_text)
    if not name.strip() or any(unicodedata.category(c) in ("Cc", "Cs") for c in name):
        raise StudyError(f"{argument!r}: its method needs a printable name: write NAME=PATH")
    return name, open_source(path)


def gather(
    submissions: Sequence[tuple[str, Source]],
    gt: Source,
    *,
    seed: int,
    track: Track | None = None,
    lr: Source | None = None,
    include_gt: bool = False,
    sample: int | None = None,
) -> Field:
    """Pair every submission with the GT and draw the sample that is shown of each image.

    Parameters
    ----------
    submissions:
        (name, source) pairs.
    track:
        Whose names to follow; None: read off the first submission.
    include_gt:
        Let the GT take part as a method.
    sample:
        Show this sample of every image instead of a drawn one. Methods with one sample show that.

    Raises
    ------
    StudyError
        If fewer than two methods take part, two share a name, one lacks images, or ``sample`` is negative; all
        methods' faults at once.
    SubmissionError, TrackError
        If a submission's names fit no track.
    """
    if sample is not None and sample < 0:
        raise StudyError(f"--sample {sample} must not be negative: samples count from 0")
    names = [name for name, _ in submissions] + ([GT_NAME] if include_gt else [])
    problems = [
        f"{name}: {names.count(name)} methods have this name" for name in dict.fromkeys(names) if names.count(name) > 1
    ]
    if problems:
        raise StudyError("methods need names of their own: write NAME=PATH", problems)
    if len(names) < 2:
        raise StudyError("there is nothing to rank with one method: give two submissions, or add --include-gt")
    track = track or guess_track(submissions[0][1], gt, lr)
    entries: list[Entry] = []
    reference: Pairing | None = None
    for name, source in submissions:
        pairing = pair(source, gt, track, samples=None, lr=lr)
        reference = reference or pairing
        problems += [f"{name}: {p.image}: it has no sample of this image" for p in pairing.pairs if not p.samples]
        counts = {len(p.samples) for p in pairing.pairs}
        if len(counts) > 1 and not problems:
            notify(f"{source.path}: its images have {min(counts)} to {max(counts)} samples; one that is there is shown")
        files = {p.image: p.samples[_shown(name, p.image, p.samples, seed, sample)] for p in pairing.pairs if p.samples}
        if sample is not None:
            problems += [
                f"{name}: {p.image}: it has no sample {sample}"
                for p in pairing.pairs
                if len(p.samples) > 1 and sample >= len(p.samples)
            ]
        entries.append(Entry(name, source, files))
    if problems:
        raise StudyError("every method must show every image: complete them, or leave images out of --gt", problems)
    assert reference is not None
    gt_files = {p.image: p.gt for p in reference.pairs}
    lr_files = {p.image: p.lr for p in reference.pairs if p.lr is not None}
    if lr is not None:
        problems = [f"{lr.path}: the LR of {image} is missing" for image in gt_files if image not in lr_files]
        if problems:
            raise StudyError("--lr must hold the LR of every image", problems)
    if include_gt:
        entries.append(Entry(GT_NAME, gt, gt_files))
    return Field(track, tuple(entries), gt, gt_files, lr, lr_files)


def _shown(name: str, image: str, samples: Sequence[str], seed: int, sample: int | None) -> int:
    if sample is not None:
        return min(sample, len(samples) - 1)
    return draw_sample(seed, name, image, range(len(samples)))
