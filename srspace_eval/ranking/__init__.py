"""A track's rule applied to entries.

In: results of a board, a user's table, published tables, a study's mean opinion ranks, as entries; a track.
Out: a :class:`Ranking`: rows with ranks, the final rank, intervals, and what cannot be told apart.
May be imported by ``report``, ``study`` and ``cli``. Imports no torch.
"""

from srspace_eval.ranking.bootstrap import BootstrapPlan
from srspace_eval.ranking.columns import default_columns
from srspace_eval.ranking.leaderboard import rank
from srspace_eval.ranking.model import Entry, Origin, Ranking, Row
from srspace_eval.ranking.rule import apply_rule

__all__ = ["BootstrapPlan", "Entry", "Origin", "Ranking", "Row", "apply_rule", "default_columns", "rank"]
