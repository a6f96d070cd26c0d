"""The tables in every text format, byte for byte."""

from __future__ import annotations

import pytest

from tests.helpers.golden_tables import GOLDEN, golden_files

FILES = golden_files()


@pytest.mark.parametrize("name", FILES)
def test_table_is_the_golden_one(name: str) -> None:
    assert FILES[name] == (GOLDEN / name).read_bytes().decode("utf-8")


def test_no_golden_table_is_left_over() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == FILES.keys()
