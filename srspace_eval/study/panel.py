"""Raters of a panel: their biases and inconsistencies, and who is outlying."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from srspace_eval._utils.notices import notify
from srspace_eval.study.rankings import Floats, Ints

OUTLYING = 3.5
"""Modified z score beyond which a rater is named (Iglewicz & Hoaglin, "How to detect and handle outliers", 1993)."""
FEWEST_FOR_OUTLIERS = 5
"""With fewer raters nobody is named: there is no spread to compare with."""

_ROUNDS = 1000
_CONVERGED = 1e-10
_UNFINISHED = 1e-8  # in steps of the scale; changes by rounding are smaller


@dataclass(frozen=True)
class RaterSummary:
    """One rater of a panel.

    Attributes
    ----------
    rater, ratings
        The name, and the number of ratings.
    bias
        By how much the rater's scores are higher than the panel's, in the scale's units. The panel's mean bias is 0.
    inconsistency
        Standard deviation of the scores around what the model expects of this rater.
    correlation
        Pearson's correlation of the scores with the mean scores of the other raters for the same stimuli. NaN: constant
        scores, or no other raters.
    outlying
        Why the rater is named; empty for most. Nobody is left out because of it.

    Examples
    --------
    >>> from srspace_eval import mean_opinion_scores
    >>> scores = mean_opinion_scores(["a", "a", "b", "b"], ["0801"] * 4, ["Ann", "Bob"] * 2, [4, 5, 2, 3])
    >>> [(rater.rater, rater.ratings, rater.bias) for rater in scores.raters]
    [('Ann', 2, -0.5), ('Bob', 2, 0.5)]
    """

    rater: str
    ratings: int
    bias: float
    inconsistency: float
    correlation: float
    outlying: tuple[str, ...]


@dataclass(frozen=True)
class BiasModel:
    """Scores explained by stimuli and raters: score = quality(stimulus) + bias(rater) + noise(rater).

    Attributes
    ----------
    quality
        (stimuli,).
    bias, inconsistency
        (raters,): mean 0, and standard deviation of the noise.
    weight
        (raters,): how much a rater's scores count in the qualities.
    """

    quality: Floats
    bias: Floats
    inconsistency: Floats
    weight: Floats


def fit_bias_model(score: Floats, rater: Ints, stimulus: Ints, step: float = 1.0) -> BiasModel:
    """Fit the model of ITU-T P.910 by alternating projection.

    The steps are repeated until no quality changes: the bias of a rater is the mean difference of the scores from the
    qualities; the inconsistency is the standard deviation of what remains; a quality is the mean of its scores without
    bias, weighted by 1 / inconsistency² (Li, Bampis, Krasula, Janowski & Katsavounidis, "A simple model for subject
    behavior in subjective experiments", 2020).

    In a weight, an inconsistency counts as at least the panel's median. So no rater weighs more than the more
    consistent half of the panel. Without this bound one rater, or a few who agree beforehand, would pull the qualities
    to their own scores, seem consistent, and get nearly all the weight. It also counts as at least step / √12, the
    error of a rounded score.

    Parameters
    ----------
    score
        (N,).
    rater, stimulus
        (N,): indices from 0 without gaps. A stimulus is one method's version of one picture.
    step
        Distance of two neighbouring scores.

    Returns
    -------
    BiasModel
        :class:`BiasModel`

    Warns
    -----
    Notice
        If the qualities still change after 1000 rounds, because groups of raters share few stimuli.

    Examples
    --------
    >>> score = np.array([2.0, 3.0, 4.0, 5.0])
    >>> model = fit_bias_model(score, np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1]))
    >>> model.bias.round(6).tolist(), model.quality.round(6).tolist()
    ([-0.5, 0.5], [2.5, 4.5])
    """
    count = np.bincount(rater)
    least = step / np.sqrt(12)
    bias = np.zeros(len(count))
    quality = _weighted(score, np.ones(len(score)), stimulus)
    inconsistency = np.full(len(count), least)
    weight = np.ones(len(count))
    for _ in range(_ROUNDS):
        bias = np.bincount(rater, score - quality[stimulus]) / count
        bias -= bias.mean()
        residual = score - quality[stimulus] - bias[rater]
        inconsistency = np.sqrt(np.bincount(rater, residual**2) / count)
        weight = 1 / np.maximum(inconsistency, max(float(np.median(inconsistency)), least)) ** 2
        before, quality = quality, _weighted(score - bias[rater], weight[rater], stimulus)
        if np.max(np.abs(quality - before)) < _CONVERGED:
            break
    if np.max(np.abs(quality - before)) > max(_CONVERGED, _UNFINISHED * step):
        notify(
            "the scores without the raters' biases are not exact: too few stimuli are shared by groups of raters, so "
            "the biases could not be told apart; use the plain MOS"
        )
    return BiasModel(quality, bias, inconsistency, weight)


def _weighted(score: Floats, weight: Floats, group: Ints) -> Floats:
    means: Floats = np.bincount(group, score * weight) / np.bincount(group, weight)
    return means


def summarise_raters(
    names: Sequence[str], rater: Ints, stimulus: Ints, values: Floats, model: BiasModel
) -> tuple[RaterSummary, ...]:
    """One summary a rater, in the order of ``names``."""
    high_noise = _modified_z(model.inconsistency)
    far_bias = _modified_z(model.bias)
    summaries = []
    for index, name in enumerate(names):
        own = rater == index
        faults = []
        if high_noise[index] > OUTLYING:
            faults.append("scores vary more around the panel's than those of other raters")
        if abs(far_bias[index]) > OUTLYING:
            faults.append(f"scores are {'higher' if model.bias[index] > 0 else 'lower'} than those of other raters")
        summaries.append(
            RaterSummary(
                rater=name,
                ratings=int(own.sum()),
                bias=float(model.bias[index]),
                inconsistency=float(model.inconsistency[index]),
                correlation=_correlation_with_others(values, own, stimulus),
                outlying=tuple(faults),
            )
        )
    return tuple(summaries)


def _modified_z(values: Floats) -> Floats:
    """Distances from the median in scaled median absolute deviations; 0 for few raters or without spread."""
    deviation = values - np.median(values)
    spread = float(stats.median_abs_deviation(values, scale="normal"))
    if len(values) < FEWEST_FOR_OUTLIERS or spread == 0:
        return np.zeros(len(values))
    scores: Floats = deviation / spread
    return scores


def _correlation_with_others(values: Floats, own: np.ndarray, stimulus: Ints) -> float:
    count = int(stimulus.max()) + 1
    others = np.bincount(stimulus[~own], minlength=count)
    seen = others[stimulus[own]] > 0
    mine = values[own][seen]
    means = np.bincount(stimulus[~own], values[~own], minlength=count) / np.maximum(others, 1)
    theirs = means[stimulus[own]][seen]
    if len(mine) < 2 or not mine.std() > 0 or not theirs.std() > 0:
        return float("nan")
    return float(np.corrcoef(mine, theirs)[0, 1])
