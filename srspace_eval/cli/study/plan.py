"""``srspace-eval study plan``: options and output of ``plan_study`` and ``plan_ratings``."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import click

from srspace_eval.cli._common import print_json, tell
from srspace_eval.cli._options import refuse_options
from srspace_eval.study.options import StudyTask

if TYPE_CHECKING:
    from srspace_eval.study.rating_plan import RatingPlan


_TARGET = ("difference", "most_crops", "power", "alpha", "comparisons")
_FOR_RANKINGS = (*_TARGET, "taste", "crop_effect", "spread", "studies", "seed")
_FOR_RATINGS = ("half_width", "pictures", "level", "bias", "noise", "picture_effect")
_RANK_RATERS, _RATE_RATERS = "3,5,10,20", "5,10,20,40"


@click.command(short_help="How many raters and crops are needed.")
@click.option(
    "--task",
    type=click.Choice(get_args(StudyTask)),
    default="rank",
    show_default=True,
    help="Plan a study in which people rank, or rate.",
)
@click.option("--entries", default=8, show_default=True, help="Number of methods.")
@click.option("--raters", help=f"Numbers of raters to plan for.  [default: {_RANK_RATERS}; ratings: {_RATE_RATERS}]")
@click.option("--difference", default=0.5, show_default=True, help="Rankings: difference of two MORs to detect.")
@click.option("--most-crops", default=600, show_default=True, help="Rankings: largest number of crops to consider.")
@click.option("--power", default=0.8, show_default=True, help="Rankings: wanted probability to detect it.")
@click.option("--alpha", default=0.05, show_default=True, help="Rankings: it is detected if p is below this value.")
@click.option("--comparisons", default=1, show_default=True, help="Rankings: correct p for this number of pairs.")
@click.option("--taste", default=0.3, show_default=True, help="Rankings: how much raters' likings differ (noise: 1).")
@click.option("--crop-effect", default=1.0, show_default=True, help="Rankings: how much a quality varies over crops.")
@click.option("--spread", default=1.0, show_default=True, help="Rankings: how much the methods' qualities differ.")
@click.option("--studies", default=400, show_default=True, help="Rankings: number of simulated studies.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Rankings: seed.")
@click.option("--half-width", default=0.25, show_default=True, help="Ratings: wanted half of an interval, in grades.")
@click.option("--pictures", default=100, show_default=True, help="Ratings: number of pictures (crops).")
@click.option("--level", default=0.95, show_default=True, help="Ratings: confidence level of the intervals.")
@click.option("--bias", default=0.5, show_default=True, help="Ratings: spread of the raters' biases, in grades.")
@click.option("--noise", default=0.7, show_default=True, help="Ratings: noise of a single rating, in grades.")
@click.option("--picture-effect", default=0.5, show_default=True, help="Ratings: how much a quality varies, in grades.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document to stdout.")
@click.pass_context
def command(
    context: click.Context,
    task: StudyTask,
    entries: int,
    raters: str | None,
    difference: float,
    most_crops: int,
    power: float,
    alpha: float,
    comparisons: int,
    taste: float,
    crop_effect: float,
    spread: float,
    studies: int,
    seed: int,
    half_width: float,
    pictures: int,
    level: float,
    bias: float,
    noise: float,
    picture_effect: float,
    as_json: bool,
) -> None:
    """How many raters and crops a study needs, and how much time they take.

    With --task rank: what detects a difference of two methods. Simulates studies in which raters rank by quality +
    taste + crop effect + noise, and tests each as 'collect' does. With --task rate: how narrow the intervals of the
    MOS are.
    """
    from srspace_eval.study.plan import PlanTarget, RaterModel, plan_study
    from srspace_eval.study.rating_plan import RatingModel, RatingTarget, plan_ratings

    other = "rate" if task == "rank" else "rank"
    refuse_options(context, _FOR_RATINGS if task == "rank" else _FOR_RANKINGS, f"these options are for --task {other}")
    default = _RANK_RATERS if task == "rank" else _RATE_RATERS
    try:
        numbers = [int(part) for part in (default if raters is None else raters).split(",")]
    except ValueError as error:
        raise click.BadParameter("must be whole numbers, separated by commas", param_hint="--raters") from error
    if task == "rate":
        rated = plan_ratings(
            RatingTarget(half_width=half_width, pictures=pictures, level=level),
            RatingModel(entries=entries, bias=bias, noise=noise, picture=picture_effect),
            raters=numbers,
        )
        if as_json:
            print_json(rated.to_dict())
        else:
            _print_ratings(rated)
        return
    plan = plan_study(
        PlanTarget(difference=difference, alpha=alpha, comparisons=comparisons, power=power),
        RaterModel(entries=entries, taste=taste, crop_effect=crop_effect, quality_sd=spread),
        raters=numbers,
        most_crops=most_crops,
        studies=studies,
        seed=seed,
    )
    if as_json:
        print_json(plan.to_dict())
        return
    corrected = f" / {comparisons}" if comparisons > 1 else ""
    tell(
        f"To detect a difference of {difference:g} between the MORs of two of {entries} methods, with power {power:g} "
        f"at p < {alpha:g}{corrected}:"
    )
    for size in plan.sizes:
        if size.crops is None:
            tell(f"  {size.raters:3d} raters: {most_crops} crops are not enough (power {size.power:.2f})")
        else:
            tell(
                f"  {size.raters:3d} raters x {size.crops:3d} crops: power {size.power:.2f}, "
                f"{size.minutes_each:.0f} minutes each, {size.minutes_all / 60:.1f} hours in all"
            )
    if best := plan.cheapest:
        tell(f"The fastest choice: study create --raters {best.raters} --images {best.crops} --crops 1")
        tell("With fewer images, give more --crops: images × crops must be the number of crops above.")
    else:
        tell("No size is large enough: give more --raters or --most-crops, or a larger --difference.")
    tell(f"With fewer than {plan.fewest_significant} crops no difference can be significant.")


def _print_ratings(plan: RatingPlan) -> None:
    target, model = plan.target, plan.model
    needed = "no number of raters is enough" if plan.raters is None else f"{plan.raters} raters are needed"
    tell(
        f"For {100 * target.level:g} % intervals of ± {target.half_width:g} around the MOS of {model.entries} methods "
        f"with {target.pictures} pictures, {needed}."
    )
    for size in plan.sizes:
        fewer = "with no number of pictures" if size.pictures is None else f"from {size.pictures} pictures on"
        tell(
            f"  {size.raters:3d} raters x {target.pictures} pictures: ± {size.half_width:.3f}, "
            f"{size.minutes_each:.0f} minutes each, {size.minutes_all / 60:.1f} hours in all; "
            f"± {target.half_width:g} {fewer}"
        )
