"""Latents that follow from (seed, image, sample, latent) alone.

Every latent of every sample is a field of standard normal numbers with its own key, and every row of the field its own
place in the key's stream. So a sample is the same on any device, whatever else is sampled with it and in whatever
order, and a tile reads its part of the field without the rest being drawn.

The numbers come from the raw output of Philox-4x64-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
SC 2011), which NumPy keeps stable, through the inverse of the normal distribution. NumPy's own ``standard_normal``
promises no stable stream (NEP 19).
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from srspace_eval.errors import InputError
from srspace_eval.models.base import LatentShape

_UINT32_PER_BLOCK = 8  # one step of Philox's counter gives four 64-bit words


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
    """One latent of one sample, or a window of it: standard normal numbers.

    Parameters
    ----------
    shape:
        (C, H, W) of the whole latent. The numbers depend on C and W, not on H.
    seed, image, sample, latent:
        What the numbers follow from: the seed (any whole number), the image's name, the sample's and the latent's
        number from 0.
    rows, columns:
        Half-open ranges of the window; None: all.

    Returns
    -------
    (C, rows, columns) float32, heat 1.

    Raises
    ------
    InputError
        If the window is not inside the field.

    Example
    -------
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
    # A row holds all channels of one line of pixels and starts at a counter of its own.
    row_length = channels * width
    blocks = -(-row_length // _UINT32_PER_BLOCK)
    generator = np.random.Philox(key=_key(seed, image, sample, latent), counter=top * blocks)
    raw = generator.random_raw((bottom - top) * blocks * 4).astype("<u8", copy=False)
    lines = raw.view("<u4").reshape(bottom - top, blocks * _UINT32_PER_BLOCK)[:, :row_length]
    window = lines.reshape(bottom - top, channels, width)[:, :, left:right].transpose(1, 0, 2)
    # Midpoints of 2^32 equal intervals: never 0 or 1, so never infinite (|z| < 6.4).
    uniform = (window + 0.5) * 2.0**-32
    return np.ascontiguousarray(ndtri(uniform), dtype=np.float32)


def _key(seed: int, image: str, sample: int, latent: int) -> int:
    text = "\0".join(["srspace-eval/latent/1", str(int(seed)), image, str(int(sample)), str(int(latent))])
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:16], "little")
