from __future__ import annotations

import contextlib
import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from srspace_eval._utils import watched_http
from srspace_eval._utils.download import download
from srspace_eval.errors import WeightsError
from tests.helpers.servers import Site, serve

CONTENT = bytes(range(256)) * 4096
PREFIX = hashlib.sha256(CONTENT).hexdigest()[:8]


@pytest.fixture
def site() -> Iterator[Site]:
    with serve(Site({"/trunk.pth": CONTENT})) as running:
        yield running


def test_a_file_is_named_only_when_it_is_complete(site: Site, tmp_path: Path) -> None:
    target = tmp_path / "new" / "trunk.pth"
    steps: list[tuple[int, int | None]] = []
    download(f"{site.url}/trunk.pth", target, PREFIX, advance=lambda done, total: steps.append((done, total)))
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["trunk.pth"]
    assert steps[0] == (0, len(CONTENT))
    assert steps[-1] == (len(CONTENT), len(CONTENT))


def test_a_download_resumes_where_the_connection_broke(site: Site, tmp_path: Path) -> None:
    target = tmp_path / "trunk.pth"
    site.break_after = 300_000
    for _ in range(2):
        with pytest.raises(WeightsError, match=r"run the same command again to continue, or download .* by hand"):
            download(f"{site.url}/trunk.pth", target, PREFIX)
        assert not target.exists()
    site.break_after = None
    download(f"{site.url}/trunk.pth", target, PREFIX)
    assert target.read_bytes() == CONTENT
    assert site.ranges == [None, "bytes=300000-", "bytes=600000-"]


def test_a_server_that_cannot_resume_sends_all_of_the_file(site: Site, tmp_path: Path) -> None:
    target = tmp_path / "trunk.pth"
    (tmp_path / "trunk.pth.part").write_bytes(b"something else")
    site.resumes = False
    download(f"{site.url}/trunk.pth", target, PREFIX)
    assert target.read_bytes() == CONTENT


def test_a_complete_part_is_only_renamed(site: Site, tmp_path: Path) -> None:
    (tmp_path / "trunk.pth.part").write_bytes(CONTENT)
    download(f"{site.url}/trunk.pth", tmp_path / "trunk.pth", PREFIX)
    assert (tmp_path / "trunk.pth").read_bytes() == CONTENT


@pytest.mark.parametrize("part", [None, b"stale", CONTENT + b"more"])
def test_a_file_with_another_hash_is_deleted(part: bytes | None, site: Site, tmp_path: Path) -> None:
    if part is not None:
        (tmp_path / "trunk.pth.part").write_bytes(part)
    prefix = "00000000" if part is None else PREFIX
    with pytest.raises(WeightsError, match=f"not {prefix}; it was deleted"):
        download(f"{site.url}/trunk.pth", tmp_path / "trunk.pth", prefix)
    assert list(tmp_path.iterdir()) == []


def test_unreachable_addresses_are_errors(site: Site, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"none.pth: Not Found; .* by hand"):
        download(f"{site.url}/none.pth", tmp_path / "none.pth", PREFIX)
    with pytest.raises(WeightsError, match="not an http or https address"):
        download("file:///etc/passwd", tmp_path / "none.pth", PREFIX)
    with pytest.raises(WeightsError, match=r"127.0.0.1:9/trunk.pth: .*by hand"):
        download("http://127.0.0.1:9/trunk.pth", tmp_path / "trunk.pth", PREFIX)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WeightsError, match="cannot be written"):
        download(f"{site.url}/trunk.pth", tmp_path / "file" / "trunk.pth", PREFIX)


def _serve(reply: bytes, repeated: bytes, pause: float) -> str:
    """A server that sends a reply, and then the same bytes without end."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        with server:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(10_000)
                connection.sendall(reply)
                while repeated:
                    connection.sendall(repeated)
                    time.sleep(pause)

    threading.Thread(target=answer, daemon=True).start()
    return f"http://127.0.0.1:{server.getsockname()[1]}/file"


@pytest.mark.parametrize(
    ("reply", "repeated", "pause"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100, 0.001),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n", b"x", 0.05),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", b"A: b\r\n" * 100, 0.001),
    ],
    ids=["continue", "a byte at a time", "trailers"],
)
def test_a_server_that_never_ends_is_disconnected(
    reply: bytes, repeated: bytes, pause: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_http, "SECONDS", 0.5)
    began = time.monotonic()
    with pytest.raises(WeightsError, match=r"http://127.*; run the same command again") as caught:
        download(_serve(reply, repeated, pause), tmp_path / "w.pth", "0")
    assert "sent fewer than 16384 bytes" in str(caught.value) or "SHA-256" in str(caught.value)
    assert time.monotonic() - began < 10


def test_a_redirect_to_another_protocol_is_not_followed(tmp_path: Path) -> None:
    reply = b"HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1:1/file\r\nContent-Length: 0\r\n\r\n"
    with pytest.raises(WeightsError, match="redirect does not lead to an http or https address"):
        download(_serve(reply, b"", 0), tmp_path / "w.pth", "0")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("length", [b"", b"Content-Length: 99999999999\r\n"])
def test_the_body_of_a_redirect_is_not_read(
    status: int, length: bytes, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_http, "SECONDS", 5)
    reply = b"HTTP/1.1 %d Found\r\nLocation: %s/trunk.pth\r\n%s\r\n" % (status, site.url.encode(), length)
    download(_serve(reply, b"x" * 65536, 0.01), tmp_path / "w.pth", PREFIX)
    assert (tmp_path / "w.pth").read_bytes() == CONTENT
