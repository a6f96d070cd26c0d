"""The check of a submission: pairing and inspection together, before anything is measured.

The module is long because much of it is documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from srspace_eval._utils.cores import threads_of
from srspace_eval._utils.progress import Progress, no_progress
from srspace_eval.errors import SubmissionError, TrackError, advice
from srspace_eval.submissions.folders import choose_folder
from srspace_eval.submissions.guessing import guess_track
from srspace_eval.submissions.inspection import Inspection, inspect
from srspace_eval.submissions.pairing import Pair, Pairing, pair, refuse_gt
from srspace_eval.submissions.plausibility import findings, look_at_all
from srspace_eval.submissions.readme import read_declared, readme_notices
from srspace_eval.submissions.sources import FolderSource, Source, ZipSource, open_source, outward_links
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.names import Template
from srspace_eval.tracks.reader import load_track


class SizeRequirement(Protocol):
    """``what`` needs pictures of at least ``side``×``side`` pixels; ``hint`` says what to do with smaller ones.

    ``longer`` is the least longer side; 0: ``side``.
    """

    @property
    def what(self) -> str:
        """The metric or network that needs the size."""

    @property
    def side(self) -> int:
        """The smallest height and width, in pixels."""

    @property
    def hint(self) -> str:
        """What the user can do about a smaller picture."""

    @property
    def longer(self) -> int:
        """The smallest longer side, in pixels; 0: that of both."""


@dataclass(frozen=True)
class SubmissionCheck:
    """The result of :func:`check`. The submission can be scored if :attr:`faults` is empty.

    Attributes
    ----------
    track
        The track given, or the one that names and sizes belong to.
    submission, gt, lr
        Where the files are read from; None: not given.
    pairing, inspection
        Which files belong together, and what is known of each file.
    strict
        Whether :attr:`warnings` count as faults.
    suspicions
        What samples seem to be that do not look like their GT; only found if every picture was decoded.

    Examples
    --------
    >>> import numpy as np
    >>> import srspace_eval as se
    >>> from pathlib import Path
    >>> for folder in ("hr", "small"):
    ...     Path(folder).mkdir()
    >>> se.write_png("hr/0801.png", np.full((16, 16, 3), 100, np.uint8))
    >>> se.write_png("small/000000_sample00000.png", np.full((8, 16, 3), 101, np.uint8))
    >>> found = se.check("small", "hr", track="x4", samples=1)
    >>> len(found.faults)
    1
    """

    track: Track
    submission: Source
    gt: Source | None
    lr: Source | None
    pairing: Pairing
    inspection: Inspection
    strict: bool = False
    suspicions: tuple[str, ...] = ()

    @property
    def faults(self) -> tuple[str, ...]:
        """Everything that is wrong, missing files included; one line each."""
        strictly = self.warnings if self.strict else ()
        faults = (*self.pairing.faults, *self._missing(), *self.inspection.faults, *strictly)
        return tuple(map(advice, faults))

    def _missing(self) -> Iterator[str]:
        """What is missing. Where files are named by an index, the image that it belongs to is said."""
        indexed = self.track.first and "index" in Template(self.pairing.template).fields
        for line in self.pairing.missing:
            image = line.partition(":")[0]
            known = indexed and image.isdecimal() and int(image) >= self.track.first
            yield f"{line} (index {int(image) - self.track.first} is image {image})" if known else line

    @property
    def warnings(self) -> tuple[str, ...]:
        """Samples that are identical to each other or to the GT, or do not look like it: probably a mistake."""
        return (*self.inspection.warnings, *self.suspicions)

    @property
    def notices(self) -> tuple[str, ...]:
        """What does not prevent scoring: ignored files, crops, and the warnings unless the check is strict."""
        warnings = () if self.strict else self.warnings
        return (
            *self._unchecked(),
            *outward_links(self.submission),
            *self.pairing.notices,
            *self.inspection.notices,
            *warnings,
        )

    def _unchecked(self) -> Iterator[str]:
        """What cannot be checked without a GT and without LRs."""
        if self.gt is None and self.lr is None:
            yield (
                f"{self.submission.path}: there is neither a GT nor an LR: the submission names the images. "
                "Missing images and wrong sizes are not found; give --lr to find them"
            )

    @property
    def samples(self) -> int:
        """The number of samples that belong to an image."""
        return sum(len(p.samples) for p in self.pairing.pairs)

    def to_document(self) -> dict[str, str | int | list[str]]:
        """The check as ``srspace-eval check --json`` prints it.

        Returns
        -------
        dict[str, str or int or list[str]]
            Values that JSON can hold: ``submission``, ``track``, ``names`` (the template of the file names),
            ``images``, ``samples``, ``faults``, ``notices``.
        """
        return {
            "submission": str(self.submission.path),
            "track": self.track.name,
            "names": self.pairing.template,
            "images": len(self.pairing.pairs),
            "samples": self.samples,
            "faults": list(self.faults),
            "notices": list(self.notices),
        }

    def raise_faults(self, *more: str, incomplete: bool = False) -> None:
        """Raise one error that lists all faults, if there are any.

        Parameters
        ----------
        more
            Further faults.
        incomplete
            Accept missing files.

        Raises
        ------
        SubmissionError
            If there is a fault, or not a single sample.
        """
        faults = [*self.pairing.faults, *self.inspection.faults, *more]
        only_missing = not faults and bool(self.samples)
        if not incomplete:
            faults += self._missing()
        if not self.samples:
            faults.append(f"{self.submission.path}: contains no sample of any {'GT' if self.gt else 'image'}")
        if not faults:
            return
        hint = " (--incomplete measures what is there, without averages and ranks)" if only_missing else ""
        count = f"{len(faults)} faults" if len(faults) > 1 else "a fault"
        raise SubmissionError(f"{self.submission.path}: {count}, nothing was measured{hint}", faults)

    def too_small(self, requirements: Sequence[SizeRequirement]) -> Iterator[str]:
        """A fault for each image that is smaller, after the crop, than a requirement.

        Parameters
        ----------
        requirements
            Least sizes, each with what needs it.

        Yields
        ------
        str
            One sentence for each image that is too small.
        """
        for p in self.pairing.pairs:
            if p.image not in self.inspection.sizes or not p.samples:
                continue
            height, width = self.inspection.sizes[p.image]
            where = self.submission.where(p.samples[0])
            if self.gt is not None and p.gt is not None:
                where = self.gt.where(p.gt)
            for need in requirements:
                least = max(need.side, need.longer)
                if min(height, width) > 0 and (min(height, width) < need.side or max(height, width) < least):
                    yield (
                        f"{where}: {width}×{height} pixels (cropped to a multiple of "
                        f"{self.track.crop}), but {need.what} needs {need.side}×{least}; {need.hint}"
                    )


def check(
    submission: Path | str,
    gt: Path | str | None = None,
    *,
    track: Track | Path | str | None = None,
    lr: Path | str | None = None,
    samples: int | None = None,
    only: Callable[[Sequence[Pair]], Iterable[Pair]] | None = None,
    whole: bool = True,
    strict: bool = False,
    workers: int | None = None,
    progress: Progress = no_progress,
) -> SubmissionCheck:
    """Pair a submission with its GT and inspect every file. Nothing is measured.

    Parameters
    ----------
    submission
        Folder or zip of the samples.
    gt
        Folder or zip of the GT images. None: the LRs name the images, and samples must have their size times the scale;
        without LRs, missing images cannot be found.
    track
        A track, a built-in track's name, or a track file; None: the built-in track that fits the names and sizes of
        the GT.
    lr
        Folder or zip of the LR images, if LR-PSNR is to be measured against them.
    samples
        M, the number of samples of an image, instead of the track's.
    only
        Selects the images whose samples are inspected, such as those of one shard. GT and LR files are always
        inspected, all of them.
    whole
        Decode every picture completely, and compare one sample of each image with its GT. If False, only the first
        rows are decoded.
    strict
        Count identical and implausible samples as faults.
    workers
        Threads; None: one for each core.
    progress
        Context manager factory ``(description, total) -> advance(n)``.

    Returns
    -------
    SubmissionCheck
        The check; its :attr:`SubmissionCheck.faults` lists every fault.

    Raises
    ------
    SubmissionError
        If a folder or zip cannot be read, or no file of the submission can be paired with an image.
    InputError
        If a GT is given although the track has none.
    TrackError
        If no track is given, and none or several fit.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from srspace_eval._utils.png import write_png
    >>> with tempfile.TemporaryDirectory() as name:
    ...     gt, submission = Path(name, "gt"), Path(name, "submission")
    ...     gt.mkdir(), submission.mkdir()
    ...     write_png(gt / "0801.png", np.zeros((32, 32, 3), np.uint8))
    ...     write_png(submission / "000000.png", np.ones((32, 32, 3), np.uint8))
    ...     report = check(submission, gt, track="x4")
    (None, None)
    >>> report.faults, report.pairing.template
    ((), '{index:06d}.png')
    """
    source, gt_source = open_source(submission), None if gt is None else open_source(gt)
    lr_source = None if lr is None else open_source(lr)
    if track is None:
        if gt_source is None:
            raise TrackError(f"{source.path}: without a GT the track cannot be found; give --track")
        track = guess_track(source, gt_source, lr_source)
    elif not isinstance(track, Track):
        track = load_track(track)
    if gt_source is not None:
        refuse_gt(track)
    source = choose_folder(source, gt_source, track, lr=lr_source)
    pairing = pair(source, gt_source, track, samples=samples, lr=lr_source)
    outer = FolderSource(Path(submission))
    if pairing.readme is None and isinstance(source, FolderSource) and outer != source:
        readme = read_declared(outer)  # beside the folder of the PNGs
        notices = (*pairing.notices, *readme_notices(outer, readme).values())
        pairing = replace(pairing, readme=readme, notices=notices)
    inspected = pairing
    if only is not None:
        selected = {p.image for p in only(pairing.pairs)}
        pairs = tuple(p if p.image in selected else replace(p, numbered=()) for p in pairing.pairs)
        inspected = replace(pairing, pairs=pairs)
    files = sum((p.gt is not None) + len(p.samples) + (p.lr is not None) for p in inspected.pairs)
    with progress("Checking", files) as advance:
        inspection = inspect(
            inspected,
            source,
            gt_source,
            track,
            lr=lr_source,
            whole=whole,
            workers=threads_of(workers),
            advance=advance,
        )
    suspicions: list[str] = []
    if whole and gt_source is not None:
        compared = {
            p.image: (p.gt, p.samples[0], inspection.sizes[p.image])
            for p in inspected.pairs
            if p.gt is not None and p.samples and p.image in inspection.sizes
        }
        looks = look_at_all(compared, source, gt_source, track.scale, threads_of(workers))
        suspicions = [f"{source.path}: {finding}" for finding in findings(looks, track.scale)]
    for opened in (source, gt_source, lr_source):
        if isinstance(opened, ZipSource):
            opened.close()
    return SubmissionCheck(track, source, gt_source, lr_source, pairing, inspection, strict, tuple(suspicions))
