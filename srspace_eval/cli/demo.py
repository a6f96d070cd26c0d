"""``srspace-eval demo``: the whole pipeline on built-in pictures."""

from __future__ import annotations

from pathlib import Path

import click

from srspace_eval.cli._common import print_text, progress, say


@click.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Folder for pictures and results; must be new, empty or a demo's.",
)
@click.option(
    "--weights-dir", type=click.Path(file_okay=False, path_type=Path), help="Folder with torchvision's weight files."
)
def command(out: Path, weights_dir: Path | None) -> None:
    """Make pictures and three methods' sample sets, score them, rank them.

    Nothing is downloaded. LPIPS is measured if AlexNet's weights are found. Otherwise the diversity score S_M
    uses the squared error as its distance. The page "The diversity score S_M" of the documentation explains it.
    """
    from srspace_eval.demo.pictures import METHODS
    from srspace_eval.demo.run import run_demo
    from srspace_eval.report.table import make_table
    from srspace_eval.report.terminal import to_text

    demo = run_demo(out, weights_dir=weights_dir, progress=progress)
    for method, description in METHODS.items():
        say(f"{method}: {description}")
    print_text(to_text(make_table(demo.ranking)))
    say(f"leaderboard: {demo.page}")
