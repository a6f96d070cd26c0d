"""The networks that spandrel recognises, as models: RCAN, SwinIR, HAT, DAT, SPAN, Real-ESRGAN and many more."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from srspace_eval.errors import InputError, SamplingError
from srspace_eval.models.adapters.peak import peak_bytes
from srspace_eval.models.base import Conditioning, LatentShape, Model, ModelConfig
from srspace_eval.models.checkpoints.allocations import AllocationLimitError
from srspace_eval.models.lr_input import check_tensor
from srspace_eval.models.memory import measuring_limit, size_text
from srspace_eval.models.precision import Precision, exact_arithmetic

_WORKSPACE = 64 << 20  # bytes of scratch memory for convolutions
_MEASURED_SIDE = 32  # LR pixels
_SAFETY = 1.5


class SpandrelModel(Model):
    """A deterministic network of spandrel's; its output is that of spandrel's own call, bit for bit.

    spandrel pads an LR to the sizes that the network takes, cuts the padding off, and clamps to [0, 1].

    Parameters
    ----------
    config
        What the model is.
    descriptor
        spandrel's ``ImageModelDescriptor`` with its weights on a device.

    Attributes
    ----------
    halo
        LR pixels of context for tiles. Tiles agree with the whole picture approximately: attention windows and
        receptive fields are larger.
    tile_note
        A sentence for the notice about tiles, if the network averages over the whole picture.
    precisions
        float32, and the 16-bit types that spandrel allows for the network.
    """

    halo = 32

    def __init__(self, config: ModelConfig, descriptor: Any) -> None:
        self.config = config
        self.descriptor = descriptor
        self.device: torch.device = descriptor.device
        self.tile_note = _tile_note(descriptor)
        halves: dict[Precision, bool] = {"bf16": descriptor.supports_bfloat16, "fp16": descriptor.supports_half}
        self.precisions: tuple[Precision, ...] = ("float32", *(name for name, allowed in halves.items() if allowed))
        self._measured: tuple[int, int] | None = None  # bytes, padded pixels

    def latent_shapes(self, height: int, width: int) -> tuple[LatentShape, ...]:
        """An empty tuple: the model has no latents."""
        return ()

    def condition(self, lr: Tensor) -> Tensor:
        """Check an LR (1, 3, h, w) in [0, 1] and move it to the device.

        Raises
        ------
        InputError
            If the LR has another shape, type or range.
        """
        check_tensor(lr)
        return lr.to(self.device)

    @torch.no_grad()
    @exact_arithmetic()
    def decode(self, lr: Tensor | Conditioning, latents: Sequence[Tensor]) -> tuple[Tensor, None]:
        """Run the network: (1, 3, h, w) in [0, 1], no latents -> (1, 3, h·scale, w·scale) float32 in [0, 1]; None.

        Raises
        ------
        InputError
            If there are latents, or the LR has another shape, type or range.
        """
        if len(latents):
            raise InputError(f"{self.config.name} is deterministic: it takes no latents")
        return self._run(self.condition(lr)), None

    def memory_estimate(self, height: int, width: int, n: int) -> int:
        """See :meth:`Decoder.memory_estimate`.

        The first call measures one small picture; memory is proportional to the padded picture's size. The samples
        are copies of one picture, so n does not count.

        Raises
        ------
        SamplingError
            If the small picture does not fit the memory limit.
        """
        if self._measured is None:
            side = self.padded(_MEASURED_SIDE, _MEASURED_SIDE)
            limit = measuring_limit(self.device)
            try:
                if 3 * 4 * side[0] * side[1] > limit:  # a network can ask for any multiple of pixels
                    raise AllocationLimitError("the LR itself")
                lr = torch.zeros(1, 3, *side, device=self.device)
                with torch.inference_mode():
                    self._measured = peak_bytes(lambda: self._run(lr), limit), side[0] * side[1]
            except AllocationLimitError as error:
                raise SamplingError(
                    f"{self.config.name}: {side[1]}×{side[0]} LR pixels need more than the {size_text(limit)} that may "
                    "be used; give a larger --memory if you trust where the checkpoint comes from"
                ) from error
        size, pixels = self._measured
        padded_height, padded_width = self.padded(height, width)
        return int(_SAFETY * size / pixels * padded_height * padded_width) + _WORKSPACE

    def padded(self, height: int, width: int) -> tuple[int, int]:
        """The size to which spandrel pads an LR."""
        right, bottom = self.descriptor.size_requirements.get_padding(width, height)
        return height + bottom, width + right

    def _run(self, lr: Tensor) -> Tensor:
        # Some networks of spandrel's work on their input in place.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch's, about spandrel's networks; the user cannot change them
            out: Tensor = self.descriptor(lr.clone())
        return out


def _tile_note(descriptor: Any) -> str:
    pools = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d)
    if any(
        isinstance(module, pools) and module.output_size in (1, (1,), (1, 1)) for module in descriptor.model.modules()
    ):
        return "channel attention averages over the whole picture, so tiles are approximate"
    if descriptor.tiling.name != "SUPPORTED":
        return f"spandrel marks tiles of {descriptor.architecture.name} as {descriptor.tiling.name.lower()}"
    return ""
