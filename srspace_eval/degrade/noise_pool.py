"""Pools of noise: flat patches of real pictures, collected by two thresholds, and injected into LRs.

The method is that of RealSR (Ji et al., "Real-World Super-Resolution via Kernel Estimation and Noise Injection", CVPR
Workshops 2020). A pool is a folder of 8-bit RGB PNGs, so that pools of other programs can be read, too.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from srspace_eval._utils.cores import threads_of
from srspace_eval._utils.png import find_pictures, read_bytes, read_rgb, write_png
from srspace_eval._utils.png_structure import inspect_png
from srspace_eval._utils.progress import Progress, no_progress
from srspace_eval._utils.whole_numbers import is_whole
from srspace_eval.degrade.randomness import FloatArray, Randomness
from srspace_eval.errors import ImageError, InputError, ProblemsError

SMALLEST_PATCH = 16
"""Patches with a shorter side are refused: their own mean would take much of the noise away."""


@dataclass(frozen=True)
class NoisePool:
    """The patches of a folder.

    Attributes
    ----------
    patches
        The files, in the order of their names.
    side
        The shortest side of all patches in pixels. LRs are filled with crops of at most this size.
    """

    patches: tuple[Path, ...]
    side: int


def read_noise_pool(folder: Path | str) -> NoisePool:
    """Find the patches of a folder; their pixels are read when they are injected.

    Raises
    ------
    InputError
        If the folder cannot be listed or holds no PNG.
    ProblemsError
        If patches are not 8-bit RGB PNGs, or too small; each is listed.
    """
    folder = Path(folder)
    try:
        patches = sorted(p for p in folder.iterdir() if p.suffix.lower() == ".png" and not p.name.startswith("."))
    except OSError as error:
        raise InputError(f"{folder}: cannot be listed ({error.strerror or error})") from error
    if not patches:
        raise InputError(f"{folder}: holds no PNG; `srspace-eval degrade pool` collects a pool")
    sides, problems = [], []
    for patch in patches:
        try:
            info = inspect_png(read_bytes(patch), str(patch))
        except ImageError as error:
            problems.append(str(error))
            continue
        sides.append(min(info.height, info.width))
        if sides[-1] < SMALLEST_PATCH:
            problems.append(f"{patch}: {info.width}×{info.height} pixels, at least {SMALLEST_PATCH} a side are wanted")
    if problems:
        raise ProblemsError(f"{folder}: {len(problems)} of {len(patches)} patches cannot be used", problems)
    return NoisePool(tuple(patches), min(sides))


def inject(image: FloatArray, pool: NoisePool, randomness: Randomness) -> tuple[FloatArray, list[str]]:
    """Add noise of a pool.

    The picture is filled with tiles of at most ``pool.side`` pixels, row by row. Each tile gets a random crop of a
    random patch, minus the crop's mean in each channel.

    Parameters
    ----------
    image
        (H, W, 3) float64 in 8-bit levels.
    pool
        The patches.
    randomness
        The image's random numbers.

    Returns
    -------
    tuple[FloatArray, list[str]]
        The noisy picture, and the patches' names, tile by tile.

    Raises
    ------
    ImageError
        If a patch cannot be read.
    """
    noisy = image.copy()
    names = []
    for top in range(0, image.shape[0], pool.side):
        for left in range(0, image.shape[1], pool.side):
            tile = noisy[top : top + pool.side, left : left + pool.side]
            place = f"{top} {left}"
            patch = randomness.choose(f"patch {place}", pool.patches)
            pixels = read_rgb(patch)
            row = randomness.whole(f"patch row {place}", 0, pixels.shape[0] - tile.shape[0])
            column = randomness.whole(f"patch column {place}", 0, pixels.shape[1] - tile.shape[1])
            crop = pixels[row : row + tile.shape[0], column : column + tile.shape[1]]
            # Sums of whole numbers are exact, in any order.
            mean = crop.sum(axis=(0, 1), dtype=np.int64) / (crop.shape[0] * crop.shape[1])
            tile += crop - mean
            names.append(patch.name)
    return noisy, names


def flat_windows(
    pixels: npt.NDArray[np.uint8], size: int = 256, stride: int = 256, variance: float = 20.0, mean: float = 0.0
) -> list[tuple[int, int]]:
    """The windows of a picture that show nothing but noise, by RealSR's rule.

    A window starts at every multiple of the stride where ``start + size < length``: a last window that fits exactly is
    left out, as in the authors' program. It is kept if the population variance of its grey values is below
    ``variance`` and their mean is above ``mean``. Grey is Pillow's ``L``.

    Parameters
    ----------
    pixels
        uint8 (H, W, 3).
    size, stride
        Side of the windows, and their distance, in pixels.
    variance, mean
        The two thresholds. The authors used a variance of 20, and a mean of 0 in track 1 and of 50 in track 2.

    Returns
    -------
    list[tuple[int, int]]
        (row, column) of each window's top left corner.

    Examples
    --------
    >>> flat_windows(np.full((600, 513, 3), 60, np.uint8))
    [(0, 0), (0, 256), (256, 0), (256, 256)]
    """
    weights = np.array([19595, 38470, 7471], np.int64)
    grey = (pixels.astype(np.int64) @ weights + 0x8000) >> 16
    found = []
    count = size * size
    for row in range(0, max(0, pixels.shape[0] - size), stride):
        for column in range(0, max(0, pixels.shape[1] - size), stride):
            window = grey[row : row + size, column : column + size]
            total, squares = int(window.sum()), int((window * window).sum())
            # n² times the variance, in whole numbers: no rounding decides a window.
            if count * squares - total * total < variance * count * count and total > mean * count:
                found.append((row, column))
    return found


def collect_noise_pool(
    source: Path | str,
    out: Path | str,
    *,
    size: int = 256,
    stride: int = 256,
    variance: float = 20.0,
    mean: float = 0.0,
    workers: int | None = None,
    progress: Progress = no_progress,
) -> list[Path]:
    """Collect the flat windows of real pictures: a pool for :class:`srspace_eval.DegradeOptions`.

    Parameters
    ----------
    source
        A folder of 8-bit RGB PNGs, or one PNG.
    out
        The folder for the patches; it is created and must hold no PNG. A patch is named
        ``{picture}_{row}_{column}.png``.
    size, stride, variance, mean
        See :func:`flat_windows`.
    workers
        Threads; None: one for each core.
    progress
        Progress callback, see :data:`srspace_eval._utils.progress.Progress`.

    Returns
    -------
    list[Path]
        The patches, in the order of their names.

    Raises
    ------
    InputError
        If an option is out of its range, there are no pictures, ``out`` holds PNGs or cannot be created, or no window
        is flat enough.
    ProblemsError
        If two pictures' names differ only in case, or pictures cannot be read; each is listed. Patches of the others
        are kept.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     write_png(Path(name, "0801.png"), np.full((300, 600, 3), 60, np.uint8))
    ...     [path.name for path in collect_noise_pool(name, Path(name, "pool"))]
    ['0801_0_0.png', '0801_0_256.png']
    """
    source, out = Path(source), Path(out)
    if not (is_whole(size, SMALLEST_PATCH) and is_whole(stride, 1) and variance > 0 and mean >= 0):
        raise InputError(
            f"size {size!r}, stride {stride!r}, variance {variance}, mean {mean}: the size must be a whole number "
            f"of at least {SMALLEST_PATCH}, the stride a positive whole number, the variance positive, the mean not "
            "negative"
        )
    pictures = find_pictures(source)
    if out.is_dir() and any(path.suffix.lower() == ".png" for path in out.iterdir()):
        raise InputError(f"{out}: holds PNGs already; give --out a new folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out}: cannot be created ({error.strerror})") from error

    def collect(picture: Path) -> list[Path] | str:
        try:
            pixels = read_rgb(picture)
            written = []
            for row, column in flat_windows(pixels, size, stride, variance, mean):
                written.append(out / f"{picture.stem}_{row}_{column}.png")
                write_png(written[-1], pixels[row : row + size, column : column + size])
        except ImageError as error:
            return str(error)
        finally:
            advance(1)
        return written

    with progress("Collecting", len(pictures)) as advance, ThreadPoolExecutor(threads_of(workers)) as threads:
        done = list(threads.map(collect, pictures))
    if faults := [found for found in done if isinstance(found, str)]:
        raise ProblemsError(f"{len(faults)} of {len(pictures)} pictures cannot be read", faults)
    patches = sorted(patch for found in done if not isinstance(found, str) for patch in found)
    if not patches:
        raise InputError(
            f"{source}: no window of {size}×{size} pixels has a variance below {variance:g} and a mean above {mean:g}; "
            "give a larger --variance, or smaller windows with --size"
        )
    return patches
