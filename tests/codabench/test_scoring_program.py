"""The scoring program, without the platform: submissions, scores, messages, time."""

from __future__ import annotations

import io
import json
import math
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from srspace_eval.codabench.archive import make_zip
from srspace_eval.codabench.scoring_program import make_scores
from srspace_eval.codabench.settings import Settings
from srspace_eval.errors import InputError
from srspace_eval.results.record import Result
from srspace_eval.results.signature import Signature
from srspace_eval.results.store import read_result
from srspace_eval.submissions.readme import Readme, find_readme, parse_readme
from tests.helpers.codabench import (
    FAULTS,
    METRICS,
    README,
    files,
    incomplete,
    with_macos_files,
    wrong_size,
)
from tests.helpers.commands import run
from tests.helpers.scoring import run as score
from tests.helpers.worker import Outcome, work

Worker = Callable[..., Outcome]


@pytest.fixture
def worker(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Worker:
    def scored(content: dict[str, bytes], **more: Any) -> Outcome:
        return work(folder / "bundle.zip", make_zip(content), tmp_path / "worker", capsys, **more)

    return scored


def test_the_scores_are_those_of_score(folder: Path, worker: Worker, tmp_path: Path) -> None:
    done = worker(files(folder))
    direct = score(folder, tmp_path / "board", metrics=METRICS, samples=2)
    assert done.code == 0, done.stderr
    assert done.scores is not None
    assert done.scores.pop("program") > 0
    extra = {"ExtraRuntime": 10.43, "ExtraPlatform": 1.0, "ExtraData": 0.0}
    wanted = {"lr_psnr", "lr_psnr_worst", "diversity_mse", "psnr"}
    assert done.scores == {**{key: direct.summary[key] for key in wanted}, **extra}
    assert len(done.scores) == 7
    assert done.result is not None
    assert read_result(done.result).images == direct.images
    (tmp_path / "own/x4").mkdir(parents=True)
    shutil.copy(done.result, tmp_path / "own/x4/team.json")
    assert run("rank", "--board", tmp_path / "own", "--track", "x4", "--json") == 0


@pytest.mark.parametrize("prefix", ["my results/", "a/b/c/"])
def test_a_single_folder_is_descended_into(prefix: str, folder: Path, worker: Worker) -> None:
    done = worker(files(folder, prefix))
    assert done.code == 0, done.stderr
    assert done.scores is not None
    assert done.scores["ExtraRuntime"] == 10.43


def test_files_of_macos_are_ignored(folder: Path, worker: Worker) -> None:
    done = worker(with_macos_files(files(folder)))
    assert done.code == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_submission_fails_with_its_reason_in_both_places(name: str, folder: Path, worker: Worker) -> None:
    change, told = FAULTS[name]
    content = files(folder)
    change(content)
    done = worker(content)
    assert done.code == 1
    assert done.scores is None
    assert done.result is None
    assert told in done.stderr
    assert told in done.page
    for text in (done.stderr, done.page):
        assert "Traceback" not in text
        assert "/tmp" not in text
        assert "<img" not in done.page
        assert "\u202e" not in text


def test_all_faults_are_told_together(folder: Path, worker: Worker) -> None:
    content = files(folder)
    incomplete(content)
    wrong_size(content)
    done = worker(content)
    assert "2 faults" in done.stderr
    assert "8×8" in done.stderr
    assert "000001_sample00001.png" in done.stderr


def test_exact_samples_have_a_finite_score(folder: Path, worker: Worker) -> None:
    content = files(folder)
    for index in range(2):
        gt = (folder / f"gt/{801 + index:04d}.png").read_bytes()
        content.update({f"{index:06d}_sample{s:05d}.png": gt for s in range(2)})
    done = worker(content)
    assert done.code == 0, done.stderr
    assert done.scores is not None
    assert 48.13 < done.scores["lr_psnr"] < 140


def test_an_undefined_primary_score_is_a_failure_with_its_reason() -> None:
    settings = Settings(
        format="srspace-eval/codabench/1", track="x4", columns=["diversity"], primary="diversity", hidden=False,
        seconds=1.0, program=7,
    )  # fmt: skip
    result = Result("t", "x4", Signature({}), (), {"diversity": None}, notes=("diversity: undefined",))
    with pytest.raises(InputError, match=r"has no value: it is undefined for every image\. diversity: undefined"):
        make_scores(result, settings, Readme())


def test_a_secondary_score_without_a_finite_value_is_left_out_and_told() -> None:
    settings = Settings(
        format="srspace-eval/codabench/1", track="x4", columns=["lpips", "psnr", "ssim"], primary="lpips", hidden=False,
        seconds=1.0, program=7,
    )  # fmt: skip
    result = Result("t", "x4", Signature({}), (), {"lpips": 0.1, "psnr": math.inf, "ssim": None})
    scores, told = make_scores(result, settings, Readme())
    assert scores == {"lpips": 0.1, "ExtraRuntime": -1, "ExtraPlatform": -1, "ExtraData": -1, "program": 7}
    assert [text.split()[0] for text in told] == ["psnr", "ssim"]


def test_a_hidden_phase_tells_nothing_image_by_image(folder: Path, worker: Worker, tmp_path: Path) -> None:
    shutil.copytree(folder / "gt", tmp_path / "data/GT_test")
    done = worker(files(folder), phase=2, data=tmp_path / "data")
    assert done.code == 0, done.stderr
    assert done.result is None
    assert "0801" not in done.page
    assert "Summary" in done.page


def test_a_hidden_phase_lists_no_file_of_a_faulty_submission(folder: Path, worker: Worker, tmp_path: Path) -> None:
    shutil.copytree(folder / "gt", tmp_path / "data/GT_test")
    content = files(folder)
    incomplete(content)
    done = worker(content, phase=2, data=tmp_path / "data")
    assert done.code == 1
    assert "000001_sample00001.png" in done.stderr
    assert "000001" not in done.page
    assert "0802" not in done.page


def test_a_missing_gt_on_the_worker_is_the_organisers_fault(folder: Path, worker: Worker, tmp_path: Path) -> None:
    done = worker(files(folder), phase=2, data=tmp_path)
    assert done.code == 1
    assert "not the submission's fault" in done.stderr


def test_a_page_needs_no_other_file_and_holds_no_picture(folder: Path, worker: Worker) -> None:
    done = worker(files(folder))
    assert not re.search(r"(src|href)=|url\(|@import|<img|<script", done.page)
    assert "0801" in done.page


def test_the_clock_stops_the_program_and_says_how_far_it_came(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(folder / "bundle.zip") as archive:
        for name, place in (("program_1.zip", "program"), ("reference_1.zip", "input/ref")):
            zipfile.ZipFile(io.BytesIO(archive.read(name))).extractall(tmp_path / place)
    shutil.copytree(folder / "sub", tmp_path / "input/res")
    settings = tmp_path / "program/settings.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "seconds": 0.001}))
    command = [sys.executable, str(tmp_path / "program/score.py"), str(tmp_path / "input"), str(tmp_path / "output")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "The time limit was reached" in done.stderr
    assert "samples were done" in done.stderr
    assert [path.name for path in (tmp_path / "output").iterdir()] == ["detailed_results.html"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (README.decode(), Readme(10.43, 1, 0)),
        ("Runtime per frame [s]: 3\nCPU [1] / GPU [0]: 0.0\nExtra Data[1]/No Extra Data[0]:1", Readme(3, 0, 1)),
        ("extra data: 1\nruntime: 2", Readme(2, -1, 1)),
        ("time: 1.5\nwhere: 0\nmore: 1\nother: x", Readme(1.5, 0, 1)),
        ("runtime per image [s] : fast\nCPU[1] / GPU[0] : maybe", Readme()),
        ("runtime: nan\nCPU/GPU: 7\nextra data: inf", Readme()),
        ("runtime: 1e999", Readme()), ("runtime: -3", Readme()), ("", Readme()), (":::\n:", Readme()),
    ],
)  # fmt: skip
def test_a_readme_is_read_by_key_then_by_line_and_never_fails(text: str, expected: Readme) -> None:
    assert parse_readme(text) == expected
    assert parse_readme("\ufeff" + text.replace("\n", "\r\n")) == expected


def test_the_readme_is_found_in_any_case() -> None:
    assert find_readme(["b", "ReadMe"]) == "ReadMe"
    assert find_readme(["b"]) is None
