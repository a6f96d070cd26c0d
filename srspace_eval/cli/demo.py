"""``srspace-eval demo``: the whole pipeline on built-in pictures."""

from __future__ import annotations

from pathlib import Path

import click

from srspace_eval.cli._common import print_text, progress, say
from srspace_eval.errors import ResultsError, WeightsError
from srspace_eval.results.board_tracks import keep_track


@click.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Folder for pictures and results; must be new or a demo's.",
)
@click.option(
    "--weights-dir", type=click.Path(file_okay=False, path_type=Path), help="Folder with torchvision's weight files."
)
def command(out: Path, weights_dir: Path | None) -> None:
    """Make pictures and three methods' sample sets, score them, rank them.

    Nothing is downloaded. LPIPS is measured if AlexNet's weights are at hand; if not, the diversity score is shown
    with the squared error as its distance.
    """
    from srspace_eval.demo.pictures import METHODS, is_demo, write_demo
    from srspace_eval.metrics.lpips.network import LPIPS
    from srspace_eval.ranking import rank
    from srspace_eval.ranking.bootstrap import BootstrapPlan
    from srspace_eval.ranking.entries import board_entries
    from srspace_eval.report.html import Pictures, write_site
    from srspace_eval.report.table import make_table
    from srspace_eval.report.terminal import to_text
    from srspace_eval.scoring.run import ScoreOptions, score
    from srspace_eval.tracks.reader import load_track

    if out.exists() and any(out.iterdir()) and not is_demo(out):
        raise ResultsError(f"{out}: is not empty and not a demo's; give another folder with --out")
    try:
        LPIPS("alex", weights_dir=weights_dir)
        with_lpips = True
    except WeightsError as error:
        with_lpips = False
        reason, *_ = str(error).splitlines()
        say(f"LPIPS is left out: {reason} (`srspace-eval weights list` says where to put them)")
    try:
        with progress("Making pictures", 1):
            track_file = write_demo(out, with_lpips=with_lpips)
    except OSError as error:
        raise ResultsError(f"{out}: cannot be written ({error}); give another folder with --out") from error
    track = load_track(track_file)
    for method, what in METHODS.items():
        say(f"{method}: {what}")
        score(
            out / "submissions" / method,
            out / "gt",
            options=ScoreOptions(weights_dir=weights_dir),
            track=track,
            team=method,
            board=out / "leaderboards",
            overwrite=True,
            progress=progress,
        )
    keep_track(out / "leaderboards", track_file)
    ranking = rank(board_entries(out / "leaderboards", track), track, bootstrap=BootstrapPlan())
    print_text(to_text(make_table(ranking)))
    folders = {method: out / "submissions" / method for method in METHODS}
    pictures = Pictures(gt=out / "gt", submissions=folders, lr=out / "lr")
    page = write_site(out / "site", [ranking], pictures={track.name: pictures})
    say(f"leaderboard: {page}")
