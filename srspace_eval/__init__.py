"""Evaluation toolkit for learning the super-resolution space: the public API.

Every name below is public and stable; ``docs/reference/api.md`` describes each of them. A name is loaded on its first
use, so that ``import srspace_eval`` imports neither torch nor NumPy, and a leaderboard can be built without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from srspace_eval._version import __version__

# The same names twice: once for type checkers and editors, once for the lazy import. A test compares the two.
if TYPE_CHECKING:
    from srspace_eval.errors import CheckpointError as CheckpointError
    from srspace_eval.errors import ExecutorError as ExecutorError
    from srspace_eval.errors import ImageError as ImageError
    from srspace_eval.errors import InputError as InputError
    from srspace_eval.errors import Notice as Notice
    from srspace_eval.errors import ProblemsError as ProblemsError
    from srspace_eval.errors import RankingError as RankingError
    from srspace_eval.errors import ResultsError as ResultsError
    from srspace_eval.errors import SamplingError as SamplingError
    from srspace_eval.errors import SrspaceEvalError as SrspaceEvalError
    from srspace_eval.errors import StudyError as StudyError
    from srspace_eval.errors import SubmissionError as SubmissionError
    from srspace_eval.errors import TrackError as TrackError
    from srspace_eval.errors import WeightsError as WeightsError
    from srspace_eval.metrics.diversity.function import PatchPlan as PatchPlan
    from srspace_eval.metrics.diversity.function import PatchScore as PatchScore
    from srspace_eval.metrics.diversity.function import diversity_curve as diversity_curve
    from srspace_eval.metrics.diversity.function import diversity_score as diversity_score
    from srspace_eval.metrics.diversity.function import diversity_score_patches as diversity_score_patches
    from srspace_eval.metrics.lpips.function import lpips as lpips
    from srspace_eval.metrics.lpips.function import lpips_map as lpips_map
    from srspace_eval.metrics.psnr.function import lr_psnr as lr_psnr
    from srspace_eval.metrics.psnr.function import psnr as psnr
    from srspace_eval.metrics.resize import imresize as imresize
    from srspace_eval.metrics.ssim.function import ssim as ssim
    from srspace_eval.models import load_model as load_model

_NAMES = {
    "errors": (
        "CheckpointError",
        "ExecutorError",
        "ImageError",
        "InputError",
        "Notice",
        "ProblemsError",
        "RankingError",
        "ResultsError",
        "SamplingError",
        "SrspaceEvalError",
        "StudyError",
        "SubmissionError",
        "TrackError",
        "WeightsError",
    ),
    "metrics.diversity.function": (
        "PatchPlan",
        "PatchScore",
        "diversity_curve",
        "diversity_score",
        "diversity_score_patches",
    ),
    "metrics.lpips.function": ("lpips", "lpips_map"),
    "metrics.psnr.function": ("lr_psnr", "psnr"),
    "metrics.resize": ("imresize",),
    "metrics.ssim.function": ("ssim",),
    "models": ("load_model",),
}

_HOMES = {name: f"{__name__}.{module}" for module, names in _NAMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value  # later uses find it without this function
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
