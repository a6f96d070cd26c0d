"""A board as a value: its folder, the tracks that it holds results of, and the results themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from srspace_eval._utils.frames import Kind as ColumnKind
from srspace_eval._utils.frames import data_frame, value_columns
from srspace_eval.errors import ResultsError
from srspace_eval.results.board_tracks import board_tracks
from srspace_eval.results.record import Result
from srspace_eval.results.seals import evidence_of
from srspace_eval.results.store import read_files, read_results, result_files, result_folders
from srspace_eval.tracks.model import Track

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Board:
    """A folder of results, made by :func:`load_board`. Its files are read when they are asked for.

    Attributes
    ----------
    folder
        The board's folder. ``folder/TRACK/TEAM.json`` is one result.

    Examples
    --------
    >>> import numpy as np
    >>> import srspace_eval as se
    >>> from pathlib import Path
    >>> for folder in ("hr1", "sr1"):
    ...     Path(folder).mkdir()
    >>> se.write_png("hr1/0801.png", np.full((16, 16, 3), 100, np.uint8))
    >>> se.write_png("sr1/000000_sample00000.png", np.full((16, 16, 3), 101, np.uint8))
    >>> result = se.score("sr1", "hr1", track="x4", samples=1, metrics=["psnr"], team="Ours", board="board")
    >>> board = se.load_board("board")
    >>> board.to_frame()[["team", "images", "psnr"]]
       team  images       psnr
    0  Ours       1  48.130804
    """

    folder: Path

    def tracks(self) -> list[Track]:
        """The tracks of which the board holds results: built-in ones first, then users' own.

        Returns
        -------
        list[Track]
            At least one track.

        Raises
        ------
        RankingError
            If the board holds no results of a known track.
        TrackError
            If a track's file in the board is malformed.
        """
        return board_tracks(self.folder)

    def results(self, track: Track | str) -> list[Result]:
        """The results of one track, in the order of their file names; none if the board has none.

        Parameters
        ----------
        track
            A track, or its name.

        Returns
        -------
        list[Result]
            The results; an empty list if the board has none of this track.

        Raises
        ------
        ResultsError
            If files are damaged or belong to another track. All of them are listed together.
        """
        return read_results(self.folder, track if isinstance(track, str) else track.name)

    def to_frame(self) -> pd.DataFrame:
        """The results of all tracks as a pandas DataFrame: one row per result.

        Returns
        -------
        pandas.DataFrame
            Columns: ``track``, ``team``, ``kind`` (text), ``images`` (int64, number of measured images), ``complete``
            (boolean: no image or sample is missing), ``signature`` (text, the signature's id), ``evidence`` (text:
            ``"measured here"``, ``"verified here"``, ``"taken on trust ..."`` or ``"claim"``), and each metric id
            (float64: the mean over the images; infinite is ``inf``, undefined is NaN). Tracks as in :meth:`tracks`,
            results as in :meth:`results`.

        Raises
        ------
        RankingError, ResultsError, TrackError
            As :meth:`tracks` and :meth:`results`.
        """
        files = [stored for track in self.tracks() for stored in read_files(self.folder, track.name)]
        results = [stored.result for stored in files]
        about: dict[str, tuple[ColumnKind, Sequence[object]]] = {
            "track": ("string", [result.track for result in results]),
            "team": ("string", [result.team for result in results]),
            "kind": ("string", [result.kind for result in results]),
            "images": ("int64", [len(result.images) for result in results]),
            "complete": ("boolean", [not result.incomplete for result in results]),
            "signature": ("string", [result.signature.id for result in results]),
            "evidence": ("string", [evidence_of(stored.digest) for stored in files]),
        }
        return data_frame({**about, **value_columns([result.summary for result in results], about)})


def load_board(folder: Path | str) -> Board:
    """The board in a folder.

    Parameters
    ----------
    folder
        The board, or the folder of one track in it (``leaderboards`` or ``leaderboards/x8``).

    Returns
    -------
    Board
        The board. Its results are read when they are asked for.

    Raises
    ------
    ResultsError
        If it is not a folder.

    Examples
    --------
    >>> from pathlib import Path
    >>> from srspace_eval import load_board
    >>> Path("new-board").mkdir()
    >>> len(load_board("new-board").results("x4"))
    0
    """
    path = Path(folder)
    if not path.is_dir():
        raise ResultsError(f"{path}: is not a folder; give the board that `score --board` wrote")
    is_track = bool(result_files(path)) and not result_folders(path)
    return Board(path.resolve().parent if is_track else path)
