"""The demo: built-in pictures and three methods' samples are written, scored and ranked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from srspace_eval._utils.notices import notify
from srspace_eval._utils.progress import Progress, no_progress
from srspace_eval.demo.pictures import METHODS, is_demo, linked_folders, write_demo
from srspace_eval.errors import ResultsError, WeightsError
from srspace_eval.metrics.lpips.network import LPIPS
from srspace_eval.ranking import BootstrapPlan, Ranking, rank
from srspace_eval.ranking.entries import board_entries
from srspace_eval.report.html import Pictures, write_site
from srspace_eval.scoring.options import ScoreOptions
from srspace_eval.scoring.run import score
from srspace_eval.tracks.reader import load_track


@dataclass(frozen=True)
class Demo:
    """What :func:`run_demo` made.

    Attributes
    ----------
    board
        The folder of results.
    ranking
        The ranking of the three methods.
    page
        The site's first page.

    Examples
    --------
    >>> from pathlib import Path
    >>> from srspace_eval import Demo, rank
    >>> ranking = rank(None, "x4", published="ntire2021")
    >>> demo = Demo(Path("demo/leaderboards"), ranking, Path("demo/site/index.html"))
    >>> demo.page.name, len(demo.ranking.rows)
    ('index.html', 14)
    """

    board: Path
    ranking: Ranking
    page: Path


def run_demo(
    out: Path | str = "demo", *, weights_dir: Path | str | None = None, progress: Progress = no_progress
) -> Demo:
    """Make pictures and the sample sets of three methods, score them, rank them and write a site.

    Nothing is downloaded. LPIPS is measured if AlexNet's weights are found. Otherwise the distance of the diversity
    score is the squared error, and a notice says so.

    Parameters
    ----------
    out
        The folder to write; it must be new, empty, or an earlier demo's.
    weights_dir
        A folder with torchvision's weight files.
    progress
        Context manager factory ``(description, total) -> advance(n)``.

    Returns
    -------
    Demo
        The board, its ranking, and the first page of the site.

    Raises
    ------
    ResultsError, RankingError, ImageError
        If the folder contains other files or links, or cannot be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from srspace_eval import ResultsError, run_demo
    >>> Path("mine").mkdir()
    >>> size = Path("mine", "notes.txt").write_text("keep")
    >>> try:
    ...     demo = run_demo("mine")
    ... except ResultsError as error:
    ...     print(error)
    mine: not empty, and not a demo's folder; give another folder with out
    """
    out, weights_dir = Path(out), None if weights_dir is None else Path(weights_dir)
    if out.exists() and not (out.is_dir() and (is_demo(out) or not any(out.iterdir()))):
        raise ResultsError(f"{out}: not empty, and not a demo's folder; give another folder with --out")
    if linked := linked_folders(out):
        raise ResultsError(
            f"{out}: nothing was written, because folders in it are symbolic links, which are not followed; remove "
            "them, or give another folder with --out",
            map(str, linked),
        )
    with_lpips = _has_lpips(weights_dir)
    try:
        with progress("Making pictures", 1):
            track = load_track(write_demo(out, with_lpips=with_lpips))
    except OSError as error:
        raise ResultsError(f"{out}: cannot be written ({error}); give another folder with --out") from error
    board = out / "leaderboards"
    folders = {method: out / "submissions" / method for method in METHODS}
    options = ScoreOptions(weights_dir=weights_dir)
    for method, folder in folders.items():
        score(
            folder, out / "gt", options=options, track=track, team=method, board=board, overwrite=True,
            progress=progress,
        )  # fmt: skip
    ranking = rank(board_entries(board, track), track, bootstrap=BootstrapPlan())
    pictures = Pictures(gt=out / "gt", submissions=folders, lr=out / "lr")
    page = write_site(out / "site", [ranking], pictures={track.name: pictures}, progress=progress)
    return Demo(board, ranking, page)


def _has_lpips(weights_dir: Path | None) -> bool:
    try:
        LPIPS("alex", weights_dir=weights_dir)
    except WeightsError as error:
        reason, *_ = str(error).splitlines()
        notify(f"LPIPS is left out: {reason} (`srspace-eval weights list` says where to put them)")
        return False
    return True
