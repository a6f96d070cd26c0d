"""Checks of values that tables give: a value must be one that its column can have. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping

from srspace_eval._utils.csv_table import CsvLine
from srspace_eval.metrics.base import MetricInfo, may_be_infinite

_ROUNDING = 1e-9

RUNTIME = "runtime"
"""The column of which a table of teams can declare the values."""


def check_ranges(values: Mapping[str, float | None], columns: Mapping[str, MetricInfo], line: CsvLine) -> None:
    """Note the values of a line that no measurement gives (:func:`range_faults`)."""
    for fault in range_faults(values, columns):
        line.fault(fault)


def range_faults(values: Mapping[str, float | None], columns: Mapping[str, MetricInfo]) -> list[str]:
    """The values that no measurement gives, such as an S_M of 130 %, a negative LPIPS, or a runtime of 0.

    A value may be infinite if larger values are better and the column has no largest one (PSNR).

    Examples
    --------
    >>> from srspace_eval.metrics.registry import columns
    >>> range_faults({"lpips": -0.1, "psnr": 31.5}, columns())
    ['lpips is -0.1; only 0 to inf is possible']
    """
    found = []
    for metric, value in values.items():
        if value is None:
            continue
        info = columns[metric]
        if math.isinf(value) and not (value > 0 and may_be_infinite(info)):
            found.append(f"{metric} is {value:g}; a finite number is needed, or nothing")
        elif not info.least - _ROUNDING <= value <= info.most + _ROUNDING:
            found.append(f"{metric} is {value:g}; only {info.least:g} to {info.most:g} is possible")
        elif metric == RUNTIME and not value > 0:
            found.append(f"{metric} is {value:g}; a runtime is greater than 0")
    return found
