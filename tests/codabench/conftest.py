"""One bundle of two phases: the GT of the first is in it, the second's is on the worker and its output is hidden."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from benchmarks.inputs.submissions import small
from srspace_eval.codabench.bundle import write_bundle
from srspace_eval.codabench.phase import CompetitionPhase
from srspace_eval.codabench.plan import CompetitionPlan
from srspace_eval.tracks.reader import load_track
from tests.helpers.codabench import END, METRICS, START


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``gt/``, ``sub/`` and ``bundle.zip``: two images of two samples."""
    folder = small(tmp_path_factory.mktemp("codabench"), samples=2)
    phases = (
        CompetitionPhase("Validation", str(folder / "gt"), START, END),
        CompetitionPhase("Test", "/app/data/GT_test", datetime(2026, 3, 3), hide_output=True),
    )
    write_bundle(
        CompetitionPlan(load_track("x4"), phases, "user/image:1", metrics=METRICS, samples=2), folder / "bundle.zip"
    )
    return folder
