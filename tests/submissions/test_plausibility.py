"""Mistakes that no check of names and sizes finds: order, colours, shift, scale, and folders above the PNGs."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import srspace_eval as se
from srspace_eval.submissions.plausibility import Pixels, findings, look
from tests.helpers.commands import run

SIDE = 144


def scene(seed: int) -> Pixels:
    """Patches of colour with fine stripes: structure at all scales, as photographs have."""
    rng = np.random.default_rng(seed)
    coarse = np.asarray(Image.fromarray(rng.integers(0, 256, (6, 6, 3)).astype(np.uint8)).resize((SIDE, SIDE), 2))
    fine = np.asarray(Image.fromarray(rng.integers(0, 256, (36, 36, 3)).astype(np.uint8)).resize((SIDE, SIDE), 3))
    finer = rng.integers(0, 256, (SIDE // 2, SIDE // 2, 3)).repeat(2, axis=0).repeat(2, axis=1)
    mixed = coarse * 0.6 + fine * 0.3 + finer * 0.1
    return mixed.astype(np.uint8)


def enlarged(gt: Pixels, scale: int, noise: float = 3) -> Pixels:
    """A simple sample: the LR enlarged, and noise."""
    lr = Image.fromarray(gt).resize((SIDE // scale, SIDE // scale), Image.Resampling.BICUBIC)
    large = np.asarray(lr.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.float64)
    return np.clip(large + np.random.default_rng(0).normal(0, noise, large.shape), 0, 255).astype(np.uint8)


GTS = [scene(seed) for seed in range(4)]


def seems(make: Callable[[Pixels], Pixels], order: tuple[int, ...] = (0, 1, 2, 3)) -> list[str]:
    looks = {f"{801 + n:04d}": look(GTS[n], make(GTS[other]), 4) for n, other in enumerate(order)}
    return findings(looks, 4)


@pytest.mark.parametrize("noise", [0, 3, 25])
def test_ordinary_samples_are_plausible(noise: float) -> None:
    assert seems(lambda gt: enlarged(gt, 4, noise)) == []
    assert seems(lambda gt: gt) == []


@pytest.mark.parametrize(
    ("make", "order", "told"),
    [
        (lambda gt: enlarged(gt, 4)[..., ::-1].copy(), (0, 1, 2, 3), "red and blue seem to be exchanged"),
        (lambda gt: enlarged(gt, 4), (1, 2, 3, 0), "the sample of 0801 looks like the GT 0802"),
        (lambda gt: np.roll(enlarged(gt, 4), 1, axis=0), (0, 1, 2, 3), "shifted by 1 pixel down (4 of 4 images)"),
        (lambda gt: np.roll(enlarged(gt, 4), -1, axis=1), (0, 1, 2, 3), "shifted by 1 pixel to the left"),
        (lambda gt: enlarged(gt, 8), (0, 1, 2, 3), "of scale ×8, not ×4"),
        (lambda gt: scene(int(gt[0, 0, 0]) + 99), (0, 1, 2, 3), "do not look like their GT"),
    ],
)
def test_what_samples_seem_to_be(make: Callable[[Pixels], Pixels], order: tuple[int, ...], told: str) -> None:
    (finding,) = seems(make, order)
    assert told in finding


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for n, gt in enumerate(GTS[:2]):
        for name in ("gt", "sub"):
            (tmp_path / name).mkdir(exist_ok=True)
        se.write_png(tmp_path / f"gt/080{n + 1}.png", gt)
        for sample in range(2):
            se.write_png(tmp_path / f"sub/00000{n}_sample0000{sample}.png", enlarged(gt, 4, 3 + sample))
    return tmp_path


def pack(folder: Path, name: str, *inside: str) -> Path:
    with zipfile.ZipFile(folder / name, "w") as archive:
        for path in sorted((folder / "sub").iterdir()):
            for place in inside:
                archive.write(path, f"{place}/{path.name}")
        archive.writestr("readme.txt", "runtime per image [s] : 1.0")
    return folder / name


def test_check_tells_it_and_strict_counts_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (folder / "sub").iterdir():
        se.write_png(path, se.read_rgb(path)[..., ::-1].copy())
    line = ["check", folder / "sub", "--gt", folder / "gt", "--track", "x4", "--samples", 2]
    assert run(*line) == 0
    out, err = capsys.readouterr()
    assert "red and blue seem to be exchanged" in out
    assert "names such as 000000_sample00000.png" in err
    assert run(*line, "--strict") == 1


@pytest.mark.parametrize("inside", ["results", "team/final/results"])
def test_folders_above_the_pngs_are_entered(folder: Path, inside: str) -> None:
    zipped = pack(folder, "s.zip", inside)
    report = se.check(zipped, folder / "gt", track="x4", samples=2)
    assert report.faults == ()
    assert report.samples == 4
    (folder / "above" / inside).parent.mkdir(parents=True)
    (folder / "sub").rename(folder / "above" / inside)
    assert se.check(folder / "above", folder / "gt", track="x4", samples=2).samples == 4


def test_of_several_folders_the_one_of_the_track_is_taken(folder: Path) -> None:
    zipped = pack(folder, "s.zip", "x4", "x8")
    with pytest.warns(se.Notice, match="2 folders of PNGs; x4 is taken"):
        result = se.score(zipped, folder / "gt", track="x4", samples=2, metrics=["psnr"], board=folder / "board")
    assert len(result.images) == 2
    ranking = se.rank(folder / "board", "x4")
    pictures = se.Pictures(gt=folder / "gt", submissions={"s": zipped})
    se.write_leaderboards([ranking], folder / "site", formats=["html"], pictures={"x4": pictures})
    assert (folder / "site/x4/viewer/s.html").is_file()


def test_folders_that_fit_equally_are_named(folder: Path) -> None:
    zipped = pack(folder, "s.zip", "final", "old")
    with pytest.raises(se.SubmissionError, match="several of its folders fit track x4: final, old"):
        se.check(zipped, folder / "gt", track="x4", samples=2)


def test_samples_that_all_images_lack_are_one_line(folder: Path) -> None:
    report = se.check(folder / "sub", folder / "gt", track="x4")
    (fault,) = report.faults
    assert "all 2 images: samples 2 to 9 are missing (2 of 10 are there)" in fault
    assert "give samples=2" in fault


def test_messages_show_a_name_and_no_template(folder: Path) -> None:
    for path in (folder / "sub").iterdir():
        path.rename(path.with_name(f"out_{path.name}"))
    with pytest.raises(se.SubmissionError) as caught:
        se.check(folder / "sub", folder / "gt", track="x4")
    assert "000000_sample00000.png" in str(caught.value)
    assert "{" not in str(caught.value)


def test_a_sample_of_the_lr_s_size_is_told(folder: Path) -> None:
    se.write_png(folder / "sub/000000_sample00000.png", GTS[0][: SIDE // 4, : SIDE // 4])
    report = se.check(folder / "sub", folder / "gt", track="x4", samples=2)
    assert any("it has the size of the LR" in fault for fault in report.faults)
