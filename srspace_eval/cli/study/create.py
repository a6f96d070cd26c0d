"""``srspace-eval study create``: options and output of :func:`srspace_eval.study.create_study`."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from srspace_eval.cli._common import print_json, progress, tell
from srspace_eval.study.options import StudyOptions, StudyTask
from srspace_eval.tracks.reader import load_track

_PATH = click.Path(path_type=Path)
_DEFAULTS = StudyOptions()
_SECRET_BYTES = 32


@click.command(short_help="Create a study: a folder for the raters, and a key for you.")
@click.argument("submissions", nargs=-1, required=True, metavar="SUBMISSION...")
@click.option(
    "--gt", type=_PATH, help="Folder of the GT images. Required, unless the track has no GT (reference = none)."
)
@click.option(
    "--task",
    type=click.Choice(get_args(StudyTask)),
    default=_DEFAULTS.task,
    show_default=True,
    help="Put the methods' crops in order (MOR), or rate single crops (MOS).",
)
@click.option("--pairs", is_flag=True, help="Ratings: show the GT beside each crop as its reference.")
@click.option(
    "--lr",
    type=_PATH,
    help="Rankings: folder of the LR images to show.  [default: made from the GT]  Without --gt it names the images.",
)
@click.option("--track", help="x4, x8 or a track file.  [default: guessed from names and sizes]")
@click.option("--crops", default=_DEFAULTS.crops, show_default=True, help="Number of crops of each image.")
@click.option("--size", default=_DEFAULTS.size, show_default=True, help="Side of a crop, in GT pixels.")
@click.option(
    "--zoom", type=int, help="Show each pixel of a crop as ZOOM x ZOOM.  [default: 160 pixels or more a crop]"
)
@click.option("--context", type=int, help="Rankings: side of the LR region shown, in GT pixels.  [default: 6 x size]")
@click.option("--images", type=int, help="Number of images, drawn by seed.  [default: all]")
@click.option("--raters", default=_DEFAULTS.raters, show_default=True, help="Number of people who do each task.")
@click.option(
    "--tasks-per-rater",
    type=int,
    help="Largest number of tasks a person; more people share the tasks.  [default: no limit]",
)
@click.option("--sample", type=int, help="Show this sample of every image.  [default: drawn by seed]")
@click.option("--include-gt", is_flag=True, help="Let the GT take part as a method.")
@click.option("--ties", is_flag=True, help="Rankings: let crops share a rank.")
@click.option(
    "--repeats", default=_DEFAULTS.repeats, show_default=True, help="Attention check: tasks that each rater does twice."
)
@click.option(
    "--obvious", default=_DEFAULTS.obvious, show_default=True, help="Attention check: tasks with an obvious order."
)
@click.option("--title", help="Heading of the page.  [default: a question for the task]")
@click.option("--seed", type=int, help="Decides images, crops and samples.  [default: follows from the secret]")
@click.option("--secret", help="64 hexadecimal digits; the same secret gives the same bytes.  [default: random]")
@click.option("--out", required=True, type=_PATH, help="Folder for the raters; new or empty.")
@click.option("--key", "key_path", type=_PATH, help="File for the key.  [default: OUT-key.json beside OUT]")
@click.option("--workers", default=2, show_default=True, help="Threads that read pictures.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document to stdout.")
def command(
    submissions: tuple[str, ...],
    gt: Path | None,
    task: StudyTask,
    pairs: bool,
    lr: Path | None,
    track: str | None,
    crops: int,
    size: int,
    zoom: int | None,
    context: int | None,
    images: int | None,
    raters: int,
    tasks_per_rater: int | None,
    sample: int | None,
    include_gt: bool,
    ties: bool,
    repeats: int,
    obvious: int,
    title: str | None,
    seed: int | None,
    secret: str | None,
    out: Path,
    key_path: Path | None,
    workers: int,
    as_json: bool,
) -> None:
    """Create a study: a folder for the raters, and a key that stays with you.

    SUBMISSION is a folder or zip of PNGs with the track's file names, or NAME=PATH. Published baselines are given in
    the same way. The folder works from the disk and from any static host. Nothing in it tells which method a crop is
    from. The key tells it, so keep the key from the raters. --seed decides what is shown. Names and positions follow
    from a random secret, because a seed can be guessed.

    With --task rate, the scale is the one of the track ([study.scale]), or that of ITU-T P.910: 1 (Bad) to 5
    (Excellent), and with --pairs 1 (Very annoying) to 5 (Imperceptible).
    """
    from srspace_eval.study.create import create_study

    if gt is None and (track is None or load_track(track).reference != "none"):
        raise click.UsageError("Missing option '--gt'. Only a track without GT (reference = \"none\") needs none.")
    study = create_study(
        submissions,
        gt,
        out,
        track=track,
        lr=lr,
        include_gt=include_gt,
        sample=sample,
        options=StudyOptions(
            crops=crops,
            size=size,
            raters=raters,
            tasks_per_rater=tasks_per_rater,
            images=images,
            ties=ties,
            repeats=repeats,
            obvious=obvious,
            context=context,
            seed=seed,
            title=title,
            task=task,
            pairs=pairs,
            zoom=zoom,
        ),
        secret=_secret(secret),
        key_path=key_path,
        workers=workers,
        progress=progress,
    )
    if as_json:
        print_json(study.to_dict())
        return
    minutes = f"about {study.minutes_per_rater:.0f} minutes for a rater"
    what = f"tasks of {len(study.key.entries)} crops" if study.key.scale is None else "pictures to rate"
    tell(f"{out}: {study.tasks} {what}, {minutes}")
    tell(f"{study.key_path}: the key; keep it from the raters")
    if study.key.scale is None:
        _print_chance(len(study.key.entries), repeats)
    click.echo("One link for each rater, relative to the folder:")
    for code in study.codes.values():
        click.echo(f"  index.html#{code}")


def _print_chance(entries: int, repeats: int) -> None:
    """How probable it is that a rater who ranks at random passes the repeated tasks."""
    from srspace_eval.study.options import CollectOptions
    from srspace_eval.study.screening import probability_of_chance

    agreement = CollectOptions().agreement
    chance = probability_of_chance(entries, repeats, agreement)
    more = ""
    if chance >= 0.05:
        needed = next(count for count in range(1, 1000) if probability_of_chance(entries, count, agreement) < 0.05)
        more = f" With --repeats {needed} it is below 5 %."
    tell(f"A rater who ranks at random passes the repeated tasks with a probability of {100 * chance:.1f} %.{more}")


def _secret(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b""
    if len(secret) != _SECRET_BYTES:
        raise click.BadParameter("must be 64 hexadecimal digits, as in the key", param_hint="--secret")
    return secret
