"""Samples of one LR: latents drawn, decoded, brought to 8 bits.

Samples are decoded on a conditioning that they share, and one by one, unless the model says that its batches are exact:
a batch may round differently in the last bit, truncation to 8 bits would show it, and a sample must not depend on what
else is sampled.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from srspace_eval.errors import InputError, SamplingError
from srspace_eval.models.base import Conditioning, Model, Quantize
from srspace_eval.models.device import Precision, available_memory, inference, memory_named
from srspace_eval.models.lr_input import check_pixels, to_tensor
from srspace_eval.models.sampling.tiling import Tile, choose_tile, halo_of, tile_latents, tiles, whole

Pixels = NDArray[np.uint8]
T = TypeVar("T")

_SHARE = 0.8  # of the free memory: other programs, fragmentation, the pictures on their way to disk
_MEND = "give a smaller --memory or --tile"
_CANVAS_BYTES = 1 << 30  # pictures that are put together from tiles at the same time


@dataclass(frozen=True)
class Request:
    """One wanted sample: its number from 0, and its heat."""

    sample: int
    heat: float


@dataclass(frozen=True)
class Method:
    """How latents become 8-bit pictures: everything beside the model, the LR and the request that a sample depends on.

    Attributes
    ----------
    seed:
        Seed of the latents, any whole number.
    quantize:
        ``"trunc"``: x·255 truncated, as the original programs do; ``"round"``: to the nearest, halves to even.
    precision:
        ``"float32"``, or autocast to ``"bf16"`` or ``"fp16"``.
    """

    seed: int = 0
    quantize: Quantize = "trunc"
    precision: Precision = "float32"


def sample_array(
    model: Model,
    lr: Pixels,
    n: int = 10,
    heat: float = 0.9,
    seed: int = 0,
    image: str = "",
    *,
    quantize: Quantize | None = None,
    precision: Precision = "float32",
    memory: int | None = None,
) -> Pixels:
    """n samples of one LR.

    Parameters
    ----------
    model:
        Any :class:`~srspace_eval.models.base.Model`.
    lr:
        (h, w, 3) uint8.
    n:
        Number of samples. Sample i is the same for every n.
    heat:
        Standard deviation τ of the latents; 0 is deterministic.
    seed, image:
        What the latents follow from, beside the sample's number. Images with different names get different latents.
    quantize, precision:
        See :class:`Method`; ``quantize`` None: as the model's own program does.
    memory:
        Bytes that may be used on the model's device; None: most of what is free. An LR that needs more is decoded in
        overlapping tiles.

    Returns
    -------
    (n, h·scale, w·scale, 3) uint8.

    Raises
    ------
    InputError
        If an argument has the wrong shape, type or range.
    SamplingError
        If samples are not finite, or the memory does not suffice.

    Example
    -------
    >>> from srspace_eval.models.adapters.bicubic import Bicubic
    >>> sample_array(Bicubic(4), np.zeros((6, 5, 3), np.uint8), n=2).shape
    (2, 24, 20, 3)
    """
    for name, value in (("n", n), ("seed", seed)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise InputError(f"{name} = {value!r} is not a whole number")
    if n < 1:
        raise InputError(f"n = {n}: at least one sample must be asked for")
    if not isinstance(image, str):
        raise InputError(f"image = {image!r} is not a text, the image's name")
    check_pixels(lr, image or "lr")
    budget = memory_budget(model) if memory is None else memory
    tile = choose_tile(model, lr.shape[0], lr.shape[1], budget, image or "lr")
    requests = [Request(i, check_heat(heat)) for i in range(n)]
    method = Method(seed, quantize or model.config.quantize, precision)
    found = [pixels for _, pixels in iterate_samples(model, lr, requests, image, method, tile, budget)]
    lost = [i for i, pixels in enumerate(found) if pixels is None]
    if lost:
        raise SamplingError(f"{image or 'lr'}: {NOT_FINITE}", [f"sample {i}" for i in lost])
    return np.stack([pixels for pixels in found if pixels is not None])


NOT_FINITE = "some samples are not finite (NaN or infinite); a lower heat, or float32, usually mends it"


def iterate_samples(
    model: Model, lr: Pixels, requests: Sequence[Request], image: str, method: Method, tile: int | None, budget: int
) -> Iterator[tuple[Request, Pixels | None]]:
    """Decode samples of one LR.

    Parameters
    ----------
    model, lr, image:
        As in :func:`sample_array`.
    requests:
        The samples wanted; each is the same whatever the others are.
    method:
        Seed, quantisation, precision.
    tile:
        Side of the tiles in LR pixels, None: the LR is decoded whole.
    budget:
        Bytes that bound how many samples are decoded together; it changes no sample.

    Yields
    ------
    The request and its (h·scale, w·scale, 3) uint8 picture, None where the model's output was not finite.

    Raises
    ------
    SamplingError
        If the memory runs out.
    """
    if not requests:
        return
    if model.config.deterministic:
        (_, pixels), *_ = _decode_requests(model, lr, requests[:1], image, method, tile, budget)
        yield from ((request, pixels) for request in requests)
        return
    yield from _decode_requests(model, lr, requests, image, method, tile, budget)


def check_heat(heat: object) -> float:
    """A heat as a float; raises InputError unless it is a finite number, 0 or more."""
    if isinstance(heat, (int, float, np.integer, np.floating)) and not isinstance(heat, bool):
        number = float(heat) + 0.0  # -0.0 becomes 0.0
        if math.isfinite(number) and number >= 0:
            return number
    raise InputError(f"heat = {heat!r} is not a number of 0 or more")


def memory_budget(model: Model) -> int:
    """Bytes that sampling may use on the model's device when nobody says: most of what is free now."""
    return int(available_memory(model.device) * _SHARE)


