"""A result that contradicts itself is refused by the name of what contradicts."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.inputs.boards import make_results, write_board
from benchmarks.inputs.hostile import contradictions
from srspace_eval.ranking import rank
from srspace_eval.tracks.reader import load_track


def test_results_that_agree_are_ranked(tmp_path: Path) -> None:
    write_board(tmp_path, make_results(load_track("x4"), 2, 4, 3, 0))
    assert len(rank(tmp_path, "x4").rows) == 2


@pytest.mark.parametrize("name", contradictions.EDITS)
def test_a_contradiction_is_refused_by_name(tmp_path: Path, name: str) -> None:
    assert contradictions.EDITS[name][1] in contradictions.attack(contradictions.write_edited(tmp_path, name))
