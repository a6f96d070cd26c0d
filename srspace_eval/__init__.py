"""Evaluation toolkit for learning the super-resolution space.

The names below load on first use, so that leaderboards can be built where torch is not wanted.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from srspace_eval._version import __version__

if TYPE_CHECKING:
    from srspace_eval.metrics.diversity.function import diversity_score as diversity_score
    from srspace_eval.metrics.lpips.network import lpips_map as lpips_map
    from srspace_eval.metrics.resize import imresize as imresize
    from srspace_eval.models import load_model as load_model

_HOMES = {
    "diversity_score": "srspace_eval.metrics.diversity.function",
    "imresize": "srspace_eval.metrics.resize",
    "load_model": "srspace_eval.models",
    "lpips_map": "srspace_eval.metrics.lpips.network",
}

__all__ = ["__version__", "diversity_score", "imresize", "load_model", "lpips_map"]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
