"""What a pickle would make, found before it is read. Imports no torch."""

from __future__ import annotations

import io
import pickletools
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import IO

from srspace_eval._utils.files import is_zip

_MOST_STEPS = 2_000_000
"""Instructions of a pickle. A state dict has about 30 for each tensor."""


def reason_to_refuse(path: Path) -> str | None:
    """Why a file of ``torch.save`` is not read: it would take far more memory than a state dict. None: it may be read.

    PyTorch would allocate a bytearray of any size that it states. Each instruction of a pickle can make an object.

    Raises
    ------
    OSError, zipfile.BadZipFile
        If the file cannot be read.
    """
    if is_zip(path):
        with zipfile.ZipFile(path) as archive:
            found = [info for info in archive.infolist() if info.filename.casefold().endswith("data.pkl")]
            parts = [archive.read(info) for info in found]  # by entry: two may have one name
        return next(filter(None, (_reason(io.BytesIO(part)) for part in parts)), None)
    with path.open("rb") as file:  # an old file: five pickles, then numbers
        return next(filter(None, (_reason(file) for _ in range(5))), None)


def _reason(file: IO[bytes]) -> str | None:
    """Why a pickle is refused. None also for a damaged one, because PyTorch says so."""
    with suppress(ValueError):
        for step, (_, arg, _) in enumerate(pickletools.genops(file), 1):
            if step > _MOST_STEPS:
                return f"its pickle has more than {_MOST_STEPS} instructions, and no state dict needs so many"
            # The name is an argument of its own, or follows that of its module.
            if isinstance(arg, str) and arg.split(" ")[-1] == "bytearray":
                return "it holds a bytearray, and no state dict does"
    return None
