"""The methods of a study: submissions, published baselines and the GT, each with one file for every image."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from srspace_eval._utils.files import given_name
from srspace_eval._utils.notices import notify
from srspace_eval._utils.untrusted_text import name_key, spelled, too_long, visible
from srspace_eval.errors import StudyError
from srspace_eval.study.options import StudyOptions
from srspace_eval.study.randomization import draw_sample
from srspace_eval.submissions.guessing import guess_track
from srspace_eval.submissions.pairing import Pair, Pairing, pair, refuse_gt
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


FEWEST_FOR_CHECKS = 3
"""The smallest number of methods whose median picture cannot be spoiled by one bad method."""


@dataclass(frozen=True)
class StudyEntries:
    """All methods of a study, and for each image its GT file and its LR file.

    ``gt`` None: the track has no GT. ``lr`` None: LRs are made from the GT, or not shown.
    """

    track: Track
    entries: tuple[StudyEntry, ...]
    gt: Source | None
    gt_files: Mapping[str, str]
    lr: Source | None
    lr_files: Mapping[str, str]

    @property
    def images(self) -> tuple[str, ...]:
        """The images of the study. Every method has all of them."""
        return tuple(self.entries[0].files if self.gt is None else self.gt_files)

    def check(self, options: StudyOptions) -> None:
        """Check that nothing needs a GT where there is none.

        Raises
        ------
        StudyError
            If the options need one. It lists all of these.
        """
        if self.gt is not None:
            return
        problems = []
        if options.pairs:
            problems.append("--pairs shows the GT beside each picture; leave it out")
        if options.task == "rank" and self.lr is None:
            problems.append("rankings show the LR, and it cannot be made from a GT; give --lr, or --task rate")
        if options.obvious and len(self.entries) < FEWEST_FOR_CHECKS:
            problems.append(
                "--obvious shows the median of the methods' pictures, and the median of two is spoiled by one bad "
                "method; give three methods or more, or leave it out"
            )
        if problems:
            raise StudyError(f'track {self.track.name} has no GT (reference = "none")', problems)


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
    if not equals or os.path.exists(argument):  # noqa: PTH110 - Path.exists raises an error for a long name
        path = Path(argument)
        name = Path(given_name(path)).stem if path.suffix.lower() == ".zip" else given_name(path)
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
    submissions
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
    if told := too_long(name):
        raise StudyError(f"{visible(str(path))}: {told}")
    if not name_key(name) or any(unicodedata.category(c) in ("Cc", "Cs") for c in name):
        raise StudyError(f"{visible(str(path))}: its method needs a printable name; write NAME=PATH")


def _alike(names: Sequence[str]) -> str:
    """What is said of names that are the same to a reader."""
    different = list(dict.fromkeys(names))
    if len(different) == 1:
        return f"{visible(different[0])}: {len(names)} methods have this name"
    return f"{' and '.join(map(spelled, different))}: look the same (case, blanks and look-alike letters do not count)"


def gather_entries(
    submissions: Sequence[tuple[str, Source]],
    gt: Source | None,
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
    submissions
        (name, source) pairs.
    gt
        The GT images. None: the track has no GT. Then the LRs name the images, or the submissions themselves.
    seed
        Seed of the drawn samples.
    track
        The track whose file names apply. None: guessed from the first submission and the GT.
    lr
        The LR images. None: LRs are made from the GT, if there is one.
    include_gt
        Whether the GT takes part as a method.
    sample
        Show this sample of every image instead of a drawn one. Methods with one sample show that one.

    Raises
    ------
    StudyError
        If fewer than two methods take part, two have the same name, images are missing, or ``sample`` is negative or
        not 0 where every image has one sample. It
        lists the faults of all methods.
    SubmissionError, TrackError
        If the names of a submission fit no track.
    InputError
        If a GT is given for a track without one.

    Warns
    -----
    Notice
        If the images of a submission have different numbers of samples.
    """
    if sample is not None and sample < 0:
        raise StudyError(f"--sample is {sample}: it must not be negative, samples count from 0")
    names = [name for name, _ in submissions] + ([GT_NAME] if include_gt else [])
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name_key(name), []).append(name)
    problems = [_alike(group) for group in groups.values() if len(group) > 1]
    if problems:
        raise StudyError("methods must have different names; write NAME=PATH", problems)
    if len(names) < 2:
        raise StudyError("a study needs at least two methods: give two submissions, or add --include-gt")
    track = _track(submissions[0][1], gt, track, lr, include_gt)
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
    if gt is None and lr is None:
        union = dict.fromkeys(image for entry in entries for image in entry.files)
        problems += [
            f"{visible(entry.name)}: {image}: no sample of this image"
            for entry in entries
            for image in union
            if image not in entry.files
        ]
    if problems:
        others = "--gt" if gt is not None else "--lr" if lr is not None else "the other methods"
        raise StudyError(f"every method must have every image; add the images, or remove them from {others}", problems)
    assert first_pairing is not None
    gt_files = {p.image: p.gt for p in first_pairing.pairs if p.gt is not None}
    lr_files = {p.image: p.lr for p in first_pairing.pairs if p.lr is not None}
    if lr is not None:
        problems = [
            f"{lr.path}: the LR of {image} is missing"
            for image in (p.image for p in first_pairing.pairs)
            if image not in lr_files
        ]
        if problems:
            raise StudyError("--lr must have the LR of every image", problems)
    if include_gt and gt is not None:
        entries.append(StudyEntry(GT_NAME, gt, gt_files))
    return StudyEntries(track, tuple(entries), gt, gt_files, lr, lr_files)


def _track(submission: Source, gt: Source | None, track: Track | None, lr: Source | None, include_gt: bool) -> Track:
    """The track, given or guessed, if it fits what is there."""
    if gt is not None:
        track = track or guess_track(submission, gt, lr)
        refuse_gt(track)
        return track
    if track is None:
        raise StudyError('give --gt, or the --track of a challenge without GT (reference = "none")')
    if track.reference != "none":
        raise StudyError(f'track {track.name} has a GT: give --gt; only a track with reference = "none" needs no GT')
    if include_gt:
        raise StudyError(f'track {track.name} has no GT (reference = "none"): leave out --include-gt')
    return track


def _shown(name: str, image: str, samples: Sequence[str], seed: int, sample: int | None) -> int:
    if sample is not None:
        return min(sample, len(samples) - 1)
    return draw_sample(seed, name, image, len(samples))
