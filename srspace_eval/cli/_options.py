"""Options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from srspace_eval.errors import InputError
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.reader import load_track
from srspace_eval.tracks.teams import FIELDS

F = TypeVar("F", bound=Callable[..., Any])


class LateHelp(click.Option):
    """An option whose help is made when it is shown. It lists metrics, and packages may add some until then."""

    def __init__(self, *names: Any, late_help: Callable[[], str], **settings: Any) -> None:
        super().__init__(*names, **settings)
        self._late_help = late_help

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        self.help = self._late_help()
        return super().get_help_record(ctx)


class ExistingPath(click.Path):
    """A file or folder that must exist. If it does not, the exit code is 1 (an InputError), not 2 (wrong use)."""

    def __init__(self, what: str = "file or folder") -> None:
        super().__init__(path_type=Path)
        self._what = what

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = Path(str(super().convert(value, param, ctx)))
        exists = {"file": path.is_file() or path.is_fifo(), "folder": path.is_dir()}.get(self._what, path.exists())
        if not exists:
            if self._what == "file" and path.is_dir():
                raise InputError(f"{path}: is a folder; name a file in it")
            if self._what == "folder" and path.exists():
                raise InputError(f"{path}: is a file; name a folder")
            raise InputError(f"{path}: there is no such {self._what}")
        return path


EXISTING_FILE = ExistingPath("file")
EXISTING_FOLDER = ExistingPath("folder")
# Existence is not checked here: open_source has the better message.
SOURCE = click.Path(path_type=Path)


def submission_options(function: F) -> F:
    """SUBMISSION..., and the options --gt, --lr, --track, --samples, --workers, --teams, --reports and --json."""
    for option in reversed(
        [
            click.argument("submissions", metavar="SUBMISSION...", nargs=-1, required=True, type=SOURCE),
            click.option(
                "--gt",
                type=SOURCE,
                help="Folder or zip of ground-truth PNGs. Without it, only metrics that need no GT are measured.",
            ),
            click.option(
                "--lr",
                type=SOURCE,
                help="LR PNGs to measure LR-PSNR against, not the downscaled GT. Without --gt they name the images.",
            ),
            click.option(
                "--track",
                metavar="NAME|FILE.toml",
                help="x4, x8, x4-2022, x8-2022 or a track file. Default: found by names and sizes of --gt.",
            ),
            click.option("--samples", type=click.IntRange(min=1), help="Samples per image, instead of the track's."),
            click.option("--workers", type=click.IntRange(min=1), help="Threads. Default: one per core."),
            click.option(
                "--teams",
                type=EXISTING_FILE,
                metavar="FILE.csv",
                help=f"Teams of many submissions: file,team,kind,{','.join(FIELDS)}.",
            ),
            click.option(
                "--reports",
                type=click.Path(file_okay=False, path_type=Path),
                metavar="FOLDER",
                help="Write a Markdown report for each team, to be mailed back.",
            ),
            click.option("--json", "as_json", is_flag=True, help="Print one JSON document to stdout."),
        ]
    ):
        function = option(function)
    return function


def memory_option(function: F) -> F:
    """``--memory SIZE``, in bytes."""
    return click.option(
        "--memory",
        callback=byte_count,
        metavar="SIZE",
        help="Memory to use, such as 8G. Default: most of what is free.",
    )(function)


def byte_count(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """``8G``, ``500M``, ``1.5GB``, or a number of bytes."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", value.strip().lower())
    size = int(float(match[1]) * 1024 ** " kmgt".index(match[2] or " ")) if match else 0
    if size < 1:
        raise click.BadParameter(f"{value!r} is not a size such as 8G or 500M")
    return size


def track_from(name: str | None) -> Track | None:
    """The track that ``--track`` names; None if the option was not given."""
    return None if name is None else load_track(name)


def refuse_options(context: click.Context, names: Iterable[str], reason: str) -> None:
    """Refuse options that were given and have no effect here.

    Raises
    ------
    click.UsageError
        If one of the parameters was given on the command line. It lists all of these.
    """
    given = [name for name in names if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if given:
        options = ", ".join("--" + name.replace("_", "-") for name in given)
        raise click.UsageError(f"{reason}: {options}")
