"""Latents that are determined by (seed, image, sample, latent) alone.

Every latent of every sample is a field of standard normal numbers. Each field has its own key of the random generator,
and each row of a field its own position in the key's stream. So a sample is the same on any device, in any order, and
whatever else is sampled with it; and a tile reads its part of a field without drawing the rest.

The numbers come from the raw output of Philox-4x64-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
SC 2011), which NumPy keeps stable, through the inverse of the normal distribution function. NumPy does not promise a
stable stream for its own ``standard_normal`` (NEP 19).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from srspace_eval._utils.hashing import sha256_of_text
from srspace_eval.errors import InputError
from srspace_eval.models.protocol import LatentShape

_UINT32_PER_BLOCK = 8  # one step of Philox's counter gives four 64-bit numbers


def latent_field(
    shape: LatentShape,
    *,
    seed: int,
    image: str,
    sample: int,
    latent: int,
    rows: tuple[int, int] | None = None,
    columns: tuple[int, int] | None = None,
) -> NDArray[np.float32]:
    """One latent of one sample, or a window of it, at heat 1: standard normal numbers.

    Parameters
    ----------
    shape
        (C, H, W) of the whole latent. The numbers depend on C and W, not on H.
    seed, image, sample, latent
        They determine the numbers: the seed (any integer), the image's name, and the numbers of the sample and of the
        latent, from 0.
    rows, columns
        Half-open ranges (start, stop) of the window; None: all rows, all columns.

    Returns
    -------
    NDArray[np.float32]
        (C, rows, columns) float32, |z| < 6.4.

    Raises
    ------
    InputError
        If the window is empty or not inside the field.

    Examples
    --------
    >>> whole = latent_field((6, 8, 10), seed=0, image="0801", sample=0, latent=0)
    >>> window = latent_field((6, 8, 10), seed=0, image="0801", sample=0, latent=0, rows=(2, 5), columns=(4, 10))
    >>> bool((window == whole[:, 2:5, 4:10]).all())
    True
    """
    channels, height, width = shape
    top, bottom = rows or (0, height)
    left, right = columns or (0, width)
    if not (0 <= top < bottom <= height and 0 <= left < right <= width):
        raise InputError(f"rows {top}:{bottom}, columns {left}:{right} are not a window of a {height}×{width} latent")
    # A row of the stream holds all channels of one line of pixels and starts at its own counter.
    row_length = channels * width
    blocks = -(-row_length // _UINT32_PER_BLOCK)
    generator = np.random.Philox(key=_key(seed, image, sample, latent), counter=top * blocks)
    raw = generator.random_raw((bottom - top) * blocks * 4).astype("<u8", copy=False)
    lines = raw.view("<u4").reshape(bottom - top, blocks * _UINT32_PER_BLOCK)[:, :row_length]
    window = lines.reshape(bottom - top, channels, width)[:, :, left:right].transpose(1, 0, 2)
    # Midpoints of 2^32 equal intervals: never 0 or 1, so that the normal number is never infinite.
    uniform = (window + 0.5) * 2.0**-32
    return np.ascontiguousarray(ndtri(uniform), dtype=np.float32)


def _key(seed: int, image: str, sample: int, latent: int) -> int:
    text = "\0".join(["srspace-eval/latent/1", str(int(seed)), image, str(int(sample)), str(int(latent))])
    return int.from_bytes(bytes.fromhex(sha256_of_text(text))[:16], "little")
