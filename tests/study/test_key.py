from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from srspace_eval.errors import StudyError
from srspace_eval.study.key import load_key

GOLDEN = Path(__file__).parents[1] / "golden" / "0.1.0" / "study" / "key.json"


def test_a_key_of_0_1_0_is_written_back_with_the_same_bytes(tmp_path: Path) -> None:
    load_key(GOLDEN).write(tmp_path / "key.json")
    assert (tmp_path / "key.json").read_bytes() == GOLDEN.read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(format="x"), "not a key of a study"),
        (lambda d: d.update(ties="yes"), "ties: expected true or false, found 'yes'"),
        (lambda d: d.update(entries="abc"), "entries: expected a list"),
        (lambda d: d.update(secret="xyz"), "secret: expected hexadecimal digits"),
        (lambda d: d.update(secret="00\n"), "secret: expected hexadecimal digits"),
        (lambda d: d.pop("raters"), "'raters' is missing"),
        (
            lambda d: d["tasks"][0].update(kind="sort"),
            "tasks[0].kind: expected 'obvious' or 'rank' or 'rate' or 'repeat'",
        ),
        (lambda d: d["tasks"][0]["crop"].update(x=1.5), "tasks[0].crop.x: expected a whole number, found 1.5"),
        (lambda d: d["tasks"][0].update(holds=["0"]), "tasks[0].holds[0]: expected a whole number, found '0'"),
        (lambda d: d["tasks"][0]["holds"].pop(), "items and"),
        (lambda d: d["raters"][0]["tasks"].append("none"), "has the task 'none'"),
        (lambda d: d["raters"][0].update(token="é"), "not ASCII"),
    ],
)
def test_a_damaged_key_is_named_with_its_field(change: Callable[[Any], object], message: str, tmp_path: Path) -> None:
    document = json.loads(GOLDEN.read_text(encoding="utf-8"))
    change(document)
    path = tmp_path / "key.json"
    path.write_text(json.dumps(document), encoding="utf-8", newline="\n")
    with pytest.raises(StudyError) as caught:
        load_key(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["", "[", "[]", "NaN", "[" * 100_000])
def test_what_is_not_a_key_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text(text, encoding="utf-8", newline="\n")
    with pytest.raises(StudyError, match="not a key of a study"):
        load_key(path)


def test_a_missing_key_says_how_to_name_it(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="name it with key"):
        load_key(tmp_path / "key.json")