def _decode_requests(
    model: Model, lr: Pixels, requests: Sequence[Request], image: str, method: Method, tile: int | None, budget: int
) -> Iterator[tuple[Request, Pixels | None]]:
    height, width = lr.shape[:2]
    decoder = _Decoder(model, lr, image, method, budget)
    if tile is None or (height <= tile and width <= tile):
        place = whole(height, width)
        yield from decoder.decode(decoder.condition(place), place, requests)
        return
    places = list(tiles(height, width, tile, halo_of(model)))
    scale = model.config.scale
    for group in _groups(requests, max(1, _CANVAS_BYTES // (lr.size * scale**2))):
        canvases = {request: np.empty((height * scale, width * scale, 3), np.uint8) for request in group}
        lost = set()
        for place in places:
            for request, pixels in decoder.decode(decoder.condition(place), place, group):
                if pixels is None:
                    lost.add(request)
                else:
                    _paste(canvases[request], pixels, place, scale)
        for request in group:
            yield request, None if request in lost else canvases[request]


@dataclass(frozen=True)
class _Decoder:
    """One LR and everything its samples share."""

    model: Model
    lr: Pixels
    image: str
    method: Method
    budget: int

    def condition(self, tile: Tile) -> Conditioning:
        rows, columns = tile.rows, tile.columns
        part = self.lr[rows.start : rows.stop, columns.start : columns.stop]
        with self._settings():
            return self.model.condition(to_tensor(part, self.model.device))

    def decode(
        self, conditioning: Conditioning, tile: Tile, requests: Sequence[Request]
    ) -> Iterator[tuple[Request, Pixels | None]]:
        groups = _groups(requests, self._together(tile, len(requests)))
        for group, latents in _ahead((group, [self._latents(tile, request) for request in group]) for group in groups):
            with self._settings():
                stacked = [torch.from_numpy(np.stack(fields)) for fields in zip(*latents, strict=True)]
                sr, _ = self.model.decode(conditioning, [latent.to(self.model.device) for latent in stacked])
                self._check_size(sr, tile, len(group))
                pictures = [_to_pixels(picture, self.method.quantize) for picture in sr]
            yield from zip(group, pictures, strict=True)

    def _check_size(self, sr: torch.Tensor, tile: Tile, n: int) -> None:
        """A plugin's output of another size would become a submission of another size."""
        scale = self.model.config.scale
        size = tile.rows.stop - tile.rows.start, tile.columns.stop - tile.columns.start
        wanted = (1 if self.model.config.deterministic else n, 3, size[0] * scale, size[1] * scale)
        if tuple(sr.shape) != wanted:
            raise SamplingError(
                f"{self.image or 'lr'}: {self.model.config.name} decoded {tuple(sr.shape)} where its scale {scale} "
                f"gives {wanted}"
            )

    def _together(self, tile: Tile, wanted: int) -> int:
        """How many samples one call decodes."""
        if not self.model.exact_batches:
            return 1
        size = tile.rows.stop - tile.rows.start, tile.columns.stop - tile.columns.start
        fitting = (n for n in range(wanted, 1, -1) if self.model.memory_estimate(*size, n) <= self.budget)
        return next(fitting, 1)

    def _latents(self, tile: Tile, request: Request) -> list[NDArray[np.float32]]:
        size = self.lr.shape[0], self.lr.shape[1]
        return tile_latents(
            self.model, size, tile,
            seed=self.method.seed, image=self.image, sample=request.sample, heat=request.heat,
        )  # fmt: skip

    @contextmanager
    def _settings(self) -> Iterator[None]:
        with memory_named(self.image or "lr", _MEND), inference(self.model.device, self.method.precision):
            yield


def _to_pixels(sr: torch.Tensor, quantize: Quantize) -> Pixels | None:
    """(3, H, W) float -> (H, W, 3) uint8, or None if a value is not finite."""
    sr = sr.float()
    if not bool(torch.isfinite(sr).all()):
        return None
    levels = sr.clamp(0, 1).mul(255)
    if quantize == "round":
        levels = levels.round()
    return np.ascontiguousarray(levels.to(torch.uint8).permute(1, 2, 0).cpu().numpy())


def _paste(canvas: Pixels, pixels: Pixels, tile: Tile, scale: int) -> None:
    """Put the kept part of a decoded tile in its place."""
    (r, c) = tile.rows, tile.columns
    inner = pixels[
        (r.keep_start - r.start) * scale : (r.keep_stop - r.start) * scale,
        (c.keep_start - c.start) * scale : (c.keep_stop - c.start) * scale,
    ]
    canvas[r.keep_start * scale : r.keep_stop * scale, c.keep_start * scale : c.keep_stop * scale] = inner


def _groups(items: Sequence[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while group := list(islice(iterator, size)):
        yield group


def _ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items, the next one being made in a thread while this one is used."""
    with ThreadPoolExecutor(1, thread_name_prefix="latents") as pool:
        following = pool.submit(next, items, None)
        while (item := following.result()) is not None:
            following = pool.submit(next, items, None)
            yield item
