"""What each metric is called, its unit, digits and direction, declared once. Imports no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Direction = Literal["lower", "higher"]

MEASURABLE = ("lpips", "lr_psnr", "diversity", "diversity_mse", "diversity_patches", "psnr", "ssim")
"""Ids that ``score --metrics`` and a track's ``metrics`` may name; others of :data:`METRICS` come with them."""


@dataclass(frozen=True)
class MetricInfo:
    """One metric as tables show it.

    Attributes
    ----------
    id:
        Name in JSON, CSV and ``--metrics``.
    label:
        Name in tables.
    unit:
        ``"dB"``, ``"%"`` or empty.
    digits:
        Decimals shown in tables; files keep full precision.
    direction:
        Whether ``"lower"`` or ``"higher"`` values are better.
    tex:
        The label in LaTeX.
    description:
        One sentence for legends and tooltips.
    """

    id: str
    label: str
    unit: str
    digits: int
    direction: Direction
    tex: str
    description: str

    @property
    def arrow(self) -> str:
        """``"↓"`` where lower is better, ``"↑"`` where higher is."""
        return "↓" if self.direction == "lower" else "↑"

    def format(self, value: float | None) -> str:
        """The value as tables show it: ``"–"`` if there is none, ``"∞"`` if it is infinite.

        >>> METRICS["lr_psnr"].format(50.456)
        '50.46'
        """
        if value is None or math.isnan(value):
            return "–"
        if math.isinf(value):
            return "∞" if value > 0 else "−∞"
        return f"{value:.{self.digits}f}"

    def better(self, a: float, b: float) -> bool:
        """Whether ``a`` is strictly better than ``b``."""
        return a < b if self.direction == "lower" else a > b


def _table(*rows: MetricInfo) -> dict[str, MetricInfo]:
    return {row.id: row for row in rows}


METRICS: dict[str, MetricInfo] = _table(
    MetricInfo(
        "lpips",
        "LPIPS",
        "",
        3,
        "lower",
        r"LPIPS",
        "Perceptual distance to the GT: mean of the spatial LPIPS v0.1 map, mean over samples.",
    ),
    MetricInfo(
        "lpips_global_best",
        "LPIPS global best",
        "",
        3,
        "lower",
        r"LPIPS\textsubscript{global}",
        "Smallest LPIPS of any one sample.",
    ),
    MetricInfo(
        "lpips_local_best",
        "LPIPS local best",
        "",
        3,
        "lower",
        r"LPIPS\textsubscript{local}",
        "Mean over the image of the pixel-wise smallest LPIPS of any sample.",
    ),
    MetricInfo(
        "lr_psnr",
        "LR-PSNR",
        "dB",
        2,
        "higher",
        r"LR-PSNR",
        "PSNR between the downscaled sample and the LR, mean over samples.",
    ),
    MetricInfo(
        "lr_psnr_worst",
        "LR-PSNR worst",
        "dB",
        2,
        "higher",
        r"LR-PSNR\textsubscript{worst}",
        "PSNR between the downscaled sample and the LR, worst sample of each image.",
    ),
    MetricInfo(
        "diversity",
        "S_M",
        "%",
        3,
        "higher",
        r"$S_{M}$",
        "Diversity score with spatial LPIPS: how much the pixel-wise best of M samples gains on the best.",
    ),
    MetricInfo(
        "diversity_mse",
        "S_M (MSE)",
        "%",
        3,
        "higher",
        r"$S_{M}^{\mathrm{MSE}}$",
        "Diversity score with the squared error, box-filtered 16×16.",
    ),
    MetricInfo(
        "diversity_patches",
        "S_M (patches)",
        "%",
        3,
        "higher",
        r"$S_{M}^{\mathrm{patch}}$",
        "Diversity score over K random N×N patches, as the paper writes it.",
    ),
    MetricInfo(
        "psnr", "HR-PSNR", "dB", 2, "higher", r"PSNR", "PSNR between the sample and the GT over RGB, mean over samples."
    ),
    MetricInfo("ssim", "SSIM", "", 4, "higher", r"SSIM", "Structural similarity to the GT, mean over samples."),
    MetricInfo(
        "mor", "MOR", "", 3, "lower", r"MOR", "Mean opinion rank: people's mean rank of the method by photo-realism."
    ),
)
