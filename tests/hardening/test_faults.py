from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks, and drops capabilities")
def test_every_fault_is_survived_without_loss() -> None:
    """The short version of ``benchmarks/faults.py``; its docstring says what is checked."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "faults.py"), "--kills", "2", "--json"],
        capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.stdout, done.stderr
    for figures in json.loads(done.stdout):
        assert figures["survived"] == figures["injected"] > 0, figures
        assert figures["records_lost"] == 0, figures
    assert done.returncode == 0
