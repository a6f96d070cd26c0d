"""The leaderboard: its columns, its order and its submission rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from srspace_eval.codabench.checks.findings import BundleCheck, whole

_RULES = {"Add", "Add_And_Delete", "Add_And_Delete_Multiple", "Force_Last", "Force_Latest_Multiple", "Force_Best"}


def check_leaderboard(found: BundleCheck, document: Mapping[str, Any]) -> None:
    """The first leaderboard; the platform uses no other."""
    boards = found.mappings(document, "leaderboards")
    if len(boards) > 1:
        found.trap("leaderboards: only the first is used")
    for board in boards[:1]:
        found.require_text(board, "title", 64, "leaderboard")
        found.require_text(board, "key", 36, "leaderboard")
        columns = found.mappings(board, "columns")
        indexes = [whole(column.get("index")) for column in columns]
        keys = [str(column.get("key")).strip() for column in columns]
        found.require_whole(board, "primary_index", "leaderboard", least=0)
        if "hidden" in board:
            found.require_switch(board, "hidden", "leaderboard")
        lists: tuple[tuple[Sequence[object], str], ...] = ((indexes, "index"), (keys, "key"))
        for values, what in lists:
            if len(set(values)) != len(values):
                found.refuse(f"leaderboard: two columns have one {what}")
        for column in columns:
            where = f"column {column.get('key')!r}"
            found.require_text(column, "key", 36, where)
            found.require_text(column, "title", 36, where)
            found.require_whole({"index": None, **column}, "index", where, least=0)
            if "hidden" in column:
                found.require_switch(column, "hidden", where)
            if column.get("sorting", "desc") not in ("asc", "desc"):
                found.refuse(f"{where}: sorting must be asc or desc")
            found.require_whole(column, "precision", where)
            if "computation" in column and not column.get("computation_indexes"):
                found.refuse(f"{where}: computation needs computation_indexes")
        rule = board.get("submission_rule", "Add")
        if str(rule) not in _RULES:
            found.refuse(f"leaderboard: submission_rule must be one of {', '.join(sorted(_RULES))}")
        elif str(rule).startswith("Add"):
            found.trap(f"leaderboard: submission_rule {rule}: a score shows only after its owner asks for it")
        if whole(board.get("primary_index", 0)) not in indexes:
            found.trap("leaderboard: no column has the primary index: the page fails")
