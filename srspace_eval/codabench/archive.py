"""Zips whose bytes depend on their content alone: fixed dates, fixed order, no user or path of this machine."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

_DATE = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16


def make_zip(files: Mapping[str, bytes], *, compress: bool = True) -> bytes:
    """A zip of files by name, in the order of their names. Zips and PNGs in it are not compressed again.

    Examples
    --------
    >>> make_zip({"b": b"2", "a": b"1"}) == make_zip({"a": b"1", "b": b"2"})
    True
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _DATE)
            info.external_attr, info.create_system = _MODE, 3
            packed = name.endswith((".zip", ".png"))
            info.compress_type = zipfile.ZIP_DEFLATED if compress and not packed else zipfile.ZIP_STORED
            archive.writestr(info, files[name])
    return buffer.getvalue()
