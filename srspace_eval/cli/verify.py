"""``srspace-eval verify``: measure images of scored submissions again, and compare them with the results."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from srspace_eval.cli._common import print_json, print_text, progress, say
from srspace_eval.cli._options import SOURCE, track_from
from srspace_eval.report.verification import verification_markdown, verification_text


def _images(ctx: click.Context, param: click.Parameter, value: str) -> int | Literal["all"]:
    if value == "all":
        return "all"
    if not value.isascii() or not value.isdigit() or int(value) < 1:
        raise click.BadParameter(f"{value!r}: a number of at least 1, or 'all'")
    return int(value)


@click.command()
@click.argument("pairs", nargs=-1, required=True, type=SOURCE, metavar="RESULT.json SUBMISSION ...")
@click.option("--gt", type=SOURCE, help="Folder or zip of ground-truth PNGs, if the result was measured against some.")
@click.option("--lr", type=SOURCE, help="LR PNGs, if the result was measured against them.")
@click.option("--track", metavar="NAME|FILE.toml", help="Default: the built-in track that the result names.")
@click.option("--images", default="all", show_default=True, callback=_images, help="How many, chosen at random.")
@click.option("--seed", type=click.IntRange(min=0), help="Of the choice. Default: a new one, which is printed.")
@click.option("--lpips-weights", type=click.Path(path_type=Path), help="File with the LPIPS trunk's weights.")
@click.option("--weights-dir", type=click.Path(path_type=Path), help="Folder with torchvision's files.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--workers", type=click.IntRange(min=1), help="Threads. Default: one per core.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document to stdout.")
@click.option("--markdown", is_flag=True, help="Print a Markdown report to stdout, for a pull request.")
def command(
    pairs: tuple[Path, ...],
    gt: Path | None,
    lr: Path | None,
    track: str | None,
    images: int | Literal["all"],
    seed: int | None,
    lpips_weights: Path | None,
    weights_dir: Path | None,
    device: str,
    workers: int | None,
    as_json: bool,
    markdown: bool,
) -> None:
    """Measure images of a submission again under its result's signature, and compare every stored value and digest.

    Several results: RESULT.json SUBMISSION RESULT.json SUBMISSION ... Exit code 0: all are equal, or equal within the
    tolerance of another device, with a notice. 1: a value or digest differs, or a result could not be verified.
    """
    from srspace_eval.scoring.verify import verify_all

    if len(pairs) % 2:
        raise click.UsageError("give a submission for each result: RESULT.json SUBMISSION ...")
    if as_json and markdown:
        raise click.UsageError("give --json or --markdown")
    found = verify_all(
        list(zip(pairs[::2], pairs[1::2], strict=True)), gt, images=images, seed=seed, track=track_from(track), lr=lr,
        lpips_weights=lpips_weights, weights_dir=weights_dir, device=device, workers=workers, progress=progress,
    )  # fmt: skip
    if as_json:
        print_json({"results": [done.to_document() for done in found]})
    else:
        print_text((verification_markdown if markdown else verification_text)(found))
    for done in found:
        if done.verdict == "tolerance":
            say(f"notice: {done.result}: equal within the tolerance only; see the largest deviations")
        if done.error:
            say(f"error: {done.error}")
    if not all(done.ok for done in found):
        raise click.exceptions.Exit(1)
