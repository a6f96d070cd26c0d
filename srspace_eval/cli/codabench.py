"""``srspace-eval codabench``: competition bundles for Codabench, their check and their dry run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from srspace_eval._utils.untrusted_text import visible
from srspace_eval.cli._common import print_json, say, shown
from srspace_eval.cli._options import EXISTING_FILE, EXISTING_FOLDER


@click.group(invoke_without_command=True)
@click.option("--options", "file", type=EXISTING_FILE, help="TOML with all options; `codabench new` writes one.")
@click.option("--track", metavar="NAME|FILE.toml", help="What is scored.")
@click.option(
    "--phase", "phases", multiple=True, metavar="NAME=GT,START,END",
    help="In order, dates in UTC; an END without a time is 23:59:59. "
    "GT: a folder or zip, the UUID of uploaded data, or /app/data/NAME.",
)  # fmt: skip
@click.option("--hide-output", multiple=True, metavar="PHASE", help="A phase that tells nothing image by image.")
@click.option("--image", help="The worker's Docker image, USER/NAME:TAG.")
@click.option("--out", type=click.Path(path_type=Path), help="The bundle to write.")
@click.option("--title", help="Default: the track's.")
@click.option("--organisers", help="Shown on the overview page.")
@click.option("--contact", help="An e-mail address.")
@click.option("--metrics", help="Comma-separated. Default: the track's.")
@click.option("--primary", help="The metric that orders the live leaderboard.")
@click.option("--samples", type=click.IntRange(min=1), help="Samples of each image, instead of the track's.")
@click.option("--lpips-net", type=click.Choice(["alex", "vgg", "squeeze"]), help="Default: alex.")
@click.option("--queue", help="Vhost (UUID) of a queue of your own.")
@click.option("--seconds", type=click.IntRange(min=60), help="Limit of a submission. Default: 600.")
@click.option("--logo", type=EXISTING_FILE, help="A PNG.")
@click.option("--starting-kit", is_flag=True, default=None, help="Add a grey sample submission, and sizes to check.")
@click.option("--estimate", "estimate_only", is_flag=True, help="Print the estimate and write nothing.")
@click.option("--no-measure", is_flag=True, help="Estimate sizes only; score no sample to estimate the time.")
@click.option("--overwrite", is_flag=True, help="Replace existing files.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document to stdout.")
@click.pass_context
def command(
    context: click.Context,
    /,
    file: Path | None,
    phases: tuple[str, ...],
    hide_output: tuple[str, ...],
    out: Path | None,
    metrics: str | None,
    logo: Path | None,
    estimate_only: bool,
    no_measure: bool,
    overwrite: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Make a competition bundle for Codabench: one track, one task for each phase.

    The bundle holds competition.yaml, pages, terms, logo, scoring programs and the GTs of phases that name a folder or
    zip. OUT.Dockerfile beside it is the recipe of the worker's image. An estimate of sizes and time is printed first.
    """
    if context.invoked_subcommand is not None:
        return
    from srspace_eval.codabench.bundle import write_bundle
    from srspace_eval.codabench.estimate import estimate_bundle
    from srspace_eval.codabench.inputs import plan_inputs, require_apart, require_free
    from srspace_eval.codabench.plan_file import PlanTable, make_plan, parse_phase, read_options

    required = [("--track", given["track"]), ("--phase", phases), ("--image", given["image"])]
    missing = [name for name, value in required if not value and file is None]
    if not estimate_only and out is None:
        missing.append("--out")
    if missing:
        raise click.UsageError(
            f"give {', '.join(missing)}, or --options FILE, or a command: new, check, dry-run, import"
        )
    options = PlanTable() if file is None else read_options(file)
    changes = {key: value for key, value in given.items() if value is not None}
    if logo is not None:
        changes["logo"] = str(logo)
    if metrics is not None:
        changes["metrics"] = tuple(name.strip() for name in metrics.split(",") if name.strip())
    if phases:
        changes["phases"] = tuple(parse_phase(text) for text in phases)
    table = options.changed(changes, hidden=hide_output)
    plan = make_plan(table, where=str(file or "options"))
    if out is not None and not estimate_only:
        named = [file, *(Path(name) for name in (table.terms, *(page.file for page in table.pages)) if name)]
        require_apart(out, [*plan_inputs(plan), *(path for path in named if path is not None)])
    if out is not None and not overwrite and not estimate_only:
        require_free(out)
    estimates = estimate_bundle(plan, measure=not no_measure)
    for estimate in estimates:
        say(str(estimate))
        for advice in estimate.advice:
            say(f"notice: {advice}")
    for phase in plan.phases:
        if not phase.at_hand:
            say(f"phase {phase.name}: no estimate, the GT is not on this machine ({phase.gt})")
    bundle = None if estimate_only else out
    if bundle is not None:
        write_bundle(plan, bundle, overwrite=overwrite)
        say(f"bundle: {bundle}")
    if as_json:
        document = {"bundle": None if bundle is None else str(bundle)}
        print_json({**document, "estimates": [estimate.to_document() for estimate in estimates]})


