"""``Result.to_frame``: a row an image, or a row a sample. ``Board.to_frame``: a row a result."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from srspace_eval.errors import InputError
from srspace_eval.results.board import load_board
from srspace_eval.results.record import ImageRecord, Result, SampleRecord
from srspace_eval.results.signature import Signature
from srspace_eval.results.store import result_path, write_result

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
    with pytest.raises(InputError, match="level = 'teams': must be 'images' or 'samples'"):
        RESULT.to_frame("teams")  # type: ignore[arg-type]


def test_a_row_a_result(tmp_path: Path) -> None:
    incomplete = replace(RESULT, team="B", track="x8", kind="baseline", incomplete=("0803",), summary={"psnr": None})
    for result in (RESULT, incomplete):
        write_result(result_path(tmp_path, result.track, result.team), result)
    frame = load_board(tmp_path).to_frame()
    assert {key: str(dtype) for key, dtype in frame.dtypes.items()} == {
        "track": "string", "team": "string", "kind": "string", "images": "int64", "complete": "boolean",
        "signature": "string", "evidence": "string", "lr_psnr": "float64", "psnr": "float64",
    }  # fmt: skip
    assert frame["team"].tolist() == ["A team", "B"]
    assert frame["complete"].tolist() == [True, False]
    assert frame["signature"].unique().tolist() == [SIGNATURE.id]
    assert frame["lr_psnr"].tolist()[0] == 41.0
    assert frame["psnr"].isna().all()
