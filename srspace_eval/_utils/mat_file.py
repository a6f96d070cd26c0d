"""Matrices of a MAT file of version 5, from bytes of unknown origin.

SciPy's ``loadmat`` ends the process (a segmentation fault) for some damaged files, so it cannot read files of
strangers. This reader knows what blur kernels and models of NIQE need: real matrices of floats, compressed or not.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Collection, Iterator

import numpy as np
import numpy.typing as npt

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_DTYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_FLOATS = (6, 7)  # the classes double and single
_COMPLEX = 0x0800


class MatFileError(ValueError):
    """What is wrong with the file, and what to do."""


def read_matrices(
    data: bytes, names: Collection[str], *, most_numbers: int, most_bytes: int
) -> dict[str, npt.NDArray[np.generic]]:
    """Read variables. Reading ends when all are found.

    Parameters
    ----------
    data
        The file's bytes.
    names
        The variables.
    most_numbers, most_bytes
        Largest matrix, and the largest size of all unpacked data.

    Returns
    -------
    dict[str, NDArray[np.generic]]
        Name -> matrix of float64, (rows, columns), for those of the variables that the file has. The first of a name
        counts.

    Raises
    ------
    MatFileError
        If the file is damaged or of another version, unpacks to more, or has a variable of these names that is not such
        a matrix.
    """
    if data[:10] == b"MATLAB 7.3":
        raise MatFileError("a MAT file of version 7.3; save it with -v7, or as .npy")
    order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    if order is None:
        raise MatFileError("not a MAT file of version 5; save it with -v7")
    found: dict[str, npt.NDArray[np.generic]] = {}
    try:
        for kind, content in _elements(data[_HEADER:], order, padded=False):
            if kind == _COMPRESSED:
                unpacked = zlib.decompressobj().decompress(content, most_bytes + 1)
                most_bytes -= len(unpacked)
                if most_bytes < 0:
                    raise MatFileError("unpacks to more than is needed; save only these variables")
                kind, content = next(_elements(unpacked, order, padded=False))
            if kind == _MATRIX:
                _add_matrix(found, content, order, names, most_numbers)
            if len(found) == len(names):
                break
    except (struct.error, zlib.error, StopIteration) as error:
        raise MatFileError("damaged; save it again with -v7") from error
    return found


def read_matrix(data: bytes, name: str, *, most_numbers: int, most_bytes: int) -> npt.NDArray[np.generic]:
    """Read one variable, as :func:`read_matrices` does.

    Raises
    ------
    MatFileError
        As for :func:`read_matrices`; also if the file does not have the variable.
    """
    found = read_matrices(data, (name,), most_numbers=most_numbers, most_bytes=most_bytes)
    if name not in found:
        raise MatFileError(f"holds no variable {name!r}; save the matrix under this name")
    return found[name]


def _elements(data: bytes, order: str, *, padded: bool) -> Iterator[tuple[int, bytes]]:
    """Type and content of the elements, one after the other."""
    position = 0
    while position + 8 <= len(data):
        kind, size = struct.unpack_from(f"{order}II", data, position)
        if kind >> 16:  # a small element: its content lies in the tag
            kind, size = kind & 0xFFFF, kind >> 16
            begin, following = position + 4, position + 8
        else:
            begin = position + 8
            following = begin + (-(-size // 8) * 8 if padded else size)
        if begin + size > len(data) or (following == position + 8 and size > 4):
            raise MatFileError("damaged: it ends early; save it again with -v7")
        yield kind, data[begin : begin + size]
        position = following


def _add_matrix(
    found: dict[str, npt.NDArray[np.generic]], content: bytes, order: str, names: Collection[str], most_numbers: int
) -> None:
    """Add the matrix of a variable, if it has one of the names and is the first of it."""
    parts = _elements(content, order, padded=True)
    (_, flags), (_, dimensions), (_, label) = next(parts), next(parts), next(parts)
    name = label.decode("latin-1")
    if name not in names or name in found:
        return
    (flag,) = struct.unpack_from(f"{order}I", flags)
    shape = struct.unpack(f"{order}{len(dimensions) // 4}i", dimensions)
    wanted = len(shape) == 2 and min(shape) >= 0 and math.prod(shape) <= most_numbers
    if flag & 0xFF not in _FLOATS or flag & _COMPLEX or not wanted:
        raise MatFileError(f"{name} is not a small matrix of real floats; save it as one")
    kind, numbers = next(parts)
    if kind not in _DTYPES:
        raise MatFileError("damaged: numbers of an unknown type; save it again with -v7")
    dtype = np.dtype(order + _DTYPES[kind])
    if len(numbers) != math.prod(shape) * dtype.itemsize:
        raise MatFileError("damaged: its length is not that of its matrix; save it again with -v7")
    # A double matrix of whole numbers is stored as integers.
    found[name] = np.frombuffer(numbers, dtype).reshape(shape, order="F").astype(np.float64)
