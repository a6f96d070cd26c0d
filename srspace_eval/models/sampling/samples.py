"""Samples of one LR, from latents to 8-bit pictures.

All samples share one conditioning. They are decoded one by one unless the model's batches are exact: a batch may round
differently in the last bit, truncation to 8 bits would make that visible, and a sample must not depend on which other
samples are made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from srspace_eval._utils.hashing import sha256
from srspace_eval.errors import InputError, SamplingError
from srspace_eval.models.lr_input import check_pixels
from srspace_eval.models.memory import default_memory_limit
from srspace_eval.models.precision import Precision, check_precision
from srspace_eval.models.protocol import Decoder, Quantize
from srspace_eval.models.sampling.decoding import ImageDecoder, Pixels, groups
from srspace_eval.models.sampling.settings import SampleRequest, SamplingSettings, check_heat
from srspace_eval.models.sampling.tiling import Tile, choose_tile_size, halo_of, tiles, whole

NOT_FINITE = "some samples are not finite (NaN or infinite); a lower heat, or float32, usually helps"

_CANVAS_BYTES = 1 << 30  # of the pictures that are assembled from tiles at the same time


def sample_array(
    model: Decoder,
    lr: Pixels,
    n: int = 10,
    heat: float = 0.9,
    seed: int = 0,
    image: str | None = None,
    *,
    quantize: Quantize | None = None,
    precision: Precision = "float32",
    memory_limit: int | None = None,
) -> Pixels:
    """Make n samples of one LR.

    Parameters
    ----------
    model
        Any :class:`~srspace_eval.models.base.Model`.
    lr
        (h, w, 3) uint8.
    n
        Number of samples. Sample i is the same for every n.
    heat
        Standard deviation τ of the latents, 0 or more. At 0 all samples are equal.
    seed, image
        Together with the sample's number they determine the latents. Images with different names get different
        latents. ``image`` None: a name that follows from the LR's content.
    quantize, precision
        See :class:`~srspace_eval.models.sampling.settings.SamplingSettings`. With ``quantize`` None the model's own
        :attr:`~srspace_eval.models.protocol.ModelConfig.quantize` is used.
    memory_limit
        Bytes that may be used on the model's device; None: most of what is free. An LR that needs more is decoded in
        overlapping tiles.

    Returns
    -------
    Pixels
        (n, h·scale, w·scale, 3) uint8.

    Raises
    ------
    InputError
        If an argument has the wrong shape, type or range.
    SamplingError
        If samples are not finite, or there is not enough memory.

    Examples
    --------
    >>> from srspace_eval.models.adapters.bicubic import Bicubic
    >>> sample_array(Bicubic(4), np.zeros((6, 5, 3), np.uint8), n=2).shape
    (2, 24, 20, 3)
    """
    check_key(seed, image)
    _check_integer("n", n)
    if n < 1:
        raise InputError(f"n = {n}: at least one sample must be requested")
    check_pixels(lr, image or "lr")
    check_precision(model, precision)
    if image is None:
        image = content_name(lr)
    limit = default_memory_limit(model.device) if memory_limit is None else memory_limit
    tile_size = choose_tile_size(model, lr.shape[0], lr.shape[1], limit, image or "lr")
    requests = [SampleRequest(i, check_heat(heat)) for i in range(n)]
    settings = SamplingSettings(seed, quantize or model.config.quantize, precision)
    found = [pixels for _, pixels in iterate_samples(model, lr, requests, image, settings, tile_size, limit)]
    lost = [i for i, pixels in enumerate(found) if pixels is None]
    if lost:
        raise SamplingError(f"{image or 'lr'}: {NOT_FINITE}", [f"sample {i}" for i in lost])
    return np.stack([pixels for pixels in found if pixels is not None])


def check_key(seed: object, image: object) -> None:
    """Check what determines the latents.

    Raises
    ------
    InputError
        If the seed is not an integer, or the image's name is neither a text nor None.
    """
    _check_integer("seed", seed)
    if image is not None and not isinstance(image, str):
        raise InputError(f"image = {image!r} is not a text; it is the image's name")


def _check_integer(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise InputError(f"{name} = {value!r} is not an integer")


def content_name(lr: Pixels) -> str:
    """A name for an LR without one: different pixels or sizes give different names."""
    return f"lr-{sha256(repr(lr.shape).encode('ascii') + np.ascontiguousarray(lr).tobytes())[:16]}"


def iterate_samples(
    model: Decoder,
    lr: Pixels,
    requests: Sequence[SampleRequest],
    image: str,
    settings: SamplingSettings,
    tile_size: int | None,
    memory_limit: int,
) -> Iterator[tuple[SampleRequest, Pixels | None]]:
    """Make the requested samples of one LR, one after the other.

    Parameters
    ----------
    model, lr, image
        As in :func:`sample_array`.
    requests
        The samples to make. Each is the same whatever the others are.
    settings
        Seed, quantisation, precision.
    tile_size
        Side of the tiles in LR pixels; None: the LR is decoded whole.
    memory_limit
        Bytes that bound how many samples one call of the model decodes. It changes no sample.

    Yields
    ------
    Iterator[tuple[SampleRequest, Pixels or None]]
        The request and its picture (h·scale, w·scale, 3) of uint8, or None if the model's output was not finite.

    Raises
    ------
    SamplingError
        If the memory runs out, or the model's output has the wrong size.
    """
    if not requests:
        return
    decoder = ImageDecoder(model, lr, image, settings, memory_limit)
    if model.config.deterministic:  # all samples are copies of the first
        (_, pixels), *_ = _decode_requests(decoder, requests[:1], tile_size)
        yield from ((request, pixels) for request in requests)
        return
    yield from _decode_requests(decoder, requests, tile_size)


def _decode_requests(
    decoder: ImageDecoder, requests: Sequence[SampleRequest], tile_size: int | None
) -> Iterator[tuple[SampleRequest, Pixels | None]]:
    height, width = decoder.lr.shape[:2]
    if tile_size is None or (height <= tile_size and width <= tile_size):
        tile = whole(height, width)
        yield from decoder.decode(decoder.condition(tile), tile, requests)
        return
    scale = decoder.model.config.scale
    parts = list(tiles(height, width, tile_size, halo_of(decoder.model)))
    for group in groups(requests, max(1, _CANVAS_BYTES // (decoder.lr.size * scale**2))):
        canvases = {request: np.empty((height * scale, width * scale, 3), np.uint8) for request in group}
        lost = set()
        for tile in parts:
            for request, pixels in decoder.decode(decoder.condition(tile), tile, group):
                if pixels is None:
                    lost.add(request)
                else:
                    _paste(canvases[request], pixels, tile, scale)
        for request in group:
            yield request, None if request in lost else canvases[request]


def _paste(canvas: Pixels, pixels: Pixels, tile: Tile, scale: int) -> None:
    """Copy the kept part of a decoded tile to its place in the picture."""
    (r, c) = tile.rows, tile.columns
    inner = pixels[
        (r.keep_start - r.start) * scale : (r.keep_stop - r.start) * scale,
        (c.keep_start - c.start) * scale : (c.keep_stop - c.start) * scale,
    ]
    canvas[r.keep_start * scale : r.keep_stop * scale, c.keep_start * scale : c.keep_stop * scale] = inner
