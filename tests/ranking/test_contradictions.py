"""A result that contradicts itself is refused by the name of what contradicts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.inputs.boards import make_results, write_board
from benchmarks.inputs.hostile import contradictions
from srspace_eval._utils.png import write_png
from srspace_eval.errors import RankingError
from srspace_eval.ranking import rank
from srspace_eval.results.signature import Signature
from srspace_eval.scoring.run import score
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
    assert all(problem.endswith("only 0 to inf is possible (and 15 more like this)") for problem in about)
    assert len(caught.value.problems) == 2 * 4


def of_one_run(folder: Path) -> tuple[Path, dict[str, Any]]:
    """A board of two teams that were scored in the same way, and the document of one of them."""
    for team, value in (("A", 90), ("B", 110)):
        for name, file, level in (("gt", "0801.png", 100), (team, "000000_sample00000.png", value)):
            (folder / name).mkdir(exist_ok=True)
            write_png(folder / name / file, np.full((64, 64, 3), level, np.uint8))
        options: dict[str, Any] = {"track": "x4", "samples": 1, "metrics": ["psnr", "mse", "lr_psnr"]}
        score(folder / team, folder / "gt", board=folder / "board", **options)
    path = folder / "board/x4/A.json"
    return path, json.loads(path.read_text(encoding="utf-8"))


def everywhere(document: dict[str, Any], key: str, value: object) -> None:
    for image in document["images"]:
        for values in (image, *image["samples"]):
            if key in values:
                values[key] = value
    document["summary"][key] = value


def without_common(document: dict[str, Any]) -> None:
    del document["signature"]["settings"]["common"]


def without_samples(document: dict[str, Any]) -> None:
    del document["signature"]["settings"]["common"]["samples"]


def without_group(document: dict[str, Any]) -> None:
    del document["signature"]["settings"]["psnr"]


def with_mor(document: dict[str, Any]) -> None:
    document["images"][0]["mor"] = document["summary"]["mor"] = 1.0


def with_diversity(document: dict[str, Any]) -> None:
    document["images"][0]["diversity"] = document["summary"]["diversity"] = 99.0


def with_other_mse(document: dict[str, Any]) -> None:
    everywhere(document, "mse", 0.001)


def with_infinity(document: dict[str, Any]) -> None:
    everywhere(document, "lr_psnr", None)
    document["images"][0]["lr_psnr"] = document["summary"]["lr_psnr"] = "inf"


def with_nothing(document: dict[str, Any]) -> None:
    everywhere(document, "lr_psnr", None)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (without_common, "common.gt: "),
        (without_samples, "common.samples: not stated in 'A'"),
        (without_group, "psnr.channels: "),
        (with_mor, "mor has values, which no measurement gives"),
        (with_diversity, "diversity is 99.0, without the global and local best"),
        (with_other_mse, "its MSE 0.001 gives 78.13"),
        (with_infinity, "lr_psnr is inf; 8-bit pictures give at most"),
        (with_nothing, "lr_psnr has no value, although every picture has one"),
    ],
)
def test_what_no_measurement_gives_is_refused(
    tmp_path: Path, edit: Callable[[dict[str, Any]], None], said: str
) -> None:
    path, document = of_one_run(tmp_path)
    assert len(rank(tmp_path / "board", "x4").rows) == 2
    edit(document)
    signature = Signature(document["signature"]["settings"])
    document["signature"] |= {"id": signature.id, "text": signature.text}
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(RankingError) as caught:
        rank(tmp_path / "board", "x4")
    assert said in str(caught.value)
