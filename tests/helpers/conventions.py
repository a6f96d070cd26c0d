"""The conventions of PSNR, SSIM and MSE whose official values are kept, as functions with options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from srspace_eval.metrics.psnr.function import mse, psnr
from srspace_eval.metrics.ssim.function import ssim

DB, SSIM, MSE, FLOAT32_DB = 1e-9, 1e-12, 1e-9, 2e-6
HALVES = 1e-4
"""Half an 8-bit step goes to the even number in NumPy and upwards in MATLAB and here; few pixels meet it."""

FAINT = {"small_one_bit.png": 5e-5, "flat_red1.png": 1e-4}
"""Pairs that differ by one step of one channel: Y in float32 is itself that far from exact arithmetic, in dB."""

# Convention -> the function, its options, the multiple that the program crops to beside the scale, and the tolerance.
# "scale" as the border is the pair's scale.
RGB: dict[str, Any] = {"channel": "rgb"}
Y: dict[str, Any] = {"channel": "y"}
Y8: dict[str, Any] = {"channel": "y8"}
CONVENTIONS: dict[str, tuple[Callable[..., Any], dict[str, Any], int, float]] = {
    "ntire2026_psnr": (psnr, {**Y, "border": 4}, 4, FLOAT32_DB),
    "ntire2026_ssim": (ssim, {**Y, "border": 4}, 4, FLOAT32_DB),  # Y in float32
    "esr_psnr_rgb_b4": (psnr, {**RGB, "border": 4}, 4, DB),
    "esr_ssim_rgb_b4": (ssim, {**RGB, "border": 4}, 4, SSIM),
    "esr_psnr_y8_b4": (psnr, {**Y8, "border": 4}, 4, HALVES),
    "esr_ssim_y8_b4": (ssim, {**Y8, "border": 4}, 4, HALVES),
    "exact_psnr_y8_b4": (psnr, {**Y8, "border": 4}, 4, DB),
    "pirm_mse_y8_b4": (mse, {**Y8, "border": 4}, 1, MSE),
    "ntire2017_psnr": (psnr, {**RGB, "border": "6 + scale"}, 1, DB),
    "ntire2017_ssim": (ssim, {**RGB, "border": "6 + scale"}, 1, SSIM),
    "rtsr_psnr_rgb": (psnr, RGB, 1, DB),
    "rtsr_ssim_rgb": (ssim, RGB, 1, SSIM),
    "skimage_ssim_default": (ssim, {"window": "uniform"}, 1, SSIM),
    "skimage_ssim_gauss": (ssim, {}, 1, SSIM),
}
for _border, _name in ((0, "b0"), ("scale", "bs"), (4, "b4")):
    CONVENTIONS |= {
        f"exact_psnr_y_{_name}": (psnr, {**Y, "border": _border}, 1, DB),
        f"exact_ssim_y_{_name}": (ssim, {**Y, "border": _border}, 1, SSIM),
        f"exact_ssim_rgb_{_name}": (ssim, {**RGB, "border": _border}, 1, SSIM),
        f"basicsr_psnr_rgb_{_name}": (psnr, {**RGB, "border": _border}, 1, DB),
        f"basicsr_ssim_rgb_{_name}": (ssim, {**RGB, "border": _border}, 1, SSIM),
        f"basicsr_psnr_y_{_name}": (psnr, {**Y, "border": _border}, 1, FLOAT32_DB),  # Y in float32
        f"basicsr_ssim_y_{_name}": (ssim, {**Y, "border": _border}, 1, FLOAT32_DB),
    }
