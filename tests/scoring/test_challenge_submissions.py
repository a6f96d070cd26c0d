"""Submissions as other challenges have them: one picture per image, a readme, scales such as 3 and 16."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

import srspace_eval as se
from benchmarks.inputs import synth
from srspace_eval.errors import ResultsError, SubmissionError
from srspace_eval.results.documents import from_document, to_document
from tests.helpers.commands import run as command

TRACK = """
name = "challenge"
title = "One picture per image"
scale = {scale}
samples = 1
gt_names = ["{{number:04d}}.png"]
sample_names = ["{{number:04d}}x{scale}.png"]
first = 901
crop = {crop}

[measure.psnr]
channel = "y"
border = {scale}

[measure.ssim]

[measure.lr_psnr]

[ranking]
criteria = [{{ metric = "psnr" }}]
final = ["psnr"]
"""
README = """runtime per image [s] : 10.43
CPU[1] / GPU[0] : 0
Extra Data [1] / No Extra Data [0] : 1
Other description : a network
"""


def make(folder: Path, scale: int, crop: int, size: tuple[int, int]) -> Path:
    for place in ("gt", "sub"):
        (folder / place).mkdir(parents=True)
    for number in (901, 902):
        gt = np.asarray(synth.picture(*size, number))
        noise = np.random.default_rng(number).integers(-9, 10, gt.shape)
        se.write_png(folder / "gt" / f"{number:04d}.png", gt)
        cut = tuple(side // crop * crop for side in size)
        sr = np.clip(gt + noise, 0, 255).astype(np.uint8)[: cut[0], : cut[1]]
        se.write_png(folder / "sub" / f"{number:04d}x{scale}.png", sr)
    (folder / "track.toml").write_text(TRACK.format(scale=scale, crop=crop))
    return folder


@pytest.mark.filterwarnings("ignore::srspace_eval.errors.Notice")
@pytest.mark.parametrize(("scale", "crop", "size"), [(3, 3, (100, 119)), (3, 6, (100, 119)), (16, 16, (130, 161))])
def test_scales_and_crops(tmp_path: Path, scale: int, crop: int, size: tuple[int, int]) -> None:
    folder = make(tmp_path, scale, crop, size)
    result = se.score(folder / "sub", folder / "gt", track=folder / "track.toml", board=folder / "board", team="T")
    for image in result.images:
        height, width = (side // crop * crop for side in size)
        assert (image.height, image.width) == (height, width)
        gt = np.ascontiguousarray(se.read_rgb(folder / "gt" / f"{image.image}.png")[:height, :width])
        sr = se.read_rgb(folder / "sub" / f"{image.image}x{scale}.png")
        assert image.values["psnr"] == se.psnr(sr, gt, channel="y", border=scale)
        assert image.values["ssim"] == se.ssim(sr, gt)
        assert image.values["lr_psnr"] == se.lr_psnr(sr, se.imresize(gt, 1 / scale), scale)
        assert image.samples[0].file == f"{image.image}x{scale}.png"
    assert result.signature.settings["common"]["crop"] == crop
    ranking = se.rank(se.load_board(folder / "board/challenge"), folder / "track.toml")
    assert [row.place for row in ranking.rows] == [1]
    smaller = folder / "sub" / f"0901x{scale}.png"
    se.write_png(smaller, se.read_rgb(smaller)[:-1])
    with pytest.raises(SubmissionError, match="a fault"):
        se.score(folder / "sub", folder / "gt", track=folder / "track.toml", board=folder / "other", team="T")


def test_a_track_may_refuse_larger_samples(tmp_path: Path) -> None:
    folder = make(tmp_path, 4, 4, (67, 82))
    name = folder / "sub/0901x4.png"
    gt = se.read_rgb(folder / "gt/0901.png")
    for sr, fits in (
        (gt, True),
        (gt[:64, :80], True),
        (gt[:66, :82], False),
        (np.pad(gt, ((0, 4), (0, 0), (0, 0))), False),
    ):
        se.write_png(name, np.ascontiguousarray(sr))
        found = se.check(folder / "sub", folder / "gt", track=folder / "track.toml")
        assert found.faults == ()  # cropped, with a notice
        text = (folder / "track.toml").read_text()
        (folder / "strict.toml").write_text(text.replace("samples = 1", 'samples = 1\nmismatch = "error"'))
        strictly = se.check(folder / "sub", folder / "gt", track=folder / "strict.toml")
        assert (strictly.faults == ()) == fits
    assert "82×71 pixels, but its GT has 82×67; track challenge crops no larger samples" in strictly.faults[0]
    assert se.load_track("imagesr-x4-2026").mismatch == "error"


@pytest.mark.filterwarnings("ignore::srspace_eval.errors.Notice")
@pytest.mark.parametrize("packed", ["folder", "zip", "readme above", "zip, readme above"])
def test_the_readme_is_kept_as_declared(tmp_path: Path, packed: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make(tmp_path / "a", 4, 4, (64, 80))
    inner = folder / "sub"
    if "above" in packed:
        inner = folder / "whole"
        inner.mkdir()
        (folder / "sub").rename(inner / "pictures")
    (inner / "readme.txt").write_text(README)
    (inner / "factsheet.pdf").write_bytes(b"%PDF")
    source = inner
    if "zip" in packed:
        source = folder / "packed.zip"
        with zipfile.ZipFile(source, "w") as archive:
            for path in sorted(p for p in inner.rglob("*") if p.is_file()):
                archive.write(path, path.relative_to(inner).as_posix())
    options = ("--gt", folder / "gt", "--track", folder / "track.toml")
    assert command("check", source, *options, "--json") == 0
    notices = "\n".join(json.loads(capsys.readouterr().out)["notices"])
    assert "readme.txt is kept in the result as declared, not measured: runtime, CPU or GPU, extra data" in notices
    assert "ignored, not PNGs: readme.txt" not in notices
    if packed in ("folder", "zip"):
        assert "ignored, not PNGs: factsheet.pdf" in notices
    assert command("score", source, *options, "--board", folder / "board", "--team", "T") == 0
    assert "declared in readme.txt, not measured: runtime 10.43 s per image, GPU, extra data" in capsys.readouterr().out
    stored = json.loads((folder / "board/challenge/T.json").read_text())
    assert stored["declared"] == {"file": "readme.txt", "runtime": 10.43, "platform": "gpu", "extra_data": True}
    assert not {"runtime", "extra_data"} & set(stored["summary"])
    read = from_document(stored, "T.json")
    assert read.declared == se.Declared("readme.txt", 10.43, "gpu", True)
    assert to_document(read) == stored
    assert command("rank", *options[2:], "--board", folder / "board", "--out", folder / "site", "--format", "html") == 0
    (page,) = [path for path in (folder / "site").rglob("*.html") if "10.43 s per image" in path.read_text("utf-8")]
    assert "Declared by the team, not measured" in page.read_text("utf-8")


@pytest.mark.filterwarnings("ignore::srspace_eval.errors.Notice")
@pytest.mark.parametrize("text", ["", "A method.\nSee: 1\nand: 2\n", "\x00\xff", "runtime per image [s] : soon"])
def test_a_readme_without_the_keys_declares_nothing(tmp_path: Path, text: str) -> None:
    folder = make(tmp_path, 4, 4, (64, 80))
    (folder / "sub/README.md").write_text(text)
    result = se.score(folder / "sub", folder / "gt", track=folder / "track.toml", board=folder / "board", team="T")
    assert result.declared is None
    assert "declared" not in json.loads((folder / "board/challenge/T.json").read_text())


@pytest.mark.parametrize(
    ("key", "value"),
    [("runtime", -1), ("runtime", "10"), ("platform", "tpu"), ("extra_data", 1), ("more", 1), ("file", 3)],
)
def test_forged_declarations_are_refused(tmp_path: Path, golden: Path, key: str, value: object) -> None:
    document = json.loads(next((golden / "0.1.0").rglob("*.json")).read_text())
    declared = {"file": "readme.txt", "runtime": 1.0, "platform": None, "extra_data": None}
    document["declared"] = {**declared, key: value}
    with pytest.raises(ResultsError, match="declared"):
        from_document(document, "forged.json")
