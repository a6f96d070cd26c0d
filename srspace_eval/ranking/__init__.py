"""A track's rule applied to entries: ranks, ties, the plateau, the fused final rank, intervals. Imports no torch."""

from srspace_eval.ranking.bootstrap import BootstrapPlan
from srspace_eval.ranking.model import Entry, Ranking, Row, Source
from srspace_eval.ranking.rule import default_columns, rank

__all__ = ["BootstrapPlan", "Entry", "Ranking", "Row", "Source", "default_columns", "rank"]
