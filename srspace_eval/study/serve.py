"""``serve_study``: a study's server in a thread of its own."""

from __future__ import annotations

import os
import threading
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from srspace_eval._utils.notices import notify
from srspace_eval._utils.untrusted_text import visible
from srspace_eval.errors import StudyError
from srspace_eval.study.key import Key, load_key
from srspace_eval.study.places import default_key_path
from srspace_eval.study.server import StudyHttpServer


class StudyServer:
    """A study's server: it listens from the start, and answers while it runs. As a context manager it stops at the end.

    Parameters
    ----------
    folder, key, answers
        The raters' folder, the study's key, and the folder for the answers.
    host, port
        Where it listens. Port 0: a free port.
    base_url
        The address under which raters reach this server through a proxy, for the links.

    Raises
    ------
    StudyError
        If the folder and the key are of different studies, the answers cannot be stored or would lie in the raters'
        folder, the server cannot listen there, or ``base_url`` is not an address for links.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from srspace_eval import StudyOptions, create_study, serve_study, write_png
    >>> picture = np.random.default_rng(0).integers(0, 100, (64, 64, 3), dtype=np.uint8)
    >>> for name, step in (("gt", 0), ("teamA", 50), ("teamB", 100)):
    ...     Path(name).mkdir()
    ...     write_png(Path(name, "0801.png" if name == "gt" else "000000_sample00000.png"), picture + np.uint8(step))
    >>> options = StudyOptions(size=16, crops=2, raters=2)
    >>> study = create_study(["teamA", "teamB"], "gt", "study", track="x4", options=options, secret=bytes(32))
    >>> with serve_study("study", study.key, "answers", port=0) as server:
    ...     print(sorted(server.links))
    ['r01', 'r02']
    """

    def __init__(
        self,
        folder: Path,
        key: Key,
        answers: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        base_url: str | None = None,
    ) -> None:
        self._base_url = None if base_url is None else _checked_url(base_url)
        # Absolute: the process may change its folder.
        self._http = StudyHttpServer(folder.absolute(), key, answers.absolute(), (host, port))
        # A thread of its own: an interrupt in the main thread could come while Python cleans up after a request, and
        # get lost. A daemon: an interrupt while the thread starts must not leave the process waiting for it.
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self._stopped = False

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self._http.server_address

    @property
    def links(self) -> dict[str, str]:
        """Rater -> link, with the rater's token."""
        return self._http.links(self._base_url)

    def start(self) -> None:
        """Answer requests, until :meth:`stop`. No effect on a running server.

        Raises
        ------
        StudyError
            If the server was stopped.
        """
        if self._stopped:
            raise StudyError("the server was stopped; call serve_study again")
        if self._thread.ident is not None:
            return
        try:
            self._thread.start()
        except BaseException:
            self.stop()
            raise

    def wait(self) -> None:
        """Block until the server is stopped. An interrupt (Ctrl-C) ends the wait with KeyboardInterrupt."""
        while self._thread.is_alive():
            self._thread.join(0.5)

    def stop(self) -> None:
        """Stop the server and free its port. No effect on a stopped server."""
        if self._stopped:
            return
        self._stopped = True
        self._http.shutdown()
        if self._thread.ident is not None:
            self._thread.join()
        self._http.server_close()

    def __enter__(self) -> StudyServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def serve_study(
    folder: str | os.PathLike[str],
    key: Key | str | os.PathLike[str] | None = None,
    answers: str | os.PathLike[str] = "answers",
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    base_url: str | None = None,
) -> StudyServer:
    """Serve a study and store the answers, one file each: what ``srspace-eval study serve`` does.

    The server speaks HTTP without encryption. For raters on other machines, put a reverse proxy with HTTPS in front of
    it and give its address as ``base_url``.

    Parameters
    ----------
    folder
        The raters' folder.
    key
        Key of the study, or its file. None: ``FOLDER-key.json`` beside the folder.
    answers
        Folder for the answers. It is made if it does not exist.
    host, port
        Where the server listens. Port 0: a free port.
    base_url
        The address under which raters reach the proxy.

    Returns
    -------
    StudyServer
        A running server. Call ``stop()``, or use it as a context manager.

    Raises
    ------
    StudyError
        If the key cannot be read, folder and key are of different studies, the answers cannot be stored or would lie in
        the raters' folder, the server cannot listen there, or ``base_url`` is not an address for links.

    Warns
    -----
    Notice
        If other machines can reach ``host``.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from srspace_eval import StudyOptions, create_study, serve_study, write_png
    >>> picture = np.random.default_rng(0).integers(0, 100, (64, 64, 3), dtype=np.uint8)
    >>> for name, step in (("gt2", 0), ("teamA2", 50), ("teamB2", 100)):
    ...     Path(name).mkdir()
    ...     write_png(Path(name, "0801.png" if name == "gt2" else "000000_sample00000.png"), picture + np.uint8(step))
    >>> options = StudyOptions(size=16, crops=2, raters=2)
    >>> study = create_study(["teamA2", "teamB2"], "gt2", "study2", track="x4", options=options, secret=bytes(32))
    >>> with serve_study("study2", study.key, "answers2", port=0) as server:
    ...     print(server.links["r01"].split(":")[0])
    http
    """
    folder = Path(folder)
    if not isinstance(key, Key):
        key = load_key(default_key_path(folder) if key is None else Path(key))
    if not is_loopback(host):
        notify(
            f"{host} can be reached from other machines over unencrypted HTTP: others in the network can read tokens "
            "and answers; put a reverse proxy with HTTPS in front of 127.0.0.1 instead"
        )
    server = StudyServer(folder, key, Path(answers), host=host, port=port, base_url=base_url)
    server.start()
    return server


def _checked_url(url: str) -> str:
    """An address to which tokens can be appended.

    Raises
    ------
    StudyError
        If it is not such an address.

    >>> _checked_url("https://example.org/study")
    'https://example.org/study'
    """
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is no number, or half an IPv6 address
        known = False
    if not known or not url.isprintable() or set(url) & set(" ?#\\"):
        raise StudyError(
            f"{visible(url)}: links cannot begin with this address; give --base-url as https://HOST or "
            "https://HOST/PATH, without ? and #"
        )
    return url


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0")
    (True, False)
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
