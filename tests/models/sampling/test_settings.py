from __future__ import annotations

import math

import numpy as np
import pytest

from srspace_eval.errors import InputError
from srspace_eval.models.sampling.settings import check_heat


@pytest.mark.parametrize(("heat", "expected"), [(0, 0.0), (0.9, 0.9), (np.float64(0.7), 0.7), (np.int64(2), 2.0)])
def test_heats_become_floats(heat: object, expected: float) -> None:
    found = check_heat(heat)
    assert type(found) is float
    assert found == expected


def test_negative_zero_is_zero() -> None:
    assert math.copysign(1, check_heat(-0.0)) == 1


@pytest.mark.parametrize("heat", [-0.1, math.nan, math.inf, "0.9", None, True, 1j])
def test_other_values_are_refused(heat: object) -> None:
    with pytest.raises(InputError, match="heat ="):
        check_heat(heat)
