from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_memory_and_open_files_stay_constant() -> None:
    """The short version of ``benchmarks/hardening.py --long``."""
    pytest.importorskip("psutil")
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "hardening.py"), "--long", "100", "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["images"] == 100
    assert figures["handles_last"] <= figures["handles_first"] + 2
    assert figures["memory_growth_mb"] < 30
