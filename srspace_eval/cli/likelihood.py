"""``srspace-eval likelihood``: how likely GTs are under a flow."""

from __future__ import annotations

import math
from pathlib import Path

import click

from srspace_eval._utils.untrusted_text import visible
from srspace_eval.cli._common import print_json, progress
from srspace_eval.cli._options import SOURCE, memory_option


@click.command()
@click.option("--checkpoint", required=True, metavar="FILE|NAME", help="A flow's checkpoint, or a plug-in.")
@click.option("--lr", required=True, type=SOURCE, help="Folder of LR PNGs, or one PNG.")
@click.option("--gt", required=True, type=SOURCE, help="Folder of GT PNGs, or one PNG.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1.")
@memory_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document to stdout.")
def command(checkpoint: str, lr: Path, gt: Path, device: str, memory: int | None, as_json: bool) -> None:
    """Exact negative log-likelihood of GTs under a flow, in bits per pixel: lower is likelier.

    A pixel is an HR pixel, its three channels together. No dequantisation noise is added: compare flows with each
    other, not with numbers that used it. A GT has its LR's name, without an ending such as x4. If an LR has an odd
    size, LR and GT are padded by reflection to even sizes.
    """
    from srspace_eval.models import likelihoods, load_model

    model = load_model(checkpoint, device=device)
    report = likelihoods(model, lr, gt, memory_limit=memory, checkpoint=checkpoint, progress=progress)
    if as_json:
        print_json(report.to_dict())
        return
    names = [visible(x.image) for x in report.images]
    width = max(len("image"), *map(len, names))
    click.echo(f"{'image':{width}}  {'size':>11}  bits/pixel ↓")
    for name, x in zip(names, report.images, strict=True):
        click.echo(f"{name:{width}}  {f'{x.width}×{x.height}':>11}  {_text(x.nll):>10}")
    click.echo(f"{'mean':{width}}  {'':>11}  {_text(report.mean_nll):>10}")


def _text(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else "–"
