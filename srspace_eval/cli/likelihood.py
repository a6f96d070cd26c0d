"""``srspace-eval likelihood``: how likely GTs are under a flow."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path

import click

from srspace_eval._utils.text import visible
from srspace_eval.cli._common import print_json, progress
from srspace_eval.cli._options import SOURCE, memory_option


@click.command()
@click.option("--checkpoint", required=True, metavar="FILE|NAME", help="A flow's checkpoint, or a plugin that is one.")
@click.option("--lr", required=True, type=SOURCE, help="Folder of LR PNGs, or one PNG.")
@click.option("--gt", required=True, type=SOURCE, help="Folder of GT PNGs, or one PNG.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1.")
@memory_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document to stdout.")
def command(checkpoint: str, lr: Path, gt: Path, device: str, memory: int | None, as_json: bool) -> None:
    """Exact negative log-likelihood of GTs under a flow, in bits per pixel: lower is likelier.

    Of an HR pixel, its three channels together. Without dequantisation noise, so compare flows with each other, not
    with numbers that used it. A GT has its LR's name, less an ending such as x4; of an LR of odd size, the likelihood
    is that of both padded by reflection to even sizes.
    """
    from srspace_eval.models import load_model
    from srspace_eval.models.checkpoints.convert import origin
    from srspace_eval.models.sampling.likelihood import likelihoods

    model = load_model(checkpoint, device=device)
    found = likelihoods(model, lr, gt, memory=memory, progress=progress)
    # A likelihood that is not finite leaves the mean undefined, never better or worse.
    mean = sum(x.nll for x in found) / len(found) if all(math.isfinite(x.nll) for x in found) else math.nan
    if as_json:
        images = [asdict(x) for x in found]
        print_json(
            {
                "model": model.config.name,
                **origin(checkpoint),
                "unit": "bits per pixel",
                "mean_nll": mean,
                "images": images,
            }
        )
        return
    names = [visible(x.image) for x in found]
    width = max(len("image"), *map(len, names))
    click.echo(f"{'image':{width}}  {'size':>11}  bits/pixel ↓")
    for name, x in zip(names, found, strict=True):
        click.echo(f"{name:{width}}  {f'{x.width}×{x.height}':>11}  {_text(x.nll):>10}")
    click.echo(f"{'mean':{width}}  {'':>11}  {_text(mean):>10}")


def _text(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else "–"
