"""Files of the weights of LPIPS: trunks (torchvision's ImageNet files) and calibrations (the package ``lpips``).

Only :func:`fetch_weights` downloads. Imports no torch. The module is long because search, check and download share one
table of the files, and because most of it is documentation.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import platformdirs

from srspace_eval._utils.download import download
from srspace_eval._utils.hashing import sha256_of_file
from srspace_eval.errors import WeightsError

PUBLISHER = "https://download.pytorch.org/models"
ENVIRONMENT = "SRSPACE_EVAL_WEIGHTS"


@dataclass(frozen=True)
class TrunkFile:
    """One of torchvision's files.

    Attributes
    ----------
    net
        ``"alex"``, ``"vgg"`` or ``"squeeze"``.
    name
        The file's name, which ends with the first digits of its SHA-256.
    size
        In bytes.
    sha256
        Of the whole file, in hexadecimal digits; empty if only the digits in its name are known.
    parameters_sha256
        Of the parameters in it that LPIPS uses
        (:func:`srspace_eval.metrics.lpips.trunk_files.parameters_digest`); empty if it is not known.
    """

    net: str
    name: str
    size: int
    sha256: str = ""
    parameters_sha256: str = ""

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

    def is_digest(self, digest: str) -> bool:
        """Whether a SHA-256 is this file's.

        >>> TRUNKS["alex"].is_digest("7be5be79" + 56 * "0")
        False
        """
        return digest == self.sha256 if self.sha256 else digest.startswith(self.sha256_prefix)


TRUNKS = {
    file.net: file
    for file in (
        TrunkFile(
            "alex",
            "alexnet-owt-7be5be79.pth",
            244_408_911,
            "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
        ),
        TrunkFile(
            "vgg",
            "vgg16-397923af.pth",
            553_433_881,
            "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        ),
        TrunkFile(
            "squeeze",
            "squeezenet1_1-b8a52dc0.pth",
            4_958_839,
            "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b",
            "e93098750a62e61ef70cc50f01c17f7eccd8b4c075997affea326c113b362a6e",
        ),
    )
}


@dataclass(frozen=True)
class WeightsState:
    """Whether a trunk's file is there.

    Attributes
    ----------
    file
        The file that the trunk needs.
    state
        ``"damaged"`` if the file's SHA-256 is wrong.
    path
        Where it was found; None if it is missing.
    """

    file: TrunkFile
    state: Literal["ok", "missing", "damaged"]
    path: Path | None

    def to_document(self) -> dict[str, str | None]:
        """The state as ``srspace-eval weights list --json`` prints it."""
        return {
            "net": self.file.net,
            "file": self.file.name,
            "state": self.state,
            "path": None if self.path is None else str(self.path),
            "url": self.file.url,
        }


def list_weights(weights_dir: Path | None = None) -> list[WeightsState]:
    """The state of every trunk's file; each file found is checked against its hash.

    Parameters
    ----------
    weights_dir
        A folder to search first.

    Returns
    -------
    list[WeightsState]
        One state for each trunk: its file, ``"ok"``, ``"missing"`` or ``"damaged"``, and the path.

    Examples
    --------
    >>> [state.file.net for state in list_weights()]
    ['alex', 'vgg', 'squeeze']
    """
    states = []
    for net, file in TRUNKS.items():
        path = find(net, weights_dir)
        state: Literal["ok", "missing", "damaged"] = "missing"
        if path is not None:
            try:
                state = "ok" if file.is_digest(sha256(path)) else "damaged"
            except WeightsError:  # unreadable
                state = "damaged"
        states.append(WeightsState(file, state, path))
    return states


def trunk_file(net: str) -> TrunkFile:
    """The file that a trunk needs.

    Raises
    ------
    WeightsError
        If there is no such trunk.

    Examples
    --------
    >>> trunk_file("squeeze").name
    'squeezenet1_1-b8a52dc0.pth'
    """
    if net not in TRUNKS:
        raise WeightsError(f"there is no LPIPS trunk {net!r}; choose from {', '.join(TRUNKS)}")
    return TRUNKS[net]


def weights_search_path(weights_dir: Path | None = None) -> list[Path]:
    """The folders that are searched for trunk files, in order. They need not exist.

    These are: the given folder, ``$SRSPACE_EVAL_WEIGHTS``, this package's cache, torch's cache.

    Parameters
    ----------
    weights_dir
        A folder to search first.

    Returns
    -------
    list[Path]
        Folders.

    Examples
    --------
    >>> from pathlib import Path
    >>> from srspace_eval import weights_search_path
    >>> weights_search_path(Path("trunks"))[0].as_posix()
    'trunks'
    """
    folders = [weights_dir] if weights_dir is not None else []
    if os.environ.get(ENVIRONMENT):
        folders.append(Path(os.environ[ENVIRONMENT]))
    with suppress(RuntimeError):  # in a container the user may have no home folder
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
    """The trunk's file in the first folder of :func:`weights_search_path` that contains it. Its hash is not checked."""
    name = trunk_file(net).name
    return next((folder / name for folder in weights_search_path(weights_dir) if (folder / name).is_file()), None)


