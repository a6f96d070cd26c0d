from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.inputs import pngs
from srspace_eval._utils.png import write_png
from srspace_eval.submissions.inspection import Inspection, inspect
from srspace_eval.submissions.pairing import pair
from srspace_eval.submissions.sources import open_source
from srspace_eval.tracks.reader import builtin_tracks

X4 = builtin_tracks()["x4"]


@pytest.fixture
def case(tmp_path: Path) -> Path:
    for name in ("gt", "sub"):
        (tmp_path / name).mkdir()
    write_png(tmp_path / "gt/0801.png", pngs.pixels(27, 33, seed=99))  # 24×32 after the crop
    for sample in range(6):
        write_png(tmp_path / f"sub/000000_sample{sample:05d}.png", pngs.pixels(24, 32, seed=sample))
    return tmp_path


def inspect_case(case: Path, *, whole: bool = False, lr: str | None = None) -> Inspection:
    source, gt = open_source(case / "sub"), open_source(case / "gt")
    lrs = None if lr is None else open_source(case / lr)
    return inspect(pair(source, gt, X4, samples=6, lr=lrs), source, gt, X4, whole=whole, lr=lrs)


def sample(case: Path, number: int) -> Path:
    return case / f"sub/000000_sample{number:05d}.png"


def test_a_correct_submission_has_no_faults(case: Path) -> None:
    found = inspect_case(case)
    assert (found.faults, found.warnings, found.notices) == ((), (), ())
    assert {(i.height, i.width) for i in found.samples.values()} == {(24, 32)}


@pytest.mark.parametrize("whole", [False, True])
def test_every_fault_is_listed_at_once(case: Path, whole: bool) -> None:
    sample(case, 0).write_bytes(pngs.rgb16(24, 32))
    sample(case, 1).write_bytes(pngs.jpeg())
    sample(case, 2).write_bytes(pngs.png(pngs.pixels(24, 32))[:-20])
    sample(case, 3).write_bytes(pngs.png(pngs.pixels(24, 32)[..., 0]))
    write_png(sample(case, 4), pngs.pixels(23, 32))
    faults = inspect_case(case, whole=whole).faults
    assert len(faults) == 5
    for number, words in enumerate(
        ["16 bits", "JPEG", "truncated", "grey", "32×23 pixels, smaller than its GT's 32×24"]
    ):
        assert any(f"sample{number:05d}.png" in fault and words in fault for fault in faults), words


@pytest.mark.parametrize("size", [(104, 128), (108, 132), (111, 135)])
def test_lrs_given_as_gt_are_a_fault(case: Path, size: tuple[int, int]) -> None:
    for number in range(6):
        write_png(sample(case, number), pngs.pixels(*size, seed=number))
    found = inspect_case(case)
    assert len(found.faults) == 6
    assert f"{size[1]}×{size[0]} pixels, 4 times the size of {case / 'gt' / '0801.png'}" in found.faults[0]
    assert found.notices == ()


def test_a_crop_is_a_notice(case: Path) -> None:
    write_png(sample(case, 1), pngs.pixels(27, 33))
    assert "000000_sample00001.png (33×27 to 32×24)" in inspect_case(case).notices[0]


@pytest.mark.parametrize("whole", [False, True])
def test_identical_pictures_are_found_by_pixels_not_bytes(case: Path, whole: bool) -> None:
    image = pngs.pixels(24, 32, seed=2)
    sample(case, 3).write_bytes(pngs.png(image, compress_level=1))
    late = image.copy()
    late[-1, -1] ^= 1  # the same first rows, yet another picture
    write_png(sample(case, 4), late)
    assert sample(case, 3).read_bytes() != sample(case, 2).read_bytes()
    (warning,) = inspect_case(case, whole=whole).warnings
    assert warning == f"{sample(case, 2)}: identical to 000000_sample00003.png"


@pytest.mark.parametrize("whole", [False, True])
def test_a_sample_identical_to_its_gt_is_a_warning(case: Path, whole: bool) -> None:
    write_png(sample(case, 5), pngs.pixels(27, 33, seed=99))
    (warning,) = inspect_case(case, whole=whole).warnings
    assert warning == f"{sample(case, 5)}: identical to its GT 0801.png"


@pytest.mark.parametrize("whole", [False, True])
def test_pictures_are_compared_after_the_crop(case: Path, whole: bool) -> None:
    gt = pngs.pixels(27, 33, seed=99)
    write_png(sample(case, 5), gt[:24, :32])
    larger = np.pad(pngs.pixels(24, 32, seed=1), ((0, 3), (0, 1), (0, 0)))
    write_png(sample(case, 4), larger)
    assert inspect_case(case, whole=whole).warnings == (
        f"{sample(case, 1)}: identical to 000000_sample00004.png",
        f"{sample(case, 5)}: identical to its GT 0801.png",
    )


def test_a_gt_smaller_than_the_crop_is_named(case: Path) -> None:
    write_png(case / "gt/0801.png", pngs.pixels(7, 33))
    assert "smaller than the crop" in inspect_case(case).faults[0]


def test_lr_sizes(case: Path) -> None:
    (case / "lr").mkdir()
    # The cropped GT's LR has 8×6 pixels, the whole GT's 9×7.
    for size, fits in [((6, 8), True), ((7, 9), True), ((5, 8), False), ((8, 9), False), ((12, 16), False)]:
        write_png(case / "lr/0801.png", pngs.pixels(*size))
        found = inspect_case(case, lr="lr")
        assert len(found.faults) == (not fits)
        assert fits or f"{size[1]}×{size[0]} pixels, but the LR of this GT has 8×6" in found.faults[0]
        assert len(found.notices) == (size == (7, 9))


def test_a_larger_lr_is_cropped_with_a_notice(case: Path) -> None:
    (case / "lr").mkdir()
    write_png(case / "lr/0801.png", pngs.pixels(7, 9))
    (notice,) = inspect_case(case, lr="lr").notices
    assert "LRs of the uncropped GT" in notice
    assert notice.endswith("1 LR: 0801.png (9×7 to 8×6)")
