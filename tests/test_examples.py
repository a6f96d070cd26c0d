"""The examples in docstrings run, in every module of the package."""

from __future__ import annotations

import doctest
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.helpers.architecture import modules, source_files

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
NEEDS = {  # module -> what it cannot be imported without
    "kernels.distance_maps_triton": "triton",
    "kernels.resampling_triton": "triton",
    "scoring.executors.dask": "distributed",
    "scoring.executors.connection": "distributed",
    "scoring.executors.worker": "distributed",
}


def full_name(name: str) -> str:
    return "srspace_eval" if name == "__init__" else f"srspace_eval.{name}"


@pytest.mark.parametrize("name", [name for name in modules() if name != "__main__"])
def test_the_examples_in_docstrings_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needed = NEEDS.get(name)
    if needed is not None and find_spec(needed) is None:
        pytest.skip(f"needs {needed}")
    monkeypatch.chdir(tmp_path)  # for examples that write files
    module = import_module(full_name(name))
    examples = [example for test in doctest.DocTestFinder().find(module) for example in test.examples]
    assert bool(examples) == (">>> " in source_files()[name].read_text(encoding="utf-8"))
    assert doctest.testmod(module, optionflags=OPTIONS).failed == 0
