"""Blur kernels, and their application in float64."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from srspace_eval.errors import InputError

FloatArray = npt.NDArray[np.float64]

_BLOCK = 1 << 17  # numbers of the sum that are computed together, so that they stay in the cache


def gaussian_kernel(size: int, sigma: tuple[float, float], angle: float = 0.0) -> FloatArray:
    """A Gaussian kernel that is symmetric about its centre, sampled at the pixels, with sum 1.

    Parameters
    ----------
    size
        Rows and columns. If it is even, the centre lies between pixels.
    sigma
        Standard deviations in pixels along the two axes of the ellipse.
    angle
        Degrees from the columns' axis to the first axis of the ellipse, clockwise as a picture is seen.

    Returns
    -------
    FloatArray
        (size, size) float64.

    Raises
    ------
    InputError
        If the size or a standard deviation is not positive.

    Examples
    --------
    >>> gaussian_kernel(3, (0.5, 0.5)).round(4).tolist()
    [[0.0113, 0.0838, 0.0113], [0.0838, 0.6193, 0.0838], [0.0113, 0.0838, 0.0113]]
    """
    if size < 1 or not all(math.isfinite(s) and s > 0 for s in sigma):
        raise InputError(f"a Gaussian of size {size} with σ {sigma[0]}, {sigma[1]}: all must be positive")
    place = np.arange(size, dtype=np.float64) - (size - 1) / 2
    y, x = place[:, None], place[None, :]
    # No cosine for a circle: its two axes may be any, and the kernel is then exactly symmetric.
    cosine, sine = (
        (1.0, 0.0) if sigma[0] == sigma[1] else (math.cos(math.radians(angle)), math.sin(math.radians(angle)))
    )
    first, second = (cosine * x + sine * y) / sigma[0], (cosine * y - sine * x) / sigma[1]
    square = first * first + second * second
    # Relative to the smallest exponent: a narrow kernel of even size would be 0 everywhere.
    kernel = np.exp(-0.5 * (square - square.min()))
    total: FloatArray = kernel / kernel.sum()
    return total


def for_nearest(kernel: FloatArray, scale: int) -> FloatArray:
    """A symmetric kernel, extended by zeros so that ``nearest`` places its centre at the centre of a cell.

    Parameters
    ----------
    kernel
        (n, n) float64, symmetric. n is even at even scales and odd at odd ones.
    scale
        The side of a cell.

    Returns
    -------
    FloatArray
        The kernel in the convention of :mod:`srspace_eval.degrade.kernel_pool`: its centre of mass is
        ``n // 2 + (scale - 1) / 2``, as in the kernels of a pool.

    Examples
    --------
    >>> kernel = for_nearest(gaussian_kernel(16, (1.0, 1.0)), 4)
    >>> kernel.shape, [round(x, 9) for x in centre_of_mass(kernel)]
    ((19, 19), [10.5, 10.5])
    """
    return np.pad(kernel, ((scale - 1, 0), (scale - 1, 0)))


def centre_of_mass(kernel: FloatArray) -> tuple[float, float]:
    """(row, column) of the centre of mass, from 0.

    >>> centre_of_mass(np.array([[0.0, 1.0], [0.0, 1.0]]))
    (0.5, 1.0)
    """
    rows, columns = np.arange(kernel.shape[0]), np.arange(kernel.shape[1])
    total = float(kernel.sum())
    return float((kernel.sum(axis=1) * rows).sum()) / total, float((kernel.sum(axis=0) * columns).sum()) / total


def move(kernel: FloatArray, rows: float, columns: float) -> FloatArray:
    """Move a kernel's content by linear interpolation, which moves its centre of mass by exactly this much.

    The kernel grows on all four sides, so that nothing is cut off. Its index 0 moves with the sides: the new kernel has
    the same middle ``n // 2``.

    Parameters
    ----------
    kernel
        (H, W) float64.
    rows, columns
        Pixels downwards and to the right.

    Examples
    --------
    >>> move(np.ones((1, 1)), 0.0, 0.5).tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.0, 0.0, 0.0]]
    """
    margin = max(math.ceil(abs(rows)), math.ceil(abs(columns)), 1)
    moved = np.pad(kernel, margin)
    for axis, distance in enumerate((rows, columns)):
        whole = math.floor(distance)
        part = distance - whole
        # The margin holds zeros, so that nothing rolls over the edge.
        moved = (1 - part) * np.roll(moved, whole, axis) + part * np.roll(moved, whole + 1, axis)
    return moved


def correlate(
    image: FloatArray, kernel: FloatArray, *, first: tuple[int, int], stride: int, shape: tuple[int, int]
) -> FloatArray:
    """Correlate with a kernel, at every ``stride``-th pixel. The border is mirrored, its edge repeated.

    ``out[i, j] = sum of kernel[r, c] * image[i * stride + first[0] + r, j * stride + first[1] + c]``, summed row by
    row in float64, one product after the other.

    Parameters
    ----------
    image
        (H, W, C) float64.
    kernel
        (R, S) float64.
    first
        Row and column of the first tap of output pixel (0, 0), relative to the image.
    stride
        Distance of the output's pixels in the image.
    shape
        (height, width) of the output.

    Returns
    -------
    FloatArray
        (height, width, C) float64.

    Examples
    --------
    >>> row = np.arange(6.0).reshape(1, 6, 1)
    >>> correlate(row, np.array([[0.5, 0.5]]), first=(0, 0), stride=2, shape=(1, 3))[0, :, 0].tolist()
    [0.5, 2.5, 4.5]
    """
    height, width = shape
    margins = [
        (
            max(0, -first[axis]),
            max(0, first[axis] + (shape[axis] - 1) * stride + kernel.shape[axis] - image.shape[axis]),
        )
        for axis in (0, 1)
    ]
    padded = np.pad(image, [*margins, (0, 0)], mode="symmetric")
    top, left = (first[axis] + margins[axis][0] for axis in (0, 1))
    taps = [(r, c, float(kernel[r, c])) for r, c in zip(*np.nonzero(kernel), strict=True)]
    total = np.zeros((height, width, image.shape[2]))
    step = max(1, _BLOCK // (width * image.shape[2]))
    for begin in range(0, height, step):
        part = total[begin : begin + step]
        product = np.empty_like(part)
        for r, c, weight in taps:
            row, column = top + r + begin * stride, left + c
            pixels = padded[
                row : row + (len(part) - 1) * stride + 1 : stride, column : column + (width - 1) * stride + 1 : stride
            ]
            np.multiply(pixels, weight, out=product)
            part += product
    return total
