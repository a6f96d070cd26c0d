"""Boards of version 0.1.0 are read, written back and ranked as 0.1.0 did it, except for infinite values in means."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from srspace_eval.ranking.leaderboard import rank
from srspace_eval.report.files import render_leaderboard
from srspace_eval.results.board import load_board
from srspace_eval.results.record import Result
from srspace_eval.results.store import read_result, write_result

GOLDEN = Path(__file__).parents[1] / "golden" / "0.1.0"
RESULTS = sorted(GOLDEN.glob("board/*/*.json"))


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_a_result_is_written_back_with_the_same_bytes(path: Path, tmp_path: Path) -> None:
    write_result(tmp_path / "t.json", read_result(path))
    assert (tmp_path / "t.json").read_bytes() == path.read_bytes()


def test_infinite_and_undefined_values_are_read() -> None:
    image = read_result(GOLDEN / "board" / "x4" / "t-co-b4ae0252.json").images[2]
    assert image.samples[1].values["psnr"] == float("inf")
    assert image.values["diversity_mse"] is None
    assert None in image.curves["diversity_mse_curve"]


@pytest.mark.parametrize("name", ["x4", "x8", "demo"])
def test_a_board_is_ranked_as_0_1_0_did_it(name: str) -> None:
    board = load_board(GOLDEN / "board")
    track = next(track for track in board.tracks() if track.name == name)
    document = json.loads(render_leaderboard(rank(board, track), "json"))
    expected = json.loads((GOLDEN / "ranked" / f"{name}.json").read_text(encoding="utf-8"))
    for row in expected["rows"]:
        if row["team"] == "Été & co":  # one of its samples is exact: 0.1.0 left the image out of the mean
            row["lr_psnr"] = pytest.approx(_mean_with_floor(board.results(track), "lr_psnr"))
    shown = ("team", "kind", "final_rank", "ranks", *(column["id"] for column in expected["columns"]))
    assert [{key: row.get(key) for key in shown} for row in document["rows"]] == [
        {key: row.get(key) for key in shown} for row in expected["rows"]
    ]


def _mean_with_floor(results: list[Result], metric: str) -> float:
    (result,) = (r for r in results if r.team == "Été & co")
    means = []
    for image in result.images:
        one_step = 10 * math.log10(255**2 * 3 * (image.height // 4) * (image.width // 4))
        means.append(sum(min(sample.values[metric] or 0.0, one_step) for sample in image.samples) / len(image.samples))
    return sum(means) / len(means)
