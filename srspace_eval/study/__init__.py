"""The human study that gives the mean opinion rank (MOR) or the mean opinion score (MOS).

In: submissions, the GT, and raters' answers. Out: a folder for raters with its key, a server, and the MORs or MOS with
their intervals (:class:`StudyOutcome`, :class:`RatingOutcome`). Who may import it: the command line and notebooks. It
imports no torch.

The names below are loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from srspace_eval.study.collect import collect_ratings as collect_ratings
    from srspace_eval.study.collect import collect_study as collect_study
    from srspace_eval.study.create import StudyFolder as StudyFolder
    from srspace_eval.study.create import create_study as create_study
    from srspace_eval.study.key import Key as Key
    from srspace_eval.study.key import load_key as load_key
    from srspace_eval.study.opinion_scores import OpinionScores as OpinionScores
    from srspace_eval.study.opinion_scores import mean_opinion_scores as mean_opinion_scores
    from srspace_eval.study.options import CollectOptions as CollectOptions
    from srspace_eval.study.options import StudyOptions as StudyOptions
    from srspace_eval.study.outcome import StudyOutcome as StudyOutcome
    from srspace_eval.study.panel import RaterSummary as RaterSummary
    from srspace_eval.study.plan import PlanTarget as PlanTarget
    from srspace_eval.study.plan import RaterModel as RaterModel
    from srspace_eval.study.plan import StudyPlan as StudyPlan
    from srspace_eval.study.plan import plan_study as plan_study
    from srspace_eval.study.rating_outcome import RatingOutcome as RatingOutcome
    from srspace_eval.study.rating_plan import RatingModel as RatingModel
    from srspace_eval.study.rating_plan import RatingPlan as RatingPlan
    from srspace_eval.study.rating_plan import RatingTarget as RatingTarget
    from srspace_eval.study.rating_plan import plan_ratings as plan_ratings
    from srspace_eval.study.serve import StudyServer as StudyServer
    from srspace_eval.study.serve import serve_study as serve_study
    from srspace_eval.tracks.opinion_scale import OpinionScale as OpinionScale

_HOMES = {
    "CollectOptions": "options",
    "Key": "key",
    "OpinionScale": "opinion_scores",
    "OpinionScores": "opinion_scores",
    "PlanTarget": "plan",
    "RaterModel": "plan",
    "RaterSummary": "panel",
    "RatingModel": "rating_plan",
    "RatingOutcome": "rating_outcome",
    "RatingPlan": "rating_plan",
    "RatingTarget": "rating_plan",
    "StudyFolder": "create",
    "StudyOptions": "options",
    "StudyOutcome": "outcome",
    "StudyPlan": "plan",
    "StudyServer": "serve",
    "collect_ratings": "collect",
    "collect_study": "collect",
    "create_study": "create",
    "load_key": "key",
    "mean_opinion_scores": "opinion_scores",
    "plan_ratings": "rating_plan",
    "plan_study": "plan",
    "serve_study": "serve",
}

__all__ = [
    "CollectOptions",
    "Key",
    "OpinionScale",
    "OpinionScores",
    "PlanTarget",
    "RaterModel",
    "RaterSummary",
    "RatingModel",
    "RatingOutcome",
    "RatingPlan",
    "RatingTarget",
    "StudyFolder",
    "StudyOptions",
    "StudyOutcome",
    "StudyPlan",
    "StudyServer",
    "collect_ratings",
    "collect_study",
    "create_study",
    "load_key",
    "mean_opinion_scores",
    "plan_ratings",
    "plan_study",
    "serve_study",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
