"""The models of NIQE and BRISQUE: the authors', which come with the package, and NIQE models of the user's."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt

from srspace_eval._utils.bounded_zip import BoundedZip
from srspace_eval._utils.files import read_bounded
from srspace_eval._utils.hashing import sha256
from srspace_eval._utils.mat_file import read_matrices
from srspace_eval.errors import InputError
from srspace_eval.metrics.scenes.statistics import Floats

MAX_MODEL_BYTES = 1 << 20
"""Largest model file that is read."""
_MOST_NUMBERS = 36 * 36  # of a matrix
_MOST_UNPACKED = 1 << 24  # bytes; a file may hold other variables
_NAMES = (("mean", "Mean", "mu_prisparam"), ("covariance", "Covariance", "cov_prisparam"))


@dataclass(frozen=True, eq=False)
class NiqeModel:
    """Mean (36,) and covariance (36, 36) of natural pictures' features; ``sha256`` of the file that has them."""

    mean: Floats
    covariance: Floats
    sha256: str


@dataclass(frozen=True, eq=False)
class BrisqueModel:
    """A support vector machine: coefficients (774,), vectors (774, 36), ranges (36, 2), γ and ρ."""

    coefficients: Floats
    vectors: Floats
    ranges: Floats
    gamma: float
    rho: float


def niqe_model(path: Path | str | None = None) -> NiqeModel:
    """A NIQE model.

    Parameters
    ----------
    path
        A ``.mat`` or ``.npz`` file with the variables ``Mean`` and ``Covariance`` (MATLAB's ``niqeModel`` has them),
        ``mu_prisparam`` and ``cov_prisparam`` (the authors' file), or ``mean`` and ``covariance``. None: the authors'.

    Raises
    ------
    InputError
        If the file cannot be read, or has other variables, sizes or values.

    Examples
    --------
    >>> niqe_model().covariance.shape
    (36, 36)
    """
    if path is None:
        return _authors_niqe()
    try:
        data = read_bounded(Path(path), MAX_MODEL_BYTES)
    except OSError as error:
        raise InputError(f"{path}: the NIQE model cannot be read ({error})") from error
    return _niqe_from(data, str(path))


@lru_cache(maxsize=4)
def _niqe_from(data: bytes, where: str) -> NiqeModel:
    try:
        found = _arrays_of_zip(data) if data[:2] == b"PK" else _arrays_of_mat(data)
    except Exception as error:  # a damaged zip can raise any error
        raise InputError(f"{where}: not a readable .mat or .npz file ({error})") from error
    arrays = []
    for names, shape in zip(_NAMES, ((36,), (36, 36)), strict=True):
        array = next((found[name] for name in names if name in found), None)
        if array is None:
            raise InputError(f"{where}: has no variable {' or '.join(names)}")
        if array.size != np.prod(shape) or (len(shape) == 2 and array.shape != shape) or array.dtype.kind not in "fiu":
            raise InputError(f"{where}: {names[0]} is {array.dtype} {array.shape}, not {shape} numbers")
        values = array.astype(np.float64).reshape(shape)
        if not np.isfinite(values).all():
            raise InputError(f"{where}: {names[0]} has values that are not finite")
        arrays.append(values)
    return NiqeModel(arrays[0], arrays[1], sha256(data))


def _arrays_of_mat(data: bytes) -> dict[str, npt.NDArray[np.generic]]:
    known = [name for names in _NAMES for name in names]
    return read_matrices(data, known, most_numbers=_MOST_NUMBERS, most_bytes=_MOST_UNPACKED)


def _arrays_of_zip(data: bytes) -> dict[str, npt.NDArray[np.generic]]:
    with BoundedZip(io.BytesIO(data)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > _MOST_UNPACKED:
            raise ValueError(f"it unpacks to more than {_MOST_UNPACKED} bytes")
        if len(set(archive.namelist())) < len(archive.namelist()):
            raise ValueError("it holds a name twice")
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files if any(name in names for names in _NAMES)}


@lru_cache(maxsize=1)
def _authors_niqe() -> NiqeModel:
    return _niqe_from(_packaged("niqe.npz"), "niqe.npz")


@lru_cache(maxsize=1)
def brisque_model() -> BrisqueModel:
    """The authors' BRISQUE model.

    >>> brisque_model().vectors.shape
    (774, 36)
    """
    with np.load(io.BytesIO(_packaged("brisque.npz")), allow_pickle=False) as arrays:
        # The authors' text has six digits, which float32 holds: this gives the same float64 values as the text.
        vectors = [float(f"{value:.6g}") for value in arrays["vectors"].ravel()]
        return BrisqueModel(
            coefficients=arrays["coefficients"],
            vectors=np.reshape(vectors, arrays["vectors"].shape),
            ranges=arrays["ranges"],
            gamma=float(arrays["gamma"]),
            rho=float(arrays["rho"]),
        )


def _packaged(name: str) -> bytes:
    return files("srspace_eval.metrics.scenes").joinpath("parameters").joinpath(name).read_bytes()
