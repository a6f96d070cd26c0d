"""Reading the pictures of a submission, so that small files cannot take much memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from srspace_eval._utils.png_structure import stated_bytes
from srspace_eval.submissions.sources import Source, alone_if_large


@contextmanager
def open_picture(source: Source, name: str, height: int, width: int) -> Iterator[bytes]:
    """The bytes of a picture's file. Decode it inside the ``with`` block, and keep only a copy of the crop.

    A picture may be much larger than its GT, and a file much larger than its picture. The threads of this process hold
    one such file at a time (:func:`srspace_eval.submissions.sources.alone_if_large`).

    Parameters
    ----------
    source, name
        The folder or zip, and the file's name in it.
    height, width
        The size at which the picture is measured, in pixels.

    Raises
    ------
    ImageError
        If the file is missing, unreadable or too large.
    """
    needed = 3 * height * width
    with alone_if_large(source.size(name), needed):
        data = source.read(name)
        with alone_if_large(stated_bytes(data), needed):
            yield data
