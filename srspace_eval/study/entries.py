"""The methods of a study: submissions, published baselines and the GT, each with one file for every image."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from srspace_eval._utils.notices import notify
from srspace_eval._utils.untrusted_text import visible
from srspace_eval.errors import StudyError
from srspace_eval.study.randomization import draw_sample
from srspace_eval.submissions.guessing import guess_track
from srspace_eval.submissions.pairing import Pair, Pairing, pair
from srspace_eval.submissions.sources import Source, open_source
from srspace_eval.tracks.model import Track

GT_NAME = "GT"
"""Name of the GT among the methods, as in the published tables."""


@dataclass(frozen=True)
class StudyEntry:
    """One method of the study. ``files``: image -> the file that is shown (one of its samples, drawn by seed)."""

    name: str
    source: Source
    files: Mapping[str, str]


@dataclass(frozen=True)
class StudyEntries:
    """All methods of a study, and for each image its GT file and its LR file (``lr`` None: made from the GT)."""

    track: Track
    entries: tuple[StudyEntry, ...]
    gt: Source
    gt_files: Mapping[str, str]
    lr: Source | None
    lr_files: Mapping[str, str]


def named_source(argument: str) -> tuple[str, Source]:
    """A submission as the command line names it: ``PATH`` or ``NAME=PATH``.

    Without NAME, the method has the name of the folder, or of the zip without its suffix. A path that exists is a path,
    even with ``=`` in it.

    Raises
    ------
    SubmissionError
        If there is neither a folder nor a zip.
    StudyError
        If the name is empty or has control characters.
    """
    name, equals, path_text = argument.partition("=")
    if not equals or Path(argument).exists():
        path = Path(argument)
        name = path.resolve().stem if path.suffix.lower() == ".zip" else path.resolve().name
    else:
        path = Path(path_text)
    _check_name(name, path)
    return name, open_source(path)


def open_submissions(
    submissions: Sequence[str | os.PathLike[str]] | Mapping[str, str | os.PathLike[str]],
) -> list[tuple[str, Source]]:
    """Names and sources of the submissions.

    Parameters
    ----------
    submissions:
        Folders and zips, or a mapping from the methods' names to them. A text may be ``NAME=PATH``
        (:func:`named_source`).

    Raises
    ------
    SubmissionError, StudyError
        As :func:`named_source`.
    """
    if not isinstance(submissions, Mapping):
        return [named_source(os.fspath(submission)) for submission in submissions]
    for name, path in submissions.items():
        _check_name(name, Path(path))
    return [(name, open_source(Path(path))) for name, path in submissions.items()]


def _check_name(name: str, path: Path) -> None:
    if not name.strip() or any(unicodedata.category(c) in ("Cc", "Cs") for c in name):
        raise StudyError(f"{visible(str(path))}: its method needs a printable name; write NAME=PATH")


def gather_entries(
    submissions: Sequence[tuple[str, Source]],
    gt: Source,
    *,
    seed: int,
    track: Track | None = None,
    lr: Source | None = None,
    include_gt: bool = False,
    sample: int | None = None,
) -> StudyEntries:
    """Pair every submission with the GT, and draw the sample of each image that is shown.

    Parameters
    ----------
    submissions:
        (name, source) pairs.
    gt:
        The GT images.
    seed:
        Seed of the drawn samples.
    track:
        The track whose file names apply. None: guessed from the first submission.
    lr:
        The LR images. None: LRs are made from the GT.
    include_gt:
        Whether the GT takes part as a method.
    sample:
        Show this sample of every image instead of a drawn one. Methods with one sample show that one.

    Raises
    ------
    StudyError
        If fewer than two methods take part, two have the same name, images are missing, or ``sample`` is negative or
        not 0 where every image has one sample. It
        lists the faults of all methods.
    SubmissionError, TrackError
        If the names of a submission fit no track.

    Warns
    -----
    Notice
        If the images of a submission have different numbers of samples.
    """
    if sample is not None and sample < 0:
        raise StudyError(f"--sample is {sample}: it must not be negative, samples count from 0")
    names = [name for name, _ in submissions] + ([GT_NAME] if include_gt else [])
    problems = [
        f"{visible(name)}: {names.count(name)} methods have this name"
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    if problems:
        raise StudyError("methods must have different names; write NAME=PATH", problems)
    if len(names) < 2:
        raise StudyError("a study needs at least two methods: give two submissions, or add --include-gt")
    track = track or guess_track(submissions[0][1], gt, lr)
    entries: list[StudyEntry] = []
    first_pairing: Pairing | None = None
    pairs: list[Pair] = []
    for name, source in submissions:
        pairing = pair(source, gt, track, samples=None, lr=lr)
        first_pairing = first_pairing or pairing
        pairs += pairing.pairs
        problems += [f"{visible(name)}: {p.image}: no sample of this image" for p in pairing.pairs if not p.samples]
        counts = {len(p.samples) for p in pairing.pairs}
        if len(counts) > 1 and not problems:
            notify(
                f"{source.path}: images have {min(counts)} to {max(counts)} samples; the shown one is drawn from these"
            )
        files = {p.image: p.samples[_shown(name, p.image, p.samples, seed, sample)] for p in pairing.pairs if p.samples}
        if sample is not None:
            problems += [
                f"{visible(name)}: {p.image}: no sample {sample}"
                for p in pairing.pairs
                if len(p.samples) > 1 and sample >= len(p.samples)
            ]
        entries.append(StudyEntry(name, source, files))
    if sample and all(len(p.samples) <= 1 for p in pairs):
        raise StudyError(f"--sample is {sample}: no method has more than one sample of an image; leave out --sample")
    if problems:
        raise StudyError("every method must have every image; add the images, or remove them from --gt", problems)
    assert first_pairing is not None
    gt_files = {p.image: p.gt for p in first_pairing.pairs if p.gt is not None}
    lr_files = {p.image: p.lr for p in first_pairing.pairs if p.lr is not None}
    if lr is not None:
        problems = [f"{lr.path}: the LR of {image} is missing" for image in gt_files if image not in lr_files]
        if problems:
            raise StudyError("--lr must have the LR of every image", problems)
    if include_gt:
        entries.append(StudyEntry(GT_NAME, gt, gt_files))
    return StudyEntries(track, tuple(entries), gt, gt_files, lr, lr_files)


def _shown(name: str, image: str, samples: Sequence[str], seed: int, sample: int | None) -> int:
    if sample is not None:
        return min(sample, len(samples) - 1)
    return draw_sample(seed, name, image, len(samples))
