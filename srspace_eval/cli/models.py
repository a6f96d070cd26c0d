"""``srspace-eval models``: the catalogue of methods, and what a checkpoint file is."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from srspace_eval._utils.untrusted_text import visible
from srspace_eval.cli._common import print_json, say, tell
from srspace_eval.cli._options import EXISTING_FILE
from srspace_eval.metrics.registry import columns

if TYPE_CHECKING:
    from srspace_eval.models import CheckpointDescription
    from srspace_eval.models.catalogue import Method
    from srspace_eval.models.families import ModelFamily


@click.group(invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Known models, their published numbers, and checkpoint conversion. Alone: the list."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_models)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document to stdout.")
def list_models(as_json: bool = False) -> None:
    """The methods: published numbers, checkpoints, licences; and what each family of models can do."""
    from srspace_eval.models import known_methods, model_families
    from srspace_eval.models.families import SPANDREL_HINT, spandrel_architectures

    methods, families = known_methods(), model_families()
    if as_json:
        document = {
            "methods": [asdict(method) for method in methods.values()],
            "families": [asdict(family) for family in families.values()],
            "spandrel_architectures": list(spandrel_architectures()),
        }
        print_json(document)
        return
    _print_results(list(methods.values()))
    _print_families(list(families.values()))
    known = ", ".join(spandrel_architectures())
    tell(f"spandrel recognises: {known}" if known else SPANDREL_HINT)
    for method in methods.values():
        tell(f"\n{method.id}: {method.title}")
        if method.paper:
            tell(f"  {method.paper}")
        tell(f"  adapters: {', '.join(method.adapters)}")
        tell(f"  licence: {method.licence}" + (f"; {method.homepage}" if method.homepage else ""))
        for checkpoint in method.checkpoints:
            tell(f"  checkpoint ({checkpoint.status}): {', '.join(checkpoint.files)}: {checkpoint.where}")
            if checkpoint.note:
                tell(f"    {checkpoint.note}")


def _heading(metric: str) -> str:
    info = columns()[metric]
    return f"{info.label}{f' ({info.unit})' if info.unit else ''} {info.arrow}"


def _print_results(methods: list[Method]) -> None:
    printed = {key for method in methods for row in method.results for key in row.values}
    metrics = [key for key, info in columns().items() if key in printed and (info.aspect or info.per == "method")]
    rows = [(method, row) for method in methods for row in sorted(method.results, key=lambda row: row.scale)]
    values = {_heading(key): [columns()[key].format(row.values.get(key)) for _, row in rows] for key in metrics} | {
        "params": ["–" if (n := row.parameters_millions) is None else f"{n:.1f} M" for _, row in rows],
        "time": ["–" if (n := row.inference_seconds) is None else f"{n:.2f} s" for _, row in rows],
        "source": ["; ".join([*row.sources, *([row.note] if row.note else [])]) for _, row in rows],
    }
    click.echo("Published numbers")
    _print_table({"method": [method.id for method, _ in rows], "scale": [f"×{row.scale}" for _, row in rows]}, values)
    for key, text in {k: v for method in methods for row in method.results for k, v in row.sources.items()}.items():
        tell(f"{key}: {text}")


def _print_families(families: list[ModelFamily]) -> None:
    click.echo("What each family can do")
    _print_table(
        {"family": [family.id for family in families]},
        {
            "stochastic": ["yes" if family.stochastic else "no" for family in families],
            "likelihood": ["yes" if family.likelihood else "no" for family in families],
            "tiles": [family.tiles for family in families],
            "precision": [", ".join(family.precisions) for family in families],
            "extra": [family.extra for family in families],
        },
    )


def _print_table(keys: dict[str, list[str]], columns: dict[str, list[str]]) -> None:
    """Print a table: heading -> cells. In a terminal, columns that do not fit stand below."""
    from rich.console import Console
    from rich.text import Text

    from srspace_eval._utils.stacked_tables import TerminalColumn, stacked_tables

    def column(head: str, cells: list[str]) -> TerminalColumn:
        side: Literal["left", "right"] = "right" if _numeric(cells) else "left"
        return TerminalColumn(head, [Text(cell) for cell in cells], side, folds=head == "source")

    def made(texts: dict[str, list[str]]) -> list[TerminalColumn]:
        return [column(head, cells) for head, cells in texts.items()]

    console = Console(width=None if Console().is_terminal else 160, markup=False, highlight=False)
    for table in stacked_tables(made(keys), made(columns), console.width):
        console.print(table)
        console.print()


def _numeric(cells: list[str]) -> bool:
    return all(cell[:1].isdigit() or cell[:1] in "×–∞" for cell in cells)


@command.command()
@click.argument("checkpoint", metavar="FILE", type=EXISTING_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document to stdout.")
def show(checkpoint: Path, as_json: bool) -> None:
    """What a checkpoint file is, told by its parameters."""
    from srspace_eval.models import describe_checkpoint

    described = describe_checkpoint(checkpoint)
    if as_json:
        print_json(described.to_dict())
    else:
        _print_described(described)


@command.command()
@click.argument("source", metavar="IN", type=EXISTING_FILE)
@click.argument("target", metavar="OUT.safetensors", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--overwrite", is_flag=True, help="Replace OUT.")
def convert(source: Path, target: Path, overwrite: bool) -> None:
    """Write a checkpoint as safetensors, a format that contains no code and loads faster."""
    from srspace_eval.models import convert_checkpoint

    described = convert_checkpoint(source, target, overwrite=overwrite)
    say(f"{target}: {described.name}, {described.tensors} tensors")


def _print_described(described: CheckpointDescription) -> None:
    from srspace_eval.models import known_methods

    plain = described.to_dict()
    details = plain.pop("details")
    if not details.pop("skip_evident", True):
        details["skip"] += " (the usual one; running the network does not decide it; set `sample --rrdb-skip`)"
    for key, value in {**plain, **details}.items():
        click.echo(visible(f"{key}: {value}"))
    method = known_methods().get(described.family)
    if method is not None:
        click.echo(f"method: {method.title}")
        click.echo(f"licence: {method.licence}")
