"""Time of ``rank`` on a board of other challenges' kind: derived scores, eligibility, three rankings, intervals, HTML.

``python -m benchmarks.challenge_board [--teams 200] [--images 100]`` prints the seconds.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.inputs.boards import make_results, write_board
from srspace_eval.ranking import rank
from srspace_eval.report.files import write_leaderboards
from srspace_eval.tracks.reader import load_track

TRACK = """
name = "challenge"
title = "A challenge"
scale = 4
samples = 1
[measure.lpips]
[measure.lr_psnr]
[columns]
runtime = { unit = "ms", digits = 2, better = "lower" }
[derived]
speed = { formula = "exp(2 * runtime / 30)", better = "lower" }
score = { formula = "(1 - lpips) + lr_psnr / 50 - 0.01 * speed", better = "higher" }
root = { formula = "sqrt(lpips)", better = "lower", of = "images" }
iqa = { formula = "per_image_rank(lpips, lr_psnr)", better = "lower" }
[rankings.main]
eligible = ["runtime <= 45"]
criteria = [{ metric = "score" }, { metric = "lr_psnr", tolerance = 0.05 }]
order_by = ["min(rank(score), rank(lr_psnr))", "mean(rank(score), rank(lr_psnr))"]
[rankings.perceptual]
criteria = [{ metric = "root" }, { metric = "iqa" }]
order_by = [{ by = "iqa", tolerance = 0.1 }, "rank(root)"]
[rankings.speed]
criteria = [{ metric = "runtime" }]
order_by = ["rank(runtime)"]
"""


def main() -> None:
    """Make the board, rank it, write the pages, print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teams", type=int, default=200)
    parser.add_argument("--images", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "track.toml").write_text(TRACK, encoding="utf-8")
        track = load_track(folder / "track.toml")
        results = make_results(track, options.teams, options.images, 1, seed=0)
        write_board(folder / "board", results)
        runtimes = np.random.default_rng(0).uniform(5, 50, len(results))
        lines = [f"{result.team},{runtime:.2f}" for result, runtime in zip(results, runtimes, strict=True)]
        (folder / "values.csv").write_text("team,runtime\n" + "\n".join(lines) + "\n", encoding="utf-8")
        start, cpu = time.perf_counter(), time.process_time()
        ranking = rank(folder / "board", track, values=folder / "values.csv")
        ranked = time.perf_counter()
        write_leaderboards([ranking], folder / "out", formats=["html"])
        done, cpu = time.perf_counter(), time.process_time() - cpu
    print(f"{len(results)} teams, {options.images} images: rank {ranked - start:.2f} s, pages {done - ranked:.2f} s")
    print(f"processor time of both: {cpu:.2f} s")
    print(f"intervals: {ranking.bootstrap}; tables: {[one.track.ranking.name for one in ranking.all]}")


if __name__ == "__main__":
    main()
