"""Scores on the platform: how it stores them, how it orders the leaderboard, and how it shows them."""

from __future__ import annotations

import decimal
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from srspace_eval.codabench.check import check_bundle
from srspace_eval.codabench.checks.findings import TRUE, whole
from srspace_eval.codabench.container import Place

_PLACES = decimal.Decimal("1e-10")
_DIGITS = decimal.Context(prec=20)


@dataclass(frozen=True)
class DryRun:
    """What became of one submission.

    Attributes
    ----------
    team
        Its owner.
    status
        As the platform shows it.
    reason
        Why it failed; empty if it did not.
    scores
        Column key -> number, as the platform stores it: with ten decimals.
    stderr
        What the participant reads in the scoring log.
    page
        The page of detailed results; empty: none.
    place
        Where the program ran: in a mount namespace, or in a temporary folder.

    Examples
    --------
    >>> DryRun("A", "Finished", "", {"psnr": 27.5}, "", "").scores["psnr"]
    27.5
    """

    team: str
    status: Literal["Finished", "Failed"]
    reason: str
    scores: dict[str, float]
    stderr: str
    page: str
    place: Place = "folder"


def leaderboard(board: dict[str, Any], runs: Sequence[DryRun]) -> list[str]:
    """The teams in the platform's order: primary column, then the other visible ones. n/a counts as the largest."""
    primary = whole(board.get("primary_index", 0))
    columns = sorted(_columns(board), key=lambda column: (column.index != primary, column.index))
    columns = [column for column in columns if column.index == primary or not column.hidden]

    def key(run: DryRun) -> list[float]:
        signs = [1.0 if column.lower_first else -1.0 for column in columns]
        return [sign * run.scores.get(c.key, math.inf) for sign, c in zip(signs, columns, strict=True)]

    last = {run.team: run for run in runs if run.status == "Finished"}
    return [run.team for run in sorted(last.values(), key=key)]


def shown_scores(bundle: Path | str, runs: Sequence[DryRun], order: Sequence[str]) -> list[str]:
    """The leaderboard's rows as the platform shows them: visible columns, rounded; n/a where there is no score."""
    columns = _columns(check_bundle(bundle).document["leaderboards"][0])
    visible = sorted((column for column in columns if not column.hidden), key=lambda column: column.index)
    scores = {run.team: run.scores for run in runs if run.status == "Finished"}
    rows = []
    for team in order:
        cells = []
        for column in visible:
            value = scores[team].get(column.key)
            text = "n/a" if value is None else str(round(value, column.precision))
            cells.append(f"{column.title}: {text}")
        rows.append(f"{team}: {', '.join(cells)}")
    return rows


@dataclass(frozen=True)
class _Column:
    key: str
    title: str
    index: int
    precision: int
    hidden: bool
    lower_first: bool


def _columns(board: dict[str, Any]) -> list[_Column]:
    """The columns of a leaderboard that the check took."""
    return [
        _Column(
            key=str(column["key"]).strip(),
            title=str(column.get("title", column["key"])),
            index=whole(column["index"]) or 0,
            precision=2 if (places := whole(column.get("precision", 2))) is None else places,
            hidden=str(column.get("hidden", False)).lower() in TRUE,
            lower_first=str(column.get("sorting", "desc")) == "asc",
        )
        for column in board["columns"]
    ]


def stored(value: float) -> float:
    """A number as the platform stores it: 20 digits, ten of them after the point, halves away from zero.

    Raises
    ------
    ValueError
        If it is not finite, or too large.

    Examples
    --------
    >>> stored(1 / 3)
    0.3333333333
    """
    number = _DIGITS.create_decimal(value)
    if not number.is_finite() or abs(number) >= 10**10:
        raise ValueError(f"{value}: the platform stores finite numbers below 1e10 only")
    with decimal.localcontext(decimal.Context(prec=60)):
        return float(number.quantize(_PLACES, rounding=decimal.ROUND_HALF_UP))
