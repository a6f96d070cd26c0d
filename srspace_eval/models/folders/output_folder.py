"""A folder of samples: held against other runs, its record kept, what is missing found."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import scipy
import torch

from srspace_eval._utils.files import locked
from srspace_eval._utils.notices import notify
from srspace_eval._version import __version__
from srspace_eval.errors import SamplingError
from srspace_eval.models.base import Model
from srspace_eval.models.folders.lr_folder import LrImage
from srspace_eval.models.folders.provenance import Provenance, read_provenance, write_provenance
from srspace_eval.models.sampling.samples import Request
from srspace_eval.models.sampling.tiling import choose_tile, halo_of, size_text, tile_memory
from srspace_eval.submissions.provenance import PROVENANCE_FILE

_LOCK = ".srspace-eval-sample.lock"
_LEFT_BEHIND = re.compile(r"\..+\.png\.tmp|\.srspace-eval-sample\.json\.tmp")  # by a killed write


@dataclass(frozen=True)
class Job:
    """What is missing of one image in one folder: the requests and their files; None as tile: decoded whole."""

    image: str
    tile: int | None
    files: Mapping[Request, Path]


@dataclass(frozen=True)
class OutputFolder:
    """One folder of samples of one heat.

    Attributes
    ----------
    path, heat:
        Where, and which heat.
    names:
        The files' names: image -> one name for each sample.
    """

    path: Path
    heat: float
    names: Mapping[str, Sequence[str]]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder and hold it against another run.

        Raises
        ------
        SamplingError
            If another run holds it, or it cannot be made.
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
        """Remove the samples, then the record: a kill in between leaves no sample without its record.

        Raises
        ------
        SamplingError
            If one cannot be removed.
        """
        names = {name for files in self.names.values() for name in files}
        try:
            old = read_provenance(self.path)
        except SamplingError:
            old = None  # damaged: only what would be written now is known to be a sample
        if old is not None:
            names |= {name for entry in old.images for name in entry.files}
        self._remove([*sorted(names), PROVENANCE_FILE])

    def begin(self, record: Provenance, old: Provenance | None) -> list[Job]:
        """Settle what is to be done, and write the record before the first sample.

        Parameters
        ----------
        record:
            What this run makes.
        old:
            What the folder's record says; None: it has none.

        Raises
        ------
        SamplingError
            If the folder holds samples of another making.
        """
        self._remove([path.name for path in self.path.iterdir() if _LEFT_BEHIND.fullmatch(path.name)])
        there = [name for files in self.names.values() for name in files if (self.path / name).exists()]
        if there and old is None:
            raise SamplingError(
                f"{self.path}: holds {len(there)} samples ({there[0]} …) but no {PROVENANCE_FILE} that says what made "
                "them; use --overwrite or another --out"
            )
        if old is None:
            write_provenance(self.path, record)
        else:
            merged = old.continued_by(record, str(self.path))
            if merged.environments != old.environments:
                notify(
                    f"{self.path}: begun with {_text(old.environments[-1])}, continued with "
                    f"{_text(record.environments[0])}: the last bits of samples may differ"
                )
            write_provenance(self.path, merged)
        return [
            Job(entry.image, entry.tile, {
                Request(sample, self.heat): self.path / name
                for sample, name in enumerate(entry.files)
                if not (self.path / name).exists()
            })
            for entry in record.images
        ]  # fmt: skip

    def _remove(self, names: Sequence[str]) -> None:
        for name in names:
            try:
                (self.path / name).unlink(missing_ok=True)
            except OSError as error:
                raise SamplingError(f"{self.path / name}: cannot be removed ({error.strerror or error})") from error

    def tile(self, model: Model, lr: LrImage, wanted: int | str, budget: int, old: Provenance | None) -> int | None:
        """The tiles of one LR: as ``wanted`` says, else as the folder's record says, else as the memory does.

        Raises
        ------
        SamplingError
            If they need more than the budget.
        """
        entry = None if old is None else old.entry(lr.image)
        if wanted == "auto" and entry is None:
            return choose_tile(model, lr.height, lr.width, budget, lr.image)
        if wanted == "off":
            tile = None
        elif isinstance(wanted, int):
            tile = wanted if max(lr.height, lr.width) > wanted else None
        else:
            # What was begun is continued alike: other tiles would round differently.
            tile = None if entry is None else entry.tile
        side = max(lr.height, lr.width) if tile is None else tile
        needed = tile_memory(model, lr.height, lr.width, side, halo_of(model))
        if needed > budget:
            how = "whole" if tile is None else f"with tiles of {tile}"
            if wanted == "auto":
                how = f"was begun {how}, which"
            mend = "use --overwrite" if wanted == "auto" else "give another --tile"
            raise SamplingError(
                f"{self.path}: {lr.image}: {how} needs {size_text(needed)}, and {size_text(budget)} may be used; "
                f"free memory, give a larger --memory, or {mend}"
            )
        return tile


def environment(device: torch.device) -> dict[str, Any]:
    """Versions and hardware, for the record."""
    hardware = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return {
        "srspace-eval": __version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,  # its ndtri makes the latents normal
        "python": platform.python_version(),
        "hardware": hardware,
    }


def _text(environment: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in environment.items())
