"""Shared fixtures. Tests that need files outside the repository (``../shared``) are skipped without them."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

# Test processes share the cores: one thread each, set before torch or NumPy start theirs.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Seals of results go into a state folder of the tests, not the user's.
if "SRSPACE_EVAL_STATE" not in os.environ:
    os.environ["SRSPACE_EVAL_STATE"] = tempfile.mkdtemp(prefix="srspace-eval-state-")
    atexit.register(shutil.rmtree, os.environ["SRSPACE_EVAL_STATE"], ignore_errors=True)

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# A shell makes its background processes ignore interrupts. The processes that tests interrupt would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED = Path(__file__).resolve().parents[2] / "shared"
GOLDEN = Path(__file__).resolve().parent / "golden"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of pictures, weights and parity results that are not in the repository."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared")
    return SHARED


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder of expected numbers and files."""
    return GOLDEN


@pytest.fixture(scope="session")
def alexnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the parity cases' synthetic AlexNet trunk."""
    from benchmarks.inputs.weights import write_alexnet

    return write_alexnet(tmp_path_factory.mktemp("weights") / "alex.pth")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium; one a process, because Playwright's event loop does not allow a second."""
    from tests.helpers.chromium import CHROMIUM, chromium

    if CHROMIUM is None:
        pytest.skip("needs Chromium")
    with chromium() as started:
        yield started
