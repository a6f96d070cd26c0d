"""``Result.to_frame``: a row an image, or a row a sample."""

from __future__ import annotations

import math

import pytest

from srspace_eval.errors import InputError
from srspace_eval.results.record import ImageRecord, Result, SampleRecord
from srspace_eval.results.signature import Signature

SIGNATURE = Signature({"common": {"scale": 4}})


def samples(*values: float | None) -> tuple[SampleRecord, ...]:
    return tuple(SampleRecord(n, f"{n}.png", "0" * 64, {"lr_psnr": value}) for n, value in enumerate(values))


RESULT = Result(
    "A team",
    "x4",
    SIGNATURE,
    (
        ImageRecord("0801", 32, 48, "0" * 64, {"lr_psnr": math.inf}, {}, samples(math.inf, 40.5)),
        ImageRecord("0802", 16, 24, "0" * 64, {"lr_psnr": 41.0, "diversity": None}, {}, samples(None)),
    ),
    {"lr_psnr": 41.0},
)


def test_a_row_an_image() -> None:
    frame = RESULT.to_frame()
    assert {key: str(dtype) for key, dtype in frame.dtypes.items()} == {
        "team": "string", "track": "string", "image": "string", "height": "int64", "width": "int64",
        "samples": "int64", "lr_psnr": "float64", "diversity": "float64",
    }  # fmt: skip
    assert frame["image"].tolist() == ["0801", "0802"]
    assert frame["samples"].tolist() == [2, 1]
    assert frame["lr_psnr"].tolist() == [math.inf, 41.0]
    assert frame["diversity"].isna().all()
    assert frame["team"].unique().tolist() == ["A team"]


def test_a_row_a_sample() -> None:
    frame = RESULT.to_frame("samples")
    assert {key: str(dtype) for key, dtype in frame.dtypes.items()} == {
        "team": "string", "track": "string", "image": "string", "sample": "int64", "file": "string",
        "lr_psnr": "float64",
    }  # fmt: skip
    assert frame["image"].tolist() == ["0801", "0801", "0802"]
    assert frame["sample"].tolist() == [0, 1, 0]
    assert frame["lr_psnr"].tolist()[:2] == [math.inf, 40.5]
    assert math.isnan(frame["lr_psnr"].iloc[2])


def test_a_result_without_images_has_the_fixed_columns() -> None:
    empty = Result("A", "x4", SIGNATURE, (), {})
    assert list(empty.to_frame().columns) == ["team", "track", "image", "height", "width", "samples"]
    assert empty.to_frame("samples").shape == (0, 5)


def test_another_level_is_named() -> None:
    with pytest.raises(InputError, match="level 'teams': 'images' or 'samples'"):
        RESULT.to_frame("teams")  # type: ignore[arg-type]
