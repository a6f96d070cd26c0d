"""The walk-through of CONTRIBUTING.md is the package that the tests install and use; checks are the same everywhere."""

from __future__ import annotations

import configparser
import re
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import srspace_eval as se
from benchmarks.inputs import pngs
from srspace_eval.metrics.registry import unregister

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PLUGIN = ROOT / "tests" / "example_plugin"


def block(language: str) -> str:
    (code,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return str(code)


def test_the_page_shows_the_example_package() -> None:
    assert block("python") == (PLUGIN / "example_metrics.py").read_text(encoding="utf-8")
    assert block("toml") in (PLUGIN / "pyproject.toml").read_text(encoding="utf-8")


def test_the_metric_measures_a_submission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gt, sample = pngs.pixels(40, 48, seed=0), pngs.pixels(40, 48, seed=1)
    for name, picture in (("gt/0801.png", gt), ("sub/000000.png", sample)):
        (tmp_path / name).parent.mkdir()
        se.write_png(tmp_path / name, picture)
    module = ModuleType("example_metrics")
    monkeypatch.setitem(sys.modules, "example_metrics", module)  # dataclasses look it up
    exec(compile(block("python"), "CONTRIBUTING.md", "exec", dont_inherit=True), module.__dict__)
    se.register(module.MeanError)
    try:
        result = se.score(
            tmp_path / "sub", tmp_path / "gt", track="x4", samples=1, metrics=["mean_error"], board=tmp_path / "b"
        )
    finally:
        unregister("mean_error")
    wanted = np.abs(gt.astype(np.float64) - sample).mean()
    assert result.summary["mean_error"] == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("path", [".ci/run", ".pre-commit-config.yaml", ".github/workflows/ci.yml"])
def test_the_checks_are_the_same_everywhere(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    if path == ".github/workflows/ci.yml":
        assert "pre-commit run --all-files" in text
        assert "sphinx -W" in text
    else:
        assert "bash .ci/types" in text
        assert "ruff check ." in text.replace("-m ruff", "ruff").replace('"$python" ', "")
        assert "ruff format --check ." in text


def test_ci_tests_every_python_that_the_metadata_names() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    named = re.findall(r"Python :: (3\.\d+)", setup["metadata"]["classifiers"])
    workflow = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    (matrix,) = re.findall(r"python: \[(.*)\]", workflow)
    assert re.findall(r"3\.\d+", matrix) == named
    assert setup["options"]["python_requires"] == f">={named[0]}"


def test_package_citation_and_changelog_name_the_same_version_and_day() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    (version,) = re.findall(r"^version: (.+)$", citation, re.MULTILINE)
    (day,) = re.findall(r"^date-released: (.+)$", citation, re.MULTILINE)
    released = re.findall(r"^## (\d\S*)(?: \((.+)\))?$", changelog, re.MULTILINE)
    assert (version, day) == released[0]
    assert version == se.__version__


def test_the_changelog_says_nothing_twice() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    told = [line for line in lines if line.startswith("- ")]
    assert [line for line, count in Counter(told).items() if count > 1] == []
    headings = [line for line in lines if line.startswith("## ")]
    assert len(headings) == len(set(headings))
