"""Attacks on readers of results, tables and downloads: sizes, texts, baselines, submissions among scoring outputs."""

from __future__ import annotations

import io
import json
import math
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import srspace_eval as se
from srspace_eval._utils.csv_table import MAX_ROWS
from srspace_eval.codabench.downloads import import_downloads
from srspace_eval.errors import RankingError, ResultsError
from srspace_eval.ranking.bootstrap import BootstrapPlan
from srspace_eval.ranking.compatibility import require_one_signature
from srspace_eval.ranking.intervals import MAX_NUMBERS, resampled_numbers
from srspace_eval.ranking.model import CLAIM, MEASURED, Entry
from srspace_eval.ranking.reasons import what_is_missing
from srspace_eval.ranking.summary_checks import _folded, summary_faults
from srspace_eval.ranking.suspicions import stops_suddenly
from srspace_eval.report.files import render_leaderboard
from srspace_eval.report.table import make_table
from srspace_eval.results.documents import MAX_IDS, from_document, to_document
from srspace_eval.results.means import exact_mean, mean_curve, mean_of
from srspace_eval.results.record import ImageRecord, Result, SampleRecord
from srspace_eval.results.signature import Signature
from srspace_eval.scoring.shards import Shard, open_shards
from srspace_eval.scoring.summary import summarise
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.reader import load_track

TRACK = """
name = "own"
title = "Own"
scale = 4
first = 801
samples = 1
baseline = "EFDN"
metrics = ["psnr"]
[derived]
gain = { formula = "min(1, max(0, psnr - baseline(psnr)))", better = "higher", digits = 4 }
[ranking]
criteria = [{ metric = "gain" }]
order_by = ["rank(gain)"]
"""


def track_of(folder: Path) -> Track:
    (folder / "own.toml").write_text(TRACK)
    return load_track(folder / "own.toml")


def result(team: str, psnr: float, images: int = 3, kind: Any = "team") -> Result:
    settings: dict[str, dict[str, Any]] = {
        "common": {"track": "own", "scale": 4, "samples": 1, "images": images},
        "psnr": {"floor": "one step"},
    }
    records = tuple(
        ImageRecord(f"{i:06d}", 8, 8, None, {"psnr": psnr}, {}, (SampleRecord(0, "a.png", "0" * 64, {"psnr": psnr}),))
        for i in range(images)
    )
    return Result(team, "own", Signature(settings), records, {"psnr": psnr}, kind=kind)


def entry(team: str, psnr: float, evidence: str, kind: Any = "team") -> Entry:
    return Entry(team, kind, {"psnr": psnr}, "measured", result(team, psnr, kind=kind), evidence=evidence)


def seconds(call: Callable[[], object]) -> float:
    before = time.perf_counter()
    call()
    return time.perf_counter() - before


# Sizes of a result


def many_ids(d: dict[str, Any]) -> None:
    d["summary"] |= {f"k{i}": None for i in range(MAX_IDS)}


