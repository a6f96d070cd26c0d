"""``srspace-eval study``: build a study, serve it, collect its answers, plan its size."""

from __future__ import annotations

import math
import secrets
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from srspace_eval._utils.notices import notify
from srspace_eval._utils.text import short_name
from srspace_eval.cli._common import print_json, progress, say
from srspace_eval.cli._options import EXISTING_FILE, EXISTING_FOLDER
from srspace_eval.errors import StudyError

if TYPE_CHECKING:
    from srspace_eval.study.collecting import Outcome
    from srspace_eval.study.key import Key

_FOLDER = click.Path(path_type=Path)
_LONG_MINUTES = 60


@click.group()
def command() -> None:
    """The human study that gives the mean opinion rank (MOR).

    People rank the methods' crops by photo-realism; a method's MOR is its mean rank. 'create' builds the page, 'serve'
    or any static host shows it, 'collect' turns the answers into MOR.csv for 'rank --mor', 'plan' says how many raters
    and crops it takes.
    """


@command.command(short_help="Build a study: a folder for the raters, and a key for you.")
@click.argument("submissions", nargs=-1, required=True, metavar="SUBMISSION...")
@click.option("--gt", required=True, type=_FOLDER, help="Folder of the GT images.")
@click.option("--lr", type=_FOLDER, help="Folder of the LR images to show; without it they are made from the GT.")
@click.option("--track", help="x4, x8 or a track file; read off names and sizes if not given.")
@click.option("--crops", default=3, show_default=True, help="Crops of each image.")
@click.option("--size", default=80, show_default=True, help="Side of a crop, in GT pixels.")
@click.option("--context", type=int, help="Side of the LR region shown around it, in GT pixels. [default: 6 x size]")
@click.option("--images", type=int, help="Use so many images, drawn by seed.  [default: all]")
@click.option("--raters", default=5, show_default=True, help="People who do each task.")
@click.option("--tasks-per-rater", type=int, help="At most so many tasks a person; more people share them.")
@click.option("--sample", type=int, help="Show this sample of every image.  [default: drawn by seed]")
@click.option("--include-gt", is_flag=True, help="Let the GT take part as a method.")
@click.option("--ties", is_flag=True, help="Let crops share a rank.")
@click.option("--repeats", default=0, show_default=True, help="Attention check: tasks that each rater does twice.")
@click.option("--obvious", default=0, show_default=True, help="Attention check: tasks whose order is plain.")
@click.option("--title", default="Which looks most like a photograph?", help="Heading of the page.")
@click.option("--seed", default=0, show_default=True, help="Decides images, crops and samples.")
@click.option("--secret", help="64 hexadecimal digits: builds a study again, byte for byte.  [default: random]")
@click.option("--out", required=True, type=_FOLDER, help="Folder for the raters; must not hold anything.")
@click.option("--key", "key_path", type=_FOLDER, help="The key's file.  [default: OUT-key.json beside OUT]")
@click.option("--workers", default=2, show_default=True, help="Threads that read pictures.")
@click.option("--json", "as_json", is_flag=True, help="Print what was built as JSON.")
def create(
    submissions: tuple[str, ...],
    gt: Path,
    lr: Path | None,
    track: str | None,
    crops: int,
    size: int,
    context: int | None,
    images: int | None,
    raters: int,
    tasks_per_rater: int | None,
    sample: int | None,
    include_gt: bool,
    ties: bool,
    repeats: int,
    obvious: int,
    title: str,
    seed: int,
    secret: str | None,
    out: Path,
    key_path: Path | None,
    workers: int,
    as_json: bool,
) -> None:
    """Build a study: a folder for the raters, and a key that stays with you.

    SUBMISSION is a folder or zip of PNGs named as the track says, or NAME=PATH; published baselines are given the same
    way. The folder works opened from the disk and from any static host. Nothing in it tells which method a crop is
    from: that stands in the key, which you must not give away. --seed decides what is shown; names and positions
    follow from a random secret, because a seed can be guessed.
    """
    from srspace_eval.study.build import build_study, check_places
    from srspace_eval.study.design import expected_minutes
    from srspace_eval.study.entries import gather, named_source
    from srspace_eval.study.tasks import Options
    from srspace_eval.submissions.sources import open_source
    from srspace_eval.tracks.reader import load_track

    blinding = _secret(secret)
    key_path = key_path or out.with_name(f"{out.resolve().name}-key.json")
    check_places(out, key_path)
    options = Options(
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
    )
    field = gather(
        [named_source(text) for text in submissions],
        open_source(gt),
        seed=seed,
        track=None if track is None else load_track(track),
        lr=None if lr is None else open_source(lr),
        include_gt=include_gt,
        sample=sample,
    )
    used = len(field.gt_files) if images is None else images
    with progress("reading pictures", used * (len(field.entries) + 1)) as advance:
        key = build_study(field, out, key_path, options, secret=blinding, workers=workers, advance=advance)
    minutes = max(expected_minutes(len(r.tasks), len(key.entries)) for r in key.raters.values())
    if minutes > _LONG_MINUTES:
        notify(f"each rater needs about {minutes / 60:.1f} hours; --tasks-per-rater shares the tasks among more people")
    tasks = sum(task.kind == "rank" for task in key.tasks.values())
    if as_json:
        print_json(
            {
                "study": key.study,
                "folder": str(out),
                "key": str(key_path),
                "methods": list(key.entries),
                "tasks": tasks,
                "minutes_per_rater": minutes,
                "codes": {rater.id: f"{rater.id}-{rater.token}" for rater in key.raters.values()},
            }
        )
        return
    click.echo(f"{out}: {tasks} tasks of {len(key.entries)} crops, about {minutes:.0f} minutes for a rater")
    click.echo(f"{key_path}: the key; keep it from the raters")
    click.echo("One link a rater, relative to where the folder lies:")
    for rater in key.raters.values():
        click.echo(f"  index.html#{rater.id}-{rater.token}")


