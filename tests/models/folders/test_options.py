"""Options of a run of ``sample``: what is refused before anything is done."""

from __future__ import annotations

import pytest

from srspace_eval.errors import InputError
from srspace_eval.models.folders.options import SampleOptions


@pytest.mark.parametrize(
    "options",
    [
        {"samples": 0},
        {"tile": 20},
        {"tile": 0},
        {"tile": "big"},
        {"heats": ()},
        {"heats": (0.9, 0.9)},
        {"heats": (0.0, -0.0)},
        {"heats": (-1.0,)},
    ],
)
def test_wrong_options_are_refused(options: dict) -> None:
    with pytest.raises(InputError):
        SampleOptions(**options)
