"""Columns that are well known and not measured by this package: their labels, digits and directions. Imports no torch.

Their values come from ``rank --table``, ``rank --values`` or the bridge to pyiqa. A track's own column, formula or
measure of the same id replaces the one here.
"""

from __future__ import annotations

from srspace_eval.metrics.base import MetricInfo

KNOWN_COLUMNS = (
    MetricInfo(
        "musiq", "MUSIQ", "", 4, "higher", "MUSIQ",
        "Learnt quality of the picture at several scales, about 0 to 100, without a reference.", per="method",
    ),
    MetricInfo(
        "maniqa", "MANIQA", "", 4, "higher", "MANIQA",
        "Learnt quality by attention, about 0 to 1, without a reference.", per="method",
    ),
    MetricInfo(
        "clipiqa", "CLIPIQA", "", 4, "higher", "CLIPIQA",
        "Likeness to a text about a good photograph by CLIP, 0 to 1, without a reference.", per="method",
    ),
    MetricInfo(
        "nrqm", "NRQM", "", 2, "higher", "NRQM",
        "Quality learnt from people's scores of super-resolved pictures (Ma et al. 2017), without a reference.",
        per="method",
    ),
    MetricInfo(
        "pi", "PI", "", 2, "lower", "PI", "Perceptual index: ((10 − NRQM) + NIQE) / 2, without a reference.",
        per="method",
    ),
    MetricInfo(
        "fid", "FID", "", 2, "lower", "FID",
        "Distance between the feature distributions of all pictures and of a set of real ones.", per="method",
    ),
)  # fmt: skip
