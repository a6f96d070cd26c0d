"""Checks of what metrics return: types, columns and ranges. Imports no torch.

A metric may come from another package and return anything. What it returns is checked as soon as a sample is measured,
so that no wrong value reaches a result. Every error names the metric and its package.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from srspace_eval.errors import InputError, MetricError, SrspaceEvalError
from srspace_eval.metrics.base import Metric, may_be_infinite
from srspace_eval.metrics.measures import check_id
from srspace_eval.metrics.steps import ImageValues, plain

ROUNDING = 1e-9
"""How far a value may lie outside its range."""
_RELATIVE = 1e-6


class WrongValueError(Exception):
    """What a metric returned cannot be used; :func:`named` adds the metric."""


@contextmanager
def named(metric: Metric) -> Iterator[None]:
    """Turn an unexpected error of another package's metric into one that names the metric and the package.

    Raises
    ------
    MetricError
        If the metric fails, or returns what cannot be used.
    """
    package = type(metric).__module__.partition(".")[0]
    who = f"metric {metric.name!r} of package {package}"
    try:
        yield
    except WrongValueError as error:
        raise MetricError(f"{who}: {error}") from None
    except Exception as error:
        if package == "srspace_eval" or isinstance(error, SrspaceEvalError):
            raise
        raise MetricError(f"{who} failed: {type(error).__name__}: {error}") from error


class ReturnedValues:
    """What the metrics of one pass return for one image: checked, and as floats.

    Parameters
    ----------
    metrics
        The metrics of the pass.
    """

    def __init__(self, metrics: Iterable[Metric]) -> None:
        members = list(metrics)
        self._columns = {info.id: info for metric in members for info in metric.columns}
        self._first = {metric.columns[0].id for metric in members}
        self._samples: dict[str, list[float]] = {key: [] for key, info in self._columns.items() if info.per == "sample"}

    def of_sample(self, found: object) -> dict[str, float]:
        """What ``update`` returned for a sample.

        Raises
        ------
        WrongValueError
            If it is not a dict of numbers, lacks a column, or a value is not in its range.
        """
        if not isinstance(found, Mapping):
            raise WrongValueError(f"a sample's values are {_kind(found)}; a dict of column id -> number is required")
        values = {key: self._number(key, value) for key, value in self._checked(found, set(self._samples)).items()}
        for key, numbers in self._samples.items():
            numbers.append(values[key])
        return values

    def of_image(self, found: object) -> ImageValues:
        """What ``compute`` returned for the image.

        Raises
        ------
        WrongValueError
            If it is not :class:`~srspace_eval.metrics.steps.ImageValues` of numbers, lacks a column, a value is not in
            its range, or the value of a column of samples is not their mean.
        """
        if not isinstance(found, ImageValues):
            raise WrongValueError(f"compute() returned {_kind(found)}; srspace_eval.ImageValues is required")
        given = self._checked(found.values, {key for key, info in self._columns.items() if info.per != "method"})
        values = {key: None if value is None else self._number(key, value) for key, value in given.items()}
        for key, numbers in self._samples.items():
            self._require_mean(key, values[key], numbers)
        curves = {
            key: [None if value is None else _number(f"curve {key!r}", value) for value in curve]
            for key, curve in found.curves.items()
        }
        return ImageValues(values, curves)

    def _checked(self, values: Mapping[Any, object], wanted: set[str]) -> dict[str, object]:
        """Values with ids that records can hold. A metric's first column and columns of samples must be there."""
        given = ", ".join(map(repr, values)) or "nothing"
        missing = [key for key in self._columns if key in wanted and key not in values]
        # Another column may be missing with some options. A value without a column is then a wrong id.
        others = values.keys() - self._columns.keys()
        for key in missing:
            if others or key in self._first or key in self._samples:
                raise WrongValueError(f"no value for the column {key!r}; the metric returned {given}")
        for key in others:
            try:
                check_id(key if isinstance(key, str) else "", ())
            except InputError:
                raise WrongValueError(f"{key!r} cannot be the id of a value; the metric returned {given}") from None
        return dict(values)

    def _number(self, key: str, value: object) -> float:
        what, info = f"column {key!r}" if key in self._columns else f"value {key!r}", self._columns.get(key)
        number = _number(what, value)
        if math.isinf(number) and not (number > 0 and info is not None and may_be_infinite(info)):
            raise WrongValueError(f"{what} is {number}; a finite number is required")
        if info is not None and not info.least - ROUNDING <= number <= info.most + ROUNDING:
            raise WrongValueError(
                f"{what} is {number:.9g}, but the metric declares values from {info.least:g} to {info.most:g}; correct "
                "the metric, or least and most of its MetricInfo"
            )
        return number

    def _require_mean(self, key: str, value: float | None, numbers: list[float]) -> None:
        if value is None or not all(map(math.isfinite, numbers)):
            return
        mean = math.fsum(numbers) / len(numbers)
        if not math.isclose(value, mean, rel_tol=_RELATIVE, abs_tol=ROUNDING):
            raise WrongValueError(
                f"column {key!r}: the image has {value:.9g}, but the mean over its samples is {mean:.9g}; "
                'return the mean, or declare per="image"'
            )


def _number(what: str, value: object) -> float:
    value = plain(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise WrongValueError(f"{what} is {_kind(value)}; a number is required, such as float(value)")
    if math.isnan(value):
        raise WrongValueError(f"{what} is NaN; a finite number is required")
    return float(value)


def _kind(value: object) -> str:
    if value is None:
        return "None"
    shape = getattr(value, "shape", None)
    return f"a {type(value).__name__}" + (f" of shape {tuple(shape)}" if shape is not None else "")
