"""Checks of values that tables give: a value must be one that its column can have. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping

from srspace_eval._utils.csv_table import CsvLine
from srspace_eval.metrics.base import MetricInfo, may_be_infinite

_ROUNDING = 1e-9


def check_ranges(values: Mapping[str, float | None], columns: Mapping[str, MetricInfo], line: CsvLine) -> None:
    """Note the values of a line that no measurement gives, such as an S_M of 130 % or a negative LPIPS.

    A value may be infinite if larger values are better and the column has no largest one (PSNR).
    """
    for metric, value in values.items():
        if value is None:
            continue
        info = columns[metric]
        if math.isinf(value) and not (value > 0 and may_be_infinite(info)):
            line.fault(f"{metric} is {value:g}; a finite number is needed, or nothing")
        elif not info.least - _ROUNDING <= value <= info.most + _ROUNDING:
            line.fault(f"{metric} is {value:g}; only {info.least:g} to {info.most:g} is possible")
