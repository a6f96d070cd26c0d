"""Recipes of the SRFlow paper with a flow's latents: content transfer, latent normalisation, a series of heats.

(Lugmayr et al., "SRFlow: Learning the Super-Resolution Space with Normalizing Flow", ECCV 2020, section 4.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from srspace_eval.errors import InputError, SamplingError
from srspace_eval.models.base import Flow, Model
from srspace_eval.models.lr_input import check_pixels, to_tensor
from srspace_eval.models.memory import default_memory_limit, out_of_memory_named
from srspace_eval.models.precision import inference
from srspace_eval.models.sampling.samples import NOT_FINITE, check_key, content_name, iterate_samples
from srspace_eval.models.sampling.settings import SampleRequest, SamplingSettings, check_heat
from srspace_eval.models.sampling.tiling import choose_tile_size

Pixels: TypeAlias = NDArray[np.uint8]
"""(H, W, 3) uint8."""

Scope: TypeAlias = Literal["latent", "channel"]
"""Over what statistics are taken: each whole latent, or each of its channels."""


def normalise_latents(latents: Sequence[Tensor], heat: float = 0.9, *, scope: Scope = "latent") -> list[Tensor]:
    """Give latents the mean 0 and the standard deviation τ, which drawn latents have.

    The latents of a picture that a flow would not draw, such as an edited one, have other statistics. Decoded as they
    are, they give artefacts.

    Parameters
    ----------
    latents
        Tensors (N, C, H, W) float, such as those of :meth:`~srspace_eval.models.base.Flow.encode`.
    heat
        τ, 0 or more.
    scope
        ``"latent"``: one mean and one deviation for each latent of a sample; ``"channel"``: for each of its channels.

    Returns
    -------
    list[Tensor]
        Tensors of the same shapes and types. A latent without variation becomes zeros; one that is not finite becomes
        NaN.

    Raises
    ------
    InputError
        If the heat or the scope is not one of those above, or a latent is not such a tensor.

    Examples
    --------
    >>> (z,) = normalise_latents([5 + 3 * torch.randn(1, 2, 50, 50)], 0.5)
    >>> round(float(z.std()), 3), abs(float(z.mean())) < 1e-6
    (0.5, True)
    """
    heat = check_heat(heat)
    if scope not in ("latent", "channel"):
        raise InputError(f"scope = {scope!r} is not 'latent' or 'channel'")
    axes = (2, 3) if scope == "channel" else (1, 2, 3)
    found = []
    for latent in latents:
        given: object = latent  # callers may pass anything
        if not isinstance(given, Tensor) or given.ndim != 4 or not given.is_floating_point():
            kind = f"{given.dtype} {tuple(given.shape)}" if isinstance(given, Tensor) else type(given).__name__
            raise InputError(f"a latent is a float tensor (N, C, H, W), not {kind}")
        centred = latent.double() - latent.double().mean(axes, keepdim=True)
        deviation = centred.square().mean(axes, keepdim=True).sqrt()
        scaled = torch.where(deviation == 0, torch.zeros_like(centred), heat * centred / deviation)
        found.append(scaled.to(latent.dtype))
    return found


def transfer_content(
    model: Flow,
    edited: Pixels,
    lr: Pixels,
    *,
    edited_lr: Pixels | None = None,
    heat: float | None = 0.9,
    scope: Scope = "latent",
) -> Pixels:
    """Harmonise an edited picture with an LR: encode it, normalise the latents, decode under the LR's conditioning.

    The content that was pasted into a picture takes the colours and the light that the LR asks for.

    Parameters
    ----------
    model
        A flow.
    edited
        (h·scale, w·scale, 3) uint8, the edited HR picture.
    lr
        (h, w, 3) uint8, the LR whose conditioning decodes.
    edited_lr
        (h, w, 3) uint8, the LR whose conditioning encodes; None: ``lr``.
    heat
        Standard deviation of the normalised latents; None: the latents are decoded as they are.
    scope
        See :func:`normalise_latents`.

    Returns
    -------
    Pixels
        (h·scale, w·scale, 3) uint8.

    Raises
    ------
    InputError
        If the model is not a flow, or a picture has another size or type.
    SamplingError
        If the result is not finite, or the memory runs out.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from srspace_eval import Flow, ModelConfig, transfer_content
    >>> class NearestFlow(Flow):
    ...     config = ModelConfig("nearest_x4", "nearest", scale=4)
    ...     device = torch.device("cpu")
    ...     halo = 0
    ...
    ...     def condition(self, lr):
    ...         return torch.nn.functional.interpolate(lr, scale_factor=4)
    ...
    ...     def latent_shapes(self, height, width):
    ...         return ((3, 4 * height, 4 * width),)
    ...
    ...     def decode(self, lr, latents):
    ...         return self.condition(lr) + latents[0], torch.zeros(len(latents[0]))
    ...
    ...     def encode(self, lr, hr):
    ...         z = hr - self.condition(lr)
    ...         density = torch.distributions.Normal(0, 1).log_prob(z).sum((1, 2, 3))
    ...         return [z], torch.zeros(len(z)), -density / (torch.log(torch.tensor(2.0)) * z[0, 0].numel())
    ...
    ...     def memory_estimate(self, height, width, n):
    ...         return (1 + n) * 2 * 3 * 4 * height * width * 16
    >>> edited = np.full((24, 20, 3), 128, np.uint8)
    >>> edited[8:12, 8:12] = 255
    >>> picture = transfer_content(NearestFlow(), edited, np.full((6, 5, 3), 128, np.uint8), heat=0.1)
    >>> picture.shape, bool(picture[10, 10, 0] > picture[0, 0, 0])
    ((24, 20, 3), True)
    """
    if not isinstance(model, Flow):
        raise InputError("the model has no encode: content is transferred with flows (SRFlow, SRFlow-DA, NCSR)")
    source = lr if edited_lr is None else edited_lr
    for name, picture in (("edited", edited), ("lr", lr), ("edited_lr", source)):
        check_pixels(picture, name)
    if source.shape != lr.shape:
        raise InputError(f"edited_lr is {source.shape[1]}×{source.shape[0]} pixels, lr {lr.shape[1]}×{lr.shape[0]}")
    with out_of_memory_named("edited", "use a smaller picture"), inference(model.device):
        latents, _, _ = model.encode(to_tensor(source, model.device), to_tensor(edited, model.device))
        if heat is not None:
            latents = normalise_latents(latents, heat, scope=scope)
        sr, _ = model.decode(to_tensor(lr, model.device), latents)
    if not bool(torch.isfinite(sr).all()):
        raise SamplingError(f"edited: {NOT_FINITE}")
    levels = sr[0].clamp(0, 1).mul(255)
    if model.config.quantize == "round":
        levels = levels.round()
    return np.ascontiguousarray(levels.to(torch.uint8).permute(1, 2, 0).cpu().numpy())


def heat_series(model: Model, lr: Pixels, heats: Sequence[float], *, seed: int = 0, image: str | None = None) -> Pixels:
    """One sample at several heats: the same latents, scaled, so that the pictures change smoothly with the heat.

    Parameters
    ----------
    model
        A stochastic model.
    lr
        (h, w, 3) uint8.
    heats
        Standard deviations of the latents, each 0 or more.
    seed, image
        They determine the latents, which are those of sample 0 of :meth:`~srspace_eval.models.base.Model.sample`. Its
        documentation explains ``image``.

    Returns
    -------
    Pixels
        (len(heats), h·scale, w·scale, 3) uint8.

    Raises
    ------
    InputError
        If the model is deterministic, there are no heats, or an argument has the wrong shape, type or range.
    SamplingError
        If pictures are not finite, or there is not enough memory.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from srspace_eval import Model, ModelConfig, heat_series
    >>> class NoisyNearest(Model):
    ...     config = ModelConfig("noisy_nearest_x4", "noisy_nearest", scale=4)
    ...     device = torch.device("cpu")
    ...     halo = 0
    ...
    ...     def condition(self, lr):
    ...         return torch.nn.functional.interpolate(lr, scale_factor=4)
    ...
    ...     def latent_shapes(self, height, width):
    ...         return ((3, 4 * height, 4 * width),)
    ...
    ...     def decode(self, lr, latents):
    ...         return lr + 0.02 * latents[0], None
    ...
    ...     def memory_estimate(self, height, width, n):
    ...         return (1 + n) * 2 * 3 * 4 * height * width * 16
    >>> pictures = heat_series(NoisyNearest(), np.full((6, 5, 3), 128, np.uint8), [0, 0.5, 1])
    >>> pictures.shape, [bool(picture.std() > 0) for picture in pictures]
    ((3, 24, 20, 3), [False, True, True])
    """
    if model.config.deterministic:
        raise InputError(f"{model.config.name} is deterministic: heat changes nothing")
    check_key(seed, image)
    given: object = heats  # callers may pass anything
    if isinstance(given, str) or not np.iterable(given):
        raise InputError(f"heats = {heats!r} is not a list of numbers")
    if not len(heats):
        raise InputError("heats is empty: give at least one")
    check_pixels(lr, image or "lr")
    image = content_name(lr) if image is None else image
    limit = default_memory_limit(model.device)
    tile_size = choose_tile_size(model, lr.shape[0], lr.shape[1], limit, image or "lr")
    settings = SamplingSettings(seed, model.config.quantize)
    requests = [SampleRequest(0, heat) for heat in dict.fromkeys(check_heat(heat) for heat in heats)]
    found = {
        request.heat: pixels
        for request, pixels in iterate_samples(model, lr, requests, image, settings, tile_size, limit)
    }
    lost = [f"heat {heat:g}" for heat, pixels in found.items() if pixels is None]
    if lost:
        raise SamplingError(f"{image or 'lr'}: {NOT_FINITE}", lost)
    return np.stack([pixels for heat in heats if (pixels := found[check_heat(heat)]) is not None])
