"""LR pictures made from the HR pictures of a folder, as MATLAB or the challenge makes them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from srspace_eval._utils.cores import threads_of
from srspace_eval._utils.png import find_pictures, is_folder_of, png_name, read_rgb, write_png
from srspace_eval._utils.progress import Progress, no_progress
from srspace_eval._utils.whole_numbers import is_whole
from srspace_eval.errors import ImageError, InputError, ProblemsError
from srspace_eval.metrics.resize import imresize


def downscale_folder(
    source: Path | str,
    out: Path | str,
    scale: int,
    *,
    convention: str = "ntire21",
    crop: int = 1,
    overwrite: bool = False,
    workers: int | None = None,
    progress: Progress = no_progress,
) -> list[Path]:
    """Downscale 8-bit RGB PNGs with :func:`srspace_eval.metrics.resize.imresize`.

    Each picture keeps its name. Its size is divided by the scale and rounded up. Pictures that cannot be read do not
    stop the others.

    Parameters
    ----------
    source
        A PNG, or a folder of PNGs.
    out
        The folder for the LRs; it is created.
    scale
        4 makes pictures a quarter as wide and high.
    convention
        ``"ntire21"``, ``"matlab"`` or ``"matlab-legacy"``.
    crop
        First crop the pictures, top left kept, to a multiple of this in both directions.
    overwrite
        Replace existing LRs.
    workers
        Threads; None: one for each core.
    progress
        Context manager factory ``(description, total) -> advance(n)``.

    Returns
    -------
    list[Path]
        The files written, in the order of their names.

    Raises
    ------
    InputError
        If the folder contains no pictures. If ``scale`` or ``crop`` is not a positive whole number. If ``out`` cannot
        be created, or is the folder of the pictures.
    ProblemsError
        If two pictures' names differ only in case. If LRs exist and ``overwrite`` is False. If pictures could not be
        downscaled. Each of them is listed.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as name:
    ...     write_png(Path(name, "0801.png"), np.zeros((20, 30, 3), np.uint8))
    ...     [lr] = downscale_folder(name, Path(name, "lr"), 4)
    ...     lr.name, read_rgb(lr).shape
    ('0801.png', (5, 8, 3))
    """
    source, out = Path(source), Path(out)
    if not (is_whole(scale, 1) and is_whole(crop, 1)):
        raise InputError(f"scale = {scale!r}, crop = {crop!r}: both must be whole numbers of at least 1")
    pictures = find_pictures(source)
    if is_folder_of(out, source):
        raise InputError(f"{out}: the LRs would replace the pictures; give --out another folder")
    existing = [out / png_name(picture) for picture in pictures if (out / png_name(picture)).exists()]
    if existing and not overwrite:
        raise ProblemsError(f"{out}: existing LRs are replaced only with --overwrite", map(str, existing))
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out}: cannot be created ({error.strerror})") from error

    def downscale(picture: Path) -> str | None:
        torch.set_num_threads(1)
        try:
            pixels = read_rgb(picture)
            height, width = (side // crop * crop for side in pixels.shape[:2])
            if min(height, width) == 0:
                return f"{picture}: smaller than the crop of {crop}"
            write_png(out / png_name(picture), imresize(pixels[:height, :width], 1 / scale, convention=convention))
        except ImageError as error:
            return str(error)
        finally:
            advance(1)
        return None

    with progress("Downscaling", len(pictures)) as advance, ThreadPoolExecutor(threads_of(workers)) as pool:
        faults = [fault for fault in pool.map(downscale, pictures) if fault is not None]
    if faults:
        raise ProblemsError(f"{len(faults)} of {len(pictures)} pictures were not downscaled", faults)
    return [out / png_name(picture) for picture in pictures]
