"""PIQE: the share and strength of visible artefacts and noise in a picture's active blocks."""

from __future__ import annotations

import numpy as np

from srspace_eval.metrics.scenes.statistics import DIGITS, Channel, Pixels, blocks, mscn, plane

_BLOCK, _SEGMENT = 16, 6
_ACTIVE, _UNIFORM = 0.1, 0.1


def piqe(picture: Pixels, *, channel: Channel = "grey", border: int = 0) -> float:
    """PIQE of a picture, without a reference; 0 to 100, lower is better.

    N. Venkatanath et al., "Blind image quality evaluation using perception based features", 2015, as MATLAB's ``piqe``
    computes it. A picture whose size is not a multiple of 16 is continued at the right and at the bottom by its edge.

    Parameters
    ----------
    picture
        (H, W, 3) uint8 RGB.
    channel, border
        As for :func:`srspace_eval.niqe`.

    Returns
    -------
    float
        The score, rounded to 6 decimals; 100 for a picture of one colour.

    Raises
    ------
    InputError
        If the picture is not 8-bit RGB, or no pixel remains inside the border.

    Examples
    --------
    >>> import numpy as np
    >>> from srspace_eval import piqe
    >>> piqe(np.zeros((20, 20, 3), np.uint8))
    100.0
    """
    image = plane(picture, channel, border)
    image = np.pad(image, [(0, -length % _BLOCK) for length in image.shape], mode="edge")
    parts = blocks(mscn(image, "nearest")[0], _BLOCK)
    variance = parts.var(axis=(1, 2), ddof=1)
    active = variance > _ACTIVE
    parts, variance = parts[active], variance[active]
    if not len(parts):
        return 100.0
    edges = np.stack([parts[:, 0], parts[:, -1], parts[:, :, 0], parts[:, :, -1]], axis=1)
    segments = np.stack([edges[:, :, i : i + _SEGMENT] for i in range(_BLOCK - _SEGMENT + 1)], axis=2)
    artefact = (segments.std(axis=-1, ddof=1) < _UNIFORM).any(axis=(1, 2))
    deviation = np.sqrt(variance)
    centre = parts[:, :, 7:9].std(axis=(1, 2), ddof=1)
    # MATLAB's program removes column 7 and then, of the remaining ones, column 8, which was column 9.
    surround = np.delete(parts, [7, 9], axis=2).std(axis=(1, 2), ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.nan_to_num(centre / surround, nan=0.0)
        excess = np.abs(deviation - ratio) / np.maximum(deviation, ratio)
    noise = deviation > 2 * excess
    distortion = (artefact * (1 - variance) + noise * variance).sum()
    return round(float(100 * (distortion + 1) / (len(parts) + 1)), DIGITS)
