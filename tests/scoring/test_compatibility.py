"""Journals and results of version 0.1.0 have no seals: what they state is measured anew."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path

import pytest

from srspace_eval.ranking import rank
from srspace_eval.results.record import Result
from srspace_eval.results.store import read_result
from srspace_eval.scoring.options import ScoreOptions
from srspace_eval.scoring.run import score
from srspace_eval.tracks.reader import load_track

GOLDEN = Path(__file__).parents[1] / "golden" / "0.1.0"


def heard(team: str, board: Path) -> tuple[Result, list[str]]:
    """A run's result and its notices."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = run(team, board)
    return result, [str(warning.message) for warning in caught]


def run(team: str, board: Path) -> Result:
    return score(
        GOLDEN / "submission" / "sub",
        GOLDEN / "submission" / "gt",
        options=ScoreOptions(metrics=("lr_psnr", "diversity_mse", "psnr", "ssim"), samples=2, workers=1, device="cpu"),
        track=load_track("x4"),
        team=team,
        board=board,
    )


@pytest.mark.parametrize(
    ("team", "journal"), [("killed", "killed.journal.jsonl"), ("shards", "shards.shard-1-of-2.journal.jsonl")]
)
def test_a_journal_of_0_1_0_is_measured_anew(team: str, journal: str, tmp_path: Path) -> None:
    path = tmp_path / "x4" / journal
    path.parent.mkdir()
    header, first, *lines = (GOLDEN / "journals" / "x4" / journal).read_bytes().split(b"\n")
    forged = json.loads(first)
    forged["lr_psnr"] = forged["lr_psnr_worst"] = 60.0
    path.write_bytes(b"\n".join([header, json.dumps(forged).encode(), *lines]))
    result, notices = heard(team, tmp_path)
    assert any("is measured anew, because this machine did not write it, or version 0.1.0 did" in n for n in notices)
    assert not any("were measured before" in n for n in notices)
    clean, _ = heard(team, tmp_path / "clean")
    assert result == clean
    assert [path.name for path in (tmp_path / "x4").iterdir()] == [f"{team}.json"]


def test_a_result_of_0_1_0_is_measured_anew_and_ranked_as_a_claim_before(tmp_path: Path) -> None:
    path = tmp_path / "x4" / "t-co-b4ae0252.json"
    path.parent.mkdir()
    path.write_bytes((GOLDEN / "board" / "x4" / path.name).read_bytes())
    old = read_result(path)
    assert [row.entry.evidence for row in rank(tmp_path, "x4").rows] == ["claim"]
    result, notices = heard(old.team, tmp_path)
    assert any("is a claim" in notice and "measured anew" in notice for notice in notices)
    assert result.signature.settings["lr_psnr"] == {**old.signature.settings["lr_psnr"], "floor": "one step"}
    for new, before in zip(result.images, old.images, strict=True):
        assert {k: v for k, v in new.values.items() if before.values[k] != math.inf} == pytest.approx(
            {k: v for k, v in before.values.items() if v != math.inf}
        )
    assert [row.entry.evidence for row in rank(tmp_path, "x4").rows] == ["measured here"]