def many_ids_of_images(d: dict[str, Any]) -> None:
    for number, image in enumerate(d["images"]):
        image |= {f"k{number}_{i}": 1.5 for i in range(MAX_IDS // 2)}


def many_ids_of_samples(d: dict[str, Any]) -> None:
    d["images"][0]["samples"][0] |= {f"k{i}": 1.5 for i in range(MAX_IDS)}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (many_ids, "more than 500 different ids"),
        (many_ids_of_images, "more than 500 different ids"),
        (many_ids_of_samples, "more than 500 different ids"),
        (lambda d: d["summary"].update({"k" * 201: None}), "an id of values has 201 characters"),
        (lambda d: d.update(images=d["images"] * 40_000), "120000 images, and at most 100000"),
        (lambda d: d["images"][0].update(samples=d["images"][0]["samples"] * 100_001), "100003 samples, and at most"),
        (lambda d: d["signature"]["settings"].update({f"g{i}": {} for i in range(501)}), "503 groups of settings"),
        (lambda d: d["signature"]["settings"].update(g={f"k{i}": 1 for i in range(501)}), "501 settings in one group"),
        (lambda d: d["signature"]["settings"].update(g={"k": "x" * 100_000}), "signature has 1[0-9]{5} characters"),
        (lambda d: d["signature"]["environment"].update(k="x" * 100_000), "signature has 1[0-9]{5} characters"),
        (lambda d: d.update(provenance={"k": "x" * (1 << 22)}), "provenance has [0-9]+ characters"),
        (lambda d: d.update(incomplete=["x" * 10_001]), "incomplete.*at most 10 000 characters"),
        (lambda d: d.update(notes=["x"] * 1001), "notes"),
        (lambda d: d["images"][0].update(image="x" * 10_001), "image.*at most 10 000 characters"),
        (lambda d: d["images"][0]["samples"][0].update(file="x" * 10_001), "file.*at most 10 000 characters"),
    ],
)
def test_a_result_of_no_measurement_is_refused_when_it_is_read(change: Callable[[Any], object], told: str) -> None:
    document = json.loads(json.dumps(to_document(result("A", 30.0))))
    change(document)
    with pytest.raises(ResultsError, match=told):
        from_document(document, "A.json", check_id=False)


def test_time_of_checks_does_not_grow_with_ids_times_images(tmp_path: Path) -> None:
    base, track = result("A", 30.0, images=4000), track_of(tmp_path)
    images = tuple(
        replace(image, values={**image.values, f"k{i % 450}": 1.0}, curves={f"c{i % 40}": (0.0,)})
        for i, image in enumerate(base.images)
    )
    large = replace(base, images=images, summary={**base.summary, **{f"k{i}": 1.0 for i in range(450)}})
    faults: list[str] = []
    assert seconds(lambda: faults.extend(summary_faults(large, track))) < 1.5
    assert any("k7 is missing, which other images have" in fault for fault in faults)
    assert seconds(lambda: summarise(large.images, {})) < 0.5


def test_time_of_curves_does_not_grow_with_their_length_times_their_number() -> None:
    curves = [(0.0,) * 20_000, *[(0.0,)] * 20_000]
    means: list[object] = []
    assert seconds(lambda: means.extend(mean_curve(curves))) < 1
    assert len(means) == 20_000


def test_time_of_the_evenness_of_samples_does_not_grow_with_their_square() -> None:
    number = 20_000
    samples = tuple(SampleRecord(m, f"{m}.png", "", {"lpips": 0.5}) for m in range(number))
    image = ImageRecord("0801", 8, 8, None, {}, {"c": tuple(50 * m / number for m in range(number))}, samples)
    assert seconds(lambda: stops_suddenly(image, "c", "lpips")) < 1


def test_infinite_images_are_left_out_in_linear_time() -> None:
    samples = (SampleRecord(0, "a.png", "", {"psnr": math.inf}), SampleRecord(1, "b.png", "", {"psnr": 30.0}))
    images = [ImageRecord(f"{i:06d}", 8, 8, None, {"psnr": math.inf}, {}, samples) for i in range(10_000)]
    assert seconds(lambda: summarise(images, {})) < 1


def test_kinds_of_faults_are_found_in_linear_time() -> None:
    faults = [f"image 1: {'1.' * 20_000}a is 3"]
    assert seconds(lambda: _folded(faults)) < 1


def test_means_of_large_values_exist() -> None:
    assert exact_mean([1.5e308, 1.7e308]) == pytest.approx(1.6e308)
    assert mean_of([1e308, 1e308, None]) == 1e308
    curve = mean_curve([(math.inf, 1.0), (-math.inf, None)])
    assert math.isnan(curve[0] or 0.0)
    assert curve[1] == 1.0


