"""The command line as a user runs it, in this process."""

from __future__ import annotations

import pytest

from srspace_eval.cli import main


def run(*arguments: object) -> int:
    """Run a command; returns its exit code."""
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    code = caught.value.code
    assert isinstance(code, int)
    return code
