from __future__ import annotations

import json
from pathlib import Path

import pytest

from srspace_eval._utils import strict_json
from srspace_eval.errors import ResultsError
from srspace_eval.results.documents import to_document
from srspace_eval.results.record import Result
from srspace_eval.results.store import read_result, read_results, result_path, write_result
from tests.helpers.results import RESULT


def test_written_and_read_back_equal(tmp_path: Path) -> None:
    path = result_path(tmp_path, "x4", RESULT.team)
    write_result(path, RESULT)
    assert read_result(path) == RESULT
    first = path.read_bytes()
    write_result(path, read_result(path))
    assert path.read_bytes() == first
    document = json.loads(first, parse_constant=lambda text: pytest.fail(f"{text} is not JSON"))
    assert document["images"][0]["lr_psnr"] == "inf"
    assert document["images"][0]["diversity"] is None
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_two_boards_copied_together_are_one(tmp_path: Path) -> None:
    other = Result(**{**RESULT.__dict__, "team": "Deepest"})
    write_result(result_path(tmp_path, "x4", RESULT.team), RESULT)
    write_result(result_path(tmp_path, "x4", other.team), other)
    assert {r.team for r in read_results(tmp_path, "x4")} == {"njtech&seu", "Deepest"}
    assert read_results(tmp_path, "x8") == []


def test_every_unreadable_file_is_listed(tmp_path: Path) -> None:
    folder = tmp_path / "x4"
    folder.mkdir()
    (folder / "a.json").write_text("{")
    (folder / "b.json").write_text('{"format": "other"}')
    (folder / "c.json").write_text("[" * 100_000)
    write_result(folder / "d.json", Result(**{**RESULT.__dict__, "track": "x8"}))
    with pytest.raises(ResultsError) as caught:
        read_results(tmp_path, "x4")
    assert len(caught.value.problems) == 4
    assert all(f"{name}.json" in str(caught.value) for name in "abcd")


@pytest.mark.parametrize(("team", "said"), [("", "team is empty"), (" ", "team is empty"), ("a\ud800", "invalid char")])
def test_a_result_without_a_name_that_can_be_shown_is_named(tmp_path: Path, team: str, said: str) -> None:
    path = tmp_path / "x4" / "a.json"
    path.parent.mkdir()
    path.write_text(strict_json.dumps({**to_document(RESULT), "team": team}), encoding="utf-8")
    with pytest.raises(ResultsError, match=said) as caught:
        read_results(tmp_path, "x4")
    assert str(path) in str(caught.value)


def test_a_signature_s_id_must_be_the_digest_of_its_settings(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    document = to_document(RESULT)
    document["signature"]["id"] = "0" * 12
    path.write_text(strict_json.dumps(document))
    with pytest.raises(ResultsError, match="not the digest of its settings"):
        read_result(path)


def test_the_same_key_twice_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    text = strict_json.dumps(to_document(RESULT))
    path.write_text(text.replace('"kind"', '"team": "another",\n "kind"', 1))
    with pytest.raises(ResultsError, match="the same key is there twice"):
        read_result(path)
