"""The examples in docstrings run, in every module of the package."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

from tests.helpers.architecture import modules, source_files

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
OPTIONAL = {"distributed", "triton"}
"""Packages that an installation may lack; modules that need one are skipped there."""


def full_name(name: str) -> str:
    return "srspace_eval" if name == "__init__" else f"srspace_eval.{name}"


@pytest.mark.parametrize("name", [name for name in modules() if name != "__main__"])
def test_the_examples_in_docstrings_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # for examples that write files
    try:
        module = import_module(full_name(name))
    except ModuleNotFoundError as error:
        if error.name not in OPTIONAL:
            raise
        pytest.skip(f"needs {error.name}")
    examples = [example for test in doctest.DocTestFinder().find(module) for example in test.examples]
    assert bool(examples) == (">>> " in source_files()[name].read_text(encoding="utf-8"))
    assert doctest.testmod(module, optionflags=OPTIONS).failed == 0
