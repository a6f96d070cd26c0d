"""Pools of blur kernels: a folder of ``.mat`` files, as KernelGAN writes them, or of ``.npy`` files.

A kernel of a pool holds the whole downscaling. Output pixel (i, j) is the sum of the kernel's numbers times the pixels
around pixel (i s, j s), with the kernel's middle ``n // 2`` on that pixel. The content keeps its place if the kernel's
centre of mass is that of the cell, ``n // 2 + (s - 1) / 2``. KernelGAN's kernels for ×4 are of this kind.
"""

from __future__ import annotations

import io
import math
import re
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError

import numpy as np
import numpy.typing as npt

from srspace_eval._utils.files import read_bounded
from srspace_eval._utils.folder_walk import files_below
from srspace_eval._utils.hashing import sha256
from srspace_eval._utils.mat_file import MatFileError, read_matrix
from srspace_eval._utils.notices import notify
from srspace_eval.degrade.blur import FloatArray, centre_of_mass, move
from srspace_eval.errors import InputError, ProblemsError

CENTRE_TOLERANCE = 0.1
"""A kernel whose centre of mass is off by more HR pixels than this is refused, or moved."""

_MAX_BYTES = 1 << 22  # of a file, and of what it unpacks to
_MAX_SIDE = 256
_SUM_TOLERANCE = 0.01
_VARIABLE = "Kernel"


@dataclass(frozen=True)
class PoolKernel:
    """One kernel of a pool.

    Attributes
    ----------
    file, sha256
        The file, relative to the pool's folder with ``/``, and its SHA-256.
    kernel
        (H, W) float64 with sum 1.
    moved
        Rows and columns by which its content was moved.
    """

    file: str
    sha256: str
    kernel: FloatArray
    moved: tuple[float, float]


def read_kernel_pool(folder: Path | str, scale: int, *, shift: bool = False) -> list[PoolKernel]:
    """Read the kernels of a folder and of the folders in it, in the order of their names.

    KernelGAN writes kernels for ×2 and ×4 into one folder: files whose names end in ``_x2`` are left out at scale 4.

    Parameters
    ----------
    folder
        Holds ``.mat`` files with a variable ``Kernel``, or ``.npy`` files.
    scale
        The scale that the kernels downscale by.
    shift
        Move a kernel that is off its centre by more than :data:`CENTRE_TOLERANCE`, by linear interpolation. If False,
        it is refused.

    Raises
    ------
    InputError
        If the folder cannot be listed or holds no kernel of this scale.
    ProblemsError
        If kernels cannot be used; each is listed.
    """
    folder = Path(folder)
    try:
        files = sorted(path for path in files_below(folder) if path.suffix.lower() in (".mat", ".npy"))
    except OSError as error:
        raise InputError(f"{folder}: cannot be listed ({error.strerror or error})") from error
    fitting = [file for file in files if _scale_of(file) in (None, scale)]
    if not fitting:
        others = f"; its {len(files)} kernels are for other scales" if files else ""
        raise InputError(f"{folder}: holds no .mat or .npy kernel for scale {scale}{others}")
    if len(fitting) < len(files):
        notify(f"{folder}: {len(files) - len(fitting)} kernels for other scales than {scale} left out")
    kernels, problems = [], []
    for file in fitting:
        try:
            data = read_bounded(file, _MAX_BYTES)
            kernel = _checked(_read_mat(data) if file.suffix.lower() == ".mat" else _read_npy(data))
            kernel, moved = _centred(kernel, scale, shift)
        except OSError as error:
            problems.append(f"{file}: cannot be read ({error.strerror or error})")
        except _KernelError as error:
            problems.append(f"{file}: {error}")
        else:
            kernels.append(PoolKernel(file.relative_to(folder).as_posix(), sha256(data), kernel, moved))
    if problems:
        raise ProblemsError(f"{folder}: {len(problems)} of {len(fitting)} kernels cannot be used", problems)
    return kernels


class _KernelError(ValueError):
    """What is wrong with one kernel."""


def _scale_of(file: Path) -> int | None:
    """The scale that a file's name ends in, as in ``0801_kernel_x4.mat``."""
    match = re.search(r"_x(\d{1,2})$", file.stem)
    return int(match[1]) if match else None


def _read_mat(data: bytes) -> npt.NDArray[np.generic]:
    """The variable ``Kernel`` of a MAT file of version 5."""
    try:
        return read_matrix(data, _VARIABLE, most_numbers=_MAX_SIDE**2, most_bytes=_MAX_BYTES)
    except MatFileError as error:
        raise _KernelError(str(error)) from error


def _read_npy(data: bytes) -> npt.NDArray[np.generic]:
    """The array of an NPY file. Pickled objects are refused before anything is loaded."""
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
    # NumPy tokenizes a header of an old form, which raises errors of its own.
    except (ValueError, TypeError, EOFError, OSError, SyntaxError, TokenError, RecursionError, MemoryError) as error:
        raise _KernelError("not a readable NPY file; write it with numpy.save") from error
    if dtype.kind not in "fiu" or len(shape) != 2 or math.prod(shape) > _MAX_SIDE**2 or min(shape) < 0:
        raise _KernelError(f"a {dtype} array of {shape}, a matrix of numbers is wanted")
    rest = data[file.tell() :]
    if len(rest) != math.prod(shape) * dtype.itemsize:
        raise _KernelError("damaged: its length is not that of its array; write it again with numpy.save")
    return np.frombuffer(rest, dtype).reshape(shape, order="F" if fortran else "C")


def _checked(kernel: npt.NDArray[np.generic]) -> FloatArray:
    """The kernel as float64 with sum 1."""
    if kernel.ndim != 2 or min(kernel.shape) < 1 or max(kernel.shape) > _MAX_SIDE:
        raise _KernelError(f"a kernel of {kernel.shape}, 1×1 to {_MAX_SIDE}×{_MAX_SIDE} is wanted")
    if kernel.dtype.kind not in "fiu":
        raise _KernelError(f"a kernel of {kernel.dtype}, real numbers are wanted")
    numbers = np.ascontiguousarray(kernel, dtype=np.float64)
    total = float(numbers.sum()) if np.isfinite(numbers).all() else math.nan
    if not abs(total - 1) <= _SUM_TOLERANCE:
        raise _KernelError(f"its numbers sum to {total:.4g}, not to 1; divide them by their sum")
    return numbers / total


def _centred(kernel: FloatArray, scale: int, shift: bool) -> tuple[FloatArray, tuple[float, float]]:
    """The kernel with its centre of mass where it must be, and how far it was moved."""
    found = centre_of_mass(kernel)
    rows, columns = (n // 2 + (scale - 1) / 2 - mass for n, mass in zip(kernel.shape, found, strict=True))
    if max(abs(rows), abs(columns)) <= CENTRE_TOLERANCE:
        return kernel, (0.0, 0.0)
    if not shift:
        raise _KernelError(
            f"its centre of mass is ({found[0]:.2f}, {found[1]:.2f}), and ({found[0] + rows:.2f}, "
            f"{found[1] + columns:.2f}) keeps the picture's place at scale {scale}; use --centre shift, which moves it"
        )
    if max(abs(rows), abs(columns)) > max(kernel.shape) + scale:
        raise _KernelError(f"its centre of mass is ({found[0]:.2f}, {found[1]:.2f}), outside the kernel")
    return move(kernel, rows, columns), (rows, columns)
