"""Whether the methods' pictures fit the GT: ``study create`` shows the same places of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from srspace_eval._utils.notices import notify
from srspace_eval._utils.png import decode_png
from srspace_eval._utils.untrusted_text import visible
from srspace_eval.errors import ImageError, StudyError
from srspace_eval.study.cropping import picture_sizes
from srspace_eval.study.design import choose_images
from srspace_eval.study.entries import StudyEntries
from srspace_eval.study.options import StudyOptions
from srspace_eval.study.pictures import shrunk
from srspace_eval.submissions.plausibility import Look, findings, look, look_at_all

MOST_IMAGES = 4
"""Number of images of which a method's picture is compared with the GT. ``check`` compares all."""


def notify_unlike(entries: StudyEntries, options: StudyOptions, workers: int = 2) -> None:
    """Say what the pictures of a method seem to be, if some of them do not look like their GT.

    Warns
    -----
    Notice
        For each method whose pictures seem to show other images, other places or another scale, and if the LR images
        that raters see seem to show other images.
    """
    if entries.gt is None:
        return
    images = choose_images(entries.images, options)
    images = images[:: -(-len(images) // MOST_IMAGES)]
    try:
        sizes = picture_sizes(entries, images)
    except StudyError:  # build_study tells of all faults of the GT
        return
    for entry in entries.entries:
        if entry.source is entries.gt:
            continue
        files = {image: (entries.gt_files[image], entry.files[image], sizes[image]) for image in images}
        looks = look_at_all(files, entry.source, entries.gt, entries.track.scale, workers)
        for found in findings(looks, entries.track.scale):
            notify(f"{visible(entry.name)}: {found}; raters would compare different places. Run check on it")
    if options.task == "rank" and entries.lr is not None:
        for found in findings(_looks_of_lr(entries, images, sizes), 1):
            notify(f"--lr: {found.replace('sample', 'LR image')}; raters see the LR images as the starting point")


def _looks_of_lr(entries: StudyEntries, images: Sequence[str], sizes: Mapping[str, tuple[int, int]]) -> dict[str, Look]:
    """Image -> comparison of its LR with the shrunk GT. Pictures that cannot be used are left out."""
    looks: dict[str, Look] = {}
    assert entries.gt is not None
    assert entries.lr is not None
    for image in images:
        gt, lr = entries.gt_files[image], entries.lr_files[image]
        try:
            large = decode_png(entries.gt.read(gt), entries.gt.where(gt))[: sizes[image][0], : sizes[image][1]]
            given = decode_png(entries.lr.read(lr), entries.lr.where(lr))
        except ImageError:  # build_study reports it
            continue
        small = shrunk(large, entries.track.scale)
        given = given[: small.shape[0], : small.shape[1]]
        if small.shape == given.shape and small.size:
            looks[image] = look(small, given, 1)
    return looks
