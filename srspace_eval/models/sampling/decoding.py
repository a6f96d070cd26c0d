"""One LR's samples decoded in tiles and groups, and converted to 8 bits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from srspace_eval.errors import SamplingError
from srspace_eval.models.lr_input import to_tensor
from srspace_eval.models.memory import out_of_memory_named
from srspace_eval.models.precision import inference
from srspace_eval.models.protocol import Conditioning, Decoder, Quantize
from srspace_eval.models.sampling.settings import SampleRequest, SamplingSettings
from srspace_eval.models.sampling.tiling import Tile, tile_latents

Pixels: TypeAlias = NDArray[np.uint8]
"""(H, W, 3) uint8."""

T = TypeVar("T")

_HINT = "give a smaller --memory or --tile"


@dataclass(frozen=True)
class ImageDecoder:
    """One LR, and everything that its samples share.

    Attributes
    ----------
    model
        The model.
    lr
        (h, w, 3) uint8.
    image
        The image's name.
    settings
        Seed, quantisation, precision.
    memory_limit
        Bytes that bound how many samples one call of the model decodes. It changes no sample.
    """

    model: Decoder
    lr: Pixels
    image: str
    settings: SamplingSettings
    memory_limit: int

    def condition(self, tile: Tile) -> Conditioning:
        """The model's conditioning on a tile of the LR."""
        rows, columns = tile.rows, tile.columns
        part = self.lr[rows.start : rows.stop, columns.start : columns.stop]
        with self._arithmetic():
            return self.model.condition(to_tensor(part, self.model.device))

    def decode(
        self, conditioning: Conditioning, tile: Tile, requests: Sequence[SampleRequest]
    ) -> Iterator[tuple[SampleRequest, Pixels | None]]:
        """Decode a tile of the requested samples.

        Yields
        ------
        Iterator[tuple[SampleRequest, Pixels or None]]
            The request, and the tile's picture with its context, or None if a value is not finite.

        Raises
        ------
        SamplingError
            If the model's output has the wrong size, or the memory runs out.
        """
        batches = groups(requests, self._batch_size(tile, len(requests)))
        for batch, latents in _ahead((batch, [self._latents(tile, request) for request in batch]) for batch in batches):
            with self._arithmetic():
                stacked = [torch.from_numpy(np.stack(fields)) for fields in zip(*latents, strict=True)]
                sr, _ = self.model.decode(conditioning, [latent.to(self.model.device) for latent in stacked])
                self._check_size(sr, tile, len(batch))
                pictures = [_to_pixels(picture, self.settings.quantize) for picture in sr]
            yield from zip(batch, pictures, strict=True)

    def _check_size(self, sr: torch.Tensor, tile: Tile, n: int) -> None:
        """Refuse a plug-in's output of another size; it would become a submission of another size."""
        scale = self.model.config.scale
        height, width = tile.shape
        wanted = (1 if self.model.config.deterministic else n, 3, height * scale, width * scale)
        if tuple(sr.shape) != wanted:
            raise SamplingError(
                f"{self.image or 'lr'}: {self.model.config.name} decoded {tuple(sr.shape)} where its scale {scale} "
                f"gives {wanted}"
            )

    def _batch_size(self, tile: Tile, wanted: int) -> int:
        """How many samples one call decodes: one, unless the model's batches are exact and fit the memory."""
        if not self.model.exact_batches:
            return 1
        sizes = range(wanted, 1, -1)
        return next((n for n in sizes if self.model.memory_estimate(*tile.shape, n) <= self.memory_limit), 1)

    def _latents(self, tile: Tile, request: SampleRequest) -> list[NDArray[np.float32]]:
        size = self.lr.shape[0], self.lr.shape[1]
        return tile_latents(
            self.model, size, tile,
            seed=self.settings.seed, image=self.image, sample=request.sample, heat=request.heat,
        )  # fmt: skip

    @contextmanager
    def _arithmetic(self) -> Iterator[None]:
        with out_of_memory_named(self.image or "lr", _HINT), inference(self.model.device, self.settings.precision):
            yield


def groups(items: Sequence[T], size: int) -> Iterator[list[T]]:
    """The items in lists of ``size``; the last list may be shorter.

    >>> list(groups([1, 2, 3], 2))
    [[1, 2], [3]]
    """
    iterator = iter(items)
    while group := list(islice(iterator, size)):
        yield group


def _to_pixels(sr: torch.Tensor, quantize: Quantize) -> Pixels | None:
    """(3, H, W) float -> (H, W, 3) uint8, or None if a value is not finite."""
    sr = sr.float()
    if not bool(torch.isfinite(sr).all()):
        return None
    levels = sr.clamp(0, 1).mul(255)
    if quantize == "round":
        levels = levels.round()
    return np.ascontiguousarray(levels.to(torch.uint8).permute(1, 2, 0).cpu().numpy())


def _ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items; a thread prepares the next one while this one is used."""
    with ThreadPoolExecutor(1, thread_name_prefix="latents") as pool:
        following = pool.submit(next, items, None)
        while (item := following.result()) is not None:
            following = pool.submit(next, items, None)
            yield item
