"""The tasks of a run: the images to measure, their files, and where those are read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from srspace_eval._utils.hashing import sha256
from srspace_eval._utils.png import Pixels, cropped_copy, decode_png
from srspace_eval.errors import ImageError, InputError
from srspace_eval.submissions.check import SubmissionCheck
from srspace_eval.submissions.pairing import Pair
from srspace_eval.submissions.reading import open_picture
from srspace_eval.submissions.sources import Source


@dataclass(frozen=True)
class FileRef:
    """A file of a source, with the SHA-256 that it had at its inspection."""

    name: str
    sha256: str


@dataclass(frozen=True)
class ImageTask:
    """One image to measure.

    Attributes
    ----------
    image
        Its name, as in :class:`srspace_eval.submissions.pairing.Pair`.
    height, width
        The size at which it is measured, after the crop, in pixels.
    gt, lr
        The files of the GT and of the LR; None: there is none.
    samples
        The samples as (number, file), in order of their numbers; at least one.
    """

    image: str
    height: int
    width: int
    gt: FileRef | None
    lr: FileRef | None
    samples: tuple[tuple[int, FileRef], ...]

    def __post_init__(self) -> None:
        if not self.samples:  # the executor would wait for its record without end
            raise InputError(f"image {self.image}: no samples to measure")


@dataclass(frozen=True)
class TaskSources:
    """Where the files of tasks are read from: samples, and GT and LR files if there are any."""

    samples: Source
    gt: Source | None
    lr: Source | None = None

    def all(self) -> list[Source]:
        """The source of the samples, and those of the GT and the LR if there are any."""
        return [source for source in (self.samples, self.gt, self.lr) if source is not None]


def load(source: Source, ref: FileRef, height: int, width: int) -> Pixels:
    """Read, decode and crop a file that was inspected before.

    Parameters
    ----------
    height, width
        The size of the crop, in pixels. The crop is the top left part.

    Returns
    -------
    Pixels
        uint8 array (``height``, ``width``, 3), contiguous.

    Raises
    ------
    ImageError
        If it cannot be decoded, or has changed since its inspection.
    """
    where = source.where(ref.name)
    with open_picture(source, ref.name, height, width) as data:
        if sha256(data) != ref.sha256:
            raise ImageError(f"{where}: has changed since the run began; run the same command again")
        return cropped_copy(decode_png(data, where), height, width)


def make_tasks(checked: SubmissionCheck, pairs: Sequence[Pair]) -> list[ImageTask]:
    """The tasks of those pairs that have samples."""
    inspection = checked.inspection
    tasks = []
    for p in pairs:
        if not p.samples:
            continue
        height, width = inspection.sizes[p.image]
        tasks.append(
            ImageTask(
                image=p.image,
                height=height,
                width=width,
                gt=None if p.gt is None else FileRef(p.gt, inspection.gt[p.gt].sha256),
                lr=None if p.lr is None else FileRef(p.lr, inspection.lr[p.lr].sha256),
                samples=tuple((n, FileRef(name, inspection.samples[name].sha256)) for n, name in p.numbered),
            )
        )
    return tasks
