"""The mean opinion rank, declared: a column of people's opinion that no program measures. Imports no torch."""

from __future__ import annotations

from srspace_eval.metrics.base import MetricInfo

MOR = MetricInfo(
    "mor", "MOR", "", 3, "lower", r"MOR", "Mean opinion rank: people's mean rank of the method by photo-realism.",
    per="method", least=1,
)  # fmt: skip
