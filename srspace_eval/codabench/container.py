"""Where a dry run's program runs: in a mount namespace that resembles the worker's container, or in a folder.

The namespace shows the worker's paths (``/app/program``, ``/app/input``, ``/app/output``, ``/app/shared``,
``/app/data``), a read-only view of this machine's system and Python, an empty home, and no network. The program has no
capabilities. It needs Linux and ``unshare``, and root or unprivileged user namespaces. Elsewhere the program runs in a
temporary folder, with the rights and the network of this process.
"""

from __future__ import annotations

import os
import shutil
import signal
import site
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from srspace_eval._utils import strict_json
from srspace_eval.codabench import namespace
from srspace_eval.metrics.lpips.weights import ENVIRONMENT, weights_search_path

Place = Literal["namespace", "folder"]

_PROBE_SECONDS = 20
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Finished:
    """What a program left: its exit code (None: the time was up), and what it wrote on stderr."""

    code: int | None
    stderr: str


def best_place() -> Place:
    """``"namespace"`` where this system can make one, else ``"folder"``. It is tried once."""
    return "namespace" if _can_isolate() else "folder"


def run_program(
    words: Sequence[str], folders: Mapping[str, Path], *, limit: float, place: Place, data: Path | None = None
) -> Finished:
    """Run a program as the worker does.

    Parameters
    ----------
    words
        The command, split, with the worker's paths (``/app/...``).
    folders
        The worker's path -> a folder of this machine.
    limit
        Seconds after which the program is stopped.
    place
        Where to run it.
    data
        The folder that stands for ``/app/data``.
    """
    if place == "namespace":
        binds = [(str(source.absolute()), inside, False) for inside, source in folders.items()]
        binds += [(str(data.absolute()), "/app/data", True)] if data is not None else []
        with tempfile.TemporaryDirectory() as scratch:
            return _wait(_isolated(words, binds, Path(scratch), work="/app/program"), limit)
    local = [_local(word, folders) for word in words]
    local[0] = sys.executable if local[0] in ("python", "python3") else local[0]
    if data is not None:
        local.append(str(data.absolute()))
    try:
        process = subprocess.Popen(
            local, cwd=folders["/app/program"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        return Finished(127, f"{words[0]}: cannot be started ({error.strerror or error})")
    return _wait(process, limit)


def visible_folders() -> list[Path]:
    """The folders of Python and of this package, which stand for those of the image. None is inside another.

    The folders of :data:`srspace_eval.codabench.namespace.SYSTEM` are visible anyway.
    """
    found = [sys.prefix, sys.base_prefix, sys.exec_prefix, str(Path(sys.executable).resolve().parent)]
    found += site.getsitepackages() if hasattr(site, "getsitepackages") else []
    found += [site.getusersitepackages()] if site.ENABLE_USER_SITE else []
    found += [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    for name in ("srspace_eval", "srspace_eval.kernels", "srspace_eval.leaderboards"):
        spec = find_spec(name)
        for path in (spec.submodule_search_locations or []) if spec is not None else []:
            found += [path, os.path.realpath(path)]
    found += map(str, _weights())
    folders = sorted({Path(path).absolute() for path in found if Path(path).is_dir()})
    system = [Path("/", name) for name in namespace.SYSTEM]
    kept: list[Path] = []
    for folder in folders:
        if folder != Path("/") and not any(folder.is_relative_to(other) for other in [*system, *kept]):
            kept.append(folder)
    return kept


def _weights() -> list[Path]:
    """The folders with weights of networks. In the image there is one."""
    return [folder for folder in weights_search_path() if folder.is_dir()]


def _isolated(
    words: Sequence[str], binds: Sequence[tuple[str, str, bool]], scratch: Path, *, work: str
) -> subprocess.Popen[bytes]:
    root = scratch / "root"
    root.mkdir()
    command = [sys.executable if words[0] in ("python", "python3") else words[0], *words[1:]]
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{_PATH}", "HOME": namespace.HOME, "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1", "http_proxy": "", "https_proxy": "",
        **{key: os.environ[key] for key in ("PYTHONPATH", "OMP_NUM_THREADS") if key in os.environ},
        **({ENVIRONMENT: str(_weights()[0])} if _weights() else {}),
    }  # fmt: skip
    spec = {
        "root": str(root), "command": command, "environment": environment, "work": work,
        "folders": [*((str(folder), str(folder), True) for folder in visible_folders()), *binds],
    }  # fmt: skip
    file = scratch / "container.json"
    file.write_text(strict_json.dumps(spec), encoding="utf-8", newline="\n")
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return subprocess.Popen(
        ["unshare", *user, "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--net", "--ipc",
         "--uts", sys.executable, "-I", "-S", namespace.__file__, str(file)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


@lru_cache(maxsize=1)
def _can_isolate() -> bool:
    if sys.platform != "linux" or not (shutil.which("unshare") and shutil.which("mount")):
        return False
    with tempfile.TemporaryDirectory() as scratch:
        try:
            process = _isolated(["python3", "-c", "import srspace_eval"], [], Path(scratch), work="/")
            return _wait(process, _PROBE_SECONDS).code == 0
        except OSError:
            return False


def _wait(process: subprocess.Popen[bytes], limit: float) -> Finished:
    try:
        _, stderr = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        _kill(process)
        process.communicate()
        return Finished(None, "")
    return Finished(process.returncode, stderr.decode("utf-8", "replace"))


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Stop a program and what it started; the children of a program would keep its stderr open."""
    if sys.platform != "win32":
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _local(word: str, folders: Mapping[str, Path]) -> str:
    """A word of the command with the folders of this machine instead of the worker's."""
    for inside, source in folders.items():
        word = word.replace(inside, str(source))
    return word