def weights_path(
    net: str, weights_dir: Path | None = None, otherwise: str = "", option: str = "--lpips-weights FILE"
) -> Path:
    """The trunk's file, found as by :func:`find` and checked against the hash in its name.

    Parameters
    ----------
    net
        The trunk: ``"alex"``, ``"vgg"`` or ``"squeeze"``.
    weights_dir
        A folder to search first.
    otherwise
        What can be done without the file, for the message.
    option
        The options that name another file, for the message.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    WeightsError
        If the file is missing or damaged. The message says where to put it, then ``otherwise``.

    Examples
    --------
    >>> import srspace_eval as se
    >>> from pathlib import Path
    >>> try:
    ...     se.weights_path("alex", Path("trunks"))
    ... except se.WeightsError as error:
    ...     print(str(error).splitlines()[0])
    the alex trunk's weights are missing: alexnet-owt-7be5be79.pth
    """
    file = trunk_file(net)
    path = find(net, weights_dir)
    if path is None:
        places = weights_search_path(weights_dir) or [Path("a folder named by --weights-dir")]
        folders = "\n".join(f"    {place}" for place in places)
        raise WeightsError(
            f"the {net} trunk's weights are missing: {file.name}\n"
            f"  get them: srspace-eval weights fetch {net}\n"
            f"  or by hand from {file.url}, into one of\n{folders}\n"
            f"  or name another file: {option}" + (f"\n  {otherwise}" if otherwise else "")
        )
    digest = sha256(path)
    if not file.is_digest(digest):
        raise WeightsError(
            f"{path}: damaged or not torchvision's file: its SHA-256 starts with {digest[:8]}, not "
            f"{file.sha256_prefix}; delete it and run srspace-eval weights fetch {net}"
        )
    return path


def home(weights_dir: Path | None = None) -> Path:
    """The folder that :func:`fetch_weights` writes to: the first of :func:`weights_search_path`.

    Raises
    ------
    WeightsError
        If there is none because the user has no home folder.
    """
    folders = weights_search_path(weights_dir)
    if not folders:
        raise WeightsError(f"there is no home folder for the weights; set {ENVIRONMENT}, or give --weights-dir")
    return folders[0]


def fetch_weights(
    net: str,
    weights_dir: Path | None = None,
    *,
    mirror: str = PUBLISHER,
    advance: Callable[[int, int | None], None] = lambda done, total: None,
) -> Path:
    """Download a trunk's file unless it exists already, and check its hash.

    Parameters
    ----------
    net
        ``"alex"``, ``"vgg"`` or ``"squeeze"``.
    weights_dir
        The folder to write to; None: :func:`home`.
    mirror
        Address of the folder that holds torchvision's files.
    advance
        Called with the number of bytes received so far, and the file's size (None if unknown).

    Returns
    -------
    Path
        The file.

    Raises
    ------
    WeightsError
        If the file cannot be downloaded, or is not torchvision's; see :func:`srspace_eval._utils.download.download`.

    Examples
    --------
    >>> from pathlib import Path
    >>> from srspace_eval import WeightsError, fetch_weights
    >>> try:
    ...     fetch_weights("alex", Path("weights"), mirror="http://127.0.0.1:9")
    ... except WeightsError as error:
    ...     print(type(error).__name__, Path("weights/alexnet-owt-7be5be79.pth").exists())
    WeightsError False
    """
    file = trunk_file(net)
    target = home(weights_dir) / file.name
    if not (target.is_file() and file.is_digest(sha256(target))):
        digest = file.sha256 or file.sha256_prefix
        download(f"{mirror.rstrip('/')}/{file.name}", target, digest, largest=file.size, advance=advance)
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
    """SHA-256 of a file, in hexadecimal digits. The file is read again only if it has changed.

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
