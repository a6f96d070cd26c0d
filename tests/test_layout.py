"""The repository around the package: what tests and benchmarks may import, and that packaging lists what there is."""

from __future__ import annotations

import ast
import configparser
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.helpers.architecture import modules

ROOT = Path(__file__).resolve().parents[1]
SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg", encoding="utf-8")
DISTRIBUTIONS = {"PIL": "pillow", "yaml": "pyyaml", "zlib_ng": "zlib-ng"}
"""Import name -> distribution, where they differ."""
SETUPTOOLS = int(version("setuptools").split(".")[0]) if find_spec("setuptools") else 0


def imported(path: Path) -> set[str]:
    """Full names that a file imports, wherever in it; those in scripts that it gives another process, too."""
    source = path.read_text(encoding="utf-8")
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" if node.module else alias.name for alias in node.names}
    return names | {f"{name}.?" for name in re.findall(r"^from (tests[\w.]*) import", source, re.M)}


def listed(section: str, option: str) -> list[str]:
    return [line for line in SETUP[section][option].splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").rglob("*.py")), ids=lambda path: path.name)
def test_no_benchmark_imports_tests(path: Path) -> None:
    assert not {name for name in imported(path) if name.partition(".")[0] == "tests"}


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=lambda path: path.stem)
def test_tests_share_helpers_and_nothing_else(path: Path) -> None:
    """What two test modules need lies in ``tests/helpers``; if a benchmark needs it too, in ``benchmarks/inputs``."""
    wrong = {
        name
        for name in imported(path)
        if name.startswith(("tests.", "benchmarks.")) and not name.startswith(("tests.helpers", "benchmarks.inputs"))
    }
    assert not wrong


def test_every_package_is_listed_for_installation() -> None:
    found = {f"srspace_eval.{m.name}" for m in modules().values() if m.is_package and m.name != "__init__"}
    assert set(listed("options", "packages")) == found | {"srspace_eval"}


def test_every_import_is_declared() -> None:
    def names(lines: list[str]) -> set[str]:
        return {re.split(r"[\s\[<>=;~!]", line)[0].lower() for line in lines}

    required = names(listed("options", "install_requires"))
    optional = {"distributed", "triton", "pyiqa"}  # Triton: torch's own; pyiqa: the user's own, for its licence
    for extra in ("distributed", "models"):
        optional |= names(listed("options.extras_require", extra))
    undeclared = {
        f"{module.name} imports {name}"
        for module in modules().values()
        for name in module.third_party
        if DISTRIBUTIONS.get(name, name).lower() not in required | optional
    }
    assert not undeclared


def test_every_requirement_is_imported() -> None:
    used = {DISTRIBUTIONS.get(name, name).lower() for module in modules().values() for name in module.third_party}
    used |= {"plotly", "lpips"}  # read as data: the script of charts, and the calibrated weights
    required = {re.split(r"[\s\[<>=;~!]", line)[0].lower() for line in listed("options", "install_requires")}
    assert required <= used


def test_ci_names_tests_that_exist() -> None:
    named = re.findall(r"tests/[\w/.]+", (ROOT / ".ci" / "run").read_text(encoding="utf-8"))
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.slow
@pytest.mark.skipif(SETUPTOOLS < 77, reason="setuptools>=77 builds the package")
def test_the_wheel_holds_every_module_and_data_file(tmp_path: Path) -> None:
    source = tmp_path / "source"  # building leaves files beside the sources
    for name in ("srspace_eval", "kernels", "leaderboards"):
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=_ignored)
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, source)
    wanted = {
        f"{'' if path.parts[0] == 'srspace_eval' else 'srspace_eval/'}{path.as_posix()}"
        for path in (path.relative_to(source) for path in source.rglob("*") if path.is_file())
        if len(path.parts) > 1 and path.suffix != ".md"
    }
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*command, "--wheel-dir", str(tmp_path), str(source)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert {name for name in archive.namelist() if ".dist-info/" not in name} == wanted


def _ignored(folder: str, names: list[str]) -> set[str]:
    """Caches, and links that a checkout may hold to make ``kernels`` and ``leaderboards`` importable in place."""
    return {name for name in names if name == "__pycache__" or Path(folder, name).is_symlink()}
