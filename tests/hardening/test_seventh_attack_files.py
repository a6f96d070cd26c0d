"""What the seventh attack found in the measuring of submissions."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

import srspace_eval as se
from benchmarks.inputs import synth
from srspace_eval.errors import MetricError
from srspace_eval.metrics.evaluator import ImageEvaluator
from srspace_eval.scoring.executors import threads
from srspace_eval.scoring.executors.budget import MemoryBudget

TRACK = """
name = "real"
title = "Real pictures"
scale = 2
samples = 1
gt_names = ["{stem}.png"]
sample_names = ["{stem}.png"]
reference = "none"
metrics = ["piqe"]

[ranking]
criteria = [{ metric = "piqe" }]
final = ["piqe"]
"""

pytestmark = pytest.mark.filterwarnings("ignore::srspace_eval.errors.Notice")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three samples in ``sub/`` and their LRs in ``lr/``; there is no GT."""
    for place in ("lr", "sub"):
        (tmp_path / place).mkdir()
    for number, name in enumerate("abc"):
        se.write_png(tmp_path / "sub" / f"{name}.png", synth.picture(48, 48, number))
        se.write_png(tmp_path / "lr" / f"{name}.png", synth.picture(24, 24, number))
    (tmp_path / "real.toml").write_text(TRACK)
    return tmp_path


def score(folder: Path, lr: Path | None = None) -> se.Result:
    return se.score(folder / "sub", track=folder / "real.toml", board=folder / "board", lr=lr, workers=3)


@pytest.mark.parametrize("with_lr", [False, True])
def test_pictures_that_state_their_own_size_share_a_memory(
    folder: Path, with_lr: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget, lock, active, most = MemoryBudget(1), threading.Lock(), 0, [0]
    monkeypatch.setattr(threads, "_OWN_SIZES", budget, raising=False)
    measure = ImageEvaluator.measure

    def slow(self: ImageEvaluator, sr: Any) -> Any:
        nonlocal active
        with lock:
            active += 1
            most[0] = max(most[0], active)
        time.sleep(0.1)
        with lock:
            active -= 1
        return measure(self, sr)

    monkeypatch.setattr(ImageEvaluator, "measure", slow)
    result = score(folder, folder / "lr" if with_lr else None)
    assert len(result.images) == 3
    assert (most[0] > 1) == with_lr  # the LRs say how large the pictures are
    assert budget.held == 0


def test_an_error_ends_the_threads_that_wait_for_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    budget = MemoryBudget(1)
    monkeypatch.setattr(threads, "_OWN_SIZES", budget)

    def fail(self: ImageEvaluator, sr: Any) -> Any:
        time.sleep(0.2)
        raise MetricError("the cause")

    monkeypatch.setattr(ImageEvaluator, "measure", fail)
    with pytest.raises(MetricError, match="the cause"):
        score(folder)
    assert budget.held == 0
