from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import pytest
import torch

from benchmarks.inputs.weights import random_trunk
from srspace_eval.errors import WeightsError
from srspace_eval.metrics.lpips import weights
from srspace_eval.metrics.lpips.network import LPIPS
from srspace_eval.metrics.lpips.trunk_files import read_parameters

CONTENT = b"trunk" * 1000


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No weights anywhere, and a small file in place of AlexNet's."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(weights.ENVIRONMENT, raising=False)
    monkeypatch.delenv("TORCH_HOME", raising=False)
    digest = hashlib.sha256(CONTENT).hexdigest()
    monkeypatch.setitem(weights.TRUNKS, "alex", weights.TrunkFile("alex", f"alexnet-owt-{digest[:8]}.pth", 5000))


def put(folder: Path, content: bytes = CONTENT) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / weights.trunk_file("alex").name
    path.write_bytes(content)
    return path


def test_the_files_are_torchvisions() -> None:
    assert weights.TrunkFile("vgg", "vgg16-397923af.pth", 1).sha256_prefix == "397923af"
    assert weights.TRUNKS["vgg"].url == "https://download.pytorch.org/models/vgg16-397923af.pth"
    assert weights.TRUNKS["squeeze"].name == "squeezenet1_1-b8a52dc0.pth"


def test_folders_are_searched_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen, environment, torch_home = tmp_path / "chosen", tmp_path / "environment", tmp_path / "torch"
    monkeypatch.setenv(weights.ENVIRONMENT, str(environment))
    monkeypatch.setenv("TORCH_HOME", str(torch_home))
    folders = weights.weights_search_path(chosen)
    assert folders == [chosen, environment, weights.cache_dir(), torch_home / "hub" / "checkpoints"]
    assert weights.find("alex", chosen) is None
    for folder in reversed(folders):
        path = put(folder)
        assert weights.weights_path("alex", chosen) == path
    assert weights.home(chosen) == chosen
    assert weights.home() == environment


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the cache's place is the platform's")
def test_torchs_cache_is_found_without_its_variable(tmp_path: Path) -> None:
    path = put(tmp_path / "cache" / "torch" / "hub" / "checkpoints")
    assert weights.find("alex") == path


def test_missing_weights_say_what_where_and_what_else_can_be_done(tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        weights.weights_path("alex", tmp_path / "mine")
    text = str(caught.value)
    file = weights.trunk_file("alex")
    for part in (file.name, file.url, str(tmp_path / "mine"), "weights fetch alex", "lpips_weights=FILE"):
        assert part in text
    with pytest.raises(WeightsError, match="what else") as caught:
        weights.weights_path("alex", tmp_path / "mine", "what else")


def test_without_a_home_folder_weights_are_found_where_they_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def homeless(*_: object, **__: object) -> None:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.setattr(weights.platformdirs, "user_cache_dir", homeless)
    assert weights.weights_search_path() == []
    with monkeypatch.context() as patch:
        patch.setenv("TORCH_HOME", str(tmp_path))
        assert weights.weights_search_path() == [tmp_path / "hub/checkpoints"]
    with pytest.raises(WeightsError, match=r"(?s)alexnet-owt.*into one of\s+a folder named by weights_dir"):
        weights.weights_path("alex")
    with pytest.raises(WeightsError, match="no home folder for the weights; set SRSPACE_EVAL_WEIGHTS"):
        weights.fetch_weights("alex")
    file = put(tmp_path)
    assert weights.weights_path("alex", tmp_path) == file


def test_a_damaged_file_is_not_used(tmp_path: Path) -> None:
    path = put(tmp_path, CONTENT[:-1])
    with pytest.raises(WeightsError, match="damaged or not torchvision's file") as caught:
        weights.weights_path("alex", tmp_path)
    assert str(path) in str(caught.value)


def test_a_hash_is_taken_anew_when_the_file_changes(tmp_path: Path) -> None:
    path = put(tmp_path, b"one")
    assert weights.sha256(path) == hashlib.sha256(b"one").hexdigest()
    put(tmp_path, b"another")
    assert weights.sha256(path) == hashlib.sha256(b"another").hexdigest()


def test_the_calibration_comes_with_the_package_which_is_not_imported() -> None:
    already = "lpips" in sys.modules
    for net in ("alex", "vgg", "squeeze"):
        path = weights.calibration_file(net)
        assert path.parts[-3:] == ("weights", "v0.1", f"{net}.pth")
    assert already == ("lpips" in sys.modules)


def test_without_the_package_the_mend_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match="pip install lpips"):
        weights.calibration_file("alex")


def test_unknown_trunks_are_named() -> None:
    with pytest.raises(WeightsError, match="no LPIPS trunk 'resnet'; choose from alex, vgg, squeeze"):
        weights.weights_path("resnet")


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")
@pytest.mark.parametrize("kind", ["link", "pipe", "device", "folder", "nothing"])
def test_only_a_regular_file_is_read_as_weights(tmp_path: Path, alexnet: Path, kind: str) -> None:
    path = tmp_path / "w.pth"
    match kind:
        case "link":
            path.symlink_to(alexnet)
        case "pipe":
            os.mkfifo(path)
        case "device":
            path = Path("/dev/zero")
        case "folder":
            path.mkdir()
    with pytest.raises(WeightsError, match=r"cannot be read: .*; name a regular file"):
        LPIPS("alex", weights=path)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_attributes_of_a_trunk_s_tensors_hide_no_method(tmp_path: Path) -> None:
    state = random_trunk("alex")
    for value in state.values():
        value.is_floating_point = 5  # type: ignore[method-assign, assignment]
    torch.save(state, tmp_path / "a.pth")
    assert read_parameters("alex", tmp_path / "a.pth").keys() == state.keys()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_trunk_of_sparse_tensors_is_an_error(tmp_path: Path) -> None:
    state = random_trunk("alex")
    state["features.0.bias"] = state["features.0.bias"].to_sparse()
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match=r"a\.pth: not read, because it holds a sparse tensor"):
        read_parameters("alex", tmp_path / "a.pth")
