"""What a pickle would make, found before it is read. Imports no torch."""

from __future__ import annotations

import io
import pickletools
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import IO

from srspace_eval._utils.files import is_zip


def makes_bytearray(path: Path) -> bool:
    """Whether a file of ``torch.save`` makes a bytearray. PyTorch would allocate any size that it states.

    Raises
    ------
    OSError, zipfile.BadZipFile
        If the file cannot be read.
    """
    if is_zip(path):
        with zipfile.ZipFile(path) as archive:
            parts = [archive.read(name) for name in archive.namelist() if name.rpartition("/")[2] == "data.pkl"]
        return any(_names_bytearray(io.BytesIO(part)) for part in parts)
    with path.open("rb") as file:  # an old file: five pickles, then numbers
        return any(_names_bytearray(file) for _ in range(5))


def _names_bytearray(file: IO[bytes]) -> bool:
    """Whether a pickle names the class; one that is damaged does not, and PyTorch says so."""
    with suppress(ValueError):
        # The name is an argument of its own, or follows that of its module.
        return any(isinstance(arg, str) and arg.split(" ")[-1] == "bytearray" for _, arg, _ in pickletools.genops(file))
    return False
