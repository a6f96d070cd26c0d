"""What tests measure: every metric, or some, of one image's samples."""

from __future__ import annotations

from collections.abc import Collection

from srspace_eval.metrics.diversity.function import PatchPlan
from srspace_eval.metrics.evaluator import EvaluatorConfig
from srspace_eval.metrics.registry import bind, metrics

MEASURED = frozenset(name for name, metric in metrics().items() if metric.needs.gt or metric.needs.lr) - {
    "mse",
    "dists",
}
"""Every built-in metric that compares with the GT; ``mse`` is also a value of ``diversity_mse``."""


def evaluator_config(wanted: Collection[str], scale: int, patches: PatchPlan | None = None) -> EvaluatorConfig:
    """Metrics by name, with the patches of those that need them."""
    plan = [] if patches is None else [{"patches": patches.patches, "size": patches.size, "seed": patches.seed or 0}]
    return EvaluatorConfig(bind(sorted(wanted), defaults=plan), scale)
