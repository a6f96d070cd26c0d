"""``score`` as tests call it, and the check of a result against the challenge's programs."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from srspace_eval.errors import Notice
from srspace_eval.results.record import Result
from srspace_eval.scoring.options import ScoreOptions
from srspace_eval.scoring.run import score
from srspace_eval.tracks.reader import load_track

ALL = ("lpips", "lr_psnr", "diversity", "diversity_mse", "psnr", "ssim")


def run(folder: Path, board: Path, **changes: Any) -> Result:
    """Score ``folder/sub`` against ``folder/gt``; ``changes`` are arguments of ``score`` or fields of its options."""
    arguments: dict[str, Any] = {"track": load_track("x4"), "board": board, "team": "t"}
    options = {"metrics": ("lr_psnr", "diversity_mse"), "samples": 3}
    for key, value in changes.items():
        (arguments if key in ("track", "team", "overwrite", "lr", "kind") else options)[key] = value
    submission = options.pop("submission", folder / "sub")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Notice)
        return score(submission, folder / "gt", options=ScoreOptions(**options), **arguments)


def assert_parity(result: Result, case: dict[str, Any]) -> None:
    """The numbers of a result are those of a case of ``measure_procedural.json``."""
    assert len(result.images) == len(case["expected"])
    for image, expected in zip(result.images, case["expected"], strict=True):
        assert image.values["lpips"] == pytest.approx(expected["LPIPS_mean"], rel=2e-5)
        assert image.values["lr_psnr"] == pytest.approx(expected["LRPSNR_mean"], abs=1e-9)
        assert image.values["lr_psnr_worst"] == pytest.approx(expected["LRPSNR_worst"], abs=1e-9)
        assert image.values["diversity"] == pytest.approx(expected["score"], abs=0.002)
        by_samples = expected["by_samples"]
        for n in range(1, case["samples"] + 1):
            first = image.samples[:n]
            mean = np.mean([s.values["lpips"] for s in first])
            assert mean == pytest.approx(by_samples[f"LPIPS_mean_n{n}"], rel=2e-5)
            assert np.mean([s.values["mse"] for s in first]) == pytest.approx(by_samples[f"MSE_mean_n{n}"], rel=1e-4)
            assert image.curves["diversity_curve"][n - 1] == pytest.approx(by_samples[f"LPIPS_score_n{n}"], abs=0.002)
            assert image.curves["diversity_mse_curve"][n - 1] == pytest.approx(by_samples[f"MSE_score_n{n}"], abs=0.002)
        best = by_samples[f"LPIPS_best_loc_n{case['samples']}"]
        assert image.values["lpips_local_best"] == pytest.approx(best, rel=2e-5)
