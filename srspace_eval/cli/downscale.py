"""``srspace-eval downscale``: LRs as MATLAB or the challenge makes them."""

from __future__ import annotations

from pathlib import Path

import click

from srspace_eval.cli._common import progress, say
from srspace_eval.cli._options import ExistingPath


@click.command()
@click.argument("source", type=ExistingPath())
@click.option("--scale", type=click.IntRange(min=2), required=True, help="4 makes pictures a quarter as wide and high.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the LRs.")
@click.option(
    "--convention",
    type=click.Choice(["ntire21", "matlab", "matlab-legacy"]),
    default="ntire21",
    show_default=True,
    help="ntire21: the challenge's program; matlab: present-day MATLAB; matlab-legacy: as Set5's LRs were made.",
)
@click.option("--crop", type=click.IntRange(min=1), default=1, help="First crop to a multiple of this; tracks use 8.")
@click.option("--overwrite", is_flag=True, help="Replace existing LRs.")
def command(source: Path, scale: int, out: Path, convention: str, crop: int, overwrite: bool) -> None:
    """Downscale 8-bit RGB PNGs: antialiased bicubic, rounded to 8 bits after each axis.

    SOURCE is a PNG or a folder of PNGs. A picture keeps its name; its size is rounded up.
    """
    from srspace_eval.metrics.downscaling import downscale_folder

    written = downscale_folder(
        source, out, scale, convention=convention, crop=crop, overwrite=overwrite, progress=progress
    )
    say(f"{len(written)} downscaled: {out}")
