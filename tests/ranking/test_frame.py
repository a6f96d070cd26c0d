"""``Ranking.to_frame``: a row a team, with the columns and numbers of the leaderboard's CSV."""

from __future__ import annotations

import csv
import io
import math
import subprocess
import sys

import pandas as pd
import pytest

from srspace_eval._utils.untrusted_text import unescape_cell
from srspace_eval.report.files import render_leaderboard
from tests.helpers.golden_tables import RANKINGS

TEXT = {"team", "kind", "source", "why_unranked", "note"}


@pytest.mark.parametrize("name", RANKINGS)
def test_the_frame_has_the_columns_and_numbers_of_the_csv(name: str) -> None:
    ranking = RANKINGS[name]()
    frame = ranking.to_frame()
    header, *rows = csv.reader(io.StringIO(render_leaderboard(ranking, "csv")))
    assert list(frame.columns) == header
    assert len(frame) == len(rows)
    for (_, line), row in zip(frame.iterrows(), rows, strict=True):
        for key, text in zip(header, row, strict=True):
            value = line[key]
            if key in TEXT:
                assert (value if isinstance(value, str) else "") == unescape_cell(text)
            elif key.endswith("_tied_with_next"):
                assert text == ("" if pd.isna(value) else "yes" if value else "no")
            else:
                assert math.isnan(value) if text == "" else value == float(text), key


def test_the_dtypes_are_fixed_even_where_nothing_is_known() -> None:
    frame = RANKINGS["hostile"]().to_frame()
    for key, dtype in frame.dtypes.astype(str).items():
        expected = "string" if key in TEXT else "boolean" if str(key).endswith("_tied_with_next") else "float64"
        assert dtype == expected, key
    nothing = frame[frame["team"] == "nothing"].iloc[0]
    assert math.isnan(nothing["lpips"])
    assert math.isnan(nothing["place"])
    assert frame[frame["team"] == "GT"]["lr_psnr"].tolist() == [math.inf]


def test_pandas_is_loaded_only_for_a_frame() -> None:
    script = (
        "import sys\nfrom tests.helpers.golden_tables import ntire2021\nranking = ntire2021()\n"
        "assert 'pandas' not in sys.modules\nranking.to_frame()\nassert 'pandas' in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
