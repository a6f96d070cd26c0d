"""The program around its commands: exit codes and streams."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break otherwise there")
@pytest.mark.parametrize("arguments", [["--help"], ["rank", "--track", "x4", "--published", "ntire2021"]])
def test_a_closed_stdout_ends_the_program_without_a_message(arguments: list[str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "srspace_eval", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait() == 1


INTERRUPTED = """
import runpy, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Finder())
sys.argv = ["srspace-eval", "rank", "--published", "ntire2021-x4"]
runpy.run_module("srspace_eval", run_name="__main__")
"""


@pytest.mark.parametrize("name", ["click", "srspace_eval.cli", "srspace_eval.errors", "numpy", "srspace_eval.ranking"])
def test_an_interrupt_during_the_import_prints_no_traceback(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED.format(name=name)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "interrupted")


def test_the_installed_program_is_the_module_s_main() -> None:
    (program,) = (e for e in entry_points(group="console_scripts") if e.name == "srspace-eval")
    assert program.value == "srspace_eval.__main__:main"
