from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from benchmarks.inputs import pngs
from srspace_eval._utils.png import write_png
from srspace_eval.errors import SubmissionError, TrackError
from srspace_eval.submissions.guessing import guess_track
from srspace_eval.submissions.pairing import pair
from srspace_eval.submissions.provenance import PROVENANCE_FILE, read_provenance
from srspace_eval.submissions.sources import open_source
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.reader import builtin_tracks

X4 = builtin_tracks()["x4"]


def make(folder: Path, names: list[str], size: tuple[int, int] = (16, 24)) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(names):
        write_png(folder / name, pngs.pixels(*size, seed=i))
    return folder


def pairs(submission: Path, gt: Path, track: Track = X4, **options: int) -> dict[str, list[str]]:
    found = pair(open_source(submission), open_source(gt), track, **options)
    assert not found.faults
    assert not found.missing
    return {p.image: list(p.samples) for p in found.pairs}


def test_samples_of_2021_pair_by_index_from_801(tmp_path: Path) -> None:
    gt = make(tmp_path / "gt", ["0803.png", "0801.png", "0802.png"])
    names = [f"{i:06d}_sample{s:05d}.png" for i in (2, 0, 1) for s in (1, 0)]
    sub = make(tmp_path / "sub", names)
    assert pairs(sub, gt, samples=2) == {
        f"080{i + 1}": [f"{i:06d}_sample00000.png", f"{i:06d}_sample00001.png"] for i in range(3)
    }


def test_a_hole_in_the_gt_shifts_nothing(tmp_path: Path) -> None:
    gt = make(tmp_path / "gt", ["0801.png", "0803.png"])
    sub = make(tmp_path / "sub", ["000000.png", "000001.png"])
    found = pair(open_source(sub), open_source(gt), X4)
    assert [list(p.samples) for p in found.pairs] == [["000000.png"], []]
    assert "000001.png" in found.faults[0]
    assert found.missing == ("0803: all its samples are missing (000002.png)",)


def test_samples_of_2022_pair_by_index_or_number(tmp_path: Path) -> None:
    track = builtin_tracks()["x4-2022"]
    gt = make(tmp_path / "gt", ["0901.png", "0902.png"])
    by_number = make(tmp_path / "number", ["000901_sample00000.png", "000902_sample00000.png"])
    by_index = make(tmp_path / "index", ["000000_sample00000.png", "000001_sample00000.png"])
    assert pairs(by_number, gt, track, samples=1)["0902"] == ["000902_sample00000.png"]
    assert pairs(by_index, gt, track, samples=1)["0902"] == ["000001_sample00000.png"]


def test_names_that_fit_two_templates_with_different_gts_are_refused(tmp_path: Path) -> None:
    track = Track("t", "t", 4, sample_names=("{number:06d}.png", "{index:06d}.png"), first=1)
    gt = make(tmp_path / "gt", ["0001.png", "0002.png"])
    sub = make(tmp_path / "sub", ["000001.png"])
    with pytest.raises(SubmissionError, match="different GTs"):
        pair(open_source(sub), open_source(gt), track)


def test_two_gts_of_one_number_are_refused(tmp_path: Path) -> None:
    track = Track("t", "t", 4, gt_names=("{number:04d}.png", "hr_{number}.png"))
    gt = make(tmp_path / "gt", ["0801.png", "0802.png", "hr_801.png"])
    sub = make(tmp_path / "sub", ["000801_sample00000.png"])
    with pytest.raises(SubmissionError, match=r"hr_801.png: the number 801 is also used by 0801.png"):
        pair(open_source(sub), open_source(gt), track)


def test_any_names_pair_by_stem(tmp_path: Path) -> None:
    gt = make(tmp_path / "gt", ["baby.png", "bird_2.png"])
    sub = make(tmp_path / "sub", ["baby_sample00000.png", "bird_2_sample00000.png"])
    assert pairs(sub, gt, samples=1) == {"baby": ["baby_sample00000.png"], "bird_2": ["bird_2_sample00000.png"]}


def test_missing_and_surplus_are_all_listed(tmp_path: Path) -> None:
    gt = make(tmp_path / "gt", ["0801.png", "0802.png", "0803.png"])
    sub = make(
        tmp_path / "sub",
        ["000000_sample00000.png", "000000_sample00003.png", "000001_sample00000.png", "000001_sample00001.png",
         "000009_sample00000.png", "extra.png"],
    )  # fmt: skip
    (sub / "readme.txt").write_text("hi")
    found = pair(open_source(sub), open_source(gt), X4, samples=2)
    faults = "\n".join(found.faults)
    assert len(found.faults) == 3
    assert "000000_sample00003.png: surplus: sample 3" in faults
    assert "000009_sample00000.png: surplus" in faults
    assert "extra.png: surplus" in faults
    assert found.missing == (
        "0801: 1 of 2 samples are missing (000000_sample00001.png)",
        "0803: all its samples are missing (000002_sample00000.png to 000002_sample00001.png)",
    )
    assert "readme.txt" in found.notices[0]


def test_surplus_samples_have_one_hint(tmp_path: Path) -> None:
    gt = make(tmp_path / "gt", ["0801.png"])
    sub = make(tmp_path / "sub", [f"000000_sample{sample:05d}.png" for sample in range(5)])
    found = pair(open_source(sub), open_source(gt), X4, samples=2)
    assert [fault.rpartition("; ")[2] for fault in found.faults] == ["remove it, or give --samples 5"] * 3


