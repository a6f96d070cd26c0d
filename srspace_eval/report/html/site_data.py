"""The pictures of a track's results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from srspace_eval._utils.notices import notify
from srspace_eval._utils.progress import Progress
from srspace_eval.report.html.viewer import Pictures, PictureWriter, Shown
from srspace_eval.report.table_model import Table
from srspace_eval.results.record import Result


def show_pictures(
    pictures: Pictures | None, folder: Path, table: Table, results: Mapping[str, Result], progress: Progress
) -> dict[str, Shown]:
    """Write the pictures of a track's results into the site.

    Parameters
    ----------
    pictures
        Where they are; None: the site shows none.
    folder
        The track's folder in the site.
    table
        The track's table. Its marks of columns stand beside the samples' values, too.
    results
        File name of the submission's pages -> its result.
    progress
        Called while they are written.

    Returns
    -------
    dict[str, Shown]
        File name -> what the site shows of the submission.
    """
    if pictures is None:
        return {name: Shown({}, {}) for name in results}
    writer, all_results = PictureWriter(pictures, folder, table), list(results.values())
    writer.choose(all_results)
    _require_known(pictures, [result.team for result in all_results])
    with progress("Writing pictures", writer.steps(all_results)) as advance:
        return {name: writer.add(result, name, advance) for name, result in results.items()}


def _require_known(pictures: Pictures, teams: Sequence[str]) -> None:
    strangers = [team for team in pictures.submissions if team not in teams]
    if strangers:
        notify(
            f"no scored submission is called {', '.join(map(repr, strangers))}, so its pictures are not shown; scored "
            f"are {', '.join(map(repr, teams)) or 'none'}. If a table of teams named the submissions for `score`, give "
            "it here too (--teams FILE.csv); else write TEAM=PATH"
        )
