from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import srspace_eval as se
from srspace_eval._utils.hashing import sha256, sha256_of_file
from tests.helpers.commands import run as run_command

run = partial(run_command, "degrade")


@pytest.fixture
def hr(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    (tmp_path / "hr").mkdir()
    for number in range(6):
        pixels = generator.integers(0, 256, (50 + number, 37, 3), dtype=np.uint8)
        se.write_png(tmp_path / "hr" / f"{801 + number:04d}.png", pixels)
    return tmp_path / "hr"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def record(folder: Path) -> dict[str, object]:
    document: dict[str, object] = json.loads((folder / "degradation.json").read_text(encoding="utf-8"))
    return document


def test_the_same_seed_gives_the_same_bytes_whatever_the_order_and_the_workers(hr: Path, tmp_path: Path) -> None:
    options = ("--kernel", "gaussian,anisotropic,none", "--jpeg", "30,95", "--seed", 5)
    assert run(hr, "--out", tmp_path / "one", *options, "--workers", 1) == 0
    assert run(hr, "--out", tmp_path / "four", *options, "--workers", 4) == 0
    for picture in sorted(hr.iterdir(), reverse=True):
        assert run(picture, "--out", tmp_path / "each", *options) == 0
    report = se.degrade_folder(
        hr, tmp_path / "python", se.DegradeOptions(kernels=("gaussian", "anisotropic", "none"), jpeg=(30, 95), seed=5)
    )
    wanted = contents(tmp_path / "one")
    assert len(wanted) == 7
    for name in ("four", "each", "python"):
        assert contents(tmp_path / name) == wanted
    assert run(hr, "--out", tmp_path / "other", *options[:-1], 6) == 0
    other = contents(tmp_path / "other")
    assert not any(other[name] == data for name, data in wanted.items())
    for image in report.images:
        assert sha256_of_file(hr / image.hr) == image.hr_sha256
        assert sha256(se.read_rgb(tmp_path / "one" / image.lr).tobytes()) == image.lr_pixels_sha256
        lr, applied = se.degrade_image(
            se.read_rgb(hr / image.hr),
            se.DegradeOptions(kernels=("gaussian", "anisotropic", "none"), jpeg=(30, 95), seed=5),
            image=image.image,
        )
        assert applied == image.applied
        np.testing.assert_array_equal(lr, se.read_rgb(tmp_path / "one" / image.lr))


def test_sample_and_score_take_the_lrs(hr: Path, tmp_path: Path) -> None:
    assert run(hr, "--out", tmp_path / "lr", "--seed", 1) == 0
    lr, out = tmp_path / "lr", tmp_path / "sr"
    assert run_command("sample", "--checkpoint", "bicubic_x4", "--lr", lr, "--out", out, "--samples", 1) == 0
    check = se.check(out, gt=hr, lr=lr, track="x4", samples=1)
    assert check.faults == ()


def test_sample_says_nothing_about_the_record(hr: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(hr, "--out", tmp_path / "lr") == 0
    capsys.readouterr()
    arguments = ("--checkpoint", "bicubic_x4", "--lr", tmp_path / "lr", "--out", tmp_path / "sr", "--samples", 1)
    assert run_command("sample", *arguments) == 0
    assert "ignored" not in capsys.readouterr().err


def test_lrs_are_replaced_only_with_overwrite_and_never_mixed(
    hr: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "lr"
    assert run(hr, "--out", out, "--noise", "none") == 0
    before = contents(out)
    assert run(hr, "--out", out, "--noise", "none", "--seed", 1) == 1
    assert "replaced only with --overwrite" in capsys.readouterr().err
    assert run(hr / "0801.png", "--out", out, "--noise", "gaussian", "--overwrite") == 1
    assert "5 of its LRs (0802 …) were made with other settings (noises, noise_sigma)" in capsys.readouterr().err
    assert contents(out) == before
    assert run(hr / "0801.png", "--out", out, "--noise", "none", "--overwrite") == 0
    assert contents(out) == before
    assert run(hr, "--out", out, "--noise", "gaussian", "--overwrite") == 0
    assert record(out)["settings"] != json.loads(before["degradation.json"])["settings"]
    assert run(hr, "--out", hr, "--overwrite") == 1
    assert "would replace the pictures" in capsys.readouterr().err


def test_a_damaged_record_is_an_error(hr: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "lr"
    out.mkdir()
    for text in (
        "",
        "[",
        "{}",
        '{"format": "srspace-eval/degrade/1", "settings": 1, "environments": [], "images": []}',
    ):
        (out / "degradation.json").write_text(text, encoding="utf-8", newline="\n")
        assert run(hr, "--out", out) == 1
        err = capsys.readouterr().err
        assert "degradation.json: " in err
        assert "remove it, or give another --out" in err
    assert [path.name for path in out.iterdir()] == ["degradation.json"]


def test_unreadable_and_small_pictures_are_listed_and_the_others_degraded(
    hr: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (hr / "0901.png").write_bytes(b"not a picture")
    se.write_png(hr / "0902.png", np.zeros((3, 50, 3), np.uint8))
    assert run(hr, "--out", tmp_path / "lr") == 1
    err = capsys.readouterr().err
    assert "2 of 8 pictures were not degraded" in err
    assert "0901.png" in err
    assert "0902" in err
    assert len(contents(tmp_path / "lr")) == 7
    images = record(tmp_path / "lr")["images"]
    assert isinstance(images, list)
    assert len(images) == 6


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--kernel", "box"), 1, "kernels box: choose from none, gaussian"),
        (("--kernel-size", 4), 1, "an odd number"),
        (("--sigma", "3,1"), 1, "sigma 3 to 1"),
        (("--sigma", "nan"), 1, "sigma nan to nan"),
        (("--sigma", "a"), 2, "is not a number"),
        (("--jpeg", "1.5"), 2, "whole number"),
        (("--jpeg", "0,50"), 1, "jpeg 0 to 50"),
        (("--noise", "pool"), 1, "noise pool: give the folder of the pool"),
        (("--noise", "gaussian,gaussian"), 1, "each once"),
        (("--poisson-peak", "1000"), 1, "poisson_peak 1000 to 1000"),
        (("--scale", 0), 1, "scale 0"),
    ],
)
def test_wrong_options_are_named(
    options: tuple[object, ...], code: int, message: str, hr: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(hr, "--out", tmp_path / "lr", *options) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "lr").exists()


def test_a_pool_is_collected_and_used(hr: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    se.write_png(flat / "a.png", np.random.default_rng(0).integers(90, 99, (100, 100, 3), dtype=np.uint8))
    assert run("pool", flat, "--out", tmp_path / "pool", "--size", 32, "--stride", 32) == 0
    assert "9 patches" in capsys.readouterr().err
    assert run("pool", flat, "--out", tmp_path / "pool") == 1
    assert run(hr, "--out", tmp_path / "lr", "--noise-pool", tmp_path / "pool") == 0
    images = record(tmp_path / "lr")["images"]
    assert isinstance(images, list)
    assert images[0]["applied"]["noise_patches"][0].startswith("a_")
    patches = se.collect_noise_pool(flat, tmp_path / "again", size=32, stride=32)
    assert contents(tmp_path / "again") == contents(tmp_path / "pool")
    assert len(patches) == 9


def test_help_names_both_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    out = capsys.readouterr().out
    assert "--poisson-peak" in out
    assert "degrade pool" in out
    assert run("pool", "--help") == 0
    assert "--variance" in capsys.readouterr().out
