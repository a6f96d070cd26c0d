"""Forged boards, hostile names, and chunks of pictures: what must happen with each."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.inputs.hostile import cells, forged, published


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")
@pytest.mark.parametrize("kind", forged.BOARDS)
def test_numbers_that_were_not_measured_here_are_not_taken(kind: str, tmp_path: Path) -> None:
    words = forged.BOARDS[kind][1]
    found = forged.attack(forged.write(tmp_path / "a", kind))
    assert words in found
    assert found.startswith(forged.TOLD) == (not kind.startswith("journal is"))


def test_a_track_file_of_a_board_does_not_replace_the_built_in_track(tmp_path: Path) -> None:
    assert "is not used" in forged.attack_track(forged.write_replaced_track(tmp_path))


@pytest.mark.parametrize("kind", cells.FORMULAS)
def test_no_spreadsheet_computes_a_name(kind: str, tmp_path: Path) -> None:
    assert cells.attack_formula(cells.write_team(tmp_path / "board/x4/t.json", cells.FORMULAS[kind])) == ""


@pytest.mark.parametrize("kind", cells.NAMES)
def test_names_that_look_the_same_are_refused(kind: str, tmp_path: Path) -> None:
    name, words = cells.NAMES[kind]
    found = cells.attack_lookalike(cells.write_lookalike(tmp_path / "board/x4/t.json", name))
    assert words in found
    assert bool(words) == bool(found)


@pytest.mark.parametrize("kind", published.NAMES)
def test_names_in_two_forms_belong_together(kind: str, tmp_path: Path) -> None:
    write, words = published.NAMES[kind]
    write(tmp_path)
    found = published.attack_names(tmp_path)
    assert words in found
    assert bool(words) == bool(found)


@pytest.mark.parametrize("kind", ["gAMA", "iCCP", "eXIf, turned", "iTXt", "tRNS", "a private chunk"])
def test_only_pixels_are_published(kind: str, tmp_path: Path) -> None:
    chunk, words = published.CHUNKS[kind]
    found = published.attack_chunk(chunk, tmp_path)
    assert words in found
    assert bool(words) == bool(found)
