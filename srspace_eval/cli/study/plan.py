"""``srspace-eval study plan``: options and output of :func:`srspace_eval.study.plan_study`."""

from __future__ import annotations

import click

from srspace_eval.cli._common import print_json


@click.command(short_help="How many raters and crops are needed.")
@click.option("--entries", default=8, show_default=True, help="Number of methods to rank.")
@click.option("--difference", default=0.5, show_default=True, help="Difference of two methods' MORs to detect.")
@click.option("--raters", default="3,5,10,20", show_default=True, help="Numbers of raters to plan for.")
@click.option("--most-crops", default=600, show_default=True, help="Largest number of crops to consider.")
@click.option("--power", default=0.8, show_default=True, help="Wanted probability to detect it.")
@click.option("--alpha", default=0.05, show_default=True, help="It is detected if p is below this value.")
@click.option("--comparisons", default=1, show_default=True, help="Correct p for this number of pairs of methods.")
@click.option("--taste", default=0.3, show_default=True, help="How much raters' likings differ (noise: 1).")
@click.option("--crop-effect", default=1.0, show_default=True, help="How much a method's quality varies over crops.")
@click.option("--spread", default=1.0, show_default=True, help="How much the methods' qualities differ.")
@click.option("--studies", default=400, show_default=True, help="Number of simulated studies.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the simulation.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document to stdout.")
def command(
    entries: int,
    difference: float,
    raters: str,
    most_crops: int,
    power: float,
    alpha: float,
    comparisons: int,
    taste: float,
    crop_effect: float,
    spread: float,
    studies: int,
    seed: int,
    as_json: bool,
) -> None:
    """How many raters and crops detect a difference of two methods, and how much time they take.

    Simulates studies in which raters rank by quality + taste + crop effect + noise, and tests each as 'collect' does.
    """
    from srspace_eval.study.plan import PlanTarget, RaterModel, plan_study

    try:
        numbers = [int(part) for part in raters.split(",")]
    except ValueError as error:
        raise click.BadParameter("must be whole numbers, separated by commas", param_hint="--raters") from error
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
    click.echo(
        f"To detect a difference of {difference:g} between the MORs of two of {entries} methods, with power {power:g} "
        f"at p < {alpha:g}{corrected}:"
    )
    for size in plan.sizes:
        if size.crops is None:
            click.echo(f"  {size.raters:3d} raters: not with {most_crops} crops (power {size.power:.2f})")
        else:
            click.echo(
                f"  {size.raters:3d} raters x {size.crops:3d} crops: power {size.power:.2f}, "
                f"{size.minutes_each:.0f} minutes each, {size.minutes_all / 60:.1f} hours in all"
            )
    if best := plan.cheapest:
        click.echo(f"The least time: study create --raters {best.raters} --images {best.crops} --crops 1")
        click.echo("With fewer images, give more --crops: images × crops must be the number of crops above.")
    else:
        click.echo("No size is large enough: give more --raters or --most-crops, or a larger --difference.")
    click.echo(f"With fewer than {plan.fewest_significant} crops no difference can be significant.")