def _secret(text: str | None) -> bytes:
    if text is None:
        return secrets.token_bytes(32)
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b""
    if len(secret) != 32:
        raise click.BadParameter("must be 64 hexadecimal digits, as the key holds them", param_hint="--secret")
    return secret


@command.command(short_help="Serve a study and keep the answers.")
@click.argument("folder", type=EXISTING_FOLDER)
@click.option("--key", "key_path", type=EXISTING_FILE, help="Its key.  [default: FOLDER-key.json beside FOLDER]")
@click.option("--answers", type=_FOLDER, default=Path("answers"), show_default=True, help="Where answers are kept.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option("--base-url", help="The address under which raters reach this server, for the links.")
def serve(folder: Path, key_path: Path | None, answers: Path, host: str, port: int, base_url: str | None) -> None:
    """Serve a study and keep the answers, one file each, until interrupted.

    Each rater has a link with a token; without one nothing is shown. It speaks plain HTTP and listens on this machine
    alone. For raters elsewhere, put a reverse proxy with HTTPS in front and name its address with --base-url.
    """
    from srspace_eval.study.server import StudyServer, is_loopback

    key = _load_key(key_path or folder.with_name(f"{folder.resolve().name}-key.json"))
    if not is_loopback(host):
        notify(
            f"{host} can be reached from other machines, over unencrypted HTTP: anybody on the way can read tokens and "
            "answers; rather put a reverse proxy with HTTPS in front of 127.0.0.1"
        )
    with StudyServer(folder, key, answers, (host, port)) as server:
        click.echo("One link a rater:")
        for rater, link in server.links(base_url).items():
            click.echo(f"  {rater}  {link}")
        say(f"answers go to {answers}; Ctrl-C ends")
        # In a thread of its own: here an interrupt could come while Python cleans up after a request, and be lost.
        # A daemon: an interrupt while it is being started must not leave the process waiting for it.
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True)
        try:
            serving.start()
            while serving.is_alive():
                serving.join(0.5)
        except KeyboardInterrupt:
            say("ended")
        finally:
            if serving.ident is not None:  # it runs, or will: a server that never ran cannot be shut down
                server.shutdown()
                serving.join()


def _load_key(path: Path) -> Key:
    from srspace_eval.study.key import load_key

    return load_key(path)


@command.command(short_help="Check answers and compute the MOR.")
@click.argument("answers", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="ANSWER...")
@click.option("--key", "key_path", required=True, type=EXISTING_FILE, help="The study's key.")
@click.option("--out", type=_FOLDER, default=Path(), show_default=True, help="Folder for MOR.csv and the report.")
@click.option(
    "--partial",
    type=click.Choice(["refuse", "use"]),
    default="refuse",
    show_default=True,
    help="What to do with answers that lack tasks.",
)
@click.option("--agreement", default=0.3, show_default=True, help="Least Kendall tau on repeated tasks; -1: any.")
@click.option(
    "--over",
    type=click.Choice(["crops", "images"]),
    default="crops",
    show_default=True,
    help="What intervals generalise over besides raters; 'images' keeps an image's crops together.",
)
@click.option("--level", default=0.95, show_default=True, help="Confidence level of the intervals.")
@click.option("--draws", default=2000, show_default=True, help="Draws of the bootstrap.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the bootstrap.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def collect(
    answers: tuple[Path, ...],
    key_path: Path,
    out: Path,
    partial: str,
    agreement: float,
    over: str,
    level: float,
    draws: int,
    seed: int,
    as_json: bool,
) -> None:
    """Check answers and compute the MOR, its intervals, the raters' agreement, and which differences are real.

    ANSWER is a file, or a folder of .json files. Writes MOR.csv and MOR-draws.csv (for 'rank --mor'), study.json
    and report.html. Every answer that is not counted is listed with the reason.
    """
    from srspace_eval.study.collecting import Rules, collect
    from srspace_eval.study.report import PAGE_FILE, outcome_document, write_outcome

    if not 0.5 <= level < 1:
        raise click.BadParameter("must lie between 0.5 and 1", param_hint="--level")
    if not -1 <= agreement <= 1:
        raise click.BadParameter("must lie between -1 and 1", param_hint="--agreement")
    if draws < 100:
        raise click.BadParameter("must be at least 100", param_hint="--draws")
    rules = Rules(
        partial=partial == "use", agreement=agreement, by_image=over == "images", level=level, draws=draws, seed=seed
    )
    outcome = collect(_answer_files(answers), _load_key(key_path), rules)
    write_outcome(outcome, out)
    for rejected in outcome.rejected:
        notify(f"not counted: {rejected.file}: {rejected.reason}")
    if as_json:
        print_json(outcome_document(outcome))
        return
    _print_outcome(outcome)
    click.echo(f"{out} for 'rank --mor', {out / PAGE_FILE} for people")


