"""Shared fixtures. Material outside the repository (``../shared``) is optional: tests that need it are skipped."""

from __future__ import annotations

import os
import signal
from pathlib import Path

# Test processes share the cores: one thread each, set before torch or NumPy start theirs.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

# A shell lets what it starts in the background ignore interrupts, and the processes that tests interrupt inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED = Path(__file__).resolve().parents[2] / "shared"
GOLDEN = Path(__file__).resolve().parent / "golden"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of pictures, weights and parity results that the repository does not carry."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared")
    return SHARED


@pytest.fixture(scope="session")
def golden() -> Path:
    """Numbers computed once by the original programs."""
    return GOLDEN
