"""``srspace-eval codabench``: competition bundles for Codabench, their check and their dry run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from srspace_eval.cli._common import print_json, say, shown
from srspace_eval.cli._options import EXISTING_FILE
from srspace_eval.errors import InputError
from srspace_eval.tracks.reader import load_track


@click.group(invoke_without_command=True)
@click.option("--track", metavar="NAME|FILE.toml", help="What is scored.")
@click.option(
    "--phase", "phases", multiple=True, metavar="NAME=GT,START,END",
    help="In order, dates in UTC. GT: a folder or zip, the UUID of uploaded data, or /app/data/NAME.",
)  # fmt: skip
@click.option("--hide-output", multiple=True, metavar="PHASE", help="A phase that tells nothing image by image.")
@click.option("--image", help="The worker's Docker image, USER/NAME:TAG.")
@click.option("--out", type=click.Path(path_type=Path), help="The bundle to write.")
@click.option("--title", default="", help="Default: the track's.")
@click.option("--organisers", default="", help="Shown on the overview page.")
@click.option("--contact", default="", help="An e-mail address.")
@click.option("--metrics", default="", help="Comma-separated. Default: the track's.")
@click.option("--primary", default="", help="The metric that orders the live leaderboard.")
@click.option("--samples", type=click.IntRange(min=1), help="Samples per image, instead of the track's.")
@click.option("--lpips-net", "net", type=click.Choice(["alex", "vgg", "squeeze"]), default="alex", show_default=True)
@click.option("--queue", default="", help="Vhost (UUID) of a queue of your own.")
@click.option("--seconds", type=click.IntRange(min=60), default=600, show_default=True, help="Limit of a submission.")
@click.option("--logo", type=EXISTING_FILE, help="A PNG.")
@click.option("--overwrite", is_flag=True, help="Replace existing files.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document to stdout.")
@click.pass_context
def command(
    context: click.Context,
    /,
    track: str | None,
    phases: tuple[str, ...],
    hide_output: tuple[str, ...],
    image: str | None,
    out: Path | None,
    metrics: str,
    seconds: int,
    overwrite: bool,
    as_json: bool,
    **plan: Any,
) -> None:
    """Make a competition bundle for Codabench: one track, one task for each phase.

    The bundle holds competition.yaml, pages, terms, logo, scoring programs and the GTs of phases that name a folder or
    zip. OUT.Dockerfile beside it is the recipe of the worker's image.
    """
    if context.invoked_subcommand is not None:
        return
    from srspace_eval.codabench.bundle import write_bundle
    from srspace_eval.codabench.plan import CompetitionPhase, CompetitionPlan

    missing = [name for name, value in (("--track", track), ("--phase", phases), ("--image", image), ("--out", out))
               if not value]  # fmt: skip
    if missing or track is None or image is None or out is None:
        raise click.UsageError(f"give {', '.join(missing)}, or a command: check, dry-run")
    made = [CompetitionPhase.parse(text, hidden=hide_output, seconds=seconds) for text in phases]
    unknown = set(hide_output) - {phase.name for phase in made}
    if unknown:
        raise InputError(f"--hide-output {', '.join(sorted(unknown))}: there is no such phase")
    wanted = tuple(name.strip() for name in metrics.split(",") if name.strip())
    estimates = write_bundle(
        CompetitionPlan(load_track(track), tuple(made), image, metrics=wanted, **plan), out, overwrite=overwrite
    )
    if as_json:
        print_json({"bundle": str(out), "estimates": [estimate.to_document() for estimate in estimates]})
    for estimate in estimates:
        say(str(estimate))
        for advice in estimate.advice:
            say(f"notice: {advice}")
    say(f"bundle: {out}")


@command.command("check")
@click.argument("bundle", type=EXISTING_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document to stdout.")
def check(bundle: Path, as_json: bool) -> None:
    """List what the platform refuses, and what it takes but fails on later. Exit code 1 if there is anything."""
    from srspace_eval.codabench.check import check_bundle

    found = check_bundle(bundle)
    if as_json:
        print_json({"refusals": found.refusals, "traps": found.traps})
    else:
        for text in found.refusals:
            click.echo(shown(f"refused: {text}"))
        for text in found.traps:
            click.echo(shown(f"trap: {text}"))
    say(f"{bundle}: {len(found.refusals)} refusals, {len(found.traps)} traps")
    if found.refusals or found.traps:
        raise click.exceptions.Exit(1)


@command.command("dry-run")
@click.argument("bundle", type=EXISTING_FILE)
@click.argument("submissions", nargs=-1, required=True, metavar="TEAM=SUBMISSION.zip ...")
@click.option("--phase", type=click.IntRange(min=1), default=1, show_default=True, help="Number of the phase.")
@click.option("--data", type=click.Path(path_type=Path), help="The folder that stands for /app/data.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document to stdout.")
def dry(bundle: Path, submissions: tuple[str, ...], phase: int, data: Path | None, as_json: bool) -> None:
    """Score submissions with the bundle's program, and show the leaderboard and the messages.

    The program runs in a temporary folder with this Python, not in a container. Exit code 1 if a submission fails.
    """
    from srspace_eval.codabench.dry_run import dry_run_bundle, to_document

    pairs = []
    for text in submissions:
        team, equals, path = text.partition("=")
        if not equals or not team or not path:
            raise click.BadParameter(f"{text!r}: write TEAM=SUBMISSION.zip", param_hint="TEAM=SUBMISSION.zip")
        pairs.append((team, Path(path)))
    say("run in a temporary folder, not in a container")
    runs, order = dry_run_bundle(bundle, pairs, phase=phase, data=data)
    if as_json:
        print_json(to_document(runs, order))
    else:
        for run in runs:
            click.echo(shown(f"{run.team}: {run.status}" + (f" ({run.reason})" if run.reason else "")))
            for line in run.stderr.splitlines():
                click.echo(shown(f"  {line}"))
        scores = {run.team: run.scores for run in runs if run.status == "Finished"}
        for place, team in enumerate(order, 1):
            values = ", ".join(f"{key} {value:g}" for key, value in scores[team].items())
            click.echo(shown(f"{place}. {team}: {values}"))
    if any(run.status == "Failed" for run in runs):
        raise click.exceptions.Exit(1)