@command.command("new")
@click.argument("path", metavar="FILE.toml", type=click.Path(path_type=Path, dir_okay=False))
def new(path: Path) -> None:
    """Write a TOML file with all options of a bundle, with comments."""
    from srspace_eval.codabench.plan_file import write_competition_template

    write_competition_template(path)
    say(f"wrote {path}; edit it, then run: srspace-eval codabench --options {path} --out bundle.zip")


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
@click.option("--folder", "in_folder", is_flag=True, help="Run in a temporary folder, even if a namespace is possible.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document to stdout.")
def dry(
    bundle: Path, submissions: tuple[str, ...], phase: int, data: Path | None, in_folder: bool, as_json: bool
) -> None:
    """Score submissions with the bundle's program, and show the leaderboard and the messages.

    The program runs in a mount namespace that resembles the worker's container, where this system has one: Linux, as
    root or with user namespaces. Elsewhere it runs in a temporary folder. The image's packages and weights are not
    tested, but those of this machine. Exit code 1 if a submission fails.
    """
    from srspace_eval.codabench.board import shown_scores
    from srspace_eval.codabench.container import best_place
    from srspace_eval.codabench.dry_run import dry_run_bundle, to_document

    pairs = []
    for text in submissions:
        team, equals, path = text.partition("=")
        if not equals or not team or not path:
            raise click.BadParameter(f"{text!r}: write TEAM=SUBMISSION.zip", param_hint="TEAM=SUBMISSION.zip")
        pairs.append((team, Path(path)))
    place = "folder" if in_folder else best_place()
    if place == "namespace":
        say("run in a mount namespace: the worker's paths, no network, no rights; not the worker's image")
    else:
        say("run in a temporary folder, not in a container")
    runs, order = dry_run_bundle(bundle, pairs, phase=phase, data=data, place=place)
    if as_json:
        print_json(to_document(runs, order))
    else:
        for run in runs:
            click.echo(shown(f"{run.team}: {run.status}" + (f" ({run.reason})" if run.reason else "")))
            for line in run.stderr.splitlines():
                click.echo(shown(f"  {line}"))
        for number, line in enumerate(shown_scores(bundle, runs, order), 1):
            click.echo(shown(f"{number}. {line}"))
    if any(run.status == "Failed" for run in runs):
        raise click.exceptions.Exit(1)


@command.command("import")
@click.argument("downloads", type=EXISTING_FOLDER)
@click.option("--track", required=True, metavar="NAME|FILE.toml", help="The bundle's track.")
@click.option("--board", type=click.Path(path_type=Path), default="leaderboards", show_default=True, help="The board.")
@click.option(
    "--teams", type=EXISTING_FILE, help="CSV: file,team, as for rank --teams. Default: from the files' names."
)
@click.option("--phase", type=click.IntRange(min=0), help="Number of the phase, as the files' names give it (PhaseId).")
@click.option("--overwrite", is_flag=True, help="Replace earlier results of these teams.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document to stdout.")
def import_(
    downloads: Path, track: str, board: Path, teams: Path | None, phase: int | None, overwrite: bool, as_json: bool
) -> None:
    """Make a board for `rank` of scoring outputs that were downloaded from the platform.

    DOWNLOADS holds one zip or folder for each submission, with scores.json, and result.json where the phase shows its
    output. Results go to BOARD/TRACK/TEAM.json and say that the platform measured them. Teams with scores only go to
    BOARD/codabench-TRACK.csv, for `rank --table`.
    """
    from srspace_eval.codabench.downloads import import_downloads

    found = import_downloads(downloads, track, board, teams=teams, phase=phase, overwrite=overwrite)
    if as_json:
        print_json(found.to_document())
    say(f"{len(found.teams)} teams: {', '.join(map(visible, found.teams))}")
    if found.results:
        say(f"rank them with: srspace-eval rank --track {track} --board {board}")
    if found.table is not None:
        say(f"only scores are known of some: srspace-eval rank --track {track} --table {found.table}")
