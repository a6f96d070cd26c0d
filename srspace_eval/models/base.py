"""What a super-resolution model is to this package: one small Protocol that every adapter and plugin follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

import torch
from torch import Tensor

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LatentShape: TypeAlias = tuple[int, int, int]
Quantize: TypeAlias = Literal["trunc", "round"]

# What a model computes from the LR alone. Only the model that made it looks inside.
Conditioning: TypeAlias = Any


@dataclass(frozen=True)
class ModelConfig:
    """What a model is, as recognised from its checkpoint.

    Attributes
    ----------
    name:
        Short name, such as ``"srflow_df2k_x4"``.
    family:
        ``"srflow"``, ``"srflow_da"``, ``"srflow_da_r"``, ``"srflow_da_s"``, ``"srflow_da_d"``, ``"ncsr"``, ``"rrdb"``,
        ``"bicubic"``, or a plugin's own word.
    scale:
        Super-resolution factor.
    deterministic:
        Whether the model makes one picture only: it has no latents, and heat and seed change nothing.
    details:
        Further facts worth recording (levels, steps, blocks, ...), plain JSON values.
    quantize:
        How the model's own program brings its output to 8 bits: ``"trunc"`` (the flows' programs) or ``"round"``.
    """

    name: str
    family: str
    scale: int
    deterministic: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)
    quantize: Quantize = "trunc"


@runtime_checkable
class Model(Protocol):
    """A super-resolution model.

    A class that inherits from it gets :meth:`sample`; the rest is its own. Everything runs without gradients and must
    not depend on which samples were decoded before.

    Attributes
    ----------
    config:
        What the model is.
    device:
        Where its parameters are and where its tensors must be.
    halo:
        LR pixels of context that a tile needs on each side, so that its inner part equals the same part of the whole.
    exact_batches:
        Whether a sample has the same bytes whatever else :meth:`decode` decodes in the same call. Only then are several
        samples given to one call when files are made.
    """

    config: ModelConfig
    device: torch.device
    halo: int
    exact_batches: bool = False

    def condition(self, lr: Tensor) -> Conditioning:
        """Everything that depends on the LR alone, computed once for all samples.

        Parameters
        ----------
        lr:
            (1, 3, h, w) float32 in [0, 1], on :attr:`device`, of any size that the model can pad.

        Raises
        ------
        InputError
            If it has another shape, type or range.
        """
        ...

    def latent_shapes(self, height: int, width: int) -> tuple[LatentShape, ...]:
        """Shapes (C, H, W) of one image's latents for an LR of height × width, in encoding order.

        They are those after the model's own padding, each H and W in a fixed ratio to the padded LR's size. A
        deterministic model has none.
        """
        ...

    def decode(self, lr: Tensor | Conditioning, latents: Sequence[Tensor]) -> tuple[Tensor, Tensor | None]:
        """Pictures of given latents.

        Parameters
        ----------
        lr:
            An LR as :meth:`condition` takes it, or what :meth:`condition` returned.
        latents:
            Tensors (N, C, H, W) as :meth:`latent_shapes` says; an empty sequence for a deterministic model.

        Returns
        -------
        sr, logdet:
            (N, 3, h·scale, w·scale) float, not clamped, in the [0, 1] range of the LR (N = 1 for a deterministic
            model); and the log-determinants (N,), None where there are none.

        Raises
        ------
        InputError
            If the LR or the latents have other shapes.
        """
        ...

    def memory_estimate(self, height: int, width: int, n: int) -> int:
        """Upper bound of the bytes that :meth:`condition` and one :meth:`decode` need beside the parameters.

        For an LR of height × width and n samples decoded together; must not shrink when any of them grows.
        """
        ...

    def sample(
        self, lr: NDArray[np.uint8], n: int = 10, heat: float = 0.9, seed: int = 0, *, image: str = ""
    ) -> NDArray[np.uint8]:
        """n samples of one LR: (h, w, 3) uint8 -> (n, h·scale, w·scale, 3) uint8.

        See :func:`srspace_eval.models.sampling.samples.sample_array`, which this calls.
        """
        from srspace_eval.models.sampling.samples import sample_array

        return sample_array(self, lr, n=n, heat=heat, seed=seed, image=image)


@runtime_checkable
class Flow(Model, Protocol):
    """A model whose pictures have a likelihood: a conditional normalising flow."""

    def encode(self, lr: Tensor | Conditioning, hr: Tensor) -> tuple[list[Tensor], Tensor, Tensor]:
        """The latents of given pictures, the inverse of :meth:`Model.decode`.

        Parameters
        ----------
        lr:
            An LR as :meth:`Model.condition` takes it, or what :meth:`Model.condition` returned.
        hr:
            (N, 3, h·scale, w·scale) float32 in [0, 1].

        Returns
        -------
        latents, logdet, nll:
            The latents in encoding order; the log-determinants (N,); the exact negative log-likelihoods (N,) in bits
            per HR pixel, −(logdet + log N(z; 0, 1)) / (ln 2 · H·W).

        Raises
        ------
        InputError
            If the LR or the pictures have other shapes.
        """
        ...

    def encode_memory_estimate(self, height: int, width: int, n: int) -> int:
        """Upper bound of the bytes that one :meth:`encode` needs beside the parameters.

        For an LR of height × width and n pictures; must not shrink when any of them grows. Unless a flow says
        otherwise: what decoding needs.
        """
        return self.memory_estimate(height, width, n)
