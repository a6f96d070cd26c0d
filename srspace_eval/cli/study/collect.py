"""``srspace-eval study collect``: options and output of ``collect_study`` and ``collect_ratings``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from srspace_eval._utils.untrusted_text import short_name
from srspace_eval.cli._common import print_json, tell
from srspace_eval.cli._options import EXISTING_FILE, refuse_options
from srspace_eval.study.options import CollectOptions, IntervalUnit, PartialAnswers

if TYPE_CHECKING:
    from srspace_eval.study.outcome import StudyOutcome
    from srspace_eval.study.rating_outcome import RatingOutcome

_PATH = click.Path(path_type=Path)
_DEFAULTS = CollectOptions()
_FOR_RANKINGS = ("agreement", "draws", "seed")
_FOR_RATINGS = ("tolerance",)


@click.command(short_help="Check answers and compute the MOR or the MOS.")
@click.argument("answers", nargs=-1, required=True, type=_PATH, metavar="ANSWER...")
@click.option("--key", "key_path", required=True, type=EXISTING_FILE, help="Key of the study.")
@click.option(
    "--out", type=_PATH, default=Path(), show_default=True, help="Folder for MOR.csv or MOS.csv, and the report."
)
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
    help="Rankings: least Kendall tau on repeated tasks; -1: any.",
)
@click.option(
    "--tolerance",
    default=_DEFAULTS.tolerance,
    show_default=True,
    help="Ratings: largest mean difference on repeated pictures, in grades.",
)
@click.option(
    "--over",
    type=click.Choice(get_args(IntervalUnit)),
    default=_DEFAULTS.over,
    show_default=True,
    help="What intervals generalise over besides raters; 'images' keeps the crops of an image together.",
)
@click.option("--level", default=_DEFAULTS.level, show_default=True, help="Confidence level of the intervals.")
@click.option("--draws", default=_DEFAULTS.draws, show_default=True, help="Rankings: draws of the bootstrap.")
@click.option("--seed", default=_DEFAULTS.seed, show_default=True, help="Rankings: seed of the bootstrap.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document to stdout.")
@click.pass_context
def command(
    context: click.Context,
    answers: tuple[Path, ...],
    key_path: Path,
    out: Path,
    partial: PartialAnswers,
    agreement: float,
    tolerance: float,
    over: IntervalUnit,
    level: float,
    draws: int,
    seed: int,
    as_json: bool,
) -> None:
    """Check answers and compute the MOR of a ranking study, or the MOS of a rating study, with intervals.

    ANSWER is a file, or a folder of .json files. Writes study.json and report.html, and in addition MOR.csv and
    MOR-draws.csv (for 'rank --mor') or MOS.csv (for 'rank --values'). Every answer that does not count is listed with
    the reason.
    """
    from srspace_eval.study.collect import collect_ratings, collect_study
    from srspace_eval.study.key import load_key
    from srspace_eval.study.report_files import PAGE_FILE

    options = CollectOptions(
        partial=partial, agreement=agreement, over=over, level=level, draws=draws, seed=seed, tolerance=tolerance
    )
    for name, demand in options.problems().items():
        raise click.BadParameter(demand, param_hint=f"--{name}")
    key = load_key(key_path)
    foreign = _FOR_RATINGS if key.task == "rank" else _FOR_RANKINGS
    other = "ratings" if key.task == "rank" else "rankings"
    refuse_options(context, foreign, f"people {key.task} in this study, and these options are for {other}")
    if key.task == "rate":
        rated = collect_ratings(answers, key, out=out, options=options)
        if as_json:
            print_json(rated.to_dict())
            return
        _print_ratings(rated)
        tell(f"{out / 'MOS.csv'} {_purpose('rank --values', level)}, {out / PAGE_FILE} for people")
        return
    outcome = collect_study(answers, key, out=out, options=options)
    if as_json:
        print_json(outcome.to_dict())
        return
    _print_outcome(outcome)
    tell(f"{out} {_purpose('rank --mor', level)}, {out / PAGE_FILE} for people")


def _purpose(option: str, level: float) -> str:
    """What the files are for, as a message says it. A board shows only 95% intervals."""
    from srspace_eval.ranking.draws import BOARD_LEVEL

    return f"for '{option}'" if level == BOARD_LEVEL else f"(not for '{option}', which needs --level {BOARD_LEVEL:g})"


def _print_ratings(outcome: RatingOutcome) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from srspace_eval.study.intervals import coverage_told

    scores = outcome.scores
    level = f"{100 * scores.level:g} %"
    table = Table(box=None, pad_edge=False)
    table.add_column("method")
    for heading in ("MOS", level, "bias removed", level):
        table.add_column(heading, justify="right")
    for i in scores.order:
        table.add_row(
            Text(short_name(scores.methods[i])),
            f"{scores.mos[i]:.3f}",
            _interval(scores.low[i], scores.high[i]),
            f"{scores.unbiased[i]:.3f}",
            _interval(scores.unbiased_low[i], scores.unbiased_high[i]),
        )
    Console().print(table)
    scale = outcome.key.rating_scale
    tell(
        f"{len(scores.raters)} raters, {scores.pictures} {outcome.options.over}, {scores.ratings.sum()} ratings; "
        f"{scale.label(scale.low)} to {scale.label(scale.high)}, {scale.better} is better; "
        f"Kendall's W {_number(scores.agreement, '.3f')}"
    )
    if not all(math.isnan(low) for low in scores.low):
        tell(
            coverage_told(
                "rate", len(scores.raters), scores.pictures, outcome.options.over.removesuffix("s"), scores.level
            )
        )


def _interval(low: float, high: float, form: str = ".2f") -> str:
    return "–" if math.isnan(low) else f"{low:{form}} – {high:{form}}"


def _print_outcome(outcome: StudyOutcome) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from srspace_eval.study.intervals import coverage_told

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
            _interval(intervals.low[i], intervals.high[i]),
            f"{intervals.rank[i]:g}",
            _interval(intervals.rank_low[i], intervals.rank_high[i], "g"),
        )
    Console().print(table)
    unit = outcome.options.over
    tell(
        f"{outcome.rankings.raters} raters, {outcome.rankings.units} {unit}, {len(outcome.rankings.ranks)} rankings; "
        f"Kendall's W {_number(outcome.agreement.overall, '.3f')} (raters), "
        f"{_number(outcome.agreement.crops, '.3f')} (mean over {unit}); Friedman p {_number(outcome.friedman.p, '.2g')}"
    )
    if math.isfinite(outcome.intervals.low[0]):
        tell(
            coverage_told(
                "rank", outcome.rankings.raters, outcome.rankings.units, unit.removesuffix("s"), outcome.options.level
            )
        )


def _number(value: float, form: str) -> str:
    """A number, or a dash for NaN (one rater or one crop)."""
    return "–" if math.isnan(value) else format(value, form)
