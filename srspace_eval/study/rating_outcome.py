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
    key, options:
        What the answers were collected with.
    accepted, rejected:
        The answers that count, and the others with the reasons.
    scores:
        Mean opinion scores, plain and without the raters' biases, and the raters.
    shares:
        (K, grades): share of a method's ratings (row) that have a grade (column).
    seconds:
        Median time of a task.

    Examples
    --------
    >>> import json
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from srspace_eval import StudyOptions, collect_ratings, create_study, write_png
    >>> picture = np.random.default_rng(0).integers(0, 100, (64, 64, 3), dtype=np.uint8)
    >>> for name, step in (("gt", 0), ("teamA", 50), ("teamB", 100)):
    ...     Path(name).mkdir()
    ...     write_png(Path(name, "0801.png" if name == "gt" else "000000_sample00000.png"), picture + np.uint8(step))
    >>> options = StudyOptions(task="rate", size=16, crops=2, raters=2)
    >>> study = create_study(["teamA", "teamB"], "gt", "study", track="x4", options=options, secret=bytes(32))
    >>> Path("answers").mkdir()
    >>> for rater in study.key.raters.values():
    ...     tasks = [study.key.tasks[task] for task in rater.tasks]
    ...     given = [{"task": task.id, "rating": 5 - 2 * task.holds[0], "seconds": 9} for task in tasks]
    ...     answer = {"format": "srspace-eval/answer/1", "study": study.key.study, "rater": rater.id,
    ...               "token": rater.token, "started": None, "finished": None, "answers": given}
    ...     size = Path("answers", rater.id + ".json").write_text(json.dumps(answer))
    >>> outcome = collect_ratings("answers", study.key)
    >>> len(outcome.accepted), dict(sorted(zip(outcome.scores.methods, outcome.scores.mos.tolist())))
    (2, {'teamA': 5.0, 'teamB': 3.0})
    """

    key: Key
    options: CollectOptions
    accepted: tuple[AcceptedAnswer, ...]
    rejected: tuple[RejectedAnswer, ...]
    scores: OpinionScores
    shares: Floats
    seconds: float

    def to_frame(self) -> pd.DataFrame:
        """A row a method, best first: :meth:`OpinionScores.to_frame`."""
        return self.scores.to_frame()

    def to_dict(self) -> dict[str, Any]:
        """The document that ``study.json`` holds and ``study collect --json`` prints."""
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
