from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from srspace_eval._utils.text import slug
from srspace_eval.errors import ResultsError
from srspace_eval.results.documents import to_document
from srspace_eval.results.record import ImageRecord, Result, SampleRecord
from srspace_eval.results.signature import Signature
from srspace_eval.results.store import read_result, read_results, result_path, write_result

RESULT = Result(
    team="njtech&seu",
    track="x4",
    signature=Signature({"common": {"scale": 4}, "lpips": {"net": "alex", "trunk_sha256": "ab" * 32}}, {"torch": "2"}),
    images=(
        ImageRecord(
            "0801", 8, 16, "c" * 64, {"lpips": 0.1, "lr_psnr": math.inf, "diversity": None},
            {"diversity_curve": (0.0, None)},
            (SampleRecord(0, "000000_sample00000.png", "d" * 64, {"lpips": 0.1, "lr_psnr": math.inf}),),
        ),
    ),
    summary={"lpips": 0.1, "lr_psnr": math.inf, "diversity": None},
    curves={"diversity_curve": (0.0, None)},
    notes=("a note",),
    provenance={"seed": 0},
)  # fmt: skip


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


@pytest.mark.parametrize(("team", "said"), [("", "team is empty"), (" ", "team is empty"), ("a\ud800", "half a char")])
def test_a_result_without_a_name_that_can_be_shown_is_named(tmp_path: Path, team: str, said: str) -> None:
    path = tmp_path / "x4" / "a.json"
    path.parent.mkdir()
    path.write_text(json.dumps({**to_document(RESULT), "team": team}))
    with pytest.raises(ResultsError, match=said) as caught:
        read_results(tmp_path, "x4")
    assert str(path) in str(caught.value)


def test_conflicts_compare_shared_groups_only() -> None:
    a = Signature({"common": {"scale": 4}, "lpips": {"net": "alex"}})
    assert a.conflicts(Signature({"common": {"scale": 4}, "ssim": {"border": 0}})) == []
    assert a.conflicts(Signature({"common": {"scale": 8}, "lpips": {"net": "vgg", "x": 1}})) == [
        "common.scale: 4 / 8", "lpips.net: alex / vgg", "lpips.x: None / 1",
    ]  # fmt: skip
    assert a.id == Signature({"lpips": {"net": "alex"}, "common": {"scale": 4}}).id
    assert a.id != Signature({"common": {"scale": 4}}).id


@pytest.mark.parametrize(
    "team", ["../../etc/passwd", "con", "COM1", "a/b", "a\\b", "x" * 500, "‮evil", "", " ", "ü", "<b>", "a.", "nul"]
)
def test_slugs_are_safe_and_distinct(team: str) -> None:
    name = slug(team)
    assert name.isascii()
    assert 0 < len(name) < 80
    assert not set(name) & set('/\\:*?"<>|. ')
    assert name.lower() not in {"con", "nul", "com1"}
    assert slug(team + "!") != name


def test_plain_names_stay() -> None:
    assert slug("Deepest") == "Deepest"
    assert slug("a-b") != slug("a b")
