"""What the ninth attack found in measuring, in files and in the library."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import filelock
import numpy as np
import pytest

import srspace_eval as se
from srspace_eval._utils import download as downloading
from srspace_eval._utils.files import replacing
from srspace_eval._utils.hashing import sha256
from srspace_eval.codabench.scoring_program import read_readme, submission_folder
from srspace_eval.errors import InputError, Notice, WeightsError
from srspace_eval.metrics import registry
from srspace_eval.metrics.scenes.metric import Piqe
from srspace_eval.models.folders.options import SampleOptions
from srspace_eval.results.seals import Seal
from srspace_eval.scoring import run as scoring
from srspace_eval.scoring.executors import threads
from srspace_eval.submissions import plausibility


def test_thin_pictures_are_not_measured_by_piqe_and_count_whole_blocks() -> None:
    """A zip of 478 bytes took 5.4 GB: PIQE continues a picture to whole blocks."""
    assert [least.side for least in Piqe(border=4).least_sizes("alex")] == [24]
    assert [threads._whole_blocks(length) for length in (1, 16, 17)] == [16, 16, 32]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes in folders")
def test_a_pipe_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    """``write_png`` to /dev/null, as root, replaced the device by a file."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="a device, a pipe or a socket"), replacing(tmp_path / "pipe"):
        pass
    assert (tmp_path / "pipe").is_fifo()
    assert list(tmp_path.iterdir()) == [tmp_path / "pipe"]


@pytest.mark.parametrize("beside", ["x4/code/model.py", "code/model.py", ".git/config", "description.txt"])
def test_a_bundle_takes_the_only_folder_with_pngs_and_the_readme_above_it(beside: str, tmp_path: Path) -> None:
    for name in ("x4/a.png", beside, "readme.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"runtime per image [s] : 10.43\n")
    assert submission_folder(tmp_path) == tmp_path / "x4"
    assert read_readme(tmp_path / "x4", tmp_path).runtime == 10.43


def test_two_folders_with_pngs_are_left_to_the_organiser(tmp_path: Path) -> None:
    for name in ("x4/a.png", "x8/a.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"")
    assert submission_folder(tmp_path) == tmp_path


def test_a_seal_that_cannot_be_written_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(digest: str, seal: Seal) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(scoring, "seal_result", full)
    with pytest.warns(Notice, match="the state folder cannot be used"):
        scoring._seal("0" * 64, "measured", cast(se.Result, SimpleNamespace(images=())))


def test_threads_wait_until_the_plug_ins_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other threads said that a plug-in's metric was unknown."""
    finished, seen = threading.Event(), []

    def slow() -> None:
        time.sleep(0.2)
        finished.set()

    def look() -> None:
        registry.metrics()
        seen.append(finished.is_set())

    monkeypatch.setitem(registry._state, "entry points loaded", False)
    monkeypatch.setattr(registry, "_register_entry_points", slow)
    callers = [threading.Thread(target=look) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert seen == [True] * 3


def test_two_downloads_of_one_file_do_not_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "weights.pth"
    with (
        filelock.FileLock(f"{target}.lock"),
        pytest.raises(WeightsError, match=r"weights\.pth: another process downloads it"),
    ):
        downloading.download("http://localhost/weights.pth", target, "00")
    target.write_bytes(b"complete")
    monkeypatch.setattr(downloading, "_receive", None)  # the other process has downloaded it: nothing is received
    downloading.download("http://localhost/weights.pth", target, sha256(b"complete")[:8])
    assert [path.name for path in tmp_path.iterdir()] == ["weights.pth"]


@pytest.mark.parametrize("seed", [1.5, True, "0", None])
def test_a_seed_that_is_no_integer_is_refused(seed: object) -> None:
    with pytest.raises(InputError, match="is not an integer"):
        SampleOptions(seed=seed)  # type: ignore[arg-type]


def test_numpys_integers_become_pythons() -> None:
    options = SampleOptions(seed=np.int64(3), samples=np.int64(2))  # type: ignore[arg-type]
    plan = se.PatchPlan(np.uint8(50), np.uint8(16), 1)  # type: ignore[arg-type]  # 16² overflowed
    assert {type(value) for value in (options.seed, options.samples, plan.patches, plan.size)} == {int}
    with pytest.raises(InputError, match=r"memory_limit = 1\.5 is not a number of bytes"):
        SampleOptions(memory_limit=1.5)  # type: ignore[arg-type]


def test_samples_of_other_images_are_told_without_comparing_all_with_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """1700 samples of another GT folder took a minute."""
    calls = [0]

    def correlation(a: object, b: object) -> float:
        calls[0] += 1
        return 0.0

    monkeypatch.setattr(plausibility, "_correlation", correlation)
    look: Callable[..., plausibility.Look] = plausibility.look
    seen = look(np.zeros((32, 32, 3), np.uint8), np.full((32, 32, 3), 255, np.uint8), 4)
    looks = {f"{k:04}": seen for k in range(1000)}
    (found,) = plausibility._permuted(looks)
    assert "1000 of 1000 images" in found
    assert calls[0] < 201 * 1000
