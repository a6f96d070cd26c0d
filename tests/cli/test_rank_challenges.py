"""The published tables of other challenges, ranked from the command line, against their printed ranks.

``tests/golden/challenges/`` holds the tables as published and track files for them.
"""

from __future__ import annotations

import csv
import io
import json
import random
from contextlib import redirect_stdout
from math import exp
from pathlib import Path
from typing import Any

import pytest

from srspace_eval._utils import toml
from tests.helpers.commands import run

CHALLENGES = Path(__file__).parents[1] / "golden" / "challenges"
IMAGESR = ["psnr", "ssim", "lpips", "dists", "niqe", "maniqa", "musiq", "clipiqa"]
ESR = ["psnr_val", "psnr_test", "runtime_ms", "params_m", "flops_g"]


def _printed(name: str) -> list[dict[str, str]]:
    lines = (CHALLENGES / name).read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def _ranked(track: Path, rows: list[dict[str, str]], ids: list[str], folder: Path) -> dict[str, Any]:
    table = folder / "table.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["team", "kind", *ids])
        writer.writerows([row["team"], row["kind"], *(row[key] for key in ids)] for row in rows)
    with redirect_stdout(io.StringIO()) as stdout:
        assert run("rank", "--track", track, "--table", table, "--json") == 0
    document: dict[str, Any] = json.loads(stdout.getvalue())
    return document


def _by_team(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["team"]: row for row in rows}


@pytest.mark.parametrize(
    ("year", "teams", "tied"),
    [
        # Teams whose printed PSNRs are equal to two decimals: hidden digits told them apart.
        (2025, 24, {"Endeavour", "Junyi", "ML_SVNIT"}),
        (2026, 31, {"FengFans", "cialloworld"}),
    ],
)
def test_image_sr(tmp_path: Path, year: int, teams: int, tied: set[str]) -> None:
    printed = [{"kind": "team" if row["rank_1"] else "baseline", **row} for row in _printed(f"imagesr_x4_{year}.csv")]
    document = _ranked(CHALLENGES / "imagesr_x4.toml", printed, IMAGESR, tmp_path)
    rows = _by_team(document["rows"])
    competing = [row for row in printed if row["kind"] == "team"]
    assert len(competing) == teams
    other = set()
    for row in competing:
        found = rows[row["team"]]
        assert found["values"]["score"] == pytest.approx(float(row["score"]), abs=1.8e-4)
        assert found["ranks"]["score"] == int(row["rank_2"])
        if found["ranks"]["psnr"] != int(row["rank_1"]):
            other.add(row["team"])
            shown = [r["team"] for r in competing if r["psnr"] == row["psnr"]]
            assert len(shown) > 1, row
            assert found["ranks"]["psnr"] == min(int(r["rank_1"]) for r in competing if r["team"] in shown)
    assert other == tied
    assert document["rankings"]["overall"] == document["rows"]
    perceptual = _by_team(document["rankings"]["perceptual"])
    assert [perceptual[row["team"]]["place"] for row in competing] == [int(row["rank_2"]) for row in competing]


@pytest.mark.parametrize("year", [2025, 2026])
def test_image_sr_overall_order(tmp_path: Path, year: int) -> None:
    """From the printed ranks, whose hidden digits the values lack, the order of the rows follows without exception."""
    printed = [{"kind": "team", **row} for row in _printed(f"imagesr_x4_{year}.csv") if row["rank_1"]]
    track = tmp_path / "track.toml"
    track.write_text(
        'name = "overall"\ntitle = "Overall"\nscale = 4\n[columns]\nfirst = { better = "lower" }\n'
        'second = { better = "lower" }\n[ranking]\norder_by = ["min(first, second)", "mean(first, second)"]\n'
    )
    rows = [{**row, "first": row["rank_1"], "second": row["rank_2"]} for row in printed]
    shuffled = random.Random(0).sample(rows, len(rows))
    document = _ranked(track, shuffled, ["first", "second"], tmp_path)
    places = {row["team"]: row["place"] for row in document["rows"]}
    assert [places[row["team"]] for row in printed] == sorted(places.values())


def test_efficient_sr_2022(tmp_path: Path) -> None:
    printed = _printed("esr_2022.csv")
    given = [{**row, "kind": "team" if row["kind"] == "excluded" else row["kind"]} for row in printed]
    document = _ranked(CHALLENGES / "esr_2022.toml", given, [*ESR, "acts_m", "memory_m"], tmp_path)
    main, sub1, sub2 = (_by_team(document["rankings"][name]) for name in ("main", "sub1", "sub2"))
    teams = [row for row in printed if row["kind"] == "team"]
    assert len(teams) == 35
    for row in teams:
        found = main[row["team"]]
        assert found["place"] == int(row["main"]) == found["ranks"]["runtime_ms"] == found["final_rank"]
        assert found["ranks"]["acts_m"] == int(row["r_acts"])
        assert found["ranks"]["memory_m"] == int(row["r_memory"])
    # Parameters are printed with three decimals and FLOPs with two; hidden digits decided these ranks.
    hidden = {
        metric: {row["team"] for row in teams if main[row["team"]]["ranks"][metric] != int(row[printed_rank])}
        for metric, printed_rank in (("params_m", "r_params"), ("flops_g", "r_flops"))
    }
    assert (len(hidden["params_m"]), len(hidden["flops_g"])) == (4, 1)
    decided = hidden["params_m"] | hidden["flops_g"]
    for row in teams:
        if row["team"] not in decided:
            assert sub1[row["team"]]["final_rank"] == int(row["sub1"])
            assert sub2[row["team"]]["final_rank"] == int(row["sub2"])
    excluded = [row for row in printed if row["kind"] == "excluded"]
    assert len(excluded) == 8
    for row in excluded:
        found = main[row["team"]]
        assert (found["place"], found["final_rank"], found["ranks"]) == (None, None, {})
        assert found["why_unranked"].startswith("not eligible: psnr_")


