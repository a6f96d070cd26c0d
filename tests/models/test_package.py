"""The public names of ``srspace_eval.models`` load on first use."""

from __future__ import annotations

import subprocess
import sys

import pytest

import srspace_eval.models as models


def test_importing_the_package_imports_no_torch() -> None:
    code = (
        "import sys, srspace_eval.models as m; assert m.known_methods(); assert m.ModelConfig; dir(m); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_public_name_exists() -> None:
    assert models.__all__ == sorted(models._HOMES)
    for name in models.__all__:
        found = getattr(models, name)
        assert found.__name__ == name
        assert found.__doc__
    assert set(models.__all__) <= set(dir(models))


def test_other_names_are_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'sample_all'"):
        models.sample_all  # noqa: B018
