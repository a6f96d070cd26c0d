"""The outcome of a rating study: the mean opinion scores with their uncertainty, and the answers behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from srspace_eval.study.key import Key
from srspace_eval.study.opinion_scores import OpinionScores
from srspace_eval.study.options import CollectOptions
from srspace_eval.study.outcome import answers_document
from srspace_eval.study.rankings import Floats
from srspace_eval.study.screening import AcceptedAnswer, RejectedAnswer

if TYPE_CHECKING:
    import pandas as pd

RATING_RESULT_FORMAT = "srspace-eval/rating-result/1"


@dataclass(frozen=True)
class RatingOutcome:
    """The outcome of a rating study with K methods. Arrays are in the order of ``scores.methods``.

    Attributes
    ----------
    key, options
        What the answers were collected with.
    accepted, rejected
        The answers that count, and the others with the reasons.
    scores
        Mean opinion scores, plain and without the raters' biases, and the raters.
    shares
        (K, grades): share of a method's ratings (row) that have a grade (column).
    seconds
        Median time of a task.

    Examples
    --------
    :func:`srspace_eval.collect_ratings` makes one; its example shows how.
    """

    key: Key
    options: CollectOptions
    accepted: tuple[AcceptedAnswer, ...]
    rejected: tuple[RejectedAnswer, ...]
    scores: OpinionScores
    shares: Floats
    seconds: float

    def to_frame(self) -> pd.DataFrame:
        """The scores as a pandas DataFrame: one row per method, best first.

        Returns
        -------
        pandas.DataFrame
            The columns of :meth:`OpinionScores.to_frame`.
        """
        return self.scores.to_frame()

    def to_dict(self) -> dict[str, Any]:
        """The document that ``study collect --json`` prints. ``study.json`` holds it with the digests of the tables.

        Returns
        -------
        dict[str, Any]
            Values that JSON can hold. Among them ``study``, ``scale``, ``methods`` (MOS and intervals, best first),
            ``kendall_w``, ``raters``.
        """
        scores, scale = self.scores, self.key.rating_scale
        return {
            "format": RATING_RESULT_FORMAT,
            "study": self.key.study,
            "title": self.key.title,
            "scale": {"low": scale.low, "high": scale.high, "better": scale.better, "words": list(scale.words)},
            "ratings": int(scores.ratings.sum()),
            "pictures": {"kind": "image" if self.options.over == "images" else "crop", "count": scores.pictures},
            "level": scores.level,
            "methods": [
                {
                    "team": scores.methods[i],
                    "mos": float(scores.mos[i]),
                    "mos_interval": [float(scores.low[i]), float(scores.high[i])],
                    "unbiased": float(scores.unbiased[i]),
                    "unbiased_interval": [float(scores.unbiased_low[i]), float(scores.unbiased_high[i])],
                    "ratings": int(scores.ratings[i]),
                    "grade_shares": [float(share) for share in self.shares[i]],
                }
                for i in scores.order
            ],
            "kendall_w": scores.agreement,
            "raters": [
                {
                    "rater": rater.rater,
                    "ratings": rater.ratings,
                    "bias": rater.bias,
                    "inconsistency": rater.inconsistency,
                    "correlation": rater.correlation,
                    "outlying": list(rater.outlying),
                }
                for rater in scores.raters
            ],
            "seconds_per_task": self.seconds,
            **answers_document(self.key, self.accepted, self.rejected),
        }
