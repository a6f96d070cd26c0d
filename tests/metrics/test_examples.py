from __future__ import annotations

import doctest
from importlib import import_module

import pytest

MODULES = ["resize", "psnr", "ssim", "diversity", "evaluator", "base"]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_run(name: str) -> None:
    module = import_module(f"srspace_eval.metrics.{name}")
    outcome = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert outcome.attempted > 0
    assert outcome.failed == 0
