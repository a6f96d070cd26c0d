"""Lossless reading and writing of 8-bit RGB PNGs.

Pixels are exactly the stored values. Gamma, colour profiles and other ancillary chunks do not change them.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from srspace_eval._utils.files import read_beginning, read_bounded, replacing
from srspace_eval._utils.png_chunks import SIGNATURE, write_chunk
from srspace_eval._utils.png_structure import PngInfo, PngStructure, parse_png, raw_size
from srspace_eval._utils.unique_names import shared_names
from srspace_eval._utils.whole_numbers import is_whole
from srspace_eval.errors import ImageError, InputError, ProblemsError

Pixels = npt.NDArray[np.uint8]

MAX_FILE_BYTES = 1 << 29
"""The largest file that is read."""

_PIECE = 1 << 20


def decode_png(data: bytes, where: str) -> Pixels:
    """Decode the bytes of an 8-bit RGB PNG.

    Parameters
    ----------
    data
        The file's bytes.
    where
        The file's name for messages.

    Returns
    -------
    Pixels
        uint8 array (H, W, 3), writable, exactly the stored values.

    Raises
    ------
    ImageError
        As :func:`srspace_eval._utils.png_structure.inspect_png`, or if the compressed stream is damaged.
    """
    found = parse_png(data, where)
    pixels = _decode(_essential(data, found), where, found.info)
    # If the stream ends early, Pillow reports nothing and leaves the missing rows black. The stream is therefore
    # unpacked a second time if the last row is black, or if the picture is interlaced (its rows come in another order).
    if found.info.interlaced or not pixels[-1].any():
        for _ in _unpacked(data, where, found, raw_size(found.info)):
            pass
    return pixels


def cropped_copy(pixels: Pixels, height: int, width: int) -> Pixels:
    """The top left part of a picture, in an array that does not keep the rest in memory.

    A picture that has ``height`` × ``width`` pixels is returned as it is.

    >>> whole = np.zeros((4, 5, 3), np.uint8)
    >>> cropped_copy(whole, 3, 2).base is None, cropped_copy(whole, 4, 5) is whole
    (True, True)
    """
    return pixels if pixels.shape[:2] == (height, width) else pixels[:height, :width].copy()


def decode_top(data: bytes, where: str, rows: int = 16) -> Pixels:
    """Decode only the first rows of a PNG. This is cheap, and enough to distinguish most pictures.

    Interlaced pictures are decoded completely.

    Parameters
    ----------
    data, where
        The file's bytes, and its name for messages.
    rows
        The number of rows.

    Returns
    -------
    Pixels
        uint8 array (min(rows, H), W, 3).

    Raises
    ------
    ImageError
        As :func:`decode_png`.
    """
    found = parse_png(data, where)
    info = found.info
    rows = min(rows, info.height)
    if info.interlaced or rows == info.height:
        return _decode(_essential(data, found), where, info)[:rows]
    # The first rows become a PNG of their own, with the same filters but without compression.
    stream = b"".join(_unpacked(data, where, found, rows * (1 + 3 * info.width)))
    header = struct.pack(">IIBBBBB", info.width, rows, 8, 2, 0, 0, 0)
    small = (
        SIGNATURE
        + write_chunk(b"IHDR", header)
        + write_chunk(b"IDAT", zlib.compress(stream, 0))
        + write_chunk(b"IEND", b"")
    )
    return _decode(small, where, PngInfo(rows, info.width, False))


def _essential(data: bytes, found: PngStructure) -> bytes:
    """The PNG with only the chunks that determine its pixels.

    Profiles and texts do not change pixels. They may be compressed and unpack to any size, so they are never parsed.
    """
    header = len(SIGNATURE) + 25
    if found.begin == header and found.end + 12 == len(data):
        return data
    return b"".join([data[:header], memoryview(data)[found.begin : found.end], write_chunk(b"IEND", b"")])


def _unpacked(data: bytes, where: str, found: PngStructure, size: int) -> Iterator[bytes]:
    """The first ``size`` bytes of the picture data, unpacked piece by piece; an error if there are fewer."""
    inflater = zlib.decompressobj()
    position, missing = found.begin, size
    try:
        while position < found.end and missing:
            (length,) = struct.unpack_from(">I", data, position)
            packed: bytes | memoryview = memoryview(data)[position + 8 : position + 8 + length]
            while missing and (piece := inflater.decompress(packed, min(missing, _PIECE))):
                missing -= len(piece)
                yield piece
                packed = inflater.unconsumed_tail
            position += 12 + length
    except zlib.error as error:
        raise ImageError(f"{where}: damaged picture data ({error}); write the file again") from error
    if missing:
        raise ImageError(f"{where}: damaged picture data (it ends early); write the file again")


def _decode(data: bytes, where: str, info: PngInfo) -> Pixels:
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            pixels = np.array(picture)
    except (OSError, SyntaxError, ValueError, zlib.error, Image.DecompressionBombError) as error:
        raise ImageError(f"{where}: damaged picture data ({error}); write the file again") from error
    if pixels.dtype != np.uint8 or pixels.shape != (info.height, info.width, 3):
        raise ImageError(f"{where}: decodes to {pixels.dtype} {pixels.shape}, not to 8-bit RGB as its header says")
    return pixels


def read_bytes(path: Path, most: int | None = None) -> bytes:
    """The bytes of a regular file.

    If ``most`` is given, they are the first ``most`` bytes. If it is None, the file must not be larger than
    :data:`MAX_FILE_BYTES`.

    Raises
    ------
    ImageError
        If it is missing, unreadable, not a regular file or too large.
    """
    try:
        return read_bounded(path, MAX_FILE_BYTES) if most is None else read_beginning(path, most)
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror or error})") from error


def read_rgb(path: Path | str) -> Pixels:
    """Read an 8-bit RGB PNG.

    Parameters
    ----------
    path
        The PNG.

    Returns
    -------
    Pixels
        uint8 array (H, W, 3).

    Raises
    ------
    ImageError
        If the file cannot be read, or is not a plain 8-bit RGB PNG; the message says what it is and what to do.

    Examples
    --------
    >>> import numpy as np
    >>> from srspace_eval import read_rgb, write_png
    >>> write_png("grey.png", np.full((2, 3, 3), 128, np.uint8))
    >>> read_rgb("grey.png").shape
    (2, 3, 3)
    """
    path = Path(path)
    return decode_png(read_bytes(path), str(path))


def write_png(path: Path | str, pixels: Pixels, *, compress_level: int = 6) -> None:
    """Write an 8-bit RGB PNG, atomically and without metadata: the same pixels give the same bytes.

    Parameters
    ----------
    path
        The file to write. An existing file is replaced.
    pixels
        uint8 array (H, W, 3).
    compress_level
        zlib level from 0 (stored) to 9.

    Raises
    ------
    ImageError
        If the array is not uint8 (H, W, 3), the level is not one of these, or the file cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> from srspace_eval import read_rgb, write_png
    >>> picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    >>> write_png("small.png", picture)
    >>> bool((read_rgb("small.png") == picture).all())
    True
    """
    path = Path(path)
    if not isinstance(pixels, np.ndarray):
        raise ImageError(f"{path}: a NumPy array is required, not {type(pixels).__name__}")
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise ImageError(f"{path}: only uint8 (H, W, 3) pixels can be written, not {pixels.dtype} {pixels.shape}")
    if not is_whole(compress_level, 0, 9):
        raise ImageError(f"{path}: compress_level {compress_level!r}: a whole number from 0 to 9 is required")
    try:
        with replacing(path, sync=False) as file:
            Image.fromarray(np.ascontiguousarray(pixels)).save(file, format="PNG", compress_level=compress_level)
    except OSError as error:
        raise ImageError(f"{path}: cannot be written ({error.strerror or error})") from error


def png_name(picture: Path) -> str:
    """The name of a PNG that is made from a picture: the picture's name, with the suffix in small letters.

    >>> png_name(Path("in/0801.PNG"))
    '0801.png'
    """
    return f"{picture.stem}{picture.suffix.lower()}"


def find_pictures(source: Path) -> list[Path]:
    """The PNGs of a folder in the order of their names, or the one PNG. Files that are made of them keep their names.

    ``.PNG`` counts as ``.png``. Hidden files do not count.

    Raises
    ------
    InputError
        If there are none.
    ProblemsError
        If some file systems take two of the names for one: one picture would replace the other.
    """
    try:
        paths = sorted(source.iterdir()) if source.is_dir() else [source]
    except OSError as error:
        raise InputError(f"{source}: cannot be listed ({error.strerror or error})") from error
    if not source.is_dir():
        return paths
    pictures = [path for path in paths if path.suffix.lower() == ".png" and not path.name.startswith(".")]
    if not pictures:
        raise InputError(f"{source}: contains no .png files")
    if shared := shared_names(picture.name for picture in pictures):
        raise ProblemsError(f"{source}: some systems take these names for one name; rename the pictures", shared)
    return pictures


def is_folder_of(folder: Path, source: Path) -> bool:
    """Whether a folder is that of the pictures ``source``, a folder or one file, however it is spelled."""
    try:
        return folder.samefile(source if source.is_dir() else source.parent)
    except OSError:  # one of both does not exist
        return False
