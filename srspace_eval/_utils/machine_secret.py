"""The secret of this user on this machine. With it, files that were written here are told from all others.

It is a file of 32 random bytes in the user's state folder, made when it is first needed. Who can read it can make files
that look as if they were written here. Only the user can read it.
"""

from __future__ import annotations

import hmac
import os
import secrets
import stat
import sys
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from shlex import quote

import platformdirs

from srspace_eval._utils.files import open_regular
from srspace_eval._utils.notices import notify

ENVIRONMENT = "SRSPACE_EVAL_STATE"
"""Names another state folder."""

_FILE = "secret.key"
_BYTES = 32


def state_folder() -> Path:
    """The folder of the secret: ``SRSPACE_EVAL_STATE``, or the user's state folder of the operating system."""
    named = os.environ.get(ENVIRONMENT)
    return Path(named) if named else platformdirs.user_state_path("srspace-eval", appauthor=False)


def existing_secret() -> bytes | None:
    """The secret; None if there is none, or it cannot be read. Nothing is written."""
    with suppress(OSError, RuntimeError):
        return _read(state_folder() / _FILE)
    return None


def machine_secret() -> bytes:
    """The secret, which is made if there is none. Of several processes at once, all get the same one.

    Raises
    ------
    OSError
        If it can be neither read nor written. The message names the file.
    """
    try:
        path = state_folder() / _FILE
    except RuntimeError as error:  # no home folder
        raise OSError(f"{error}; name a folder with {ENVIRONMENT}") from error
    with suppress(FileNotFoundError):
        return _read(path)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")  # readable by the user alone
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)  # fails if another process was faster
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            if not path.exists():
                temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return _read(path)


def keyed_digest(secret: bytes, *parts: bytes) -> str:
    """HMAC-SHA256 of some parts, as 64 hexadecimal digits. Parts that are divided in another way give another digest.

    >>> keyed_digest(b"secret", b"a", b"b") == keyed_digest(b"secret", b"ab")
    False
    """
    mac = hmac.new(secret, digestmod="sha256")
    for part in parts:
        mac.update(len(part).to_bytes(8, "big") + part)
    return mac.hexdigest()


@lru_cache
def warn_if_shared(path: Path) -> None:
    """Notify, once, if other users can read, write or replace the secret. Windows has no such modes.

    Whoever may write to its folder can replace it, so the folder's mode and owner count, too. root is trusted.
    """
    if sys.platform == "win32":
        return
    with suppress(OSError):
        state = path.stat()
        if state.st_mode & 0o077 or _is_foreign(state):
            notify(
                f"{path}: other users of this machine can read or change this secret, so they can forge seals. Run "
                f"chmod 600 {quote(str(path))}, or delete the file: all results are then measured again"
            )
        folder = path.parent.stat()
        if _is_foreign(folder) or _is_open(folder):
            remedy = (
                f"Name a folder of your own with {ENVIRONMENT}"
                if _is_foreign(folder)
                else f"Run chmod 700 {quote(str(path.parent))}"
            )
            notify(
                f"{path.parent}: other users of this machine can replace {path.name} in this folder, so they "
                f"can forge seals. {remedy}"
            )


def _is_foreign(state: os.stat_result) -> bool:
    """Whether a file is owned by another user, who can always change it."""
    return sys.platform != "win32" and state.st_uid not in (0, os.geteuid())


def _is_open(state: os.stat_result) -> bool:
    """Whether other users may replace files in a folder: everybody, or the members of its group."""
    if state.st_mode & stat.S_ISVTX:  # only owners of a file replace it
        return False
    by_group = bool(state.st_mode & stat.S_IWGRP) and not _is_private(state.st_gid)
    return bool(state.st_mode & stat.S_IWOTH) or by_group


def _is_private(group: int) -> bool:
    """Whether a group is root's, or has no member but this user, as each user's own group on most systems."""
    if sys.platform == "win32" or group == 0:
        return True
    import grp
    import pwd

    try:
        user, found = pwd.getpwuid(os.geteuid()), grp.getgrgid(group)
    except KeyError:  # unknown here, as in a container
        return False
    return user.pw_gid == group and found.gr_name == user.pw_name and set(found.gr_mem) <= {user.pw_name}


def _read(path: Path) -> bytes:
    try:
        with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
            secret = file.read(_BYTES + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise OSError(f"{path}: {error.strerror or error}") from error
    if len(secret) != _BYTES:
        raise OSError(f"{path}: is not a secret of {_BYTES} bytes; remove it, and a new one is made")
    warn_if_shared(path)
    return secret
