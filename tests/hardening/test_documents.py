from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.inputs.hostile import documents
from benchmarks.inputs.hostile.documents import RESULTS, TABLES, TRACKS
from srspace_eval._utils import strict_json
from srspace_eval.submissions.provenance import PROVENANCE_FILE, read_provenance


@pytest.mark.parametrize("kind", TRACKS)
def test_hostile_tracks_are_named_errors(kind: str, tmp_path: Path) -> None:
    path = documents.write(tmp_path / "t.toml", TRACKS[kind][0])
    found = documents.attack_track(path)
    assert str(path) in found
    assert TRACKS[kind][1] in found


@pytest.mark.parametrize("kind", RESULTS)
def test_hostile_results_are_named_errors(kind: str, tmp_path: Path) -> None:
    path = documents.write(tmp_path / "t.json", RESULTS[kind][0])
    assert RESULTS[kind][1] in documents.attack_result(path)


@pytest.mark.parametrize("kind", TABLES)
def test_hostile_tables_are_named_errors(kind: str, tmp_path: Path) -> None:
    path = documents.write(tmp_path / "t.csv", TABLES[kind][0])
    found = documents.attack_table(path)
    assert str(path) in found
    assert TABLES[kind][1] in found


def test_valid_documents_are_read(tmp_path: Path) -> None:
    assert documents.attack_track(documents.write(tmp_path / "t.toml", documents.TRACK)) == ""
    assert documents.attack_result(documents.write(tmp_path / "t.json", json.dumps(documents.result()))) == ""
    assert documents.attack_table(documents.write(tmp_path / "t.csv", "team,mor\nA,1\n")) == ""


@pytest.mark.parametrize("text", ["[" * 100_000, json.dumps({"a": documents.nested(500)}), "[]", "\0", "9" * 5000])
def test_a_hostile_provenance_file_does_not_stop_a_run(text: str) -> None:
    class Folder:
        path = Path("sub")

        def names(self) -> list[str]:
            return [PROVENANCE_FILE]

        def read(self, name: str, most: int | None = None) -> bytes:
            return text.encode()

        def size(self, name: str) -> int:
            return 0

        def where(self, name: str) -> str:
            return name

    assert read_provenance(Folder()) is None


def test_json_output_is_valid_with_surrogates_nan_and_infinity() -> None:
    text = strict_json.dumps({"team": "half \ud800 a character", "n": [float("nan"), float("-inf")]})
    assert json.loads(text.encode("utf-8")) == {"team": "half \ud800 a character", "n": [None, "-inf"]}
