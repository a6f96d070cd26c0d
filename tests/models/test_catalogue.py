from __future__ import annotations

import subprocess
import sys
from importlib.resources import files

import pytest

from srspace_eval.metrics.registry import columns
from srspace_eval.models.catalogue import known_methods
from srspace_eval.ranking.published_tables import load_published

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

METHODS = known_methods()


def test_imports_no_torch() -> None:
    code = (
        "import sys; from srspace_eval.models.catalogue import known_methods as p; assert p(); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("method", "scale", "source", "expected"),
    [
        ("srflow", 4, "srflow-da", {"lpips": 0.120, "lpips_local_best": 0.089, "lr_psnr": 50.64, "diversity": 25.24}),
        ("srflow", 8, "ntire2021", {"lpips": 0.282, "lr_psnr": 47.72, "diversity": 25.582, "mor": 4.635}),
        ("srflow_da", 8, "srflow-da", {"lpips": 0.261, "lr_psnr": 50.91, "psnr": 23.75, "diversity": 23.45}),
        ("srflow_da_r", 4, "srflow-da", {"lpips": 0.120, "lr_psnr": 50.92, "psnr": 27.23, "diversity": 25.50}),
        ("srflow_da_s", 8, "srflow-da", {"lpips": 0.268, "lr_psnr": 52.21, "diversity": 23.17}),
        ("srflow_da_d", 4, "srflow-da", {"lpips": 0.132, "lr_psnr": 49.00, "diversity": 23.24}),
        ("ncsr", 8, "ncsr", {"lpips": 0.278, "lr_psnr": 44.55, "diversity": 26.8}),
        ("ncsr", 4, "durso2022", {"lpips": 0.119, "lr_psnr": 50.75, "diversity": 26.72}),
        ("esrgan", 8, "srflow-da", {"lpips": 0.277, "lr_psnr": 31.35, "diversity": 0.0}),
        ("rrdb", 4, "srflow-da", {"lpips": 0.253, "lr_psnr": 49.20, "psnr": 29.44}),
        ("bicubic", 4, "srflow-da", {"lpips": 0.409, "lr_psnr": 38.70, "psnr": 26.70}),
    ],
)
def test_numbers_as_printed(method: str, scale: int, source: str, expected: dict[str, float]) -> None:
    rows = [r for r in METHODS[method].results if r.scale == scale and f"{source}-x{scale}" in r.sources]
    assert rows
    assert {key: rows[0].values[key] for key in expected} == expected


def test_sizes_and_times() -> None:
    row = next(r for r in METHODS["srflow_da_d"].results if r.scale == 8)
    assert (row.parameters_millions, row.training_hours, row.inference_seconds) == (9.5, 37, 0.80)


def test_rows_are_plausible() -> None:
    for method in METHODS.values():
        assert method.licence
        assert method.adapters
        assert {r.scale for r in method.results} == {4, 8}
        for row in method.results:
            best, mean = row.values.get("lpips_global_best"), row.values["lpips"]
            # No sample's best is worse than the mean; where the source prints that, the note says so.
            assert best is None or best <= mean or "so printed" in row.note
            assert all(row.sources.values())


def test_tables_that_are_read_as_one_row_agree() -> None:
    """Their numbers stand in leaderboards/published alone; a result is of one scale and of the same images."""
    text = files("srspace_eval").joinpath("models/catalogue.toml").read_text(encoding="utf-8")
    for entry in tomllib.loads(text)["method"]:
        for result, names in zip(METHODS[entry["id"]].results, entry["results"], strict=True):
            assert set(result.sources) == set(names)
            for table in map(load_published, names):
                assert (table.id.rpartition("-x")[2], table.data) == (str(result.scale), result.data)
                (row,) = (row for row in table.rows if row.team == names[table.id])
                assert {k: v for k, v in row.values.items() if k in columns()}.items() <= result.values.items()


def test_notes_name_the_row_in_the_source() -> None:
    notes = [r.note for r in METHODS["ncsr"].results if r.scale == 4]
    assert notes[0] == ""
    assert notes[2:] == ["as NCSR*; with Unsplash2K as additional training data", "as Deepest"]
    assert all(not r.note for r in METHODS["rrdb"].results)


def test_dead_links_are_marked() -> None:
    gone = [c for m in METHODS.values() for c in m.checkpoints if "data.vision.ee.ethz.ch" in c.where]
    assert gone
    assert all(c.status == "gone" for c in gone)


def test_adapters_are_those_that_are_recognised(shared) -> None:
    names = {p.name.removesuffix(".manifest.json") for p in (shared / "parity" / "models").glob("*.manifest.json")}
    listed = {name for method in METHODS.values() for name in method.adapters}
    assert listed == names | {"bicubic_x4", "bicubic_x8"}
