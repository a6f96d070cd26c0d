"""What is measured: the tasks of a run, the files that they name, and where those are read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from srspace_eval._utils.hashing import sha256
from srspace_eval._utils.png import Pixels, decode_png
from srspace_eval.errors import ImageError, InputError
from srspace_eval.submissions.check import SubmissionCheck
from srspace_eval.submissions.inspection import cropped
from srspace_eval.submissions.pairing import Pair
from srspace_eval.submissions.sources import Source


@dataclass(frozen=True)
class FileRef:
    """A file of a source, with the SHA-256 that it had when it was looked at."""

    name: str
    sha256: str


@dataclass(frozen=True)
class ImageTask:
    """One image to measure: its GT, LR if given, samples as (number, file), and the size after the crop."""

    image: str
    height: int
    width: int
    gt: FileRef
    lr: FileRef | None
    samples: tuple[tuple[int, FileRef], ...]

    def __post_init__(self) -> None:
        if not self.samples:  # its record would be waited for without end
            raise InputError(f"image {self.image}: no samples to measure")


@dataclass(frozen=True)
class TaskSources:
    """Where the files of tasks are read from."""

    samples: Source
    gt: Source
    lr: Source | None = None

    def all(self) -> list[Source]:
        """Those that there are."""
        return [source for source in (self.samples, self.gt, self.lr) if source is not None]


def load(source: Source, ref: FileRef) -> Pixels:
    """Read and decode a file that has been looked at before.

    Raises
    ------
    ImageError
        If it cannot be decoded, or its bytes are not those of then.
    """
    where = source.where(ref.name)
    data = source.read(ref.name)
    if sha256(data) != ref.sha256:
        raise ImageError(f"{where}: has changed since the run began; run the same command again")
    return decode_png(data, where)


def make_tasks(checked: SubmissionCheck, pairs: Sequence[Pair]) -> list[ImageTask]:
    """The tasks of those pairs that have samples."""
    track, inspection = checked.track, checked.inspection
    tasks = []
    for p in pairs:
        if not p.samples:
            continue
        gt = inspection.gt[p.gt]
        tasks.append(
            ImageTask(
                image=p.image,
                height=cropped(gt.height, track.crop),
                width=cropped(gt.width, track.crop),
                gt=FileRef(p.gt, gt.sha256),
                lr=None if p.lr is None else FileRef(p.lr, inspection.lr[p.lr].sha256),
                samples=tuple((n, FileRef(name, inspection.samples[name].sha256)) for n, name in p.numbered),
            )
        )
    return tasks
