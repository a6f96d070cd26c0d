"""The sampling record: a small JSON beside the samples that says what made them. ``score`` copies it to the result.

The document::

    {"format": "srspace-eval/sample/1",
     "model": {"checkpoint": "SRFlow_DF2K_4X.pth", "sha256": ..., "name": "srflow_df2k_x4", "family": "srflow",
               "scale": 4, "deterministic": false, "details": {...}},
     "settings": {"heat": 0.9, "seed": 0, "quantize": "trunc", "precision": "float32", "device": "cpu",
                  "names": "{index:06d}_sample{sample:05d}.png"},
     "environments": [{"srspace-eval": ..., "torch": ..., "numpy": ..., "scipy": ..., "python": ...,
                       "hardware": ...}],
     "images": [{"image": "0801", "lr": "0801x4.png", "lr_sha256": ..., "tile": null,
                 "files": ["000000_sample00000.png", ...]}, ...]}

The model's ``details`` have ``"self_ensemble": 8`` if eight views were averaged. An environment has ``deviation``, the
text of :class:`~srspace_eval.models.sampling.deviation.Deviation`, only if the precision is not float32.
``tile`` is the side of the tiles in LR pixels, or null if the LR was decoded whole. The record contains no times and no
paths, so the same work gives the same bytes.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import scipy
import torch
from msgspec import Struct

from srspace_eval._utils import strict_json
from srspace_eval._utils.documents import Digest, DocumentError, Text, convert
from srspace_eval._utils.files import read_bounded, write_atomic
from srspace_eval._version import __version__
from srspace_eval.errors import SamplingError
from srspace_eval.models.sampling.tiling import STEP
from srspace_eval.submissions.provenance import PROVENANCE_FILE
from srspace_eval.tracks.names import is_file_name

RECORD_FORMAT = "srspace-eval/sample/1"
_MAX_BYTES = 1 << 26


@dataclass(frozen=True)
class RecordedImage:
    """One image of the record: its LR, the side of its tiles, and the files of its samples."""

    image: Text
    lr: Text
    lr_sha256: Digest
    tile: int | None
    files: tuple[Text, ...]


@dataclass(frozen=True)
class SamplingRecord:
    """The document of the module's docstring."""

    model: Mapping[str, Any]
    settings: Mapping[str, Any]
    environments: tuple[Mapping[str, Any], ...]
    images: tuple[RecordedImage, ...]

    def find(self, image: str) -> RecordedImage | None:
        """The record of one image, or None."""
        return next((recorded for recorded in self.images if recorded.image == image), None)

    def continued_by(self, new: SamplingRecord, where: str) -> SamplingRecord:
        """The record of a folder that was begun as this record says and is continued as ``new`` says.

        Parameters
        ----------
        new
            What the present run makes.
        where
            The folder, for the message.

        Raises
        ------
        SamplingError
            If the folder would mix samples that were made differently. Every difference is listed.
        """
        problems = [
            f"{group}.{key}: {old.get(key)!r} before, {now.get(key)!r} now"
            for group, old, now in (("model", self.model, new.model), ("settings", self.settings, new.settings))
            for key in dict.fromkeys([*old, *now])
            if old.get(key) != now.get(key)
            # A file is identified by its SHA-256, and may have been renamed. A plug-in is identified by its name.
            and not (key == "checkpoint" and "sha256" in old and "sha256" in now)
        ]
        owners = {file: recorded.image for recorded in self.images for file in recorded.files}
        for image in new.images:
            taken = [file for file in image.files if owners.get(file, image.image) != image.image]
            if taken:
                problems.append(f"{image.image}: {taken[0]} is a sample of {owners[taken[0]]}")
            before = self.find(image.image)
            if before is not None:
                problems += _differences(before, image)
        if problems:
            raise SamplingError(
                f"{where}: was begun with something else; give the same options, another --out, or --overwrite",
                problems,
            )
        merged = {recorded.image: recorded for recorded in (*self.images, *new.images)}
        seen = [*self.environments, *(e for e in new.environments if e not in self.environments)]
        return replace(self, environments=tuple(seen), images=tuple(merged[image] for image in sorted(merged)))


class SamplingRecordDocument(Struct, frozen=True):
    """The record's document: what made the samples of a folder."""

    format: Literal["srspace-eval/sample/1"]
    model: dict[str, Any]
    settings: dict[str, Any]
    environments: tuple[dict[str, Any], ...]
    images: tuple[RecordedImage, ...]


def read_record(folder: Path) -> SamplingRecord | None:
    """Read the record of a folder; None if there is none.

    Raises
    ------
    SamplingError
        If the record is damaged.
    """
    path = folder / PROVENANCE_FILE
    try:
        data = strict_json.bounded(strict_json.loads(read_bounded(path, _MAX_BYTES)))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise SamplingError(f"{path}: cannot be read ({error}); use --overwrite or another --out") from error
    try:
        document = convert(data, SamplingRecordDocument)
        # --overwrite removes these files, so none of them may lie outside the folder.
        if outside := [file for image in document.images for file in image.files if not is_file_name(file)]:
            raise DocumentError(f"{outside[0]!r} lies outside the folder")
        sides = [image.tile for image in document.images if image.tile is not None]
        if odd := [side for side in sides if side < STEP or side % STEP]:
            raise DocumentError(f"tile = {odd[0]}: must be a multiple of {STEP}")
        if not document.environments:
            raise DocumentError("environments is empty")
    except DocumentError as error:
        raise SamplingError(f"{path}: not a record of samples ({error}); use --overwrite or another --out") from error
    return SamplingRecord(document.model, document.settings, document.environments, document.images)


def write_record(folder: Path, record: SamplingRecord) -> None:
    """Write the record of a folder atomically.

    Raises
    ------
    SamplingError
        If it cannot be written.
    """
    document = {
        "format": RECORD_FORMAT,
        "model": dict(record.model),
        "settings": dict(record.settings),
        "environments": [dict(e) for e in record.environments],
        "images": [asdict(image) for image in record.images],
    }
    try:
        write_atomic(folder / PROVENANCE_FILE, strict_json.dumps(document) + "\n")
    except OSError as error:
        raise SamplingError(f"{folder / PROVENANCE_FILE}: cannot be written ({error.strerror or error})") from error


def environment(device: torch.device, deviation: str | None = None) -> dict[str, str]:
    """The versions and the hardware that the record names, and a reduced precision's deviation from float32."""
    hardware = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return {
        "srspace-eval": __version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,  # its ndtri computes the latents
        "python": platform.python_version(),
        "hardware": hardware,
        **({} if deviation is None else {"deviation": deviation}),
    }


def _differences(before: RecordedImage, now: RecordedImage) -> list[str]:
    """What keeps the samples of an image from being continued."""
    problems = []
    if before.lr_sha256 != now.lr_sha256:
        problems.append(f"{now.image}: its LR was another picture before")
    if len(before.files) > len(now.files):
        problems.append(f"{now.image}: {len(before.files)} samples before, only {len(now.files)} now")
    elif before.files != now.files[: len(before.files)]:
        problems.append(f"{now.image}: its samples were {before.files[0]} … before, {now.files[0]} … now")
    if before.tile != now.tile:
        problems.append(f"{now.image}: tile {before.tile} before, {now.tile} now")
    return problems
