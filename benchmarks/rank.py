"""Time from the files of a large board to its tables; the bootstrap against plain loops in the same run.

The plain bootstrap follows the textbook: for each replicate it draws images, averages each team, and ranks the teams.
It runs ``--plain`` replicates; its time is scaled to all of them.

    python benchmarks/rank.py --teams 200 --images 100 --samples 10

prints, as JSON: seconds (the minimum over ``--repeats``) for reading the board, ranking it with all intervals, each
format, the whole command in a fresh process (with and without HTML), and the bootstrap's speed-up.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from inputs.boards import make_results, write_board
from srspace_eval.ranking import Entry, rank
from srspace_eval.ranking.bootstrap import BootstrapPlan
from srspace_eval.ranking.entries import board_entries
from srspace_eval.ranking.ties_and_plateau import competition_ranks, sort_keys
from srspace_eval.report.files import TEXT_FORMATS, render_leaderboard
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.reader import load_track


def seconds(call: Callable[[], object], repeats: int) -> float:
    """The minimum time of a call."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return round(min(times), 4)


def plain_bootstrap(entries: list[Entry], track: Track, replicates: int) -> None:
    """Loops over replicates, metrics and teams."""
    generator = np.random.default_rng(0)
    images = len(entries[0].result.images)  # type: ignore[union-attr]
    criteria = {c.metric: c for c in track.ranking.criteria}
    tables = {
        metric: [[image.values[metric] for image in e.result.images] for e in entries]  # type: ignore[union-attr]
        for metric in ("lpips", "lr_psnr", "diversity")
    }
    for _ in range(replicates):
        drawn = generator.integers(0, images, images)
        for metric, table in tables.items():
            means = [sum(row[i] for i in drawn) / images for row in table]  # type: ignore[misc]
            if metric in criteria:
                competition_ranks(sort_keys(means, criteria[metric], track.columns()[metric].direction))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("teams", 200), ("images", 100), ("samples", 10), ("repeats", 3), ("plain", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    track, plan = load_track("x8"), BootstrapPlan()
    with tempfile.TemporaryDirectory() as scratch:
        board = Path(scratch) / "board"
        write_board(board, make_results(track, options.teams, options.images, options.samples, 0))
        entries = board_entries(board, track)
        ranking = rank(entries, track, bootstrap=plan)
        ranked = seconds(lambda: rank(entries, track, bootstrap=plan), options.repeats)
        without = seconds(lambda: rank(entries, track), options.repeats)
        plain = seconds(lambda: plain_bootstrap(entries, track, options.plain), 1) * plan.replicates / options.plain
        command = [sys.executable, "-m", "srspace_eval", "rank", "--board", str(board), "--out", f"{scratch}/out"]
        text = [*command, "--format", ",".join(TEXT_FORMATS)]

        def run(args: list[str]) -> None:
            subprocess.run(args, check=True, capture_output=True)

        found = {
            "board": {name: getattr(options, name) for name in ("teams", "images", "samples")},
            "megabytes": round(sum(path.stat().st_size for path in board.rglob("*.json")) / 1e6, 1),
            "read_seconds": seconds(lambda: board_entries(board, track), options.repeats),
            "rank_seconds": ranked,
            "replicates": plan.replicates,
            "bootstrap_seconds": round(ranked - without, 4),
            "plain_bootstrap_seconds": round(plain, 1),
            "bootstrap_speedup": round(plain / (ranked - without)),
            "format_seconds": {
                form: seconds(lambda f=form: render_leaderboard(ranking, f), 1) for form in TEXT_FORMATS
            },
            "command_seconds": seconds(lambda: run(text), options.repeats),
            "command_with_html_seconds": seconds(lambda: run(command), options.repeats),
        }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
