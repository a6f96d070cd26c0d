"""The published tables: their numbers, their marks, and that they say where they are from."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from srspace_eval.errors import RankingError
from srspace_eval.metrics.base import METRICS
from srspace_eval.ranking.published_tables import PublishedTable, load_published, published_tables

TABLES = published_tables()
SEEDS = {
    "ntire2021": "000", "ncsr": "000", "srflow-da": "001", "durso2022": "002", "ntire2020": "003", "realsr2020": "003",
}  # fmt: skip


def test_every_table_of_the_four_sources_is_there() -> None:
    assert {name: len(table.rows) for name, table in TABLES.items()} == {
        "durso2022-x4": 3, "durso2022-x8": 3, "ncsr-ablation-x4": 5, "ncsr-layer-x4": 2, "ncsr-x4": 6, "ncsr-x8": 5,
        "ntire2020-track1": 7, "ntire2020-track2": 6, "ntire2021-x4": 14, "ntire2021-x8": 13,
        "realsr2020-validation": 3, "srflow-da-x4": 8, "srflow-da-x8": 8,
    }  # fmt: skip


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_cell_stands_in_the_source(table: PublishedTable, shared: Path) -> None:
    """Each row's numbers are together in one line of the document that the table was read from."""
    prefix = next(seed for name, seed in SEEDS.items() if table.id.startswith(name))
    (path,) = (shared / "seeds").glob(f"{prefix}_*.txt")
    text = path.read_text(encoding="utf-8").replace("∞", "inf")
    lines = [_numbers(line) for line in text.splitlines() if "\t" in line]
    if table.id in ("ncsr-layer-x4", "ncsr-ablation-x4"):  # printed with the methods as columns
        everything = set().union(*lines)
        assert all(set(row.values.values()) <= everything for row in table.rows)
        return
    for row in table.rows:
        wanted = {*row.values.values(), *row.ranks.values()} | ({row.final_rank} if row.final_rank else set())
        assert any(wanted <= line for line in lines), row.team


def _numbers(line: str) -> set[float]:
    return {float(text) for text in re.findall(r"inf|\d+(?:\.\d+)?", line.translate(_SUBSCRIPTS))}


_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉₍₎", "0123456789  ")


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_printed_ranks_follow_the_printed_values(table: PublishedTable) -> None:
    for metric in {metric for row in table.rows for metric in row.ranks}:
        direction = METRICS[metric].direction if metric in METRICS else table.columns[metric].direction
        ranked = sorted((row.ranks[metric], row.values[metric]) for row in table.rows if metric in row.ranks)
        values = [value for _, value in ranked]
        assert values == sorted(values, reverse=direction == "higher"), metric


@pytest.mark.parametrize("name", ["srflow-da-x4", "srflow-da-x8"])
def test_diversity_is_the_gain_of_local_over_global_best(name: str) -> None:
    """S_M = (g - l) / g; the table's mean over images and its rounding leave about a point."""
    doubtful = {}
    for row in load_published(name).rows:
        g, best = row.values["lpips_global_best"], row.values["lpips_local_best"]
        if abs(100 * (g - best) / g - row.values["diversity"]) > 1.5:
            doubtful[row.team] = row.note
    # Two rows are printed so; each says it.
    assert list(doubtful) == (["SRFlow", "SRFlow-DA-D"] if name == "srflow-da-x8" else [])
    assert all("so printed" in note for note in doubtful.values())


def test_the_ground_truth_of_the_challenge() -> None:
    gt = load_published("ntire2021-x4").rows[-1]
    assert (gt.team, gt.kind) == ("GT", "baseline")
    assert gt.values == {"lpips": 0.0, "lr_psnr": math.inf, "mor": 3.728}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_rows_are_marked_as_published_and_cite_their_source(table: PublishedTable) -> None:
    for entry in table.entries():
        assert (entry.origin, entry.kind, entry.result) == ("published", "baseline", None)
        assert entry.note.split("\n")[0] == table.citation
        assert entry.values.keys() <= METRICS.keys()
    assert table.paper in table.citation
    assert table.table in table.citation


def test_a_table_is_found_by_its_family_and_track() -> None:
    assert load_published("ntire2021", track="x4").id == "ntire2021-x4"
    assert load_published("ntire2021", track="x8-2022").id == "ntire2021-x8"
    assert load_published("ncsr", track="x8").id == "ncsr-x8"


@pytest.mark.parametrize(("name", "track"), [("ntire2021", None), ("ntire1999", "x4"), ("srflow-da", "x8-2022")])
def test_an_unknown_table_lists_the_known_ones(name: str, track: str | None) -> None:
    with pytest.raises(RankingError, match=r"ntire2021-x8 \(x8, x8-2022\)"):
        load_published(name, track)
