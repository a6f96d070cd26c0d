"""The options of a degradation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srspace_eval._utils.whole_numbers import is_whole
from srspace_eval.degrade.noise import HIGHEST_PEAK
from srspace_eval.degrade.scalers import SCALERS
from srspace_eval.errors import InputError

KERNELS = ("none", "gaussian", "anisotropic", "pool")
"""Kinds of blur kernels."""
NOISES = ("none", "gaussian", "poisson", "gaussian+poisson", "pool")
"""Kinds of noise."""

_LARGEST_KERNEL = 255


@dataclass(frozen=True)
class DegradeOptions:
    """What an LR is made with: x = N(D(y ∗ k)), clipped, rounded to 8 bits once, then JPEG if wanted.

    Where several kinds or a range are given, each image draws its own, uniformly. The defaults are the generic
    degradation of the team Samsung-SLSI-MSL in the NTIRE 2020 real-world challenge.

    Attributes
    ----------
    scale
        4 makes LRs a quarter as wide and high.
    kernels
        Kinds of :data:`KERNELS` to draw from; None: ``("pool",)`` if there is a pool, else ``("gaussian",)``.
        ``"gaussian"`` has one σ, ``"anisotropic"`` has two and an angle.
    kernel_size
        Side of the Gaussian kernels in pixels, odd. One more with ``nearest`` at an even scale, so that the kernel's
        centre can be that of the cell.
    sigma
        Range of σ in HR pixels.
    angle
        Range of the angle in degrees.
    kernel_pool
        Folder of ``.mat`` or ``.npy`` kernels. A kernel of a pool holds the whole downscaling, so that it is sampled
        by ``nearest``.
    shift
        Move pool kernels that are off their centre; if False, they are refused.
    scalers
        Scalers of :data:`srspace_eval.degrade.scalers.SCALERS` to draw from; None: ``("nearest",)`` with a pool of
        kernels, else all.
    noises
        Kinds of :data:`NOISES` to draw from; None: ``("pool",)`` if there is a pool, else Gaussian, Poisson, both.
    noise_sigma
        Range of the Gaussian noise's standard deviation in 8-bit levels.
    poisson_peak
        Range of the mean count of white, see :func:`srspace_eval.degrade.noise.poisson`.
    noise_pool
        Folder of PNG patches, see :func:`srspace_eval.collect_noise_pool`.
    jpeg
        Range of the JPEG quality, whole numbers from 1 to 100; None: no JPEG.
    seed
        Any integer. The seed and the image's name determine everything that is drawn.

    Raises
    ------
    InputError
        If an option is unknown or out of its range; all faults are listed.

    Examples
    --------
    >>> DegradeOptions(scalers=("bicubic",), noises=("none",)).kernels
    ('gaussian',)
    >>> DegradeOptions(kernel_size=4)
    Traceback (most recent call last):
    srspace_eval.errors.InputError: kernel_size 4: an odd number from 1 to 255 is wanted
    """

    scale: int = 4
    kernels: tuple[str, ...] | None = None
    kernel_size: int = 15
    sigma: tuple[float, float] = (0.2, 3.0)
    angle: tuple[float, float] = (0.0, 180.0)
    kernel_pool: Path | str | None = None
    shift: bool = False
    scalers: tuple[str, ...] | None = None
    noises: tuple[str, ...] | None = None
    noise_sigma: tuple[float, float] = (0.0, 5.0)
    poisson_peak: tuple[float, float] = (50.0, 150.0)
    noise_pool: Path | str | None = None
    jpeg: tuple[int, int] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        pool, noise = self.kernel_pool is not None, self.noise_pool is not None
        defaults: dict[str, tuple[str, ...]] = {
            "kernels": ("pool",) if pool else ("gaussian",),
            "scalers": ("nearest",) if pool or self.kernels == ("pool",) else SCALERS,
            "noises": ("pool",) if noise else ("gaussian", "poisson", "gaussian+poisson"),
        }
        for name, value in defaults.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        if faults := self._faults():
            raise InputError("; ".join(faults))

    def _faults(self) -> list[str]:
        kernels, scalers, noises = self.kernels or (), self.scalers or (), self.noises or ()
        faults = [
            f"{what} {', '.join(given) or '(none given)'}: choose from {', '.join(known)}, each once"
            for what, given, known in (
                ("kernels", kernels, KERNELS),
                ("scalers", scalers, SCALERS),
                ("noises", noises, NOISES),
            )
            if not given or len(set(given)) < len(given) or not set(given) <= set(known)
        ]
        if not is_whole(self.scale, 1, 64):
            faults.append(f"scale {self.scale!r}: a whole number from 1 to 64 is wanted")
        if not (is_whole(self.kernel_size, 1, _LARGEST_KERNEL) and self.kernel_size % 2):
            faults.append(f"kernel_size {self.kernel_size!r}: an odd number from 1 to {_LARGEST_KERNEL} is wanted")
        ranges: list[tuple[str, tuple[float, float], float, float]] = [
            ("sigma", self.sigma, 1e-3, 1e3),
            ("angle", self.angle, -360.0, 360.0),
            ("noise_sigma", self.noise_sigma, 0.0, 255.0),
            ("poisson_peak", self.poisson_peak, 1e-3, HIGHEST_PEAK),
        ]
        if self.jpeg is not None:
            ranges.append(("jpeg", self.jpeg, 1, 100))
        for name, (low, high), least, most in ranges:
            if not (math.isfinite(low) and math.isfinite(high) and least <= low <= high <= most):
                faults.append(f"{name} {low:g} to {high:g}: a range within {least:g} to {most:g} is wanted")
        for what, kinds, folder in (("kernel", kernels, self.kernel_pool), ("noise", noises, self.noise_pool)):
            if ("pool" in kinds) != (folder is not None):
                faults.append(
                    f"{what} pool {folder}: the kind pool is not among the {what}s; add it, or leave the pool out"
                    if folder is not None
                    else f"{what} pool: give the folder of the pool"
                )
        if "pool" in kernels and scalers != ("nearest",):
            faults.append(
                f"scalers {', '.join(scalers)}: kernels of a pool hold the whole downscaling; only nearest fits them"
            )
        return faults

    def to_dict(self) -> dict[str, Any]:
        """The settings as the record keeps them: without paths, because the same work must give the same bytes.

        Returns
        -------
        dict[str, Any]
            Values that JSON can hold. The keys are the options.
        """
        document: dict[str, Any] = {
            "scale": self.scale,
            "seed": self.seed,
            "kernels": list(self.kernels or ()),
            "scalers": list(self.scalers or ()),
            "noises": list(self.noises or ()),
            "jpeg": None if self.jpeg is None else list(self.jpeg),
        }
        kernels, noises = document["kernels"], " ".join(document["noises"])
        if "gaussian" in kernels or "anisotropic" in kernels:
            document |= {"kernel_size": self.kernel_size, "sigma": [float(s) for s in self.sigma]}
        if "anisotropic" in kernels:
            document["angle"] = [float(a) for a in self.angle]
        if "pool" in kernels:
            document["shift"] = self.shift
        if "gaussian" in noises:
            document["noise_sigma"] = [float(s) for s in self.noise_sigma]
        if "poisson" in noises:
            document["poisson_peak"] = [float(p) for p in self.poisson_peak]
        return document