def test_a_long_list_of_missing_files_is_shown_cut() -> None:
    shown = what_is_missing(replace(entry("A", 30.0, ""), incomplete=("x" * 5000, *map(str, range(99)))))
    assert (len(shown), shown[-1], len(shown[0])) == (21, "and 80 more", 1000)


# The bootstrap


def test_a_bootstrap_that_takes_gigabytes_is_left_out_with_a_notice(tmp_path: Path) -> None:
    track, plan = track_of(tmp_path), BootstrapPlan()
    large = [result("A", 30.0, images=MAX_NUMBERS // plan.replicates + 1)]
    with pytest.warns(se.Notice, match="no intervals: the bootstrap would compute 5000[0-9]+ numbers"):
        ranking = se.rank(large, track, bootstrap=plan)
    assert ranking.bootstrap is None
    assert not ranking.rows[0].intervals
    few = [entry(f"T{i}", 30.0, "") for i in range(3)]
    numbers = resampled_numbers([result("A", 30.0)], few * 1000, [track] * 2, plan)
    assert numbers == 2 * plan.replicates * 3000 * 4  # two rankings, 3000 rows, PSNR, the gain, a key, and 10 parts


# Baselines


def gains(entries: list[Entry], track: Track) -> dict[str, float | None]:
    from srspace_eval.ranking.rule import apply_rule

    return {row.entry.team: row.entry.values.get("gain") for row in apply_rule(entries, track).rows}


@pytest.mark.parametrize("evidence", [CLAIM, "verified here", "verified here (1 of 3 images)"])
def test_no_result_of_another_machine_is_the_baseline_of_measured_ones(tmp_path: Path, evidence: str) -> None:
    track = track_of(tmp_path)
    own = [entry("A", 30.3, MEASURED), entry("B", 29.3, MEASURED)]
    assert gains([*own, entry("EFDN", 50.0, evidence, "baseline")], track)["A"] is None
    ranking = se.rank([*own, entry("EFDN", 50.0, evidence, "baseline")], track)
    assert "the baseline 'EFDN' was not scored on this machine" in str(ranking.rows[0].why_unranked)
    # Scored here, or among claims alone, it is the baseline.
    assert gains([*own, entry("EFDN", 30.0, MEASURED, "baseline")], track)["A"] == pytest.approx(0.3)
    claims = [entry("A", 30.3, CLAIM), entry("EFDN", 30.0, CLAIM, "baseline")]
    assert gains(claims, track)["A"] == pytest.approx(0.3)


def test_values_that_follow_from_a_given_baseline_are_marked(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("team,psnr\nEFDN,29.9\n")
    with pytest.warns(se.Notice, match="no entry has this name"):
        ranking = se.rank([result("A", 30.3)], track_of(tmp_path), values=tmp_path / "v.csv")
    row = next(row for row in ranking.rows if row.entry.team == "A")
    assert row.entry.joined == {"gain": "computed from HR-PSNR of the baseline"}
    assert any("read HR-PSNR of the baseline 'EFDN', which a table gives" in note for note in ranking.notes)
    table = make_table(ranking)
    assert any(cell.mark == "‡" for cell in table.lines[0].cells)
    assert ",gain\n" in render_leaderboard(ranking, "csv")


# Tables


def test_rows_of_a_table_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("team,psnr\n" + "".join(f"T{i},1\n" for i in range(MAX_ROWS + 1)))
    with pytest.raises(RankingError, match="more than 10000 rows"):
        se.rank(None, "x4", table=path)


def test_the_time_of_a_csv_does_not_grow_with_the_square_of_its_rows() -> None:
    names = np.random.default_rng(0).permutation(2000)
    entries = [Entry(f"T{i}", "team", {"psnr": 30.0}, "given") for i in names]
    ranking = se.rank(entries, "x4")
    assert seconds(lambda: render_leaderboard(ranking, "csv")) < 1.5


# Downloads of the platform


def put(folder: Path, name: str, **files: bytes) -> None:
    folder.mkdir(exist_ok=True)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for file, content in files.items():
            archive.writestr(file.replace("__", "."), content)
    (folder / name).write_bytes(data.getvalue())


def scores(value: float) -> bytes:
    return json.dumps({"psnr": value}).encode()


def test_a_submission_is_no_scoring_output(tmp_path: Path) -> None:
    downloads = tmp_path / "d"
    put(downloads, "res_4712_mallory_PhaseId7_2026-03-01-10-40_a.zip", scores__json=scores(20.0))
    put(downloads, "4712_mallory_PhaseId7_2026-03-01-10-40_a.zip", scores__json=scores(60.0), a__png=b"x")
    put(downloads, "4713_mallory_PhaseId7_2026-03-01-11-40_a.zip", scores__json=scores(60.0))
    with pytest.warns(se.Notice, match=r"left out 4712_mallory.* and 1 more: submissions have such names"):
        found = import_downloads(downloads, "x4", tmp_path / "board")
    assert found.table is not None
    assert "mallory,team,20.0" in found.table.read_text()


def test_a_zip_with_pngs_is_no_scoring_output(tmp_path: Path) -> None:
    put(tmp_path / "d", "A.zip", scores__json=scores(20.0), a__PNG=b"x")
    with pytest.raises(ResultsError, match="holds PNGs, as a submission does"):
        import_downloads(tmp_path / "d", "x4", tmp_path / "board")


def test_two_outputs_of_one_number_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        put(tmp_path / "d", f"res_4712_mallory_PhaseId7_2026-03-01-10-40_{name}.zip", scores__json=scores(20.0))
    with pytest.raises(ResultsError, match="two of them have the same number"):
        import_downloads(tmp_path / "d", "x4", tmp_path / "board")


def test_more_journals_of_shards_than_can_be_opened_are_a_named_error(tmp_path: Path) -> None:
    for index in range(1, 902):
        Shard(index, 901).journal(tmp_path / "A.json").touch()
    with (
        pytest.raises(ResultsError, match="901 journals of shards of A; the limit is 900"),
        open_shards(tmp_path / "A.json", Signature({})),
    ):
        pass


def test_formulas_that_name_earlier_ones_twice_are_computed_once_for_each_image(tmp_path: Path) -> None:
    chain = "".join(
        f'd{k} = {{ formula = "{"psnr" if k < 2 else f"d{k - 1} + d{k - 2}"}", better = "higher", digits = 2 }}\n'
        for k in range(60)
    )
    last = 'z = { formula = "d59 / 2", of = "images", better = "higher", digits = 2 }\n'
    (tmp_path / "own.toml").write_text(TRACK.replace("gain =", f"{chain}{last}gain ="))
    track = load_track(tmp_path / "own.toml")
    results = [result("A", 1.0), result("B", 2.0)]
    assert seconds(lambda: se.rank(results, track)) < 1
    rows = se.rank(results, track).rows
    assert {row.entry.team: row.entry.values["z"] for row in rows}["A"] == 1548008755920 / 2


def test_a_site_chooses_the_axes_of_its_scatter_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from srspace_eval.report.html import charts

    calls: list[int] = []
    plane = charts.plane

    def count(ranking: se.Ranking) -> tuple[str, str] | None:
        calls.append(1)
        return plane(ranking)

    monkeypatch.setattr(charts, "plane", count)
    entries = [Entry(f"T{i}", "team", {"lpips": 0.2, "diversity": 20.0}, "given") for i in range(50)]
    se.write_leaderboards([se.rank(entries, "x4")], tmp_path / "site", formats=["html"])
    assert len(calls) < 10


def test_one_result_with_many_groups_of_settings_does_not_stop_a_board() -> None:
    groups = {f"g{i}": {"k": i} for i in range(490)}
    small = [result(f"T{i}", 30.0) for i in range(300)]
    last = replace(small[0], team="Z", signature=Signature({**small[0].signature.settings, **groups}))
    assert seconds(lambda: require_one_signature([*small, last])) < 1
