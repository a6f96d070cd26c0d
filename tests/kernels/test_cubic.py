from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from srspace_eval.kernels.cubic import cubic, taps


def test_the_kernel_interpolates_and_sums_to_one() -> None:
    assert cubic(np.array([-2.0, -1, 0, 1, 2, 3])).tolist() == [0, 0, 1, 0, 0, 0]
    offsets = np.linspace(0, 1, 17)
    np.testing.assert_allclose(sum(cubic(offsets + k) for k in range(-3, 3)), 1, atol=1e-15)


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_weights_of_dyadic_scales_are_dyadic(factor: int) -> None:
    weights, _ = taps(40 * factor, 40, 1 / factor, "mirror")
    assert all(Fraction(w).denominator <= 2**16 for w in weights[20])
    assert weights.sum(axis=1).tolist() == [1.0] * 40


def test_borders() -> None:
    mirrored, repeated = (taps(8, 2, 0.25, border)[1][0].tolist() for border in ("mirror", "repeat"))
    assert mirrored == [5, 4, 3, 2, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 7, 6]
    assert repeated == [0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 7, 7]
