from __future__ import annotations

import math
from functools import partial

import pytest

from srspace_eval.metrics.registry import columns
from srspace_eval.results.record import ImageRecord
from srspace_eval.scoring.summary import summarise as summarise_columns

summarise = partial(summarise_columns, known=columns())


def image(name: str, curve: tuple[float | None, ...] = (), **values: float | None) -> ImageRecord:
    return ImageRecord(name, 8, 8, "", values, {"diversity_curve": curve} if curve else {}, ())


def test_means_over_images() -> None:
    summary, curves, notes = summarise(
        [image("a", (0.0, 2.0), lpips=0.1, diversity=2.0), image("b", (0.0, 4.0), lpips=0.3, diversity=4.0)]
    )
    assert summary == {"lpips": pytest.approx(0.2), "diversity": 3.0}
    assert curves == {"diversity_curve": (0.0, 3.0)}
    assert notes == []


def test_an_infinite_image_is_left_out_and_named() -> None:
    summary, _, notes = summarise([image("0801", lr_psnr=math.inf), image("0802", lr_psnr=50.0)])
    assert summary == {"lr_psnr": 50.0}
    assert "0801" in notes[0]
    assert "infinite" in notes[0]


def test_all_infinite_is_infinite_and_all_undefined_is_none() -> None:
    summary, _, notes = summarise([image("a", lr_psnr=math.inf, diversity=None)])
    assert summary == {"lr_psnr": math.inf, "diversity": None}
    assert len(notes) == 2


def test_an_undefined_image_counts_neither_as_0_nor_as_100() -> None:
    summary, curves, notes = summarise(
        [image("a", (0.0, None), diversity=None), image("b", (0.0, 30.0), diversity=30.0)]
    )
    assert summary == {"diversity": 30.0}
    assert curves == {"diversity_curve": (0.0, 30.0)}
    assert "undefined" in notes[0]
