from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from srspace_eval._utils.png import read_rgb, write_png
from srspace_eval.metrics.resize import imresize
from tests.helpers.commands import run as run_command

run = partial(run_command, "downscale")


@pytest.fixture
def pictures(tmp_path: Path) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    found = {}
    (tmp_path / "hr").mkdir()
    for name, size in (("0801", (50, 37)), ("0802", (64, 48))):
        found[name] = generator.integers(0, 256, (*size, 3), dtype=np.uint8)
        write_png(tmp_path / "hr" / f"{name}.png", found[name])
    return found


@pytest.mark.parametrize("convention", ["ntire21", "matlab", "matlab-legacy"])
def test_every_picture_of_a_folder(convention: str, pictures: dict[str, np.ndarray], tmp_path: Path) -> None:
    out = tmp_path / "new" / "lr"
    assert run(tmp_path / "hr", "--scale", 4, "--out", out, "--convention", convention) == 0
    assert sorted(path.name for path in out.iterdir()) == ["0801.png", "0802.png"]
    for name, pixels in pictures.items():
        np.testing.assert_array_equal(read_rgb(out / f"{name}.png"), imresize(pixels, 1 / 4, convention=convention))
    assert read_rgb(out / "0801.png").shape == (13, 10, 3)


def test_one_picture_is_cropped_and_downscaled(pictures: dict[str, np.ndarray], tmp_path: Path) -> None:
    assert run(tmp_path / "hr" / "0801.png", "--scale", 8, "--out", tmp_path / "lr", "--crop", 8) == 0
    np.testing.assert_array_equal(read_rgb(tmp_path / "lr" / "0801.png"), imresize(pictures["0801"][:48, :32], 1 / 8))


def test_files_are_replaced_only_with_overwrite(
    pictures: dict[str, np.ndarray], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "lr"
    assert run(tmp_path / "hr", "--scale", 4, "--out", out) == 0
    before = (out / "0801.png").read_bytes()
    assert run(tmp_path / "hr", "--scale", 2, "--out", out) == 1
    err = capsys.readouterr().err
    assert "--overwrite" in err
    assert str(out / "0802.png") in err
    assert (out / "0801.png").read_bytes() == before
    assert run(tmp_path / "hr", "--scale", 2, "--out", out, "--overwrite") == 0
    assert read_rgb(out / "0801.png").shape == (25, 19, 3)
    assert run(tmp_path / "hr", "--scale", 2, "--out", tmp_path / "hr", "--overwrite") == 1
    assert "would replace the pictures" in capsys.readouterr().err
    np.testing.assert_array_equal(read_rgb(tmp_path / "hr" / "0801.png"), pictures["0801"])


def test_unreadable_pictures_are_listed_and_the_others_downscaled(
    pictures: dict[str, np.ndarray], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hr" / "0803.png").write_bytes(b"not a picture")
    (tmp_path / "hr" / "0804.png").write_bytes(b"")
    assert run(tmp_path / "hr", "--scale", 4, "--out", tmp_path / "lr") == 1
    err = capsys.readouterr().err
    assert "2 of 4 pictures" in err
    assert "0803.png" in err
    assert "0804.png" in err
    assert sorted(path.name for path in (tmp_path / "lr").iterdir()) == ["0801.png", "0802.png"]


def test_empty_folders_and_missing_options_are_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert run(tmp_path / "empty", "--scale", 4, "--out", tmp_path / "lr") == 1
    assert "contains no .png files" in capsys.readouterr().err
    assert run(tmp_path / "empty", "--out", tmp_path / "lr") == 2
