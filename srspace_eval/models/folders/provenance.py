"""What a folder of samples was made with: a small JSON beside them, that ``score`` keeps with the results.

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

``tile`` is the side of the tiles in LR pixels, null where the LR was decoded whole. No times and no machine's paths
stand in it: the same work gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from srspace_eval._utils import strict_json
from srspace_eval._utils.files import read_bounded, write_atomic
from srspace_eval.errors import SamplingError
from srspace_eval.submissions.provenance import PROVENANCE_FILE
from srspace_eval.tracks.names import is_file_name

PROVENANCE_FORMAT = "srspace-eval/sample/1"
_MAX_BYTES = 1 << 26


@dataclass(frozen=True)
class ImageEntry:
    """One image of the folder: its LR and how it was decoded."""

    image: str
    lr: str
    lr_sha256: str
    tile: int | None
    files: tuple[str, ...]


@dataclass(frozen=True)
class Provenance:
    """The document of the module's docstring."""

    model: Mapping[str, Any]
    settings: Mapping[str, Any]
    environments: tuple[Mapping[str, Any], ...]
    images: tuple[ImageEntry, ...]

    def entry(self, image: str) -> ImageEntry | None:
        """An image's entry, None if it has none."""
        return next((entry for entry in self.images if entry.image == image), None)

    def continued_by(self, new: Provenance, where: str) -> Provenance:
        """The record of a folder that was begun with this and is continued with ``new``.

        Raises
        ------
        SamplingError
            If the two would mix samples of different making; every difference is listed.
        """
        problems = [
            f"{group}.{key}: {mine.get(key)!r} before, {theirs.get(key)!r} now"
            for group, mine, theirs in (("model", self.model, new.model), ("settings", self.settings, new.settings))
            for key in dict.fromkeys([*mine, *theirs])
            # A checkpoint is its digest; its file may be called otherwise now.
            if key != "checkpoint" and mine.get(key) != theirs.get(key)
        ]
        owners = {file: old.image for old in self.images for file in old.files}
        for entry in new.images:
            taken = [file for file in entry.files if owners.get(file, entry.image) != entry.image]
            if taken:
                problems.append(f"{entry.image}: {taken[0]} is a sample of {owners[taken[0]]}")
            old = self.entry(entry.image)
            if old is None:
                continue
            if old.lr_sha256 != entry.lr_sha256:
                problems.append(f"{entry.image}: its LR was another picture before")
            if len(old.files) > len(entry.files):
                problems.append(f"{entry.image}: {len(old.files)} samples before, only {len(entry.files)} now")
            elif old.files != entry.files[: len(old.files)]:
                problems.append(f"{entry.image}: its samples were {old.files[0]} … before, {entry.files[0]} … now")
            if old.tile != entry.tile:
                problems.append(f"{entry.image}: tile {old.tile} before, {entry.tile} now")
        if problems:
            raise SamplingError(
                f"{where}: was begun with something else; give the same options, another --out, or --overwrite",
                problems,
            )
        merged = {entry.image: entry for entry in (*self.images, *new.images)}
        seen = [*self.environments, *(e for e in new.environments if e not in self.environments)]
        return replace(self, environments=tuple(seen), images=tuple(merged[image] for image in sorted(merged)))


def read_provenance(folder: Path) -> Provenance | None:
    """A folder's record, None if it has none.

    Raises
    ------
    SamplingError
        If it is damaged; the message names it.
    """
    path = folder / PROVENANCE_FILE
    try:
        data = strict_json.bounded(json.loads(read_bounded(path, _MAX_BYTES).decode("utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise SamplingError(f"{path}: cannot be read ({error}); use --overwrite or another --out") from error
    try:
        if data["format"] != PROVENANCE_FORMAT:
            raise ValueError(f"its format is {data['format']!r}, not {PROVENANCE_FORMAT!r}")
        return Provenance(
            model=dict(data["model"]),
            settings=dict(data["settings"]),
            environments=tuple(dict(e) for e in data["environments"]),
            images=tuple(_entry(e) for e in data["images"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SamplingError(f"{path}: not a record of samples ({error}); use --overwrite or another --out") from error


def write_provenance(folder: Path, record: Provenance) -> None:
    """Write a folder's record, atomically.

    Raises
    ------
    SamplingError
        If it cannot be written.
    """
    document = {
        "format": PROVENANCE_FORMAT,
        "model": dict(record.model),
        "settings": dict(record.settings),
        "environments": [dict(e) for e in record.environments],
        "images": [asdict(e) for e in record.images],
    }
    try:
        write_atomic(folder / PROVENANCE_FILE, strict_json.dumps(document) + "\n")
    except OSError as error:
        raise SamplingError(f"{folder / PROVENANCE_FILE}: cannot be written ({error.strerror or error})") from error


def _entry(data: Mapping[str, Any]) -> ImageEntry:
    image, lr, sha256, tile, files = data["image"], data["lr"], data["lr_sha256"], data["tile"], tuple(data["files"])
    if not all(isinstance(text, str) for text in (image, lr, sha256, *files)):
        raise TypeError("an image's name, LR, digest or file is not a text")
    if not (tile is None or type(tile) is int):
        raise TypeError("an image's tile is not a whole number")
    # --overwrite removes these files: none of them may lie elsewhere.
    if not all(map(is_file_name, files)):
        raise ValueError("a file lies outside the folder")
    return ImageEntry(image, lr, sha256, tile, files)
