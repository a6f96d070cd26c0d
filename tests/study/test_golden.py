"""A study of version 0.1.0 can still be served and collected."""

from __future__ import annotations

import csv
import json
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from srspace_eval.errors import Notice
from srspace_eval.study import CollectOptions, StudyOutcome, collect_study, serve_study

GOLDEN = Path(__file__).parents[1] / "golden" / "0.1.0" / "study"


@pytest.fixture
def outcome(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> StudyOutcome:
    monkeypatch.chdir(GOLDEN)
    with pytest.warns(Notice, match=r"not counted: answers/foreign\.json"):
        return collect_study("answers", "key.json", out=tmp_path, options=CollectOptions(draws=200))


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_the_mor_and_its_draws_are_those_of_0_1_0(outcome: StudyOutcome, tmp_path: Path) -> None:
    assert (tmp_path / "MOR.csv").read_bytes() == (GOLDEN / "result" / "MOR.csv").read_bytes()
    names, *draws = rows(tmp_path / "MOR-draws.csv")
    expected_names, *expected = rows(GOLDEN / "result" / "MOR-draws.csv")
    assert names == expected_names
    # The last bits of sums depend on the processor. The file has four decimals.
    np.testing.assert_allclose(np.array(draws, float), np.array(expected, float), atol=1.1e-4)


def test_the_document_is_that_of_0_1_0(outcome: StudyOutcome, tmp_path: Path) -> None:
    found = json.loads((tmp_path / "study.json").read_text(encoding="utf-8"))
    expected = json.loads((GOLDEN / "result" / "study.json").read_text(encoding="utf-8"))
    assert list(found.pop("files")) == ["MOR.csv", "MOR-draws.csv"]  # digests, which 0.1.0 did not state
    assert list(found) == list(expected)
    reasons = [rejected.pop("reason") for document in (found, expected) for rejected in document["rejected"]]
    assert all(reasons)
    _assert_close(found, expected)


def _assert_close(found: object, expected: object) -> None:
    if isinstance(expected, dict):
        assert isinstance(found, dict)
        assert list(found) == list(expected)
        for name in expected:
            _assert_close(found[name], expected[name])
    elif isinstance(expected, list):
        assert isinstance(found, list)
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            _assert_close(one, other)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-9)
    else:
        assert found == expected


def test_its_page_is_served_with_the_assets_of_its_version(tmp_path: Path) -> None:
    with serve_study(GOLDEN / "page", GOLDEN / "key.json", tmp_path, port=0) as server:
        for name in ("", "data.js", "assets/board.js", "assets/state.js", "assets/study.js", "assets/study.css"):
            with urllib.request.urlopen(server.links["r01"] + name, timeout=10) as reply:
                assert reply.read() == (GOLDEN / "page" / (name or "index.html")).read_bytes()


def test_the_answers_of_its_page_are_stored(tmp_path: Path) -> None:
    data = (GOLDEN / "answers" / "r02.json").read_bytes()
    with serve_study(GOLDEN / "page", GOLDEN / "key.json", tmp_path, port=0) as server:
        request = urllib.request.Request(server.links["r02"] + "answer", data=data, method="POST")
        with urllib.request.urlopen(request, timeout=10) as reply:
            assert reply.status == 201
    assert (tmp_path / "r02.json").read_bytes() == data
