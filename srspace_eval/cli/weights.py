"""``srspace-eval weights``: the weight files that LPIPS needs, where they are and how to get them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from srspace_eval.cli._common import print_json, progress, say
from srspace_eval.metrics.lpips import weights

NETS = click.Choice(list(weights.TRUNKS))
_MEGABYTE = 10**6

_dir_option = click.option(
    "--weights-dir", type=click.Path(file_okay=False, path_type=Path), help="Folder to search first, and to write to."
)


@click.group(invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Trunk weights that LPIPS needs: where they are, how to get them.

    The folders searched are --weights-dir, $SRSPACE_EVAL_WEIGHTS, this program's cache and torch's cache. Only `fetch`
    downloads. The calibrated weights come with the package lpips.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_files)


@command.command("list")
@_dir_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def list_files(weights_dir: Path | None = None, as_json: bool = False) -> None:
    """List the files, where they are, and whether they are complete."""
    states = weights.list_weights(weights_dir)
    folders = [str(folder) for folder in weights.weights_search_path(weights_dir)]
    if as_json:
        print_json({"search_path": folders, "trunks": [state.to_document() for state in states]})
        return
    for state in states:
        file = state.file
        place = state.path or f"{file.name} ({file.size // _MEGABYTE} MB), {file.url}"
        click.echo(f"{file.net:8} {state.state:8} {place}")
    click.echo("folders searched; `srspace-eval weights fetch` writes to the first:")
    for folder in folders:
        click.echo(f"  {folder}")


@command.command("fetch")
@click.argument("nets", nargs=-1, type=NETS)
@_dir_option
@click.option("--mirror", default=weights.PUBLISHER, show_default=True, help="Web folder with torchvision's files.")
def fetch(nets: tuple[str, ...], weights_dir: Path | None, mirror: str) -> None:
    """Download trunk files (default: alex) and check their hashes. An interrupted download is resumed."""
    for net in nets or ("alex",):
        file = weights.trunk_file(net)
        say(f"{mirror.rstrip('/')}/{file.name} -> {weights.home(weights_dir)}")
        with progress(f"{net} (MB)", file.size // _MEGABYTE) as step:
            click.echo(weights.fetch_weights(net, weights_dir, mirror=mirror, advance=_Megabytes(step)))


@command.command("path")
@click.argument("net", required=False, type=NETS)
@_dir_option
def path(net: str | None, weights_dir: Path | None) -> None:
    """Print the path of a trunk's file; without a name, print the folders searched."""
    if net is None:
        for folder in weights.weights_search_path(weights_dir):
            click.echo(folder)
        return
    click.echo(weights.weights_path(net, weights_dir))


class _Megabytes:
    """Converts the number of bytes received so far into steps of a progress bar."""

    def __init__(self, step: Callable[[int], None]) -> None:
        self._step = step
        self._shown = 0

    def __call__(self, done: int, total: int | None) -> None:
        self._step(done // _MEGABYTE - self._shown)
        self._shown = done // _MEGABYTE
