from __future__ import annotations

import json

import pytest

from srspace_eval._utils import strict_json


@pytest.mark.parametrize("unique", [False, True])
@pytest.mark.parametrize(
    "text",
    ["NaN", "[Infinity]", "-Infinity", "1e999", "", "{", "1 2", '{"a": 1,}', "'a'", "9" * 5000, '"\x01"', "\ufeff1"],
)
def test_only_json_is_read(text: str, unique: bool) -> None:
    with pytest.raises(ValueError, match=r".+"):
        strict_json.loads(text.encode(), unique_keys=unique)


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    with pytest.raises(ValueError, match="utf-8"):
        strict_json.loads('{"a": 1}'.encode("utf-16"))


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(RecursionError):
        strict_json.loads(b"[" * 100_000)


def test_a_key_twice_is_refused_where_keys_are_unique() -> None:
    assert strict_json.loads(b'{"a": 1, "a": 2}') == {"a": 2}
    with pytest.raises(ValueError, match="the same key is there twice"):
        strict_json.loads(b'{"a": 1, "a": 2}', unique_keys=True)


@pytest.mark.parametrize("value", ["half \ud800 a character", 10**30, -0.1, 1e-320, {"": [None, True]}])
def test_what_is_written_is_read(value: object) -> None:
    assert strict_json.loads(strict_json.dumps(value).encode("utf-8")) == value


@pytest.mark.parametrize("piece", [b"[],", b"{},", b"1,", b'"a",', b"[[]],"])
def test_a_text_of_millions_of_values_is_refused_before_it_is_read(piece: bytes) -> None:
    with pytest.raises(ValueError, match=r"more than 1[0-9]* values in"):
        strict_json.not_dense(b"[" + piece * 300_000 + b"0]")


def test_a_compact_text_of_named_numbers_is_not_dense() -> None:
    text = json.dumps(
        [{"index": 0, "file": f"{i:06d}_sample00000.png", "values": {"psnr": 30.5}} for i in range(50_000)]
    )
    assert strict_json.not_dense(text.encode()) == text.encode()