def _answer_files(paths: tuple[Path, ...]) -> list[Path]:
    """Files in the order given, each once; a folder stands for its .json files."""
    files: dict[Path, None] = {}
    for path in paths:
        found = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not found:
            raise StudyError(f"{path}: no .json file lies in it; give the folder of the raters' answers, or files")
        files.update(dict.fromkeys(found))
    return list(files)


def _print_outcome(outcome: Outcome) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    table.add_column("method")
    for heading in ("MOR", f"{100 * outcome.rules.level:g} %", "rank", ""):
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
    unit = "images" if outcome.rules.by_image else "crops"
    click.echo(
        f"{outcome.rankings.raters} raters, {outcome.rankings.units} {unit}, {len(outcome.rankings.ranks)} rankings; "
        f"Kendall's W {_number(outcome.agreement.overall, '.3f')} (raters), "
        f"{_number(outcome.agreement.crops, '.3f')} (mean over {unit}); Friedman p {_number(outcome.friedman.p, '.2g')}"
    )


def _number(value: float, form: str) -> str:
    """NaN, which one rater or one crop gives, is no number to show."""
    return "–" if math.isnan(value) else format(value, form)


@command.command(short_help="How many raters and crops it takes.")
@click.option("--entries", default=8, show_default=True, help="Methods to rank.")
@click.option("--difference", default=0.5, show_default=True, help="Difference of two methods' MORs to detect.")
@click.option("--raters", default="3,5,10,20", show_default=True, help="Numbers of raters to plan for.")
@click.option("--most-crops", default=600, show_default=True, help="Largest number of crops to consider.")
@click.option("--power", default=0.8, show_default=True, help="Wanted chance to tell them apart.")
@click.option("--alpha", default=0.05, show_default=True, help="p below which they count as told apart.")
@click.option("--comparisons", default=1, show_default=True, help="Correct p for so many pairs of methods.")
@click.option("--taste", default=0.3, show_default=True, help="How much raters' likings differ (noise: 1).")
@click.option("--crop-effect", default=1.0, show_default=True, help="How much a method's quality varies over crops.")
@click.option("--spread", default=1.0, show_default=True, help="How much the methods' qualities differ.")
@click.option("--studies", default=400, show_default=True, help="Simulated studies.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the simulation.")
@click.option("--json", "as_json", is_flag=True, help="Print the plans as JSON.")
def plan(
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
    """How many raters and crops tell two methods apart, and what that costs.

    Simulates studies in which raters rank by quality + taste + crop + noise, and tests each as 'collect' does.
    """
    from dataclasses import asdict

    from srspace_eval.study.planning import Question, World, plan_study

    try:
        numbers = [int(part) for part in raters.split(",")]
    except ValueError as error:
        raise click.BadParameter("must be whole numbers with commas between", param_hint="--raters") from error
    question = Question(difference=difference, level=alpha, comparisons=comparisons, power=power)
    world = World(entries=entries, taste=taste, crop=crop_effect, spread=spread)
    plans = plan_study(world, question, raters=numbers, most_crops=most_crops, studies=studies, seed=seed)
    if as_json:
        print_json({"question": asdict(question), "world": asdict(world), "plans": [asdict(p) for p in plans]})
        return
    click.echo(
        f"To tell two of {entries} methods apart whose MORs differ by {difference:g}, with power {power:g} "
        f"at p < {alpha:g}{f' / {comparisons}' if comparisons > 1 else ''}:"
    )
    for p in plans:
        if p.crops is None:
            click.echo(f"  {p.raters:3d} raters: not with {most_crops} crops (power {p.power:.2f})")
        else:
            click.echo(
                f"  {p.raters:3d} raters x {p.crops:3d} crops: power {p.power:.2f}, {p.minutes_each:.0f} minutes each, "
                f"{p.minutes_all / 60:.1f} hours in all"
            )
