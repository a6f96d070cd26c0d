"""Whether the methods' pictures fit the GT: ``study create`` shows the same places of all of them."""

from __future__ import annotations

from srspace_eval._utils.notices import notify
from srspace_eval._utils.untrusted_text import visible
from srspace_eval.errors import StudyError
from srspace_eval.study.cropping import picture_sizes
from srspace_eval.study.design import choose_images
from srspace_eval.study.entries import StudyEntries
from srspace_eval.study.options import StudyOptions
from srspace_eval.submissions.plausibility import findings, look_at_all

MOST_IMAGES = 4
"""Number of images of which a method's picture is compared with the GT. ``check`` compares all."""


def notify_unlike(entries: StudyEntries, options: StudyOptions, workers: int = 2) -> None:
    """Say what the pictures of a method seem to be, if some of them do not look like their GT.

    Warns
    -----
    Notice
        For each method whose pictures seem to show other images, other places or another scale.
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
