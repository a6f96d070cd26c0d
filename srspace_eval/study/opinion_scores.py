"""Mean opinion scores (MOS) from single ratings: plain, and without the raters' biases.

It takes ratings from any study. It draws no pictures and reads no files. The module is long because
much of it is documentation.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from srspace_eval._utils.untrusted_text import escape_cell, visible
from srspace_eval.errors import StudyError
from srspace_eval.study.intervals import combined, two_way_error, variation
from srspace_eval.study.panel import RaterSummary, fit_bias_model, summarise_raters
from srspace_eval.study.rankings import Floats, Ints
from srspace_eval.study.statistics import kendall_w
from srspace_eval.tracks.opinion_scale import ACR, OpinionScale

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class OpinionScores:
    """The result of :func:`mean_opinion_scores`. Arrays are in the order of ``methods``.

    Attributes
    ----------
    methods
        The K names.
    mos, low, high
        Plain MOS and its interval for other raters and other pictures, (K,). NaN: no interval, because only one rater
        rated the method, or only one picture of it was rated.
    unbiased, unbiased_low, unbiased_high
        The same of the model with biases, (K,).
    ratings
        Number of ratings of each method, (K,).
    raters
        One summary a rater, in the order of their names.
    pictures
        Number of pictures.
    agreement
        Kendall's W of the raters' mean scores of the methods. NaN: fewer than two raters have rated all methods.
    scale, level
        The scale, and the confidence level of the intervals.

    Examples
    --------
    >>> from srspace_eval import mean_opinion_scores
    >>> scores = mean_opinion_scores(["a", "a", "b", "b"], ["0801"] * 4, ["Ann", "Bob"] * 2, [4, 5, 2, 3])
    >>> scores.methods, scores.mos.tolist()
    (('a', 'b'), [4.5, 2.5])
    """

    methods: tuple[str, ...]
    mos: Floats
    low: Floats
    high: Floats
    unbiased: Floats
    unbiased_low: Floats
    unbiased_high: Floats
    ratings: Ints
    raters: tuple[RaterSummary, ...]
    pictures: int
    agreement: float
    scale: OpinionScale
    level: float

    @property
    def order(self) -> list[int]:
        """Indices of the methods, from the best plain MOS to the worst."""
        sign = -1.0 if self.scale.better == "higher" else 1.0
        return [int(i) for i in np.argsort(sign * self.mos, kind="stable")]

    @property
    def outlying(self) -> tuple[RaterSummary, ...]:
        """The raters who are named as outlying."""
        return tuple(rater for rater in self.raters if rater.outlying)

    def to_frame(self) -> pd.DataFrame:
        """The scores as a pandas DataFrame: one row per method, best first.

        Returns
        -------
        pandas.DataFrame
            Columns: ``team`` (text); ``mos``, ``mos_low``, ``mos_high``, ``unbiased``, ``unbiased_low``,
            ``unbiased_high`` (float64, on the scale; an interval is NaN if one rater rated the method,
            or one picture of it was rated); ``n``, the
            number of ratings (int64).
        """
        import pandas as pd

        order = self.order
        frame: pd.DataFrame = pd.DataFrame(
            {
                "team": [self.methods[i] for i in order],
                "mos": self.mos[order],
                "mos_low": self.low[order],
                "mos_high": self.high[order],
                "unbiased": self.unbiased[order],
                "unbiased_low": self.unbiased_low[order],
                "unbiased_high": self.unbiased_high[order],
                "n": self.ratings[order],
            }
        )
        return frame

    def to_csv(self) -> str:
        """A table for a track that declares the column ``mos``, best first.

        Returns
        -------
        str
            CSV with the columns ``team,mos,mos_low,mos_high``. The cells of a missing interval are empty.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["team", "mos", "mos_low", "mos_high"])
        for i in self.order:
            numbers = (self.mos[i], self.low[i], self.high[i])
            cells = ["" if math.isnan(value) else f"{float(value):.6f}" for value in numbers]
            writer.writerow([escape_cell(self.methods[i]), *cells])
        return text.getvalue()


