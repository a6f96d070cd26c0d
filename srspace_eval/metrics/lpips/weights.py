"""Where the weights of LPIPS are: trunks (torchvision's ImageNet files) and calibrations (the package ``lpips``).

Nothing here downloads unless :func:`fetch` is called. Imports no torch.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import platformdirs

from srspace_eval._utils.download import download
from srspace_eval._utils.hashing import sha256_of_file
from srspace_eval.errors import WeightsError

PUBLISHER = "https://download.pytorch.org/models"
ENVIRONMENT = "SRSPACE_EVAL_WEIGHTS"


@dataclass(frozen=True)
class TrunkFile:
    """One of torchvision's files. The last part of its name is the start of its SHA-256."""

    net: str
    name: str
    size: int

    @property
    def url(self) -> str:
        """Where torchvision publishes it."""
        return f"{PUBLISHER}/{self.name}"

    @property
    def sha256_prefix(self) -> str:
        """The first eight hexadecimal digits of the file's SHA-256.

        >>> TRUNKS["alex"].sha256_prefix
        '7be5be79'
        """
        return Path(self.name).stem.rpartition("-")[2]


TRUNKS = {
    file.net: file
    for file in (
        TrunkFile("alex", "alexnet-owt-7be5be79.pth", 244_408_911),
        TrunkFile("vgg", "vgg16-397923af.pth", 553_433_881),
        TrunkFile("squeeze", "squeezenet1_1-b8a52dc0.pth", 4_966_400),
    )
}


def trunk_file(net: str) -> TrunkFile:
    """The file that a trunk needs.

    Raises
    ------
    WeightsError
        If there is no such trunk.
    """
    if net not in TRUNKS:
        raise WeightsError(f"no LPIPS trunk {net!r}: {', '.join(TRUNKS)}")
    return TRUNKS[net]


def search_path(weights_dir: Path | None = None) -> list[Path]:
    """The folders where trunk files are looked for, in order; they need not exist.

    The folder given, ``$SRSPACE_EVAL_WEIGHTS``, this package's cache, torch's own cache.
    """
    folders = [weights_dir] if weights_dir is not None else []
    if os.environ.get(ENVIRONMENT):
        folders.append(Path(os.environ[ENVIRONMENT]))
    with suppress(RuntimeError):  # a container's user may have no home folder
        folders.append(cache_dir())
    torch_home, caches = os.environ.get("TORCH_HOME"), os.environ.get("XDG_CACHE_HOME")
    with suppress(RuntimeError):
        torch_folder = Path(torch_home or Path(caches or Path.home() / ".cache") / "torch")
        folders.append(torch_folder / "hub" / "checkpoints")
    return list(dict.fromkeys(folders))


def cache_dir() -> Path:
    """This package's own weights folder in the user's cache."""
    return Path(platformdirs.user_cache_dir("srspace-eval", appauthor=False)) / "weights"


def find(net: str, weights_dir: Path | None = None) -> Path | None:
    """The trunk's file in the first folder of :func:`search_path` that has it; its contents are not checked."""
    name = trunk_file(net).name
    return next((folder / name for folder in search_path(weights_dir) if (folder / name).is_file()), None)


def require(net: str, weights_dir: Path | None = None, otherwise: str = "") -> Path:
    """:func:`find`, with its contents checked against the hash in its name.

    Parameters
    ----------
    otherwise:
        What can be done without the file, for the message.

    Raises
    ------
    WeightsError
        If there is none (the message says where to put it), or if it is damaged.
    """
    file = trunk_file(net)
    path = find(net, weights_dir)
    if path is None:
        places = search_path(weights_dir) or [Path("a folder named by --weights-dir")]
        folders = "\n".join(f"    {place}" for place in places)
        raise WeightsError(
            f"the {net} trunk's weights are missing: {file.name}\n"
            f"  get them: srspace-eval weights fetch {net}\n"
            f"  or by hand from {file.url}, into one of\n{folders}\n"
            f"  or name another file: --lpips-weights FILE" + (f"\n  {otherwise}" if otherwise else "")
        )
    digest = sha256(path)
    if not digest.startswith(file.sha256_prefix):
        raise WeightsError(
            f"{path}: damaged or not torchvision's file: its SHA-256 starts with {digest[:8]}, not "
            f"{file.sha256_prefix}; delete it and run srspace-eval weights fetch {net}"
        )
    return path


def home(weights_dir: Path | None = None) -> Path:
    """The folder that :func:`fetch` writes to: the first of :func:`search_path`.

    Raises
    ------
    WeightsError
        If there is none, since the user has no home folder.
    """
    folders = search_path(weights_dir)
    if not folders:
        raise WeightsError(f"there is no home folder to keep weights in; set {ENVIRONMENT}, or give --weights-dir")
    return folders[0]


def fetch(
    net: str,
    weights_dir: Path | None = None,
    *,
    mirror: str = PUBLISHER,
    advance: Callable[[int, int | None], None] = lambda done, total: None,
) -> Path:
    """Download a trunk's file unless it is there already, and check it.

    Parameters
    ----------
    net:
        ``"alex"``, ``"vgg"`` or ``"squeeze"``.
    weights_dir:
        Where to; None: :func:`home`.
    mirror:
        Address of the folder that holds torchvision's files.
    advance:
        Called with the bytes that are there and the file's size (None if unknown).

    Returns
    -------
    The file.

    Raises
    ------
    WeightsError
        If it cannot be fetched, or is not torchvision's file; see :func:`srspace_eval._utils.download.download`.
    """
    file = trunk_file(net)
    target = home(weights_dir) / file.name
    if not (target.is_file() and sha256(target).startswith(file.sha256_prefix)):
        download(f"{mirror.rstrip('/')}/{file.name}", target, file.sha256_prefix, advance=advance)
    return target


def calibration_file(net: str) -> Path:
    """The calibrated 1×1 weights (LPIPS v0.1) of the installed package ``lpips``, found without importing it.

    Raises
    ------
    WeightsError
        If the package is not installed or lacks the file.
    """
    spec = find_spec("lpips")
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        path = Path(folder) / "weights" / "v0.1" / f"{trunk_file(net).net}.pth"
        if path.is_file():
            return path
    raise WeightsError("the calibrated weights of LPIPS v0.1 are missing: pip install lpips")


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits; read once while the file stays the same.

    Raises
    ------
    WeightsError
        If it cannot be read.
    """
    try:
        status = path.stat()
        return _sha256(path, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror}") from None


@lru_cache(maxsize=32)
def _sha256(path: Path, size: int, modified: int) -> str:
    return sha256_of_file(path)
