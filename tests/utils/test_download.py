from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

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
