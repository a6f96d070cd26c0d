"""What each format promises: equal numbers when read back, rendering, safety from what names hold."""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from markdown_it import MarkdownIt

from benchmarks.inputs.hostile.names import HOSTILE
from srspace_eval._utils import strict_json
from srspace_eval._utils.untrusted_text import short_name, unescape_cell
from srspace_eval.ranking import Entry, Ranking, rank
from srspace_eval.ranking.entries import table_entries
from srspace_eval.report.files import render_leaderboard
from srspace_eval.report.numbers import format_rank, subscript
from srspace_eval.report.table import Column, make_table
from srspace_eval.tracks.reader import load_track
from tests.helpers.golden_tables import RANKINGS

ALL = pytest.mark.parametrize("make", RANKINGS.values(), ids=RANKINGS)


def cells_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@ALL
def test_csv_reads_back_to_equal_numbers_and_names(make: type[Ranking]) -> None:
    ranking = make()
    lines = cells_of(render_leaderboard(ranking, "csv"))
    assert len(lines) == len(ranking.rows)
    for line, row in zip(lines, ranking.rows, strict=True):
        assert unescape_cell(line["team"]) == row.entry.team
        for metric in ranking.columns:
            value = row.entry.values.get(metric)
            assert (float(line[metric]) if line[metric] else None) == value
        assert {m: float(line[f"{m}_rank"]) for m in row.ranks} == row.ranks
        assert (float(line["final_rank"]) if line["final_rank"] else None) == row.final_rank


def test_csv_reads_back_in_pandas() -> None:
    frame = pd.read_csv(io.StringIO(render_leaderboard(RANKINGS["ntire2021-x4"](), "csv")))
    assert frame["lr_psnr"].iloc[-1] == math.inf
    assert frame.set_index("team").loc["Deepest", "final_rank"] == 1.5
    assert frame["mor"].isna().sum() == 6


@ALL
def test_no_csv_cell_is_a_formula(make: type[Ranking]) -> None:
    for line in cells_of(render_leaderboard(make(), "csv")):
        for text in line.values():
            assert not text.startswith(("=", "+", "@", "\t", "\r")), text
            assert not text.startswith("-") or float(text) < 0


@ALL
def test_csv_can_be_ranked_again(make: type[Ranking], tmp_path: Path) -> None:
    ranking = make()
    path = tmp_path / "again.csv"
    path.write_bytes(render_leaderboard(ranking, "csv").encode())
    again = rank(table_entries(path), ranking.track)
    mine = {row.entry.team.strip(): (row.ranks, row.entry.origin, row.entry.note) for row in ranking.rows}
    assert {row.entry.team: (row.ranks, row.entry.origin, row.entry.note) for row in again.rows} == mine


@ALL
def test_json_reads_back_to_equal_numbers(make: type[Ranking]) -> None:
    ranking = make()
    document = json.loads(render_leaderboard(ranking, "json"))
    assert document["track"] == "x4"
    for line, row in zip(document["rows"], ranking.rows, strict=True):
        assert line["team"] == row.entry.team
        for metric in ranking.columns:
            assert strict_json.number(line[metric]) == row.entry.values.get(metric)
        assert line["ranks"] == row.ranks
        assert (line["final_rank"], line["why_unranked"]) == (row.final_rank, row.why_unranked)


@ALL
def test_markdown_renders_as_one_table_with_the_names_as_text(make: type[Ranking]) -> None:
    ranking = make()
    table = make_table(ranking)
    tokens = MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(render_leaderboard(ranking, "md"))
    assert [t.type for t in tokens].count("table_open") == 1
    inlines = [t for i, t in enumerate(tokens) if t.type == "inline" and tokens[i - 1].type in ("td_open", "th_open")]
    width = 2 + len(table.columns)
    assert len(inlines) == width * (1 + len(table.lines))
    for i, line in enumerate(table.lines):
        shown = inlines[width * (i + 1) + 1]
        # An empty comment keeps GitHub from making a link.
        parts = [c for c in shown.children or () if (c.type, c.content) != ("html_inline", "<!-- -->")]
        assert {child.type for child in parts} <= {"text", "text_special"}
        text = "".join(child.content for child in parts)
        assert text.removesuffix(f" ({line.mark})").strip() == short_name(line.row.entry.team).strip()
    assert not any(t.type.startswith("html") for t in tokens)


def test_markdown_marks_best_and_second() -> None:
    text = render_leaderboard(RANKINGS["ntire2021-x4"](), "md")
    assert "| **26.924** ₍₁₎ |" in text
    assert "| *26.041* ₍₂₎ |" in text


def test_latex_follows_the_challenges_report() -> None:
    text = render_leaderboard(RANKINGS["ntire2021-x4"](), "tex")
    assert r"\textbf{26.924}$_{(1)}$" in text
    assert r"\underline{26.041}$_{(2)}$" in text
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert rule in text
    assert r"njtech\&seu" in text


@pytest.mark.parametrize("name", RANKINGS)
def test_latex_compiles(name: str, tmp_path: Path) -> None:
    engine = next((e for e in ("tectonic", "pdflatex") if shutil.which(e)), None)
    if engine is None:
        pytest.skip("needs tectonic or pdflatex")
    if engine == "pdflatex":
        found = subprocess.run(["kpsewhich", "booktabs.sty"], capture_output=True, check=False)
        if found.returncode:
            pytest.skip("needs booktabs")
    (tmp_path / "table.tex").write_text(render_leaderboard(RANKINGS[name](), "tex", intervals=True), encoding="utf-8")
    document = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\\input{table}\\end{document}\n"
    (tmp_path / "paper.tex").write_text(document, encoding="utf-8")
    options = [] if engine == "tectonic" else ["-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape"]
    done = subprocess.run([engine, *options, "paper.tex"], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "paper.pdf").stat().st_size > 5000


@pytest.mark.parametrize("form", ["md", "tex"])
def test_invisible_characters_are_made_visible(form: str) -> None:
    text = render_leaderboard(RANKINGS["hostile"](), form, intervals=True)
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert "u202etxt.exe" in text


def test_equal_values_are_not_emphasised() -> None:
    entries = [Entry(name, "team", {"diversity": 5.0}, "given") for name in "ab"]
    table = make_table(rank(entries, load_track("x4")))
    assert {cell.emphasis for line in table.lines for cell in line.cells} == {""}


def test_best_and_second_are_of_teams_not_of_baselines() -> None:
    table = make_table(RANKINGS["ntire2021-x4"]())
    lpips = {line.row.entry.team: line.cells[0].emphasis for line in table.lines}
    assert {team for team, emphasis in lpips.items() if emphasis == "best"} == {"SSS"}
    assert {team for team, emphasis in lpips.items() if emphasis == "second"} == {"Deepest"}


def test_small_parts() -> None:
    assert [format_rank(x) for x in (1.5, 3.0, 10 / 3, 10.0, None)] == ["1.5", "3", "3.33", "10", "–"]
    assert subscript("1–12") == "₍₁₋₁₂₎"
    assert Column("lr_psnr", "LR-PSNR", "dB", "higher", "").heading == "LR-PSNR [dB] ↑"
    assert len(HOSTILE) == 8