def test_efficient_sr_2022_from_its_ranks(tmp_path: Path) -> None:
    ids = ["r_params_m", "r_flops_g", "r_runtime_ms", "r_acts_m", "r_memory_m"]
    rows = [row for row in _printed("esr_2022.csv") if row["kind"] == "team"]
    for row in rows:
        row |= {key: row[key.rpartition("_")[0]] for key in ids}
    columns = "".join(f'{key} = {{ better = "lower" }}\n' for key in ids)
    track = tmp_path / "track.toml"
    track.write_text(
        f'name = "sums"\ntitle = "Sums"\nscale = 4\n[columns]\n{columns}'
        f'[rankings.sub1]\norder_by = ["{ids[0]} + {ids[1]}"]\n'
        f'[rankings.sub2]\norder_by = ["sum({", ".join(ids)})"]\n'
    )
    document = _ranked(track, rows, ids, tmp_path)
    sub1, sub2 = (_by_team(document["rankings"][name]) for name in ("sub1", "sub2"))
    assert {row["team"] for row in rows if sub2[row["team"]]["place"] != int(row["sub2_rank"])} == set()
    # Printed 10 although it ties MegSR, printed 9, with 18; the table's other ties share their rank.
    assert {row["team"] for row in rows if sub1[row["team"]]["place"] != int(row["sub1_rank"])} == {"Alpan Team"}


@pytest.mark.parametrize("name", ["esr_2026.csv", "esr_2026_exact.csv"])
def test_efficient_sr_2026(tmp_path: Path, name: str) -> None:
    """No ranks were published. The score is computed here by hand, and the thresholds hold as the table shows them."""
    printed = _printed(name)
    document = _ranked(CHALLENGES / "esr_2026.toml", printed, ESR, tmp_path)
    rows = _by_team(document["rows"])
    failed = {row["team"] for row in document["rows"] if (row["why_unranked"] or "").startswith("not eligible")}
    assert failed == {"009_RFDN_SPAN", "21_SAFMN"}
    span = next(row for row in printed if row["team"] == "00_SPAN")
    scores = {
        row["team"]: sum(
            weight * exp(2 * float(row[key]) / float(span[key]))
            for weight, key in ((0.8, "runtime_ms"), (0.1, "flops_g"), (0.1, "params_m"))
        )
        for row in printed
    }
    for team, score in scores.items():
        assert rows[team]["values"]["score"] == pytest.approx(score, rel=1e-12)
    ranked = sorted((t for t in scores if t not in failed and t != "00_SPAN"), key=scores.__getitem__)
    assert [row["team"] for row in document["rows"] if row["place"]] == ranked
    assert [rows[team]["place"] for team in ranked] == list(range(1, 14))


@pytest.mark.parametrize("number", [1, 2])
def test_ntire2020(tmp_path: Path, number: int) -> None:
    data = toml.loads((CHALLENGES / f"ntire2020-track{number}.toml").read_text(encoding="utf-8"))
    ranked = sorted({key for row in data["rows"] for key in row.get("ranks", {})})
    columns = "".join(
        f'{key} = {{ better = "{"higher" if key in ("psnr", "ssim", "nrqm") else "lower"}" }}\n' for key in ranked
    )
    criteria = ", ".join(f'{{ metric = "{key}" }}' for key in ranked)
    track = tmp_path / "track.toml"
    track.write_text(
        f'name = "ntire2020"\ntitle = "NTIRE 2020"\nscale = 4\n[columns]\n{columns}[ranking]\ncriteria = [{criteria}]\n'
        f'order_by = ["rank({ranked[0]})"]\nbaselines_ranked = {"true" if number == 2 else "false"}\n'
    )
    rows = [
        {
            "team": row["team"],
            "kind": row["kind"] if row.get("ranks") or number == 2 else "baseline",
            **{key: str(row.get(key, "")) for key in ranked},
        }
        for row in data["rows"]
    ]
    found = _by_team(_ranked(track, rows, ranked, tmp_path)["rows"])
    compared = 0
    for row in data["rows"]:
        for key in row.get("ranks", {}):
            # Printed values that are equal share the best of the printed ranks; hidden digits told them apart.
            same = [r for r in data["rows"] if r.get(key) == row[key] and key in r.get("ranks", {})]
            assert found[row["team"]]["ranks"][key] == min(r["ranks"][key] for r in same), (row["team"], key)
            compared += len(same) == 1
    assert compared > 40
