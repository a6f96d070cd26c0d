"""What the eighth attack found in the human study: links as folders, NumPy's numbers as options, unrated methods."""

from __future__ import annotations

import json
import os
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from srspace_eval.errors import Notice, RankingError, StudyError
from srspace_eval.ranking import draws
from srspace_eval.ranking.draws import read_draws
from srspace_eval.study import options
from srspace_eval.study.collect import collect_ratings, collect_study
from srspace_eval.study.create import create_study
from srspace_eval.study.key import Key
from srspace_eval.study.options import CollectOptions
from tests.helpers.studies import answer_document, make_material, make_study


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
@pytest.mark.parametrize("target", ["empty", "missing", "out"])
def test_a_link_as_the_study_is_refused_before_anything_is_read(tmp_path: Path, target: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "out").symlink_to(target)
    with pytest.raises(StudyError, match="out: is a link, which the study would replace; name the folder itself"):
        create_study(["no such submission", "nor this"], "gt", tmp_path / "out", track="x4")
    assert (tmp_path / "out").is_symlink()


def test_a_mounted_disk_as_the_study_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "disk").mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path) == tmp_path / "disk")
    with pytest.raises(StudyError, match="disk: is a mounted disk, which cannot be replaced; name a folder in it"):
        create_study(["no such submission", "nor this"], "gt", tmp_path / "disk", track="x4")


def answered(key: Key, folder: Path, **answer: Any) -> Path:
    folder.mkdir()
    for rater in key.raters:
        (folder / f"{rater}.json").write_text(json.dumps(answer_document(key, rater, **answer)))
    return folder


@pytest.mark.parametrize("task", ["rank", "rate"])
@pytest.mark.parametrize("level", [np.float32(0.75), Fraction(3, 4)])
def test_a_level_of_any_kind_of_number(tmp_path: Path, task: str, level: Any) -> None:
    _, key = make_study(make_material(tmp_path), tmp_path, task=task, crops=1)
    collect = collect_study if task == "rank" else collect_ratings
    found = CollectOptions(level=level, agreement=np.float32(0.5), tolerance=Fraction(1), draws=np.int16(100))  # type: ignore[arg-type]
    collect(answered(key, tmp_path / "answers"), key, out=tmp_path / "result", options=found)
    assert json.loads((tmp_path / "result/study.json").read_text())["level"] == 0.75


def test_no_more_draws_than_rank_reads(tmp_path: Path) -> None:
    assert options._MOST_DRAWS == draws._MOST_DRAWS
    assert CollectOptions(draws=100_000).problems() == {}
    assert CollectOptions(draws=100_001).problems() == {"draws": "must lie between 100 and 100000"}
    (tmp_path / "MOR-draws.csv").write_text("A,B\n" + "1,2\n" * 100_001)
    with pytest.raises(RankingError, match="so give fewer draws"):
        read_draws(tmp_path / "MOR-draws.csv", {"A": 1.0, "B": 2.0})


def test_a_method_that_nobody_rated_is_named(tmp_path: Path) -> None:
    _, key = make_study(make_material(tmp_path), tmp_path, task="rate", crops=1)
    answers = answered(key, tmp_path / "answers")
    for path in answers.iterdir():
        document = json.loads(path.read_text())
        document["answers"] = [a for a in document["answers"] if key.tasks[a["task"]].holds[0] != 1]
        path.write_text(json.dumps(document))
    with pytest.warns(Notice, match=r"these methods have no MOS, because nobody rated them: gan<b>"):
        outcome = collect_ratings(answers, key, options=CollectOptions(partial="use"))
    assert outcome.scores.methods == ("blur", "flow")
