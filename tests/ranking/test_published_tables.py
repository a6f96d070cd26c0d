"""The published tables: their numbers, their marks, and that they say where they are from."""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path
from typing import Any

import pytest

from srspace_eval.errors import RankingError
from srspace_eval.metrics.registry import columns as metric_columns
from srspace_eval.ranking.published_tables import PublishedTable, load_published, parse_table, published_tables

TABLES = published_tables()
COLUMNS = {  # heading as printed -> metric or column of the table
    "LPIPS": "lpips", "LPIPS mean": "lpips", "LPIPS global": "lpips_global_best", "LPIPS local": "lpips_local_best",
    "LR-PSNR": "lr_psnr", "LR PSNR": "lr_psnr", "PSNR LR": "lr_psnr", "LR PSNR-worst": "lr_psnr_worst",
    "LR-PSNR worst": "lr_psnr_worst", "Div. Score S_{10} [%]": "diversity", "Diversity": "diversity", "MOR": "mor",
    "MOS": "mos", "PSNR": "psnr", "PSNR HR": "psnr", "PSNR(dB)": "psnr", "SSIM": "ssim", "NIQE": "niqe",
    "BRISQUE": "brisque", "PIQE": "piqe", "NRQM": "nrqm", "PI": "pi", "IQA-Rank": "iqa_rank", "Params": "params_m",
    "Time Training": "training_hours", "Train": "training_hours", "Time Inference": "inference_seconds",
    "Infer. time": "inference_seconds", "Final Rank": "final_rank",
}  # fmt: skip
TEAMS = {  # name as printed -> team
    "Ours": "Samsung-SLSI-MSL",
    "w/o NCL": "NCSR without noise conditional layer",
    "with NCL": "NCSR with noise conditional layer",
}
Cells = dict[tuple[str, str], float]
"""(Team, column) -> number; the column of a printed rank is ``"rank of <metric>"``."""


CHALLENGES = {"esr-2022": 45, "esr-2026": 16, "esr-2026-exact": 16, "imagesr-x4-2025": 26, "imagesr-x4-2026": 31}
"""Their cells are compared in ``tests/cli/test_rank_challenges.py``."""
OF_FOUR_SOURCES = {name: table for name, table in TABLES.items() if name not in CHALLENGES}


def test_every_table_of_the_four_sources_is_there() -> None:
    assert {name: len(TABLES[name].rows) for name in CHALLENGES} == CHALLENGES
    assert {name: len(table.rows) for name, table in OF_FOUR_SOURCES.items()} == {
        "durso2022-x4": 3, "durso2022-x8": 3, "ncsr-ablation-x4": 5, "ncsr-layer-x4": 2, "ncsr-x4": 6, "ncsr-x8": 5,
        "ntire2020-track1": 23, "ntire2020-track2": 18, "ntire2021-x4": 14, "ntire2021-x8": 13,
        "realsr2020-validation": 3, "srflow-da-x4": 8, "srflow-da-x8": 8,
    }  # fmt: skip


def printed(table: str, golden: Path) -> Cells:
    """The cells of a table as its source prints them."""
    with (golden / "published" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    if table == "ncsr-ablation-x4":  # a column a variant, whose parts are ticked
        parts = [line[0].lower().removeprefix("add ") for line in lines if "✓" in line or "X" in line]
        ticks = list(zip(*(line[1:] for line in lines if "✓" in line or "X" in line), strict=True))
        chosen = [[part for part, tick in zip(parts, column, strict=True) if tick == "✓"] for column in ticks]
        names = ["NCSR: " + (" + ".join(variant) or "none of the four") for variant in chosen]
        lines = [["Model", *names], *lines[len(parts) :]]
    if table in ("ncsr-ablation-x4", "ncsr-layer-x4"):  # methods are columns
        lines = [list(line) for line in zip(*lines, strict=True)]
    heading, *rows = lines
    cells: Cells = {}
    for name, *texts in rows:
        team = TEAMS.get(name, re.sub(r" \[\d+\]| \(Ours\)", "", name))
        for title, text in zip(heading[1:], texts, strict=True):
            _add_cells(cells, team, title, text)
    return cells


def _add_cells(cells: Cells, team: str, title: str, text: str) -> None:
    """A column may hold several numbers, as ``PSNR(dB)/SSIM/LPIPS``; a number may have a unit, a star, a rank."""
    titles = [part.strip("↑↓") for part in title.split("/")]
    if title == "Training" or text == "-":  # what a model was trained on is a note
        return
    for column, part in zip(titles, text.split("/"), strict=True):
        match = re.fullmatch(r"(∞|[\d.]+)[Mhs]?\*?(?: \((\d+)\))?", part.strip())
        assert match, (team, title, text)
        cells[team, COLUMNS[column]] = math.inf if match[1] == "∞" else float(match[1])
        if match[2]:
            cells[team, f"rank of {COLUMNS[column]}"] = float(match[2])


@pytest.mark.parametrize("table", OF_FOUR_SOURCES.values(), ids=OF_FOUR_SOURCES)
def test_every_cell_is_as_its_source_prints_it(table: PublishedTable, golden: Path) -> None:
    """No cell is missing, none is added, and each has the printed number."""
    stored: Cells = {}
    for row in table.rows:
        stored |= {(row.team, name): value for name, value in row.values.items()}
        stored |= {(row.team, f"rank of {name}"): float(rank) for name, rank in row.ranks.items()}
        if row.final_rank is not None:
            stored[row.team, "final_rank"] = row.final_rank
    assert stored == printed(table.id, golden)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_printed_ranks_follow_the_printed_values(table: PublishedTable) -> None:
    for metric in {metric for row in table.rows for metric in row.ranks}:
        direction = (
            metric_columns()[metric].direction if metric in metric_columns() else table.columns[metric].direction
        )
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
        assert entry.values.keys() <= metric_columns().keys()
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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tracks": "x4"}, "tracks: expected a list"),
        ({"papre": "x"}, "unknown key papre"),
        ({"rows": [{"team": "A", "kind": "guest"}]}, r"rows\[0\]\.kind: expected 'baseline' or 'team', found 'guest'"),
        ({"rows": [{"team": "A", "kind": "team", "lpips": "0.1"}]}, "row 'A': lpips: expected a number, found '0.1'"),
        ({"rows": [{"team": "A", "kind": "team", "lpisp": 0.1}]}, "row 'A': unknown column lpisp"),
        ({"columns": {"params": {"unit": "M"}}}, r"columns\.params: 'label' is missing"),
    ],
)
def test_a_fault_in_a_table_names_its_field(change: dict[str, Any], message: str) -> None:
    about = dict.fromkeys(("id", "title", "paper", "table", "read_from", "data"), "x")
    with pytest.raises(RankingError, match=f"^t.toml: not a published table: {message}"):
        parse_table({**about, "tracks": [], "rows": [], **change}, "t.toml")
