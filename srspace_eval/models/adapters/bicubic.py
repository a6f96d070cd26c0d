"""Bicubic interpolation as a model: the baseline of every table."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from srspace_eval.errors import InputError
from srspace_eval.metrics.resize import imresize
from srspace_eval.models.base import Conditioning, LatentShape, Model, ModelConfig
from srspace_eval.models.lr_input import check_tensor


class Bicubic(Model):
    """MATLAB's ``imresize(im2double(lr), scale, 'bicubic')``, rounded to 8 bits once at the end.

    The model is deterministic: it has no latents and no likelihood.

    Parameters
    ----------
    scale
        Integer, 2 or more.
    device
        Where the model computes.

    Raises
    ------
    InputError
        If the scale is less than 2.

    Examples
    --------
    >>> Bicubic(4).decode(torch.zeros(1, 3, 6, 5), [])[0].shape
    torch.Size([1, 3, 24, 20])
    """

    # The cubic kernel reads two pixels on each side.
    halo = 2

    def __init__(self, scale: int, device: torch.device | str = "cpu") -> None:
        if scale < 2:
            raise InputError(f"scale = {scale}: the bicubic model enlarges by 2 or more")
        self.device = torch.device(device)
        details = {"convention": "matlab"}
        self.config = ModelConfig(f"bicubic_x{scale}", "bicubic", scale, True, details, quantize="round")

    def condition(self, lr: Tensor) -> Tensor:
        """Check an LR (1, 3, h, w) in [0, 1] and move it to the device.

        Raises
        ------
        InputError
            If the LR has another shape, type or range.
        """
        check_tensor(lr)
        return lr.to(self.device)

    def latent_shapes(self, height: int, width: int) -> tuple[LatentShape, ...]:
        """An empty tuple: the model has no latents."""
        return ()

    def decode(self, lr: Tensor | Conditioning, latents: Sequence[Tensor]) -> tuple[Tensor, None]:
        """Enlarge an LR: (1, 3, h, w) in [0, 1] and no latents -> (1, 3, h·scale, w·scale) float32, None.

        Raises
        ------
        InputError
            If there are latents, or the LR has another shape, type or range.
        """
        if len(latents):
            raise InputError(f"{self.config.name} is deterministic: it takes no latents")
        return imresize(self.condition(lr).float(), scale=float(self.config.scale), convention="matlab"), None

    def memory_estimate(self, height: int, width: int, n: int) -> int:
        """See :meth:`Decoder.memory_estimate`. The samples are copies of one picture, so n does not count."""
        # In double precision: the picture, the intermediate picture of one enlarged axis, and a copy of each.
        return 4 * 3 * 8 * height * width * self.config.scale**2