def test_submissions_without_any_pair_are_errors(tmp_path: Path) -> None:
    gt = make(tmp_path / "gt", ["0801.png"])
    with pytest.raises(SubmissionError, match=r"index 0 is GT 801"):
        pair(open_source(make(tmp_path / "a", ["x.png"])), open_source(gt), X4)
    (tmp_path / "b").mkdir()
    with pytest.raises(SubmissionError, match="contains no PNG"):
        pair(open_source(tmp_path / "b"), open_source(gt), X4)
    for name in ("team A", "team B"):
        (tmp_path / "b" / name).mkdir()
    with pytest.raises(SubmissionError, match="it contains folders: give one of team A, team B"):
        pair(open_source(tmp_path / "b"), open_source(gt), X4)
    with pytest.raises(SubmissionError, match="contains no GT"):
        pair(open_source(gt), open_source(tmp_path / "b"), X4)


def test_lr_files_pair_by_name(tmp_path: Path) -> None:
    gt = make(tmp_path / "gt", ["0801.png", "0802.png"])
    sub = make(tmp_path / "sub", ["000000.png", "000001.png"])
    lr = make(tmp_path / "lr", ["0801x4.png"])
    found = pair(open_source(sub), open_source(gt), X4, lr=open_source(lr))
    assert [p.lr for p in found.pairs] == ["0801x4.png", None]
    assert "the LR of 0802 is missing: 0802.png or 0802x4.png or 000001.png" in found.faults[0]


def test_the_track_is_found_by_sizes_and_names(tmp_path: Path) -> None:
    gt = make(tmp_path / "gt", ["0801.png"], (20, 24))
    x4 = make(tmp_path / "x4", ["000000.png"], (20, 24))
    assert guess_track(open_source(x4), open_source(gt)).name == "x4"
    either = make(tmp_path / "either", ["000000.png"], (24, 24))
    with pytest.raises(TrackError, match="x4 and x8"):
        guess_track(open_source(either), open_source(gt))
    lr = make(tmp_path / "lr", ["0801.png"], (3, 3))
    big = make(tmp_path / "gt8", ["0801.png"], (24, 24))
    assert guess_track(open_source(either), open_source(big), open_source(lr)).name == "x8"
    (either / PROVENANCE_FILE).write_text(json.dumps({"model": {"scale": 8}}))
    assert guess_track(open_source(either), open_source(big)).name == "x8"
    gt22 = make(tmp_path / "gt22", ["0901.png"], (20, 24))
    sub22 = make(tmp_path / "sub22", ["000901_sample00000.png"], (20, 24))
    assert guess_track(open_source(sub22), open_source(gt22)).name == "x4-2022"
    with pytest.raises(TrackError, match="fit no built-in track"):
        guess_track(open_source(make(tmp_path / "odd", ["zzz.png"])), open_source(gt))


def test_provenance_is_read_and_never_surplus(tmp_path: Path) -> None:
    gt = make(tmp_path / "gt", ["0801.png"])
    sub = make(tmp_path / "sub", ["000000.png"])
    assert read_provenance(open_source(sub)) is None
    (sub / PROVENANCE_FILE).write_text(json.dumps({"seed": 3}))
    found = pair(open_source(sub), open_source(gt), X4)
    assert (found.faults, found.notices) == ((), ())
    assert read_provenance(open_source(sub)) == {"seed": 3}
    (sub / PROVENANCE_FILE).write_text("{")
    assert read_provenance(open_source(sub)) is None


def test_a_zip_pairs_as_its_folder(tmp_path: Path) -> None:
    gt = make(tmp_path / "gt", ["0801.png", "0802.png"])
    sub = make(tmp_path / "sub", ["000000.png", "000001.png"])
    shutil.make_archive(str(tmp_path / "flat"), "zip", sub)
    shutil.make_archive(str(tmp_path / "nested"), "zip", tmp_path, "sub")
    with zipfile.ZipFile(tmp_path / "nested.zip", "a") as archive:
        archive.writestr("__MACOSX/sub/._000000.png", b"by macOS")
        archive.writestr("sub/.DS_Store", b"by macOS")
    for name in ("flat.zip", "nested.zip"):
        assert pairs(tmp_path / name, gt) == pairs(sub, gt)


def test_the_example_of_a_name_is_of_an_image_that_is_there(tmp_path: Path) -> None:
    gt = make(tmp_path / "gt", ["0901.png", "0902.png"])
    sub = make(tmp_path / "sub", ["0000.png", "0001.png"])
    with pytest.raises(SubmissionError, match=r"'0000.png' is not a name such as 0901.png of one of the GTs 0901"):
        pair(open_source(sub), open_source(gt), builtin_tracks()["ntire2020-rwsr-1"])


def test_a_gt_without_a_number_among_numbered_ones(tmp_path: Path) -> None:
    for name in ("gt/0801.png", "gt/foo.png", "sub/000000_sample00000.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_png(tmp_path / name, np.zeros((16, 16, 3), np.uint8))
    track = builtin_tracks()["x4"]
    with pytest.raises(SubmissionError, match=r"foo\.png: its name gives no index"):
        pair(open_source(tmp_path / "sub"), gt=open_source(tmp_path / "gt"), track=track)


def test_a_truncated_zip_is_told(tmp_path: Path) -> None:
    cut = tmp_path / "cut.zip"
    with zipfile.ZipFile(cut, "w") as archive:
        archive.writestr("a.png", bytes(1000))
    cut.write_bytes(cut.read_bytes()[:500])
    with pytest.raises(SubmissionError, match="a damaged or incomplete zip"):
        open_source(cut)
