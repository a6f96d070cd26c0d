"""A submission paired with its GT and looked at, before anything is measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from srspace_eval._utils.cores import default_workers
from srspace_eval._utils.progress import Progress, no_progress
from srspace_eval.errors import SubmissionError
from srspace_eval.metrics.least_sizes import LeastSize
from srspace_eval.scoring.shards import Shard
from srspace_eval.submissions.guessing import guess_track
from srspace_eval.submissions.inspection import Inspection, cropped, inspect
from srspace_eval.submissions.pairing import Pairing, pair
from srspace_eval.submissions.sources import Source, open_source
from srspace_eval.tracks.model import Track


@dataclass(frozen=True)
class Checked:
    """A submission that has been paired and looked at; :attr:`faults` is empty if it can be scored."""

    track: Track
    source: Source
    gt: Source
    lr: Source | None
    pairing: Pairing
    inspection: Inspection

    @property
    def faults(self) -> tuple[str, ...]:
        """Everything that is wrong, missing files included."""
        return (*self.pairing.faults, *self.pairing.missing, *self.inspection.faults)

    @property
    def notices(self) -> tuple[str, ...]:
        """What does not stop the work."""
        return (*self.pairing.notices, *self.inspection.notices, *self.inspection.suspicions)

    def raise_faults(self, *more: str, incomplete: bool = False) -> None:
        """Raise SubmissionError with all faults and ``more``, if there are any; missing files are none if
        ``incomplete``."""
        faults = [*self.pairing.faults, *self.inspection.faults, *more]
        if not incomplete:
            faults += self.pairing.missing
        if not any(p.samples for p in self.pairing.pairs):
            faults.append(f"{self.source.path}: holds no sample of any GT")
        if not faults:
            return
        hint = " (--incomplete measures what is there, unranked)" if set(faults) <= set(self.pairing.missing) else ""
        count = f"{len(faults)} faults" if len(faults) > 1 else "a fault"
        raise SubmissionError(f"{self.source.path}: {count}, nothing was measured{hint}", faults)

    def too_small(self, least: Sequence[LeastSize]) -> Iterator[str]:
        """A fault for each GT that is smaller, after the crop, than what is to be measured needs."""
        for p in self.pairing.pairs:
            gt = self.inspection.gt.get(p.gt)
            if gt is None or not p.samples:
                continue
            height, width = (cropped(side, self.track.crop) for side in (gt.height, gt.width))
            for need in least:
                if 0 < min(height, width) < need.side:
                    yield (
                        f"{self.gt.where(p.gt)}: {width}×{height} pixels (cropped to a multiple of "
                        f"{self.track.crop}), but {need.what} needs {need.side}×{need.side}; {need.mend}"
                    )


def check_submission(
    submission: Path | str,
    gt: Path | str,
    *,
    track: Track | None = None,
    lr: Path | str | None = None,
    samples: int | None = None,
    shard: Shard | None = None,
    whole: bool = True,
    workers: int | None = None,
    progress: Progress = no_progress,
) -> Checked:
    """Pair a submission with its GT and look at every file; measures nothing.

    Parameters
    ----------
    submission, gt, lr:
        Folder (or zip) of samples, of GT, and of LR files if LR-PSNR is to be measured against them.
    track:
        None: read off the names and sizes.
    shard:
        Look at the samples of this share of the images only. GT and LR files are looked at all the same.
    whole:
        Decode every picture to its end.

    Raises
    ------
    SubmissionError
        If the submission cannot be paired at all. Other faults are in the result, all of them.
    TrackError
        If no track is given and it is ambiguous.
    """
    source, gt_source = open_source(submission), open_source(gt)
    lr_source = None if lr is None else open_source(lr)
    if track is None:
        track = guess_track(source, gt_source, lr_source)
    pairing = pair(source, gt_source, track, samples=samples, lr=lr_source)
    looked_at = pairing
    if shard is not None:
        mine = {p.image for p in shard.of(pairing.pairs)}
        pairs = tuple(p if p.image in mine else replace(p, numbered=()) for p in pairing.pairs)
        looked_at = replace(pairing, pairs=pairs)
    files = sum(1 + len(p.samples) + (p.lr is not None) for p in looked_at.pairs)
    with progress("Checking", files) as advance:
        inspection = inspect(
            looked_at,
            source,
            gt_source,
            track,
            lr=lr_source,
            whole=whole,
            workers=workers or default_workers(),
            advance=advance,
        )
    return Checked(track, source, gt_source, lr_source, pairing, inspection)
