"""What an issue report needs: versions, devices, weights, plug-ins, cores and the state of a board.

In: folders to look at. Out: one :class:`Diagnosis`. Nothing is written or downloaded.
May be imported by: ``cli`` and the public API. Uses torch.
"""

from __future__ import annotations

import importlib.metadata
import platform
import warnings
from dataclasses import dataclass
from pathlib import Path

import psutil

from srspace_eval._utils.cores import default_workers
from srspace_eval._utils.plug_ins import PlugIn
from srspace_eval._version import __version__
from srspace_eval.errors import Notice, SrspaceEvalError
from srspace_eval.metrics.lpips.weights import WeightsState, list_weights, weights_search_path
from srspace_eval.metrics.registry import plug_ins
from srspace_eval.models.plugins import model_plug_ins
from srspace_eval.results.board import load_board

PACKAGES = ("torch", "numpy", "scipy", "pillow", "pandas", "lpips", "msgspec", "click", "triton", "distributed")


@dataclass(frozen=True)
class Diagnosis:
    """The answer of :func:`diagnose`.

    Attributes
    ----------
    version
        Of this package.
    python, platform
        The interpreter's version, and the operating system with its processor's name.
    packages
        Name -> version; None if the package is not installed.
    cores, memory
        Cores that this process may use, and the machine's memory in bytes.
    devices
        What ``--device`` can name: CUDA devices with their model and memory, ``mps``, ``cpu``.
    weights, weights_folders
        The state of each LPIPS trunk's file, and the folders that were searched.
    plug_ins
        The metrics and models that installed packages offer, also those that cannot be used.
    board, tracks
        The board's folder, and the number of results of each of its tracks. None and empty if no board was given.
    problems
        What keeps a command from working, and what to do. One line each.

    Examples
    --------
    >>> from srspace_eval import diagnose
    >>> diagnosis = diagnose()
    >>> "cpu" in diagnosis.devices, diagnosis.packages["numpy"] is not None
    (True, True)
    """

    version: str
    python: str
    platform: str
    packages: dict[str, str | None]
    cores: int
    memory: int
    devices: tuple[str, ...]
    weights: tuple[WeightsState, ...]
    weights_folders: tuple[Path, ...]
    plug_ins: tuple[PlugIn, ...]
    board: Path | None
    tracks: dict[str, int]
    problems: tuple[str, ...]

    def to_document(self) -> dict[str, object]:
        """The document that ``srspace-eval doctor --json`` prints.

        Returns
        -------
        dict[str, object]
            Values that JSON can hold. The keys are the fields; ``memory`` is in bytes.
        """
        return {
            "version": self.version,
            "python": self.python,
            "platform": self.platform,
            "packages": self.packages,
            "cores": self.cores,
            "memory": self.memory,
            "devices": list(self.devices),
            "weights": [state.to_document() for state in self.weights],
            "weights_folders": [str(folder) for folder in self.weights_folders],
            "plug_ins": [plug_in.to_document() for plug_in in self.plug_ins],
            "board": None if self.board is None else str(self.board),
            "tracks": self.tracks,
            "problems": list(self.problems),
        }


def diagnose(board: Path | str | None = None, weights_dir: Path | str | None = None) -> Diagnosis:
    """Collect what is installed, found and missing. Faults become lines of ``problems``, not errors.

    Parameters
    ----------
    board
        A board, or the folder of one track in it. Its result files are read and checked. None: no board.
    weights_dir
        A folder to search first for weights.

    Returns
    -------
    Diagnosis
        Versions, devices, cores, weights, the state of the board, and a list of problems.

    Examples
    --------
    >>> diagnosis = diagnose()
    >>> diagnosis.version == __version__, diagnosis.cores >= 1, diagnosis.devices[-1]
    (True, True, 'cpu')
    """
    extra = None if weights_dir is None else Path(weights_dir)
    weights = tuple(list_weights(extra))
    problems = [
        f"weights of the {state.file.net} trunk: {state.path} is damaged; delete it and run "
        f"`srspace-eval weights fetch {state.file.net}`"
        for state in weights
        if state.state == "damaged"
    ]
    if weights[0].state == "missing":
        problems.append(
            f"weights of the {weights[0].file.net} trunk are missing: LPIPS and S_M cannot be measured; run "
            f"`srspace-eval weights fetch {weights[0].file.net}`, or give `score` a file of them with --lpips-weights"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Notice)  # problems say the same
        found_plug_ins = (*plug_ins(), *model_plug_ins())
    problems += [plug_in.problem for plug_in in found_plug_ins if plug_in.problem]
    tracks: dict[str, int] = {}
    if board is not None:
        try:
            found = load_board(board)
            tracks = {track.name: len(found.results(track)) for track in found.tracks()}
        except SrspaceEvalError as error:
            problems.append(f"board: {error}")
    return Diagnosis(
        version=__version__,
        python=platform.python_version(),
        platform=platform.platform(),
        packages={name: _installed(name) for name in PACKAGES},
        cores=default_workers(),
        memory=psutil.virtual_memory().total,
        devices=_devices(),
        weights=weights,
        weights_folders=tuple(weights_search_path(extra)),
        plug_ins=found_plug_ins,
        board=None if board is None else Path(board),
        tracks=tracks,
        problems=tuple(problems),
    )


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _devices() -> tuple[str, ...]:
    import torch  # takes a second

    found = []
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        properties = torch.cuda.get_device_properties(index)
        found.append(f"cuda:{index} ({properties.name}, {properties.total_memory / 2**30:.0f} GiB)")
    if torch.backends.mps.is_available():
        found.append("mps")
    return (*found, "cpu")
