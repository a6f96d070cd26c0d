"""The competition's logo: a PNG of one's own, or a plain one."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageDraw

from srspace_eval._utils.files import read_bounded
from srspace_eval.errors import InputError

_SIDE = 256
_LARGEST = 1 << 22


def plain_logo() -> bytes:
    """A coarse grid that becomes finer to the right."""
    image = Image.new("RGB", (_SIDE, _SIDE), (24, 60, 92))
    draw = ImageDraw.Draw(image)
    left, side = 0, 64
    while left < _SIDE and side >= 8:
        for top in range(0, _SIDE, side):
            shade = 90 + (top * 5 // side * 31 + left) % 130
            draw.rectangle((left, top, left + side - 2, top + side - 2), fill=(shade // 3, shade, 220 - shade // 3))
        left, side = left + side, side // 2 if left >= _SIDE // 4 else side
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def require_logo(path: Path) -> bytes:
    """A logo's bytes.

    Raises
    ------
    InputError
        If it is not a PNG that the platform takes.
    """
    try:
        data = read_bounded(path, _LARGEST)
        with Image.open(io.BytesIO(data)) as image:
            kind, mode = image.format, image.mode
            image.verify()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: not a PNG ({error}); give a PNG of at most {_LARGEST >> 20} MB") from error
    if kind != "PNG" or mode not in ("RGB", "RGBA", "L", "P", "LA"):
        raise InputError(f"{path}: {kind} in mode {mode}; give an RGB PNG")
    return data
