"""``srspace-eval score``: measure a submission."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from srspace_eval._utils.notices import notify
from srspace_eval._utils.untrusted_text import visible
from srspace_eval._utils.whole_numbers import LARGEST_SEED
from srspace_eval.cli._batch import show_batch
from srspace_eval.cli._common import print_json, progress, say, shown
from srspace_eval.cli._options import LateHelp, submission_options, track_from
from srspace_eval.errors import InputError
from srspace_eval.metrics.listing import list_metrics
from srspace_eval.metrics.lpips.metric import DiversityPatches
from srspace_eval.metrics.measures import Measure
from srspace_eval.metrics.registry import bind, columns, measures_of, own_values
from srspace_eval.metrics.registry import metrics as known_metrics
from srspace_eval.ranking.suspicions import suspicions
from srspace_eval.results.documents import to_document
from srspace_eval.results.record import Result
from srspace_eval.results.store import result_path
from srspace_eval.scoring.shards import Shard


def _shard(text: str | None) -> Shard | None:
    try:
        return None if text is None else Shard.parse(text)
    except InputError as error:
        raise click.BadParameter(str(error)) from error


def _measures(texts: tuple[str, ...]) -> tuple[Measure, ...]:
    try:
        measures = tuple(Measure.parse(text) for text in texts)
        bind(measures)
    except InputError as error:
        raise click.BadParameter(str(error)) from error
    return measures


def _offered() -> str:
    """The options that metrics have, for the help."""
    offered = (
        f"{listing.id}: {', '.join(f'{key}={value}' for key, value in listing.options.items())}"
        for listing in list_metrics()
        if listing.options
    )
    return f"Options and their defaults: {'; '.join(offered)}."


@click.command()
@submission_options
@click.option("--team", help="Name in leaderboards. Default: the submission's name.")
@click.option("--baseline", is_flag=True, help="Show it in leaderboards without ranking it.")
@click.option(
    "--metrics",
    cls=LateHelp,
    late_help=lambda: f"Comma-separated, of {', '.join(known_metrics())}. Default: the track's.",
)
@click.option(
    "--measure",
    "measures",
    multiple=True,
    metavar="ID=METRIC,OPTION=VALUE,...",
    callback=lambda _, __, texts: _measures(texts),
    cls=LateHelp,
    late_help=lambda: (
        f"Also measure a metric with options, under an id of its own; may be given several times. {_offered()}"
    ),
)
@click.option("--lpips-net", "net", type=click.Choice(["alex", "vgg", "squeeze"]), default="alex", show_default=True)
@click.option(
    "--lpips-weights",
    type=click.Path(path_type=Path),
    help="The trunk's weights, any file.",
)
@click.option(
    "--weights-dir", type=click.Path(file_okay=False, path_type=Path), help="Folder with torchvision's weight files."
)
@click.option(
    "--convention",
    type=click.Choice(["ntire21", "matlab", "matlab-legacy"]),
    default="ntire21",
    show_default=True,
    help="Of the downscaling for LR-PSNR.",
)
@click.option(
    "--niqe-model",
    type=click.Path(dir_okay=False, path_type=Path),
    help="NIQE's model, a .mat or .npz file with Mean and Covariance. Default: the authors'.",
)
@click.option("--patches", type=click.IntRange(min=1), help="K: also S_M over K random patches per image.")
@click.option("--patch-size", type=click.IntRange(min=1), default=16, show_default=True, help="N of the N×N patches.")
@click.option(
    "--seed",
    type=click.IntRange(min=0, max=LARGEST_SEED),
    help="Of the patches. Default: follows from this machine's secret and the GTs; the signature records it.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, mps.")
@click.option(
    "--precision",
    type=click.Choice(["float32", "tf32", "bf16"]),
    default="float32",
    show_default=True,
    help="Of the trunk.",
)
@click.option(
    "--board",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("leaderboards"),
    show_default=True,
    help="Folder of results.",
)
@click.option(
    "--scheduler",
    metavar="local[:N]|ADDRESS|FILE",
    help="Measure on a Dask cluster: N worker processes here, or a scheduler's address or scheduler file.",
)
@click.option(
    "--shard",
    metavar="I/N",
    callback=lambda _, __, text: _shard(text),
    help="Measure only the I-th of N shares of the images; once all are done, score without --shard.",
)
@click.option("--overwrite", is_flag=True, help="Replace a result of this team.")
@click.option(
    "--trust-board",
    is_flag=True,
    help="Take journals and results that other machines measured, such as shards of a cluster of your own.",
)
@click.option(
    "--incomplete",
    is_flag=True,
    help="Measure what is there. The result has each image's values and no averages; it is listed, never ranked.",
)
def command(
    submissions: tuple[Path, ...],
    gt: Path | None,
    lr: Path | None,
    track: str | None,
    samples: int | None,
    workers: int | None,
    teams: Path | None,
    reports: Path | None,
    as_json: bool,
    team: str | None,
    baseline: bool,
    metrics: str | None,
    measures: tuple[Measure, ...],
    patches: int | None,
    patch_size: int,
    seed: int | None,
    board: Path,
    shard: Shard | None,
    overwrite: bool,
    trust_board: bool,
    **options: Any,
) -> None:
    """Measure a submission: LPIPS, LR-PSNR, diversity score S_M.

    S_M is the gain of the best local choice of M samples over the best single sample, in percent. S_10 is S_M of ten
    samples. The metric `diversity` is S_M with LPIPS as its distance, and `diversity_mse` with the squared error.
    The page "The diversity score S_M" of the documentation explains it.

    SUBMISSION is a folder or zip of 8-bit RGB PNGs. Its result goes to the board, from where `rank` takes it. Every
    fault is listed before anything is measured. A run that was stopped goes on when the command is given again.

    Without --gt, metrics that need no GT can be measured. The LRs of --lr then name the images; without LRs the
    submission does, and missing images are not found.

    With --shard, jobs measure shares into journals on the board (or on boards of their own, merged by copying); the
    same command without --shard makes the result of them.

    Several submissions, or a folder that contains submissions, are scored one after the other. One that has faults does
    not stop the others. The exit code is 1 if there is one. The same command again goes on with what is missing.
    """
    from srspace_eval.metrics.diversity.function import PatchPlan
    from srspace_eval.scoring.batch import score_all
    from srspace_eval.scoring.options import ScoreOptions
    from srspace_eval.scoring.run import score, score_shard
    from srspace_eval.submissions.batch import is_batch, is_one_folder, lone_folder

    wanted = None if metrics is None else tuple(m.strip() for m in metrics.split(",") if m.strip())
    if wanted == ():
        raise click.BadParameter(f"{metrics!r} names no metric of {', '.join(known_metrics())}", param_hint="--metrics")
    rules = track_from(track)
    if gt is None and rules is None:
        raise click.UsageError("Missing option '--gt'; without a GT, --track is required.")
    if patches is not None:
        options["patches"] = PatchPlan(patches, patch_size, seed)
    elif DiversityPatches.name in (wanted or (rules.metrics if rules else ())):
        raise click.UsageError(f"{DiversityPatches.name} needs --patches K")
    # A folder of folders is an inbox, unless its one team is named.
    one = (team is not None or baseline or shard is not None) and is_one_folder(submissions)
    many = (is_batch(submissions) and not one) or teams is not None or reports is not None
    for name, given in (("--team", team), ("--baseline", baseline), ("--shard", shard)):
        if many and given:
            raise click.UsageError(f"{name} is about one submission; write names and kinds into a table, --teams FILE")
    arguments: dict[str, Any] = {
        "options": ScoreOptions(metrics=wanted, measures=measures, samples=samples, workers=workers, **options),
        "track": rules,
        "lr": lr,
        "board": board,
        "overwrite": overwrite,
        "trust_board": trust_board,
        "progress": progress,
    }
    if many:
        batch = score_all(submissions, gt, teams=teams, **arguments)
        say(f"results: {board}")
        show_batch(batch, reports, as_json=as_json)
        return
    (submission,) = submissions
    if team is None and (inner := lone_folder(submission)):
        notify(
            f"{submission}: its PNGs are in its folder {visible(inner)}, and the team gets the name of the outer "
            "folder; give --team NAME if the team has another name"
        )
    arguments["team"] = team
    if shard is not None:
        done = score_shard(submission, gt, shard, **arguments)
        document = {"team": done.team, "track": done.track, "shard": str(shard), "images": list(done.images)}
        if as_json:
            print_json({**document, "journal": str(done.journal)})
        where = done.journal if done.journal.is_file() or not done.images else "the result already"
        say(f"shard {shard}: {len(done.images)} images in {where}")
        return
    result = score(submission, gt, kind="baseline" if baseline else "team", **arguments)
    if as_json:
        print_json(to_document(result))
    else:
        show(result)
    say(f"result: {result_path(board, result.track, result.team)}")


def show(result: Result) -> None:
    """Print a result's summary to stdout."""
    table = Table(title=None, box=None, pad_edge=False)
    table.add_column("metric")
    table.add_column("value", justify="right")
    table.add_column("unit")
    own = own_values(result.summary, result.signature.settings)
    for metric, info in columns(measures_of(result.signature.settings)).items():
        if metric in own:
            table.add_row(f"{info.label} {info.arrow}", info.format(result.summary[metric]), info.unit)
    console = Console(highlight=False, markup=False)
    console.print(visible(f"{result.team}, track {result.track}, {len(result.images)} images"))
    if result.incomplete:
        lacking = (
            "1 image lacks samples" if len(result.incomplete) == 1 else f"{len(result.incomplete)} images lack samples"
        )
        console.print(
            f"incomplete, not ranked: {lacking}. There are no averages; the result holds each image's values."
        )
    else:
        console.print(table)
    for finding in suspicions(result):
        console.print(shown(f"look at the pictures: {finding}"), soft_wrap=True)
    if result.declared is not None:
        console.print(visible(f"declared in {result.declared.file}, not measured: {result.declared}"))
    console.print(shown(f"signature {result.signature.id}: {result.signature.text}"), soft_wrap=True)
