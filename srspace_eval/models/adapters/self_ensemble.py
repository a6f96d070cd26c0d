"""Self-ensemble: the mean of a deterministic model's pictures of the eight flips and turns of an LR."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor

from srspace_eval.errors import InputError
from srspace_eval.models.base import Conditioning, LatentShape, Model
from srspace_eval.models.precision import supported_precisions

VIEWS = 8
"""Number of flips and turns: the symmetries of a square."""


class SelfEnsemble(Model):
    """A deterministic model, run on eight views of the LR; the mean is taken before the conversion to 8 bits.

    The method of EDSR (Lim et al., CVPRW 2017, section 3.4), known as "×8" or "+", as in RCAN+.

    Parameters
    ----------
    model
        A deterministic model.

    Raises
    ------
    InputError
        If the model is stochastic.

    Examples
    --------
    >>> from srspace_eval.models.adapters.bicubic import Bicubic
    >>> model = SelfEnsemble(Bicubic(2))
    >>> lr = torch.rand(1, 3, 6, 5)
    >>> torch.allclose(model.decode(lr, [])[0], Bicubic(2).decode(lr, [])[0], atol=1e-6)
    True
    """

    def __init__(self, model: Model) -> None:
        if not model.config.deterministic:
            raise InputError(
                f"{model.config.name} is stochastic: a mean of its samples is not a sample; self-ensemble "
                "(--self-ensemble) is for deterministic models"
            )
        self.model = model
        self.config = dataclasses.replace(model.config, details={**model.config.details, "self_ensemble": VIEWS})
        self.device, self.halo = model.device, model.halo
        self.tile_note = getattr(model, "tile_note", "")
        self.precisions = supported_precisions(model)
        origin = getattr(model, "srspace_eval_origin", None)
        if origin is not None:
            self.srspace_eval_origin = origin

    def latent_shapes(self, height: int, width: int) -> tuple[LatentShape, ...]:
        """An empty tuple: the model has no latents."""
        return ()

    def condition(self, lr: Tensor) -> Tensor:
        """The model's own check: (1, 3, h, w) in [0, 1] -> the LR on the device.

        Raises
        ------
        InputError
            If the LR has another shape, type or range.
        """
        self.model.condition(lr)
        return lr.to(self.device)

    @torch.no_grad()
    def decode(self, lr: Tensor | Conditioning, latents: Sequence[Tensor]) -> tuple[Tensor, None]:
        """The mean over the views: (1, 3, h, w) in [0, 1], no latents -> (1, 3, h·scale, w·scale) float32; None.

        Raises
        ------
        InputError
            If there are latents, or the LR has another shape, type or range.
        """
        if len(latents):
            raise InputError(f"{self.config.name} is deterministic: it takes no latents")
        total: Tensor | None = None
        for view in range(VIEWS):
            picture = _undo(self.model.decode(_view(lr, view), [])[0].float(), view)
            total = picture.clone(memory_format=torch.contiguous_format) if total is None else total.add_(picture)
        assert total is not None
        return total.div_(VIEWS), None

    def memory_estimate(self, height: int, width: int, n: int) -> int:
        """See :meth:`Decoder.memory_estimate`: the model's, of the LR or of its transpose, and two pictures."""
        pictures = 2 * 3 * 4 * height * width * self.config.scale**2
        return max(self.model.memory_estimate(*size, n) for size in ((height, width), (width, height))) + pictures


def _view(x: Tensor, view: int) -> Tensor:
    """One of the eight views of (1, 3, h, w): flipped if 4 or more, then turned ``view`` times."""
    x = x.flip(3) if view >= 4 else x
    return torch.rot90(x, view % 4, (2, 3)).contiguous()


def _undo(x: Tensor, view: int) -> Tensor:
    x = torch.rot90(x, -(view % 4), (2, 3))
    return x.flip(3) if view >= 4 else x
