"""The types that all of ``models`` shares: what a model is, and what sampling needs of it. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    import torch
    from torch import Tensor

LatentShape: TypeAlias = tuple[int, int, int]
"""(C, H, W) of one latent of one image."""

Quantize: TypeAlias = Literal["trunc", "round"]
"""How x · 255 becomes 8 bits: the fraction is cut off, or the value is rounded to the nearest (halves to even)."""

Conditioning: TypeAlias = Any
"""What a model computes from the LR alone. Its structure is private to the model that made it."""


@dataclass(frozen=True)
class ModelConfig:
    """What a model is, as recognised from its checkpoint.

    Attributes
    ----------
    name
        Short name, such as ``"srflow_df2k_x4"``.
    family
        ``"srflow"``, ``"srflow_da"``, ``"srflow_da_r"``, ``"srflow_da_s"``, ``"srflow_da_d"``, ``"ncsr"``, ``"rrdb"``,
        ``"bicubic"``, ``"esrgan_plus"``, the lower-case id of an architecture of spandrel such as ``"rcan"``, or any
        word that a plug-in chooses.
    scale
        Super-resolution factor.
    deterministic
        Whether the model makes only one picture of an LR. Such a model has no latents; heat and seed change nothing.
    details
        Further facts (levels, steps, blocks, ...) as plain JSON values. They are written to the sampling record.
    quantize
        How the authors' program converts the model's output to 8 bits: ``"trunc"`` (the flows) or ``"round"``.

    Examples
    --------
    >>> from srspace_eval import ModelConfig
    >>> ModelConfig("mine", "bicubic", 4, deterministic=True).scale
    4
    """

    name: str
    family: str
    scale: int
    deterministic: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)
    quantize: Quantize = "trunc"


@runtime_checkable
class Decoder(Protocol):
    """What sampling needs of a model: the members that turn an LR and latents into pictures.

    All methods run without gradients. Their results must not depend on earlier calls.

    Attributes
    ----------
    config
        What the model is.
    device
        The device of the model's parameters. The tensors given to the model must be there too.
    halo
        LR pixels of context that a tile needs on each side, so that its inner part equals that part of the whole.
    exact_batches
        Whether the bytes of a sample are the same whatever else :meth:`decode` decodes in the same call. Several
        samples are decoded in one call only if this is true.
    tile_note
        What the notice about tiles adds for this model, a clause without a full stop; empty: nothing.
    """

    config: ModelConfig
    device: torch.device
    halo: int
    exact_batches: bool = False
    tile_note: str = ""

    def condition(self, lr: Tensor) -> Conditioning:
        """Compute everything that depends on the LR alone; all samples share it.

        Parameters
        ----------
        lr
            (1, 3, h, w) float32 in [0, 1], on :attr:`device`, of any size that the model can pad.

        Raises
        ------
        InputError
            If the LR has another shape, type or range.
        """
        ...

    def latent_shapes(self, height: int, width: int) -> tuple[LatentShape, ...]:
        """Shapes (C, H, W) of the latents of one image whose LR is height × width, in encoding order.

        The shapes are those after the model's own padding. Each H and W is in a fixed ratio to the padded LR's size.
        The tuple is empty for a deterministic model.
        """
        ...

    def decode(self, lr: Tensor | Conditioning, latents: Sequence[Tensor]) -> tuple[Tensor, Tensor | None]:
        """Decode latents to pictures.

        Parameters
        ----------
        lr
            An LR as :meth:`condition` takes it, or the result of :meth:`condition`.
        latents
            Tensors (N, C, H, W) with the shapes of :meth:`latent_shapes`; an empty sequence for a deterministic model.

        Returns
        -------
        sr, logdet:
            (N, 3, h·scale, w·scale) float, not clamped, in the LR's range [0, 1] (N = 1 for a deterministic model);
            and the log-determinants (N,) in nats, or None for a model without likelihood.

        Raises
        ------
        InputError
            If the LR or the latents have other shapes.
        """
        ...

    def memory_estimate(self, height: int, width: int, n: int) -> int:
        """Upper bound, in bytes, of what :meth:`condition` and one :meth:`decode` allocate beside the parameters.

        The bound is for an LR of height × width and n samples decoded together. It must not shrink when any of the
        three grows.
        """
        ...
