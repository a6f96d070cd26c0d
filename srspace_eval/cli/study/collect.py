"""``srspace-eval study collect``: options and output of :func:`srspace_eval.study.collect_study`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from srspace_eval._utils.untrusted_text import short_name
from srspace_eval.cli._common import print_json, shown
from srspace_eval.cli._options import EXISTING_FILE
from srspace_eval.study.options import CollectOptions, IntervalUnit, PartialAnswers

if TYPE_CHECKING:
    from srspace_eval.study.outcome import StudyOutcome

_PATH = click.Path(path_type=Path)
_DEFAULTS = CollectOptions()


@click.command(short_help="Check answers and compute the MOR.")
@click.argument("answers", nargs=-1, required=True, type=_PATH, metavar="ANSWER...")
@click.option("--key", "key_path", required=True, type=EXISTING_FILE, help="Key of the study.")
@click.option("--out", type=_PATH, default=Path(), show_default=True, help="Folder for MOR.csv and the report.")
@click.option(
    "--partial",
    type=click.Choice(get_args(PartialAnswers)),
    default=_DEFAULTS.partial,
    show_default=True,
    help="What to do with answers that lack tasks.",
)
@click.option(
    "--agreement",
    default=_DEFAULTS.agreement,
    show_default=True,
    help="Least Kendall tau on repeated tasks; -1: any.",
)
@click.option(
    "--over",
    type=click.Choice(get_args(IntervalUnit)),
    default=_DEFAULTS.over,
    show_default=True,
    help="What intervals generalise over besides raters; 'images' keeps the crops of an image together.",
)
@click.option("--level", default=_DEFAULTS.level, show_default=True, help="Confidence level of the intervals.")
@click.option("--draws", default=_DEFAULTS.draws, show_default=True, help="Draws of the bootstrap.")
@click.option("--seed", default=_DEFAULTS.seed, show_default=True, help="Seed of the bootstrap.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document to stdout.")
def command(
    answers: tuple[Path, ...],
    key_path: Path,
    out: Path,
    partial: PartialAnswers,
    agreement: float,
    over: IntervalUnit,
    level: float,
    draws: int,
    seed: int,
    as_json: bool,
) -> None:
    """Check answers and compute the MOR, its intervals, the raters' agreement, and which differences are significant.

    ANSWER is a file, or a folder of .json files. Writes MOR.csv and MOR-draws.csv (for 'rank --mor'), study.json and
    report.html. Every answer that does not count is listed with the reason.
    """
    from srspace_eval.study.collect import collect_study
    from srspace_eval.study.report import PAGE_FILE

    options = CollectOptions(partial=partial, agreement=agreement, over=over, level=level, draws=draws, seed=seed)
    for name, demand in options.problems().items():
        raise click.BadParameter(demand, param_hint=f"--{name}")
    outcome = collect_study(answers, key_path, out=out, options=options)
    if as_json:
        print_json(outcome.to_dict())
        return
    _print_outcome(outcome)
    click.echo(shown(f"{out} for 'rank --mor', {out / PAGE_FILE} for people"))


def _print_outcome(outcome: StudyOutcome) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    level = f"{100 * outcome.options.level:g} %"
    table = Table(box=None, pad_edge=False)
    table.add_column("method")
    for heading in ("MOR", level, "rank", level):
        table.add_column(heading, justify="right")
    intervals = outcome.intervals
    for i in outcome.order:
        table.add_row(
            Text(short_name(outcome.rankings.methods[i])),
            f"{outcome.mor[i]:.3f}",
            f"{intervals.low[i]:.2f} – {intervals.high[i]:.2f}",
            f"{intervals.rank[i]:g}",
            f"{intervals.rank_low[i]:g} – {intervals.rank_high[i]:g}",
        )
    Console().print(table)
    unit = outcome.options.over
    click.echo(
        f"{outcome.rankings.raters} raters, {outcome.rankings.units} {unit}, {len(outcome.rankings.ranks)} rankings; "
        f"Kendall's W {_number(outcome.agreement.overall, '.3f')} (raters), "
        f"{_number(outcome.agreement.crops, '.3f')} (mean over {unit}); Friedman p {_number(outcome.friedman.p, '.2g')}"
    )


def _number(value: float, form: str) -> str:
    """A number, or a dash for NaN (one rater or one crop)."""
    return "–" if math.isnan(value) else format(value, form)
