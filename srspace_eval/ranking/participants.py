"""Which entries are ranked with each other: published teams among themselves, or own entries. Imports no torch.

Published numbers are of other images, programs and studies than those measured here. A ranking of both would change the
published ranks, and would say nothing about the own method.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from srspace_eval.ranking.model import Entry
from srspace_eval.tracks.model import RankingRule

ONLY_PUBLISHED = "only the teams of the published table are ranked"
"""Why an own row has no ranks where a published table's teams compete."""


@dataclass(frozen=True)
class Participants:
    """Indices of entries.

    Attributes
    ----------
    able
        Those that are ranked if they are eligible.
    apart
        Those that would be ranked if the published entries, or the own ones, were not there.
    published_alone
        Whether the teams of a published table are ranked, and the own entries are therefore apart.
    mixed
        Whether published teams are ranked together with others.
    """

    able: tuple[int, ...]
    apart: frozenset[int] = frozenset()
    published_alone: bool = False
    mixed: bool = False


def find_participants(
    entries: Sequence[Entry], left_out: Collection[int], rule: RankingRule, *, together: bool = False
) -> Participants:
    """Who is ranked. If published teams compete, they alone; else the own entries alone.

    Parameters
    ----------
    left_out
        Indices of the entries that were measured with other settings.
    together
        Rank published and own entries together.
    """
    able = [i for i, entry in enumerate(entries) if not entry.incomplete and i not in left_out]
    able = [i for i in able if entries[i].competes and (entries[i].kind == "team" or rule.baselines_ranked)]
    published = {i for i in able if entries[i].origin == "published"}
    own = set(able) - published
    teams = any(entries[i].kind == "team" for i in published)
    if together or not published or not own:
        return Participants(tuple(able), mixed=bool(teams and own))
    apart = own if teams else published
    return Participants(tuple(i for i in able if i not in apart), frozenset(apart), published_alone=teams)