def mean_opinion_scores(
    method: Sequence[str],
    picture: Sequence[str],
    rater: Sequence[str],
    score: Sequence[float],
    *,
    scale: OpinionScale = ACR,
    level: float = 0.95,
) -> OpinionScores:
    """Compute mean opinion scores with intervals from single ratings.

    The plain MOS of a method is the mean of its ratings. The unbiased one is the mean, over pictures, of the qualities
    of :func:`srspace_eval.study.panel.fit_bias_model`. Both intervals are for other raters and other pictures: the
    variance between raters and that between pictures add to the variance of single ratings, as in
    :func:`srspace_eval.study.intervals.two_way_error`. The unbiased MOS and all intervals are cut at the ends of the
    scale. A method has no interval (NaN) if one rater rated it, or one picture of it was rated: one does not show how
    they vary.
    ``benchmarks/study_intervals.py`` measures how often the intervals hold the truth; ``docs/opinion-scores.md`` has
    the numbers.

    Parameters
    ----------
    method, picture, rater
        (N,) names. One rating is one score of one rater for one method's version of one picture.
    score
        (N,) scores on the scale.
    scale
        Ends, step and direction of the scale. By default the five grades of ITU-T P.910, 1 to 5.
    level
        Confidence level, in [0.5, 1).

    Returns
    -------
    OpinionScores
        The MOS of each method, plain and without the raters' biases, each with an interval; the raters; their
        agreement.

    Raises
    ------
    StudyError
        If the sequences differ in length or are empty, the level is out of range, the scale has no scores, names are
        not texts, or scores are not numbers on the scale. It lists all of these ratings.

    Examples
    --------
    >>> scores = mean_opinion_scores(
    ...     ["a", "a", "a", "a", "b", "b", "b", "b"],
    ...     ["0801", "0801", "0802", "0802"] * 2,
    ...     ["Ann", "Bob"] * 4,
    ...     [4, 5, 4, 5, 2, 2, 1, 3],
    ... )
    >>> scores.to_frame()[["team", "mos"]].to_dict("records")
    [{'team': 'a', 'mos': 4.5}, {'team': 'b', 'mos': 2.0}]
    >>> [(rater.rater, rater.bias) for rater in scores.raters]
    [('Ann', -0.5), ('Bob', 0.5)]
    """
    lengths = {len(method), len(picture), len(rater), len(score)}
    if len(lengths) > 1 or lengths == {0}:
        raise StudyError(f"{len(method)} methods, {len(picture)} pictures, {len(rater)} raters, {len(score)} scores: "
                         "give one of each for every rating, and at least one rating")  # fmt: skip
    if not 0.5 <= level < 1:
        raise StudyError(f"the level is {level:g}: it must lie between 0.5 and 1")
    if faults := scale.faults():
        raise StudyError("the scale cannot be used", faults)
    if problems := _cell_problems(method, picture, rater, score):
        raise StudyError("ratings have cells of a wrong type", problems)
    if problems := scale.problems(score):
        raise StudyError(f"{len(problems)} of {len(score)} ratings are not on the scale", problems)
    values = np.asarray(score, dtype=np.float64)
    methods, by_method = _numbered(method)
    pictures, by_picture = _numbered(picture)
    raters, by_rater = _numbered(rater)
    _, stimulus = np.unique(by_method * len(pictures) + by_picture, return_inverse=True)
    stimulus = stimulus.astype(np.int64)
    model = fit_bias_model(values, by_rater, stimulus, scale.step)
    free = values - model.bias[by_rater]
    weight = model.weight[by_rater]
    share = weight / np.bincount(stimulus, weight)[stimulus]
    even = 1 / np.bincount(stimulus)[stimulus]
    plain, unbiased = [], []
    for index in range(len(methods)):
        own = by_method == index
        groups = by_rater[own], by_picture[own]
        plain.append(two_way_error(values[own, None], *groups).half_width(level)[0])
        unbiased.append(_interval(share[own], free[own], model.bias[groups[0]], even[own], *groups, level))
    mos = np.bincount(by_method, values) / np.bincount(by_method)  # exact where all scores are whole numbers
    low, high = mos - plain, mos + plain
    free_mos, free_low, free_high = np.array(unbiased).T
    return OpinionScores(
        methods=methods,
        mos=mos,
        low=np.clip(low, scale.low, scale.high),
        high=np.clip(high, scale.low, scale.high),
        unbiased=np.clip(free_mos, scale.low, scale.high),
        unbiased_low=np.clip(free_low, scale.low, scale.high),
        unbiased_high=np.clip(free_high, scale.low, scale.high),
        ratings=np.bincount(by_method).astype(np.int64),
        raters=summarise_raters(raters, by_rater, stimulus, values, model),
        pictures=len(pictures),
        agreement=_agreement(values, by_rater, by_method),
        scale=scale,
        level=level,
    )


def _cell_problems(
    method: Sequence[object], picture: Sequence[object], rater: Sequence[object], score: Sequence[object]
) -> list[str]:
    """Names that are not texts or are empty, and scores that are not numbers. Ratings count from 1."""
    problems = []
    for number, (*names, value) in enumerate(zip(method, picture, rater, score, strict=True), start=1):
        for what, name in zip(("method", "picture", "rater"), names, strict=True):
            if not isinstance(name, str):
                problems.append(f"rating {number}: the {what} is {visible(repr(name))}; it must be a text")
            elif not name.strip():
                problems.append(f"rating {number}: the {what} is empty; give its name")
        if isinstance(value, bool) or not isinstance(value, Real):
            problems.append(f"rating {number}: the score is {visible(repr(value))}; it must be a number")
            continue
        try:
            float(value)
        except OverflowError:
            problems.append(f"rating {number}: the score is larger than any number on a scale")
    return problems


def _numbered(names: Sequence[str]) -> tuple[tuple[str, ...], Ints]:
    """The different names, sorted, and the index of each name."""
    known = sorted(set(names))
    place = {name: index for index, name in enumerate(known)}
    return tuple(known), np.array([place[name] for name in names], dtype=np.int64)


def _interval(
    weight: Floats, free: Floats, bias: Floats, shared: Floats, rater: Ints, picture: Ints, level: float
) -> tuple[float, float, float]:
    """One method's weighted mean of scores without bias, and its interval.

    The raters' biases are part of the error: other raters have other biases. The mean bias of the panel is 0, and all
    raters count in it alike, consistent or not. So ``shared``, the weights of the biases, differ from those of the
    scores.
    """
    weight = weight / weight.sum()
    mean = float((weight * free).sum())
    shared = shared / shared.sum()
    rest = (free - mean)[:, None]
    single, *factors = (variation(rest, weight, group) for group in (np.arange(len(free)), rater, picture))
    panel = variation((bias - float((shared * bias).sum()))[:, None], shared, rater)
    half = float(combined(single, *factors, bias=panel).half_width(level)[0])
    return mean, mean - half, mean + half


def _agreement(values: Floats, rater: Ints, method: Ints) -> float:
    sums = np.zeros((int(rater.max()) + 1, int(method.max()) + 1))
    counts = np.zeros_like(sums)
    np.add.at(sums, (rater, method), values)
    np.add.at(counts, (rater, method), 1)
    complete = (counts > 0).all(axis=1)
    return kendall_w(sums[complete] / counts[complete])
