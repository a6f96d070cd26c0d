"""The outcome of a study: the mean opinion ranks with their uncertainty, and the answers behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from srspace_eval.study.answers import Screen
from srspace_eval.study.intervals import MorIntervals
from srspace_eval.study.key import Key
from srspace_eval.study.options import CollectOptions
from srspace_eval.study.rankings import Floats, Rankings
from srspace_eval.study.screening import AcceptedAnswer, RejectedAnswer, short_path
from srspace_eval.study.statistics import Agreement, Friedman, Pair

if TYPE_CHECKING:
    import pandas as pd

RESULT_FORMAT = "srspace-eval/study-result/1"


@dataclass(frozen=True)
class StudyOutcome:
    """The outcome of a study with K methods. Arrays are in the order of ``rankings.methods``.

    Attributes
    ----------
    key, options
        What the answers were collected with.
    accepted, rejected
        The answers that count, and the others with the reasons.
    rankings
        All rankings that count.
    mor, intervals
        Mean opinion ranks, (K,), and their intervals.
    agreement, friedman, pairs
        Kendall's W, Friedman's test, and the comparison of all pairs of methods.
    shares
        (K, K): share of the rankings in which a method (row) has a rank (column). A tie counts in equal parts.
    seconds
        Median time of a task.

    Examples
    --------
    :func:`srspace_eval.collect_study` makes one; its example shows how.
    """

    key: Key
    options: CollectOptions
    accepted: tuple[AcceptedAnswer, ...]
    rejected: tuple[RejectedAnswer, ...]
    rankings: Rankings
    mor: Floats
    intervals: MorIntervals
    agreement: Agreement
    friedman: Friedman
    pairs: tuple[Pair, ...]
    shares: Floats
    seconds: float

    @property
    def order(self) -> list[int]:
        """Indices of the methods, from the best MOR to the worst."""
        return [int(i) for i in np.argsort(self.mor, kind="stable")]

    def to_frame(self) -> pd.DataFrame:
        """The ranks as a pandas DataFrame: one row per method, best first.

        Returns
        -------
        pandas.DataFrame
            Columns: ``team`` (text); ``mor``, ``mor_low``, ``mor_high`` (float64); ``rank``, ``rank_low``,
            ``rank_high``; and ``n``, the number of rankings.
        """
        import pandas as pd

        intervals, order = self.intervals, self.order
        frame: pd.DataFrame = pd.DataFrame(
            {
                "team": [self.rankings.methods[i] for i in order],
                "mor": self.mor[order],
                "mor_low": intervals.low[order],
                "mor_high": intervals.high[order],
                "rank": intervals.rank[order],
                "rank_low": intervals.rank_low[order],
                "rank_high": intervals.rank_high[order],
                "n": len(self.rankings.ranks),
            }
        )
        return frame

    def to_dict(self) -> dict[str, Any]:
        """The document that ``study collect --json`` prints. ``study.json`` holds it with the digests of the tables.

        Returns
        -------
        dict[str, Any]
            Values that JSON can hold. Among them ``study``, ``methods`` (MOR and intervals, best first), ``kendall_w``,
            ``friedman``, ``pairs``.
        """
        names, intervals = self.rankings.methods, self.intervals
        return {
            "format": RESULT_FORMAT,
            "study": self.key.study,
            "title": self.key.title,
            "rankings": len(self.rankings.ranks),
            "raters": self.rankings.raters,
            "units": {"kind": "image" if self.options.over == "images" else "crop", "count": self.rankings.units},
            "level": self.options.level,
            "methods": [
                {
                    "team": names[i],
                    "mor": float(self.mor[i]),
                    "mor_interval": [float(intervals.low[i]), float(intervals.high[i])],
                    "rank": float(intervals.rank[i]),
                    "rank_interval": [float(intervals.rank_low[i]), float(intervals.rank_high[i])],
                    "rank_shares": [float(share) for share in self.shares[i]],
                }
                for i in self.order
            ],
            "kendall_w": {"raters": self.agreement.overall, "crops": self.agreement.crops},
            "friedman": {
                "chi2": self.friedman.chi2,
                "df": self.friedman.df,
                "p": self.friedman.p,
                "blocks": self.friedman.blocks,
            },
            "pairs": [
                {
                    "first": names[pair.first],
                    "second": names[pair.second],
                    "difference": pair.difference,
                    "interval": [pair.low, pair.high],
                    "p": pair.p,
                    "p_holm": pair.p_holm,
                }
                for pair in self.pairs
            ],
            "seconds_per_task": self.seconds,
            **answers_document(self.key, self.accepted, self.rejected),
        }


def answers_document(
    key: Key, accepted: Sequence[AcceptedAnswer], rejected: Sequence[RejectedAnswer]
) -> dict[str, list[dict[str, Any]]]:
    """The answers in ``study.json``. Answers of version 0.1.0 tell no screens."""
    return {
        "accepted": [
            {
                "file": short_path(a.file),
                "rater": a.answer.rater,
                "tasks": len(a.answer.given),
                "of": len(key.raters[a.answer.rater].tasks),
                "agreement_with_itself": a.agreement,
                **({"screens": [_screen(screen, key) for screen in a.answer.screens]} if a.answer.screens else {}),
            }
            for a in accepted
        ],
        "rejected": [r.published for r in rejected],
    }


def _screen(screen: Screen, key: Key) -> dict[str, Any]:
    """A screen, and whether it showed the crops as large as the study says (:attr:`StudyOptions.zoom`)."""
    return {**msgspec.structs.asdict(screen), "as_planned": screen.as_planned(key)}
