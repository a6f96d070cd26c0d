"""Results of version 0.1.0 as this version ranks them. Imports no torch.

0.1.0 left images with an infinite PSNR or LR-PSNR out of the means. Now such a sample counts as a finite value, which
follows from the picture's size (:mod:`srspace_eval.metrics.psnr.floor`). A result holds its samples' values and sizes,
so that its means can be computed by the new rule, and old and new results can be ranked together. Files do not change.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from srspace_eval.metrics.psnr.floor import ONE_STEP, floored_columns
from srspace_eval.results.record import ImageRecord, Result
from srspace_eval.results.signature import Signature


def as_now(result: Result) -> Result:
    """A result whose means have the floor, also where its signature states none.

    Only metrics under their own ids are changed. A measure of another id with ``floor=none`` keeps its values.
    """
    settings = result.signature.settings
    names = [name for name in ("psnr", "lr_psnr") if _lacks_floor(settings.get(name))]
    if not names:
        return result
    stated = {key: {**group, "floor": ONE_STEP} if key in names else group for key, group in settings.items()}
    images = tuple(_image(image, stated, names) for image in result.images)
    changed = {
        column
        for old, new in zip(result.images, images, strict=True)
        for column in old.values
        if old.values[column] != new.values[column]
    }
    notes = [note for note in result.notes if note.partition(":")[0] not in changed]
    return replace(
        result,
        signature=Signature(stated, result.signature.environment),
        images=images,
        summary={
            column: _mean(images, column) if column in changed and value is not None else value
            for column, value in result.summary.items()
        },
        notes=tuple(notes),
    )


def _lacks_floor(group: Mapping[str, object] | None) -> bool:
    return group is not None and "floor" not in group and "metric" not in group


def _image(image: ImageRecord, settings: Mapping[str, Mapping[str, object]], names: list[str]) -> ImageRecord:
    values = dict(image.values)
    own = {key: settings[key] for key in ("common", *names) if key in settings}
    for column, largest in floored_columns(own, image.height, image.width).items():
        if values.get(column) != math.inf:
            continue
        found = [sample.values.get(column.removesuffix("_worst")) for sample in image.samples]
        counted = [min(value, largest) for value in found if value is not None]
        if counted:
            values[column] = min(counted) if column.endswith("_worst") else math.fsum(counted) / len(counted)
    return replace(image, values=values)


def _mean(images: tuple[ImageRecord, ...], column: str) -> float | None:
    found = [image.values.get(column) for image in images]
    finite = [value for value in found if value is not None and math.isfinite(value)]
    return math.fsum(finite) / len(finite) if finite else None
