"""A package with a metric is installed, found by its entry point, and used by the command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.inputs.submissions import small
from srspace_eval._utils.png import read_rgb

PACKAGE = Path(__file__).parents[1] / "example_plugin"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the example package is installed into."""
    folder = tmp_path_factory.mktemp("plugin")
    shutil.copytree(PACKAGE, folder / "source")  # building writes beside the source
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index",
         "--no-build-isolation", "--target", folder / "site", folder / "source"],
        check=True,
    )  # fmt: skip
    return folder / "site"


def command(site: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, "-m", "srspace_eval", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_an_installed_package_adds_a_metric(site: Path, tmp_path: Path) -> None:
    assert "mean_error" in command(site, "score", "--help").stdout
    folder = small(tmp_path / "a")
    done = command(
        site, "score", folder / "sub", "--gt", folder / "gt", "--track", "x4", "--samples", 3,
        "--board", tmp_path / "b", "--metrics", "psnr,mean_error",
        "--measure", "inner=mean_error,border=4", "--team", "A", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["signature"]["settings"]["mean_error"] == {"version": "1", "border": 0}
    assert result["signature"]["settings"]["inner"] == {"metric": "mean_error", "version": "1", "border": 4}
    sample = result["images"][0]["samples"][0]
    sr, gt = (read_rgb(path).astype(float) for path in (folder / "sub" / sample["file"], folder / "gt/0801.png"))
    assert sample["mean_error"] == pytest.approx(np.abs(sr - gt).mean())
    assert sample["inner"] == pytest.approx(np.abs(sr - gt)[4:-4, 4:-4].mean())
    ranked = command(site, "rank", "--board", tmp_path / "b", "--track", "x4", "--columns", "psnr,mean_error", "--json")
    assert json.loads(ranked.stdout)["rows"][0]["mean_error"] == pytest.approx(result["summary"]["mean_error"])


def test_without_the_package_its_results_are_still_read(site: Path, tmp_path: Path) -> None:
    folder = small(tmp_path / "a")
    done = command(
        site, "score", folder / "sub", "--gt", folder / "gt", "--track", "x4", "--samples", 3,
        "--board", tmp_path / "b", "--metrics", "psnr,mean_error",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    empty = tmp_path / "empty"
    empty.mkdir()
    ranked = command(empty, "rank", "--board", tmp_path / "b", "--track", "x4", "--out", tmp_path / "out")
    assert ranked.returncode == 0, ranked.stderr
    unknown = command(empty, "score", folder / "sub", "--gt", folder / "gt", "--metrics", "mean_error")
    assert unknown.returncode == 1
    assert "unknown metric mean_error" in unknown.stderr
    assert "or install the package that provides it" in unknown.stderr
    assert "also measured: mean_error; no installed package has such a metric" in " ".join(ranked.stderr.split())
    track = tmp_path / "mine.toml"
    track.write_text('name = "mine"\ntitle = "Mine"\nscale = 4\nmetrics = ["mean_error"]\n', encoding="utf-8")
    shown = command(empty, "tracks", "show", track)
    assert shown.returncode == 1
    assert "unknown metric mean_error; choose from lpips" in shown.stderr
    assert "or install the package that provides it" in shown.stderr
