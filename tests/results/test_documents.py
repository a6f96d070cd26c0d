from __future__ import annotations

import json
from typing import Any

import pytest

from srspace_eval._utils import strict_json
from srspace_eval.errors import ResultsError
from srspace_eval.results.documents import from_document, to_document
from tests.helpers.results import RESULT


def document() -> Any:
    return json.loads(strict_json.dumps(to_document(RESULT)))


def said(changed: Any) -> str:
    with pytest.raises(ResultsError) as caught:
        from_document(changed, "t.json")
    message = str(caught.value)
    assert message.startswith("t.json: not a result of srspace-eval: ")
    assert "\n" not in message
    return message


def test_a_document_gives_its_result() -> None:
    assert from_document(document(), "t.json") == RESULT


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("height", 8.9, "images[0].height: expected a whole number from 1 to 67108864, found 8.9"),
        ("height", 8.0, "images[0].height: expected a whole number"),
        ("height", "8", "images[0].height: expected a whole number from 1 to 67108864, found '8'"),
        ("height", True, "images[0].height: expected a whole number from 1 to 67108864, found true"),
        ("width", 0, "images[0].width: expected a whole number from 1 to 67108864, found 0"),
        ("image", 801, "images[0].image: expected a text"),
        ("image", "a\0", "images[0].image: contains a NUL character"),
        ("gt_sha256", "c" * 63, "images[0].gt_sha256: expected 64 hexadecimal digits"),
        ("gt_sha256", "c" * 64 + "\n", "images[0].gt_sha256: expected 64 hexadecimal digits"),
        ("samples", None, "images[0].samples: expected a list"),
        ("lpips", "0.5", "images[0].lpips: expected a number"),
        ("lpips", True, "images[0].lpips: expected a number"),
        ("diversity_curve", [0.0, "1"], "images[0].diversity_curve: expected a number"),
        ("remark", "sharp", "images[0].remark: expected a number"),
        ("remark", {}, "images[0].remark: expected a number"),
    ],
)
def test_a_fault_of_an_image_names_its_field(field: str, value: object, words: str) -> None:
    changed = document()
    changed["images"][0][field] = value
    assert words in said(changed)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("sample", -1, "samples[0].sample: expected a whole number from 0 to 999999999999999999, found -1"),
        ("sample", 0.0, "samples[0].sample: expected a whole number"),
        ("file", None, "samples[0].file: expected a text"),
        ("sha256", "D" * 64, "samples[0].sha256: expected 64 hexadecimal digits"),
        ("lpips", [0.5], 'samples[0].lpips: expected a number, "inf", "-inf" or null, found list'),
        ("lpips", "nan", "samples[0].lpips: expected a number"),
    ],
)
def test_a_fault_of_a_sample_names_its_field(field: str, value: object, words: str) -> None:
    changed = document()
    changed["images"][0]["samples"][0][field] = value
    assert f"images[0].{words}" in said(changed)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("kind", "guest", "kind: expected 'baseline' or 'team', found 'guest'"),
        ("team", 7, "team: expected a text"),
        ("notes", [1], "notes[0]: expected a text"),
        ("summary", [], "summary: expected an object"),
        ("summary", {"lpips": "low"}, "summary.lpips: expected a number"),
        ("signature", {}, "signature: 'id' is missing"),
        ("provenance", [], "provenance: expected an object"),
        ("remark", "sharp", "remark: expected a number"),
        ("remark", 7, "unknown key remark"),
    ],
)
def test_a_fault_of_the_document_names_its_field(field: str, value: object, words: str) -> None:
    assert words in said({**document(), field: value})


@pytest.mark.parametrize("field", ["format", "team", "kind", "track", "signature", "summary", "images", "provenance"])
def test_a_missing_field_is_named(field: str) -> None:
    changed = document()
    del changed[field]
    assert f"{field!r} is missing" in said(changed)


def test_values_of_unknown_metrics_are_kept() -> None:
    changed = document()
    changed["summary"]["psnr_y4"] = 30.5
    changed["plugin_curve"] = [1, None]
    changed["images"][0] |= {"psnr_y4": "inf", "plugin_curve": [1.0, None, "-inf"]}
    changed["images"][0]["samples"][0]["psnr_y4"] = None
    result = from_document(changed, "t.json")
    assert result.summary["psnr_y4"] == 30.5
    assert result.curves["plugin_curve"] == (1.0, None)
    assert result.images[0].values["psnr_y4"] == float("inf")
    assert result.images[0].curves["plugin_curve"] == (1.0, None, float("-inf"))
    assert result.images[0].samples[0].values == {**RESULT.images[0].samples[0].values, "psnr_y4": None}
    assert from_document(json.loads(strict_json.dumps(to_document(result))), "t.json") == result
