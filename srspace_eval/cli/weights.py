"""``srspace-eval weights``: what LPIPS needs, where it is, how to get it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from srspace_eval.cli._common import print_json, progress, say
from srspace_eval.errors import WeightsError
from srspace_eval.metrics.lpips import weights

NETS = click.Choice(list(weights.TRUNKS))
_MEGABYTE = 10**6

_dir_option = click.option(
    "--weights-dir", type=click.Path(file_okay=False, path_type=Path), help="Look here first, and put files here."
)


@click.group(invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Trunk weights that LPIPS needs: where they are, how to get them.

    They are looked for in --weights-dir, $SRSPACE_EVAL_WEIGHTS, this program's cache and torch's cache. Nothing is
    downloaded but by `fetch`. The calibrated weights come with the package lpips.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_weights)


@command.command("list")
@_dir_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def list_weights(weights_dir: Path | None = None, as_json: bool = False) -> None:
    """List the files, where they are, and whether they are whole."""
    rows = [_state(net, weights_dir) for net in weights.TRUNKS]
    folders = [str(folder) for folder in weights.search_path(weights_dir)]
    if as_json:
        print_json({"search_path": folders, "trunks": rows})
        return
    for row in rows:
        place = row["path"] or f"{row['file']} ({weights.TRUNKS[str(row['net'])].size // _MEGABYTE} MB), {row['url']}"
        click.echo(f"{row['net']:8} {row['state']:8} {place}")
    click.echo("looked for in, and put into the first by `srspace-eval weights fetch`:")
    for folder in folders:
        click.echo(f"  {folder}")


@command.command("fetch")
@click.argument("nets", nargs=-1, type=NETS)
@_dir_option
@click.option("--mirror", default=weights.PUBLISHER, show_default=True, help="Web folder with torchvision's files.")
def fetch(nets: tuple[str, ...], weights_dir: Path | None, mirror: str) -> None:
    """Download trunk files (alex if none is named), checked by their hash; goes on where it broke off."""
    for net in nets or ("alex",):
        file = weights.trunk_file(net)
        say(f"{mirror.rstrip('/')}/{file.name} -> {weights.home(weights_dir)}")
        with progress(f"{net} (MB)", file.size // _MEGABYTE) as step:
            click.echo(weights.fetch(net, weights_dir, mirror=mirror, advance=_Megabytes(step)))


@command.command("path")
@click.argument("net", required=False, type=NETS)
@_dir_option
def path(net: str | None, weights_dir: Path | None) -> None:
    """Print where a trunk's file is, or without a name the folders looked into."""
    if net is None:
        for folder in weights.search_path(weights_dir):
            click.echo(folder)
        return
    click.echo(weights.require(net, weights_dir))


class _Megabytes:
    """Turns the bytes that are there into steps of a progress bar."""

    def __init__(self, step: Callable[[int], None]) -> None:
        self._step = step
        self._shown = 0

    def __call__(self, done: int, total: int | None) -> None:
        self._step(done // _MEGABYTE - self._shown)
        self._shown = done // _MEGABYTE


def _state(net: str, weights_dir: Path | None) -> dict[str, str | None]:
    file = weights.trunk_file(net)
    found = weights.find(net, weights_dir)
    state = "missing"
    if found is not None:
        try:
            weights.require(net, weights_dir)
            state = "ok"
        except WeightsError:
            state = "damaged"
    return {
        "net": net,
        "file": file.name,
        "state": state,
        "path": None if found is None else str(found),
        "url": file.url,
    }
