"""Runs that version 0.1.0 began are resumed."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from srspace_eval.errors import Notice, ResultsError
from srspace_eval.results.record import Result
from srspace_eval.results.store import read_result
from srspace_eval.scoring.run import ScoreOptions, score
from srspace_eval.tracks.reader import load_track

GOLDEN = Path(__file__).parents[1] / "golden" / "0.1.0"


def run(team: str, board: Path) -> Result:
    return score(
        GOLDEN / "submission" / "sub",
        GOLDEN / "submission" / "gt",
        options=ScoreOptions(metrics=("lr_psnr", "diversity_mse", "psnr", "ssim"), samples=2, workers=1, device="cpu"),
        track=load_track("x4"),
        team=team,
        board=board,
    )


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """The environment of a run that is made here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Notice)
        return run("here", tmp_path_factory.mktemp("board")).signature.environment


def begun(board: Path, name: str, **environment: Any) -> Path:
    """A copy of a journal of 0.1.0, whose header names another environment."""
    header, *lines = (GOLDEN / "journals" / "x4" / name).read_bytes().split(b"\n")
    path = board / "x4" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\n".join([json.dumps({**json.loads(header), "environment": environment}).encode(), *lines]))
    return path


@pytest.mark.parametrize(
    ("team", "journal"), [("killed", "killed.journal.jsonl"), ("shards", "shards.shard-1-of-2.journal.jsonl")]
)
def test_a_journal_is_resumed(team: str, journal: str, environment: Mapping[str, Any], tmp_path: Path) -> None:
    begun(tmp_path, journal, **environment)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = run(team, tmp_path)
    assert any("2 images were measured before" in str(warning.message) for warning in caught)
    old = read_result(GOLDEN / "board" / "x4" / "t-co-b4ae0252.json")
    assert result.signature.settings == old.signature.settings
    assert result.summary == pytest.approx(old.summary)
    assert [path.name for path in (tmp_path / "x4").iterdir()] == [f"{team}.json"]


def test_a_journal_of_another_environment_is_refused_and_kept(environment: Mapping[str, Any], tmp_path: Path) -> None:
    path = begun(tmp_path, "killed.journal.jsonl", **{**environment, "numpy": "0.1"})
    before = path.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Notice)
        with pytest.raises(ResultsError, match="another signature") as caught:
            run("killed", tmp_path)
    assert any(problem.startswith("environment.numpy: ") for problem in caught.value.problems)
    assert path.read_bytes() == before
