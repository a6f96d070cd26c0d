"""The eighth attack on submissions: names that forge lines of a terminal, and LRs whose names end in other signs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.inputs import pngs
from srspace_eval import write_png
from srspace_eval.models.folders.lr_folder import find_lrs
from srspace_eval.submissions.image_names import images_of_lr
from srspace_eval.submissions.sources import open_source
from srspace_eval.tracks.reader import builtin_tracks
from tests.helpers.commands import run

FORGED = "HR-PSNR 99.00 dB"

pytestmark = [
    pytest.mark.filterwarnings("ignore::srspace_eval.errors.Notice"),
    pytest.mark.skipif(os.name == "nt", reason="Windows allows no line ends in names"),
]


def folder(path: Path, *names: str, flip: int = 0) -> Path:
    path.mkdir(parents=True)
    for name in names:
        write_png(path / name, pngs.pixels(32, 32) ^ flip)
    return path


def lines(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[str]:
    run(*arguments)
    told = capsys.readouterr()
    return [line.strip() for line in (told.out + told.err).splitlines()]


@pytest.mark.parametrize("command", ["check", "score"])
@pytest.mark.parametrize("many", [False, True])
def test_a_team_s_name_forges_no_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, many: bool
) -> None:
    gt = folder(tmp_path / "gt", "0801.png")
    inner = folder(tmp_path / "inbox" / f"x\n{FORGED}", "000000_sample00000.png", flip=1)
    folder(tmp_path / "inbox" / "y", "000000_sample00000.png", flip=2)
    more = ["--metrics", "psnr", "--board", str(tmp_path / "board")] if command == "score" else []
    given = str(tmp_path / "inbox" if many else inner)
    shown = lines(capsys, command, given, "--gt", str(gt), "--track", "x4", "--samples", "1", *more)
    if command == "score" and not many:
        assert shown[0] == rf"x\u000a{FORGED}, track x4, 1 images"
    if many:
        assert any(line.startswith(r"x\u000a") for line in shown)
    assert not any(line.startswith(FORGED) for line in shown if "result: " not in line)


def test_a_file_s_name_forges_no_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gt = folder(tmp_path / "gt", "0801.png")
    sub = folder(tmp_path / "sub", "000000_sample00000.png", f"a\n{FORGED}.png", flip=1)
    (sub / f"b\n{FORGED}").touch()
    shown = lines(capsys, "check", str(sub), "--gt", str(gt), "--track", "x4", "--samples", "1")
    assert any("surplus" in line for line in shown)
    assert not any(line.startswith(FORGED) for line in shown)


@pytest.mark.parametrize(
    "names", [["img (1)", "img (2)"], ["cafe\u0301"], ["image[3]", "b"], ["0801", "baby"], ["\u5199"]]
)
def test_x4_after_a_sign_that_separates_nothing_is_no_part_of_the_name(tmp_path: Path, names: list[str]) -> None:
    lr = folder(tmp_path / "lr", *(f"{name}x4.png" for name in names))
    assert sorted(x.image for x in find_lrs(lr, 4)) == sorted(names)
    track = builtin_tracks()["esr-2024"]
    assert [len(image) for image in images_of_lr(open_source(lr), track)] == [
        len(image) for image in images_of_lr(open_source(folder(tmp_path / "hr", *(f"{n}.png" for n in names))), track)
    ]
