"""The options --shard and --scheduler of score, as a user gives them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.inputs.submissions import small
from tests.helpers.commands import run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return small(tmp_path / "a", images=3)


def score(folder: Path, board: str, *more: object) -> int:
    return run(
        "score", folder / "sub", "--gt", folder / "gt", "--board", folder / board, "--samples", 3, "--track", "x4",
        "--metrics", "lr_psnr,diversity_mse", "--team", "t", *more,
    )  # fmt: skip


def test_the_result_of_shards_is_that_of_one_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert score(folder, "whole") == 0
    capsys.readouterr()
    images = []
    for shard in ("1/2", "2/2"):
        assert score(folder, "board", "--shard", shard, "--json") == 0
        out, err = capsys.readouterr()
        document = json.loads(out)
        assert {key: document[key] for key in ("team", "track", "shard")} == {
            "team": "t",
            "track": "x4",
            "shard": shard,
        }
        assert Path(document["journal"]).name == f"t.shard-{shard[0]}-of-2.journal.jsonl"
        assert f"shard {shard}" in err
        images += document["images"]
    assert sorted(images) == ["0801", "0802", "0803"]
    assert score(folder, "board") == 0
    assert (folder / "board/x4/t.json").read_bytes() == (folder / "whole/x4/t.json").read_bytes()
    assert score(folder, "board", "--shard", "1/2") == 0  # a job that Slurm starts again
    assert "shard 1/2: 2 images in the result already" in capsys.readouterr().err


@pytest.mark.parametrize("shard", ["0/2", "3/2", "2", "x/y"])
def test_wrong_shards_are_wrong_use(folder: Path, shard: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert score(folder, "board", "--shard", shard) == 2
    assert "--shard" in capsys.readouterr().err
    assert not (folder / "board").exists()


def test_a_missing_scheduler_is_an_error_before_the_inspection(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("distributed")
    assert score(folder, "board", "--scheduler", "nowhere.json") == 1
    assert "error: --scheduler nowhere.json: neither local" in capsys.readouterr().err
    assert not (folder / "board").exists()


def test_json_into_a_closed_output_loses_nothing(folder: Path) -> None:
    if os.name == "nt":
        pytest.skip("needs a POSIX shell's way of closing a file")
    command = [
        sys.executable, "-c", "import os, sys; os.close(1); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])",
        "-m", "srspace_eval", "score", folder / "sub", "--gt", folder / "gt", "--board", folder / "closed",
        "--samples", "3", "--track", "x4", "--metrics", "lr_psnr", "--team", "t", "--json",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert (folder / "closed/x4/t.json").is_file()
