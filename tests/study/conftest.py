from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from srspace_eval.study.key import Key
from tests.helpers.studies import Build, Material, make_material, make_study


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """GT and submissions."""
    return make_material(tmp_path_factory.mktemp("material"))


@pytest.fixture(scope="session")
def build(material: Material, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Builds a study: ``build(methods=..., secret=..., include_gt=..., **options)`` -> folder, key."""

    def make(**settings: Any) -> tuple[Path, Key]:
        return make_study(material, tmp_path_factory.mktemp("built"), **settings)

    return make


@pytest.fixture(scope="session")
def study(build: Build) -> tuple[Path, Key]:
    """A study with both kinds of attention checks: its folder and its key (``folder.parent / "key.json"``)."""
    return build(repeats=1, obvious=1)
