"""The program around its commands: exit codes and streams."""

from __future__ import annotations

import os
import subprocess
import sys
from email.message import Message
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest

from srspace_eval import errors
from srspace_eval._utils.documentation import TITLES, _site, page_reference
from srspace_eval.cli import COMMANDS, cli
from srspace_eval.cli._examples import EXAMPLES, SECTIONS, START
from tests.helpers.commands import run


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
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.strip() in ("interrupted", "interrupted: no file was changed; the same command starts again")


def test_the_installed_program_is_the_module_s_main() -> None:
    (program,) = (e for e in entry_points(group="console_scripts") if e.name == "srspace-eval")
    assert program.value == "srspace_eval.__main__:main"


def leaves(command: click.Command, name: str = "") -> dict[str, click.Command]:
    """Every command that is not a group, by its full name."""
    if not isinstance(command, click.Group):
        return {name.strip(): command}
    context = click.Context(command)
    found = {child: command.get_command(context, child) for child in command.list_commands(context)}
    return {k: v for child, inner in found.items() if inner for k, v in leaves(inner, f"{name} {child}").items()}


def test_the_help_of_each_command_ends_with_two_examples_and_a_page() -> None:
    """A new command needs its line in ``EXAMPLES``, and its place in ``SECTIONS``, of ``cli/_examples.py``."""
    commands = leaves(cli)
    assert sorted(EXAMPLES) == sorted(commands)
    assert sorted(name for names in SECTIONS.values() for name in names) == sorted(COMMANDS)
    for name, command in commands.items():
        help_text = command.get_help(click.Context(command, info_name=name))
        *_, first, second, empty, page = help_text.splitlines()
        assert help_text.count("Examples:") == 1, "also if the command was looked up before"
        assert command.name == name.rpartition(" ")[2]
        assert first.strip().startswith(f"srspace-eval {name}"), name
        assert second.strip().startswith(f"srspace-eval {name}"), name
        assert (empty, page.strip()) == ("", f"Read more: {page_reference(EXAMPLES[name].page)}")


def test_the_named_pages_have_their_titles() -> None:
    docs = Path(__file__).resolve().parents[2] / "docs"
    headings = {}
    for page in TITLES:
        lines = (docs / f"{page}.md").read_text(encoding="utf-8").splitlines()
        headings[page] = next(line for line in lines if line.startswith("# ")).removeprefix("# ")
    assert headings == TITLES
    assert {entry.page for entry in (START, *EXAMPLES.values())} <= set(TITLES)


def test_a_page_is_named_by_its_address_on_the_site_of_the_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = Message()
    installed["Project-URL"] = "Documentation, https://example.org/docs/"
    monkeypatch.setattr("importlib.metadata.metadata", lambda name: installed)
    _site.cache_clear()
    named = page_reference("reference/errors", "trackerror")
    del installed["Project-URL"]
    _site.cache_clear()
    without = page_reference("tracks")
    _site.cache_clear()
    assert named == '"Errors", https://example.org/docs/reference/errors.html#trackerror'
    assert without == '"Track files", docs/tracks.md'


def test_help_groups_the_commands_by_task(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    lines = capsys.readouterr().out.splitlines()
    places = [lines.index(f"{section}:") for section in SECTIONS]
    assert places == sorted(places)
    evaluate = lines[places[0] : places[1]]
    assert [line.split()[0] for line in evaluate[1:] if line.startswith("  ") and line[2] != " "] == [
        *SECTIONS["Evaluate"]
    ]


def test_every_error_class_has_an_entry_and_the_message_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "reference" / "errors.md"
    entries = {line.removeprefix("## ") for line in page.read_text(encoding="utf-8").splitlines() if line[:3] == "## "}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert {kind.__name__ for kind in kinds} <= entries
    assert run("check", "nothing", "--gt", "nothing") == 1
    assert capsys.readouterr().err.splitlines()[-1] == f"see {page_reference('reference/errors', 'submissionerror')}"


@pytest.mark.parametrize(("shell", "words"), [("bash", "srspace-eval sc"), ("zsh", "srspace-eval sc")])
def test_the_shell_completes_names_of_commands(shell: str, words: str) -> None:
    environment = {
        **os.environ,
        "_SRSPACE_EVAL_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": "1",
    }
    line = [sys.executable, "-c", "from srspace_eval.__main__ import main; main()"]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "score" in done.stdout.split() or "plain,score" in done.stdout.split()
    assert "rank" not in done.stdout
