"""Hostile and unlucky clients of a study's server; ``tests/study/test_server_hostile.py`` has the bursts."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from benchmarks.inputs.hostile import clients

BURSTS = {"300 dribbling connections", "500 answers at once"}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clients.write_study(tmp_path_factory.mktemp("study"))


@pytest.mark.skipif(sys.platform == "win32", reason="the limits of POSIX")
@pytest.mark.parametrize("kind", [kind for kind in clients.CLIENTS if kind not in BURSTS])
def test_each_client_gets_what_is_its_own(kind: str, study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(study.with_name("answers"), ignore_errors=True)
    assert clients.CLIENTS[kind][1] in clients.attack(kind, study)
    assert "Traceback" not in capsys.readouterr().err
