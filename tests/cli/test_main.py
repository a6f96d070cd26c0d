"""What the program does around its commands: exit codes and streams."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break otherwise there")
@pytest.mark.parametrize("arguments", [["--help"], ["rank", "--track", "x4", "--published", "ntire2021"]])
def test_a_reader_that_goes_away_ends_it_in_silence(arguments: list[str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "srspace_eval", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait() == 1
