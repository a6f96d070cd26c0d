from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from srspace_eval.cli import main
from srspace_eval.metrics.lpips import weights
from tests.helpers.servers import Site, serve

CONTENT = b"squeeze" * 1000


@pytest.fixture(autouse=True)
def name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """No weights anywhere, and a small file in place of SqueezeNet's; its name."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TORCH_HOME", raising=False)
    monkeypatch.setenv(weights.ENVIRONMENT, str(tmp_path / "weights"))
    file = weights.TrunkFile("squeeze", f"squeezenet1_1-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth", len(CONTENT))
    monkeypatch.setitem(weights.TRUNKS, "squeeze", file)
    return file.name


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(["weights", *arguments])
    assert isinstance(left.value.code, int)
    return left.value.code


def test_fetch_list_and_path_agree(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "weights" / name
    assert run("path", "squeeze") == 1
    assert f"weights are missing: {name}" in capsys.readouterr().err
    with serve(Site({f"/models/{name}": CONTENT})) as site:
        assert run("fetch", "squeeze", "--mirror", f"{site.url}/models/") == 0
        out, err = capsys.readouterr()
        assert out == f"{file}\n"
        assert f"{site.url}/models/{name}" in err
        assert run("fetch", "squeeze", "--mirror", site.url) == 0  # it is there: no request
        assert len(site.ranges) == 1
    capsys.readouterr()
    assert run("path", "squeeze") == 0
    assert capsys.readouterr().out == f"{file}\n"
    assert run("list", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["search_path"][0] == str(tmp_path / "weights")
    states = {row["net"]: (row["state"], row["path"]) for row in document["trunks"]}
    assert states == {"alex": ("missing", None), "vgg": ("missing", None), "squeeze": ("ok", str(file))}


def test_the_list_shows_damaged_files_and_addresses(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / name).write_bytes(b"half")
    assert run("list", "--weights-dir", str(tmp_path / "given")) == 0
    out = capsys.readouterr().out
    assert f"squeeze  damaged  {tmp_path / 'given' / name}" in out
    assert "https://download.pytorch.org/models/vgg16-397923af.pth" in out
    assert run() == 0
    assert "squeeze  missing" in capsys.readouterr().out
    assert run("path") == 0
    assert capsys.readouterr().out.splitlines()[0] == str(tmp_path / "weights")


def test_a_failed_fetch_prints_the_address_and_the_path(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve(Site({})) as site:
        assert run("fetch", "squeeze", "--mirror", site.url) == 1
    err = capsys.readouterr().err
    assert f"download {site.url}/{name} by hand and store it as {tmp_path / 'weights' / name}" in err
    assert run("fetch", "resnet") == 2
