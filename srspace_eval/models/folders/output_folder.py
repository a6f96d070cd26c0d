"""The folder that samples are written to: its lock, its sampling record, and which samples are missing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from srspace_eval._utils.files import locked
from srspace_eval._utils.notices import notify
from srspace_eval._utils.untrusted_text import visible
from srspace_eval.errors import SamplingError, TrackError
from srspace_eval.models.folders.lr_folder import LrImage
from srspace_eval.models.folders.sampling_record import SamplingRecord, read_record, write_record
from srspace_eval.models.memory import measured_within, size_text
from srspace_eval.models.protocol import Decoder
from srspace_eval.models.sampling.settings import SampleRequest
from srspace_eval.models.sampling.tiling import choose_tile_size, halo_of, tile_memory
from srspace_eval.submissions.provenance import PROVENANCE_FILE
from srspace_eval.tracks.names import Template

_LOCK = ".srspace-eval-sample.lock"
_NAMED = 3  # files named in a notice
_LEFT_BEHIND = re.compile(r"\..+\.png\.tmp|\.srspace-eval-sample\.json\.tmp")  # temporary files of a killed run


@dataclass(frozen=True)
class MissingSamples:
    """The samples of one image that one folder lacks.

    Attributes
    ----------
    image
        The image's name.
    tile_size
        Side of the tiles in LR pixels; None: the LR is decoded whole.
    files
        The requests, and the file of each.
    """

    image: str
    tile_size: int | None
    files: Mapping[SampleRequest, Path]


def is_made(path: Path) -> bool:
    """Whether a sample's file exists and is not empty. A power failure can leave an empty file."""
    return path.is_file() and path.stat().st_size > 0


@dataclass(frozen=True)
class OutputFolder:
    """One folder of samples of one heat.

    Attributes
    ----------
    path, heat
        The folder, and the heat of its samples.
    names
        File names: image -> one name for each sample.
    """

    path: Path
    heat: float
    names: Mapping[str, Sequence[str]]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Create the folder, and lock it against other runs inside the block.

        Raises
        ------
        SamplingError
            If another run holds the lock, or the folder cannot be created.
        """
        with ExitStack() as lock:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                lock.enter_context(locked(self.path / _LOCK))
            except filelock.Timeout as error:
                raise SamplingError(f"{self.path}: another run is sampling into it; wait for it, or stop it") from error
            except OSError as error:
                raise SamplingError(f"{self.path}: cannot be written to ({error.strerror or error})") from error
            yield

    def clear(self) -> None:
        """Remove the samples, then the record. If the process is killed in between, no sample lacks its record.

        The record may be a stranger's. Of the files that it lists, those that its template does not name are kept.

        Raises
        ------
        SamplingError
            If a file cannot be removed.
        """
        names = {name for files in self.names.values() for name in files}
        try:
            old = read_record(self.path)
        except SamplingError:
            old = None  # a damaged record: only the names of the present run are known to be samples
        listed = set() if old is None else {name for image in old.images for name in image.files} - names
        samples = set() if old is None else {name for name in listed if _is_sample(name, old.settings.get("names"))}
        kept = sorted(name for name in listed - samples if (self.path / name).exists())
        if kept:
            more = f" and {len(kept) - _NAMED} more" if len(kept) > _NAMED else ""
            notify(f"{self.path}: kept, not named as a sample: {', '.join(map(visible, kept[:_NAMED]))}{more}")
        self._remove([*sorted(names | samples), PROVENANCE_FILE])

    def begin(self, record: SamplingRecord, old: SamplingRecord | None) -> list[MissingSamples]:
        """Write the record, before the first sample, and find what is missing.

        Parameters
        ----------
        record
            What this run makes.
        old
            The folder's record; None: it has none.

        Raises
        ------
        SamplingError
            If the folder holds samples that were made differently.
        """
        self._remove([path.name for path in self.path.iterdir() if _LEFT_BEHIND.fullmatch(path.name)])
        there = [name for files in self.names.values() for name in files if (self.path / name).exists()]
        if there and old is None:
            raise SamplingError(
                f"{self.path}: holds {len(there)} samples ({there[0]} …) but no {PROVENANCE_FILE} that says what made "
                "them; use --overwrite or another --out"
            )
        if old is None:
            write_record(self.path, record)
        else:
            merged = old.continued_by(record, str(self.path))
            if merged.environments != old.environments:
                notify(
                    f"{self.path}: begun with {_text(old.environments[-1])}, continued with "
                    f"{_text(record.environments[0])}: the last bits of samples may differ"
                )
            write_record(self.path, merged)
        return [
            MissingSamples(image.image, image.tile, {
                SampleRequest(sample, self.heat): self.path / name
                for sample, name in enumerate(image.files)
                if not is_made(self.path / name)
            })
            for image in record.images
        ]  # fmt: skip

    def tile_size(
        self, model: Decoder, lr: LrImage, tile: int | str, memory_limit: int, old: SamplingRecord | None
    ) -> int | None:
        """Decide the side of an LR's tiles.

        Parameters
        ----------
        model, lr
            The model and the LR.
        tile
            The option ``--tile``: a size or ``"off"`` is obeyed. With ``"auto"``, a folder that was begun is continued
            with the same tiles, because other tiles would round differently; a new one gets the largest tiles that
            the memory allows.
        memory_limit
            Bytes on the model's device.
        old
            The folder's record; None: it has none.

        Returns
        -------
        int or None
            LR pixels; None: the LR is decoded whole.

        Raises
        ------
        SamplingError
            If the tiles need more memory than the limit.
        """
        recorded = None if old is None else old.find(lr.image)
        if tile == "auto" and recorded is None:
            return choose_tile_size(model, lr.height, lr.width, memory_limit, lr.image)
        if tile == "off":
            size = None
        elif isinstance(tile, int):
            size = tile if max(lr.height, lr.width) > tile else None
        else:
            size = None if recorded is None else recorded.tile
        side = max(lr.height, lr.width) if size is None else size
        with measured_within(memory_limit):
            needed = tile_memory(model, lr.height, lr.width, side, halo_of(model))
        if needed > memory_limit:
            how = "whole" if size is None else f"with tiles of {size}"
            if tile == "auto":
                how = f"was begun {how}, which"
            hint = "use --overwrite" if tile == "auto" else "give another --tile"
            raise SamplingError(
                f"{self.path}: {lr.image}: {how} needs {size_text(needed)}, and {size_text(memory_limit)} may be used; "
                f"free memory, give a larger --memory, or {hint}"
            )
        return size

    def _remove(self, names: Sequence[str]) -> None:
        for name in names:
            try:
                (self.path / name).unlink(missing_ok=True)
            except OSError as error:
                raise SamplingError(f"{self.path / name}: cannot be removed ({error.strerror or error})") from error


def _is_sample(name: str, template: object) -> bool:
    """Whether a file has the name of a sample by the template of the record that lists it."""
    try:
        return name.lower().endswith(".png") and Template(str(template)).parse(name) is not None
    except TrackError:
        return False


def _text(environment: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in environment.items())
