"""The smallest picture that metrics can take, known before anything is measured."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from srspace_eval.metrics.diversity.function import PatchPlan
from srspace_eval.metrics.evaluator import LPIPS_METRICS
from srspace_eval.metrics.lpips.trunks import ARCHITECTURES
from srspace_eval.metrics.ssim.function import WINDOW


@dataclass(frozen=True)
class LeastSize:
    """``what`` needs pictures of at least ``side``×``side`` pixels; ``hint``: what to do with smaller ones."""

    what: str
    side: int
    hint: str


def least_sizes(metrics: Collection[str], net: str, patches: PatchPlan | None) -> list[LeastSize]:
    """What needs pictures of a least size.

    Parameters
    ----------
    metrics:
        Ids of :data:`srspace_eval.metrics.evaluator.MEASURED`.
    net:
        LPIPS's trunk.
    patches:
        The patches of ``diversity_patches``, if they are measured.

    Examples
    --------
    >>> [(least.what, least.side) for least in least_sizes({"ssim", "psnr"}, "alex", None)]
    [('ssim', 11)]
    """
    found = []
    if LPIPS_METRICS & set(metrics):
        found.append(LeastSize(f"LPIPS with the {net} trunk", ARCHITECTURES[net].smallest, "choose other --metrics"))
    if "ssim" in metrics:
        found.append(LeastSize("ssim", WINDOW, "choose other --metrics"))
    if patches is not None:
        found.append(LeastSize("diversity_patches", patches.size, "give a smaller --patch-size"))
    return found
