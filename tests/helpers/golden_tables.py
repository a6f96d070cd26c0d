"""Rankings that the golden tables show.

``python -m tests.helpers.golden_tables`` rewrites the golden files; read the diff.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.inputs.hostile.names import HOSTILE
from srspace_eval.ranking import BootstrapPlan, Entry, Ranking, rank
from srspace_eval.ranking.published_tables import load_published
from srspace_eval.report.files import TEXT_FORMATS, render_leaderboard
from srspace_eval.report.table import make_table
from srspace_eval.report.terminal import to_text
from srspace_eval.tracks.reader import load_track

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "tables"


def ntire2021() -> Ranking:
    return rank(load_published("ntire2021-x4").entries("as published"), load_track("x4"))


def hostile() -> Ranking:
    """Hostile names, ties, an incomplete submission, infinities, nothing measured, intervals (set by hand)."""
    entries = [
        Entry(name, "team", {"lpips": 0.2 + i / 100, "lr_psnr": 44.0 + i, "diversity": 20.0 - (i // 2), "mor": 2.0 + i},
              "given")
        for i, name in enumerate(HOSTILE)
    ]  # fmt: skip
    entries += [
        Entry("nothing", "team", {}, "given"),
        Entry("half", "team", {}, "given", incomplete=("2 images are missing: 0801, 0802 | <b>",)),
        Entry("GT", "baseline", {"lpips": 0.0, "lr_psnr": math.inf, "mor": 1.25}, "given"),
        load_published("ntire2021-x4").entries()[-3],
    ]
    ranking = rank(entries, load_track("x4"))
    first = replace(
        ranking.rows[0],
        intervals={"diversity": (19.25, 20.75), "lpips": (0.19, 0.21), "final_rank": (1.0, 2.5)},
        rank_intervals={"diversity": (1, 3)},
        indistinguishable_from_next={"diversity": True, "final_rank": False},
    )
    return replace(ranking, rows=(first, *ranking.rows[1:]), bootstrap=BootstrapPlan())


RANKINGS: dict[str, Callable[[], Ranking]] = {"ntire2021-x4": ntire2021, "hostile": hostile}


def golden_files() -> dict[str, str]:
    """File name -> expected content."""
    found = {}
    for name, make in RANKINGS.items():
        ranking = make()
        intervals = name == "hostile"
        for form in TEXT_FORMATS:
            found[f"{name}.{form}"] = render_leaderboard(ranking, form, intervals=intervals)
        found[f"{name}.txt"] = to_text(make_table(ranking), io.StringIO(), intervals=intervals)
    return found


if __name__ == "__main__":
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for file_name, text in golden_files().items():
        (GOLDEN / file_name).write_text(text, encoding="utf-8", newline="")
