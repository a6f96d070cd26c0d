"""The seventh attack on numbers and names: names that end in x4, one LR alone, and arguments of callers."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.inputs import pngs
from srspace_eval import score, verify, write_png
from srspace_eval.errors import InputError
from srspace_eval.models.folders.lr_folder import find_lrs
from srspace_eval.ranking.bootstrap import BootstrapPlan
from srspace_eval.study.entries import named_source
from srspace_eval.submissions.image_names import images_of_lr
from srspace_eval.submissions.sources import open_source
from srspace_eval.tracks.reader import builtin_tracks


def folder(path: Path, names: list[str]) -> Path:
    path.mkdir()
    for name in names:
        write_png(path / name, pngs.pixels(32, 32) ^ np.uint8(path.name == "samples"))
    return path


@pytest.mark.parametrize("names", [["baby_HR_x4", "bird_HR_x4"], ["baby_x4", "bird_x4"], ["0801_x4"], ["a b-x4"]])
def test_x4_after_a_sign_is_part_of_the_image_s_name(tmp_path: Path, names: list[str]) -> None:
    lr = folder(tmp_path / "lr", [f"{name}.png" for name in names])
    assert sorted(x.image for x in find_lrs(lr, 4)) == sorted(names)
    assert sorted(images_of_lr(open_source(lr), builtin_tracks()["esr-2024"])) == sorted(names)


@pytest.mark.parametrize("names", [["linux4", "foo"], ["babyx4", "birdx4"], ["0801x4", "0802"], ["babyx4"]])
def test_one_lr_is_the_same_image_as_in_its_folder(tmp_path: Path, names: list[str]) -> None:
    lr = folder(tmp_path / "lr", [f"{name}.png" for name in names])
    (lr / ".hidden.png").touch()
    for x in find_lrs(lr, 4):
        assert [alone.image for alone in find_lrs(x.path, 4)] == [x.image]


def test_no_thread_is_started_without_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    class Counted(threading.Thread):
        def start(self) -> None:
            started.append(self.name)
            super().start()

    monkeypatch.setattr(threading, "Thread", Counted)
    gt = folder(tmp_path / "gt", ["0801.png", "0802.png"])
    settings: dict[str, Any] = {"track": "x4", "samples": 1, "metrics": ["psnr"], "workers": 100_000}
    result = score(folder(tmp_path / "samples", ["0801.png", "0802.png"]), gt, board=tmp_path / "board", **settings)
    assert len(result.images) == 2
    assert len([name for name in started if name.startswith("measure-")]) == 4


@pytest.mark.parametrize("seed", [-1, 1.5, "a", True])
def test_a_seed_of_verify_is_checked_first(tmp_path: Path, seed: Any) -> None:
    with pytest.raises(InputError, match="seed = "):
        verify(tmp_path / "none.json", tmp_path, seed=seed)


def test_a_seed_of_numpy_is_a_seed(tmp_path: Path) -> None:
    gt, samples = (
        folder(tmp_path / "gt", ["0801.png", "0802.png"]),
        folder(tmp_path / "samples", ["0801.png", "0802.png"]),
    )
    score(samples, gt, board=tmp_path / "board", track="x4", samples=1, metrics=["psnr"])
    result = tmp_path / "board" / "x4" / "samples.json"
    assert verify(result, samples, gt, images=1, seed=np.int64(3)) == verify(result, samples, gt, images=1, seed=3)


@pytest.mark.parametrize("level", ["0.9", None, 0, 1, True, float("nan")])
def test_the_level_of_intervals_is_checked(level: Any) -> None:
    with pytest.raises(InputError, match="level = "):
        BootstrapPlan(level=level)


def test_a_method_s_name_may_be_longer_than_a_file_s(tmp_path: Path) -> None:
    name = "n" * 400
    assert named_source(f"{name}={folder(tmp_path / 's', ['0801.png'])}")[0] == name
