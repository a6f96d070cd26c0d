"""One picture: what is drawn for it, and the LR that it gives."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from PIL import Image

from srspace_eval.degrade.blur import FloatArray, correlate, for_nearest, gaussian_kernel
from srspace_eval.degrade.kernel_pool import PoolKernel, read_kernel_pool
from srspace_eval.degrade.noise import add_gaussian, poisson
from srspace_eval.degrade.noise_pool import NoisePool, inject, read_noise_pool
from srspace_eval.degrade.options import DegradeOptions
from srspace_eval.degrade.randomness import Randomness
from srspace_eval.degrade.record import AppliedDegradation
from srspace_eval.degrade.scalers import downscale
from srspace_eval.errors import InputError

_EXACT = 2.0**20


@dataclass(frozen=True)
class Degradation:
    """Options with their pools, read once for many pictures.

    Attributes
    ----------
    options
        The options.
    kernels, noise
        The pools; empty or None where the options name none.

    Raises
    ------
    InputError, ProblemsError
        If a pool cannot be used.
    """

    options: DegradeOptions
    kernels: tuple[PoolKernel, ...] = field(init=False)
    noise: NoisePool | None = field(init=False)

    def __post_init__(self) -> None:
        options = self.options
        kernels, noise = options.kernel_pool, options.noise_pool
        read = [] if kernels is None else read_kernel_pool(kernels, options.scale, shift=options.shift)
        object.__setattr__(self, "kernels", tuple(read))
        object.__setattr__(self, "noise", None if noise is None else read_noise_pool(noise))

    def draw(self, image: str) -> AppliedDegradation:
        """What the seed and the image's name decide: kernel, scaler, noise, JPEG quality."""
        options, drawn = self.options, Randomness(self.options.seed, image)
        kernel = drawn.choose("kernel", options.kernels or ())
        scaler = drawn.choose("scaler", options.scalers or ())
        noise = drawn.choose("noise", options.noises or ())
        first = drawn.between("sigma", *options.sigma)
        sigma = {
            "gaussian": (first, first),
            "anisotropic": (first, drawn.between("second sigma", *options.sigma)),
        }.get(kernel)
        size = options.kernel_size
        pooled = drawn.choose("pool kernel", self.kernels) if kernel == "pool" else None
        return AppliedDegradation(
            kernel=kernel,
            scaler=scaler,
            noise=noise,
            # No pixel lies at the centre of an even cell, so that nearest needs a kernel with an even side.
            kernel_size=None if sigma is None else size + (scaler == "nearest" and options.scale % 2 == 0),
            sigma=sigma,
            angle=drawn.between("angle", *options.angle) if kernel == "anisotropic" else None,
            kernel_file=None if pooled is None else pooled.file,
            kernel_sha256=None if pooled is None else pooled.sha256,
            kernel_moved=None if pooled is None else pooled.moved,
            noise_sigma=drawn.between("noise sigma", *options.noise_sigma) if "gaussian" in noise else None,
            poisson_peak=drawn.between("poisson peak", *options.poisson_peak) if "poisson" in noise else None,
            jpeg=None if options.jpeg is None else drawn.whole("jpeg", *options.jpeg),
        )

    def degrade(self, pixels: npt.NDArray[np.uint8], image: str) -> tuple[npt.NDArray[np.uint8], AppliedDegradation]:
        """The LR of one picture; see :func:`degrade_image`."""
        applied = self.draw(image)
        scale = self.options.scale
        height, width = (side // scale * scale for side in pixels.shape[:2])
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or min(height, width) == 0:
            raise InputError(
                f"{image}: {pixels.dtype} {pixels.shape} given, uint8 (H, W, 3) with at least {scale} pixels a side "
                "is wanted"
            )
        drawn = Randomness(self.options.seed, image)
        lr = blur_and_downscale(
            pixels[:height, :width].astype(np.float64), scale, applied.scaler, self._kernel(applied)
        )
        if applied.poisson_peak is not None:
            lr = poisson(lr, applied.poisson_peak, drawn)
        if applied.noise_sigma is not None:
            lr = add_gaussian(lr, applied.noise_sigma, drawn)
        if applied.noise == "pool":
            assert self.noise is not None
            lr, patches = inject(lr, self.noise, drawn)
            applied = applied.with_patches(patches)
        return _jpeg(to_8_bits(lr), applied.jpeg), applied

    def _kernel(self, applied: AppliedDegradation) -> FloatArray | None:
        if applied.kernel == "none":
            return None
        if applied.kernel == "pool":
            return next(k.kernel for k in self.kernels if k.file == applied.kernel_file)
        assert applied.kernel_size is not None
        assert applied.sigma is not None
        kernel = gaussian_kernel(applied.kernel_size, applied.sigma, applied.angle or 0.0)
        return for_nearest(kernel, self.options.scale) if applied.scaler == "nearest" else kernel


def degrade_image(
    pixels: npt.NDArray[np.uint8], options: DegradeOptions, *, image: str
) -> tuple[npt.NDArray[np.uint8], AppliedDegradation]:
    """Make the LR of one picture, and say what was applied.

    Parameters
    ----------
    pixels
        uint8 (H, W, 3). It is cropped to a multiple of the scale; the top left corner is kept.
    options
        The degradation. Its pools are read again at each call.
    image
        The image's name. With the seed it determines everything that is drawn.

    Returns
    -------
    tuple[NDArray[np.uint8], AppliedDegradation]
        The LR, uint8 (H // scale, W // scale, 3), and what was applied.

    Raises
    ------
    InputError
        If the picture is not uint8 (H, W, 3) or too small, or a pool cannot be found.
    ProblemsError
        If a pool holds files that cannot be used.

    Examples
    --------
    >>> hr = np.full((64, 48, 3), 128, np.uint8)
    >>> lr, applied = degrade_image(hr, DegradeOptions(scale=4, noises=("none",)), image="0801")
    >>> lr.shape, int(lr.min()), int(lr.max()), applied.kernel
    ((16, 12, 3), 128, 128, 'gaussian')
    """
    return Degradation(options).degrade(pixels, image)


def blur_and_downscale(image: FloatArray, scale: int, scaler: str, kernel: FloatArray | None = None) -> FloatArray:
    """D(y ∗ k) in float64, without rounding: the content keeps its place.

    Parameters
    ----------
    image
        (H, W, C) float64; H and W are multiples of the scale.
    scale, scaler
        See :func:`srspace_eval.degrade.scalers.downscale`. ``"nearest"`` takes every ``scale``-th pixel of the blurred
        picture, from pixel 0, and computes no others.
    kernel
        For ``"nearest"``, its centre of mass is ``n // 2 + (scale - 1) / 2``, see
        :mod:`srspace_eval.degrade.kernel_pool`; for the other scalers ``n // 2``. None: no blur. ``nearest`` then takes
        pixel ``scale // 2`` of each cell. At even scales it lies half a pixel from the centre, and the content moves.

    Returns
    -------
    FloatArray
        (H / scale, W / scale, C) float64.

    Examples
    --------
    >>> ramp = np.arange(64.0).reshape(1, 64, 1).repeat(64, axis=0)
    >>> kernel = for_nearest(gaussian_kernel(8, (1.0, 1.0)), 4)
    >>> blur_and_downscale(ramp, 4, "nearest", kernel)[4, 4:8, 0].round(9).tolist()
    [17.5, 21.5, 25.5, 29.5]
    """
    shape = (image.shape[0] // scale, image.shape[1] // scale)
    if kernel is None:
        nearest = scaler == "nearest"
        return image[scale // 2 :: scale, scale // 2 :: scale].copy() if nearest else downscale(image, scale, scaler)
    first = (-(kernel.shape[0] // 2), -(kernel.shape[1] // 2))
    if scaler == "nearest":
        return correlate(image, kernel, first=first, stride=scale, shape=shape)
    return downscale(correlate(image, kernel, first=first, stride=1, shape=image.shape[:2]), scale, scaler)


def to_8_bits(image: FloatArray) -> npt.NDArray[np.uint8]:
    """Clip to 0 … 255 and round, halves to even.

    The last bits of exponentials and sines differ between machines. So numbers within 2^-21 of a half count as a half.

    >>> to_8_bits(np.array([-3.0, 0.5, 1.5 - 1e-12, 280.5])).tolist()
    [0, 0, 2, 255]
    """
    rounded: npt.NDArray[np.uint8] = np.rint(np.rint(image * _EXACT) / _EXACT).clip(0, 255).astype(np.uint8)
    return rounded


def _jpeg(pixels: npt.NDArray[np.uint8], quality: int | None) -> npt.NDArray[np.uint8]:
    """The pixels after JPEG, as Pillow writes and reads it: 4:2:0 chroma."""
    if quality is None:
        return pixels
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, format="JPEG", quality=quality, subsampling="4:2:0")
    with Image.open(file, formats=["JPEG"]) as picture:
        return np.array(picture)
