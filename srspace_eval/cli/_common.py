"""What several commands share: progress on stderr, one JSON document on stdout."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import click

from srspace_eval._utils import strict_json
from srspace_eval._utils.untrusted_text import visible


@contextmanager
def progress(description: str, total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar with ETA on stderr; nothing if stderr is not a terminal.

    Yields the function that advances it by n.
    """
    # rich takes 30 ms to import, which --help does not need.
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(description, total=total)
        yield lambda n: bar.update(task, advance=n)


def print_json(document: Any) -> None:
    """Print one JSON document to stdout: invisible characters escaped, and in ASCII if its encoding is not UTF-8."""
    if sys.stdout is None:  # closed by the caller: `>&-`
        return
    text = strict_json.visible_dumps(document)
    if (sys.stdout.encoding or "").lower().replace("-", "") != "utf8":
        text = json.dumps(json.loads(text), indent=1)
    click.echo(text)


def print_text(text: str) -> None:
    """Print a finished text to stdout.

    A terminal whose encoding lacks ≈ or ₁ shows a question mark instead. A file gets UTF-8, unless the user has set
    another encoding with PYTHONIOENCODING.
    """
    if hasattr(sys.stdout, "reconfigure"):
        if sys.stdout.isatty() or "PYTHONIOENCODING" in os.environ:
            sys.stdout.reconfigure(errors="replace")
        else:
            sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    click.echo(text, nl=False)


def say(text: str) -> None:
    """Print lines for the user to stderr. Invisible characters of untrusted names become visible."""
    click.echo(folded(shown(text), sys.stderr), err=True)


def tell(text: str) -> None:
    """Print lines of prose to stdout, as :func:`say` does to stderr."""
    click.echo(folded(shown(text)))


def folded(text: str, stream: TextIO | None = None) -> str:
    """Lines that are broken between words if the stream (default: stdout) is a terminal.

    Paths, addresses and commands stay whole, so that they can be copied.
    """
    stream = sys.stdout if stream is None else stream
    if stream is None or not stream.isatty():
        return text
    width = shutil.get_terminal_size().columns
    return "\n".join(line if len(line) <= width else _fold(line, width) for line in text.split("\n"))


def _fold(line: str, width: int) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    whole = re.sub(r"srspace-eval .*", lambda command: command.group().replace(" ", "\0"), line.strip())
    folded = textwrap.fill(
        whole, width, initial_indent=indent, subsequent_indent=f"{indent}  ", break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
    return folded.replace("\0", " ")


def shown(text: str) -> str:
    """Lines of text that are safe for a terminal: without control characters, except line ends."""
    return "\n".join(visible(line) for line in text.split("\n"))
