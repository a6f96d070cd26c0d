"""A result that contradicts itself is refused by the name of what contradicts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.inputs.boards import make_results, write_board
from benchmarks.inputs.hostile import contradictions
from srspace_eval.errors import RankingError
from srspace_eval.ranking import rank
from srspace_eval.tracks.reader import load_track


def test_results_that_agree_are_ranked(tmp_path: Path) -> None:
    write_board(tmp_path, make_results(load_track("x4"), 2, 4, 3, 0))
    assert len(rank(tmp_path, "x4").rows) == 2


@pytest.mark.parametrize("name", contradictions.EDITS)
def test_a_contradiction_is_refused_by_name(tmp_path: Path, name: str) -> None:
    assert contradictions.EDITS[name][1] in contradictions.attack(contradictions.write_edited(tmp_path, name))


def test_contradictions_of_one_kind_are_one_line(tmp_path: Path) -> None:
    write_board(tmp_path, make_results(load_track("x4"), 2, 4, 3, 0))
    for path in (tmp_path / "x4").glob("*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        contradictions.lower_lpips(document)
        path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(RankingError) as caught:
        rank(tmp_path, "x4")
    about = [problem for problem in caught.value.problems if ": lpips is" in problem]
    # Of each of 2 teams: 4 images, and 3 samples of each.
    assert len(about) == 2
    assert all(problem.endswith("it lies from 0 to inf (and 15 more like this)") for problem in about)
    assert len(caught.value.problems) == 2 * 4
