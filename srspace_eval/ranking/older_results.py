"""Results as this version ranks them: those of version 0.1.0, and infinite values. Imports no torch.

0.1.0 left images with an infinite PSNR or LR-PSNR out of the means. Now such a sample counts as a finite value, which
follows from the picture's size (:mod:`srspace_eval.metrics.psnr.floor`). A result holds its samples' values and sizes,
so that its means can be computed by the new rule, and old and new results can be ranked together. Files do not change.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from srspace_eval.metrics.psnr.floor import ONE_STEP, floored_columns
from srspace_eval.results.means import counted_value, exact_mean, mean_of, states_no_floor
from srspace_eval.results.record import ImageRecord, Result
from srspace_eval.results.signature import Signature


def as_now(result: Result) -> Result:
    """A result whose means have the floor, also where its signature states none.

    Only metrics under their own ids get the floor. An infinite image of any other column counts as the mean of its
    finite samples (:func:`srspace_eval.results.means.counted_value`), so that one sample hides no other.
    """
    settings = result.signature.settings
    names = [name for name in ("psnr", "lr_psnr") if states_no_floor(settings, name)]
    if not names and not any(math.inf in image.values.values() for image in result.images):
        return result
    stated = {key: {**group, "floor": ONE_STEP} if key in names else group for key, group in settings.items()}
    floored = tuple(_image(image, stated, names) for image in result.images) if names else result.images
    images = tuple(map(_counted, floored))
    changed = _changed(result.images, images)
    outdated = _changed(result.images, floored)
    return replace(
        result,
        signature=Signature(stated, result.signature.environment),
        images=images,
        summary={
            column: mean_of(image.values.get(column) for image in images)
            if column in changed and value is not None
            else value
            for column, value in result.summary.items()
        },
        notes=tuple(note for note in result.notes if note.partition(":")[0] not in outdated),
    )


def _changed(before: Sequence[ImageRecord], after: Sequence[ImageRecord]) -> set[str]:
    """The columns in which an image's value is another one."""
    return {
        column
        for old, new in zip(before, after, strict=True)
        for column in old.values
        if old.values[column] != new.values[column]
    }


def _counted(image: ImageRecord) -> ImageRecord:
    return replace(image, values={column: counted_value(image, column) for column in image.values})


def _image(image: ImageRecord, settings: Mapping[str, Mapping[str, object]], names: list[str]) -> ImageRecord:
    values = dict(image.values)
    own = {key: settings[key] for key in ("common", *names) if key in settings}
    for column, largest in floored_columns(own, image.height, image.width).items():
        if values.get(column) != math.inf:
            continue
        found = [sample.values.get(column.removesuffix("_worst")) for sample in image.samples]
        counted = [min(value, largest) for value in found if value is not None]
        if counted:
            values[column] = min(counted) if column.endswith("_worst") else exact_mean(counted)
    return replace(image, values=values)
