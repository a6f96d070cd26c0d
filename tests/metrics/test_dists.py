"""DISTS against the authors' package, on the same random trunk."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import srspace_eval as se
from benchmarks.inputs import pngs, synth
from benchmarks.inputs.submissions import small
from srspace_eval.errors import InputError, WeightsError
from srspace_eval.metrics.base import NetworkSettings
from srspace_eval.metrics.dists.metric import Dists
from srspace_eval.metrics.dists.network import DISTS
from srspace_eval.metrics.lpips import trunks
from srspace_eval.metrics.lpips import weights as weight_files
from srspace_eval.metrics.lpips.trunk_files import parameter_shapes
from tests.helpers.commands import run as command


@pytest.fixture(scope="session")
def vgg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random VGG-16 trunk whose activations neither vanish nor explode."""
    generator = torch.Generator().manual_seed(3)
    state = {}
    for name, shape in parameter_shapes("vgg").items():
        scale = (2 / np.prod(shape[1:])) ** 0.5 if len(shape) > 1 else 0.05
        state[name] = scale * torch.randn(shape, generator=generator)
    path = tmp_path_factory.mktemp("vgg") / "vgg.pth"
    torch.save(state, path)
    return path


@pytest.fixture(scope="session")
def theirs(vgg: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[np.ndarray, np.ndarray], float]:
    """The package's DISTS in float64, with the trunk of ``vgg``."""
    package = pytest.importorskip("DISTS_pytorch.DISTS_pt")
    from torchvision.models import vgg16

    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")  # torchvision's deprecations
        made = vgg16(weights=None)
        made.load_state_dict(torch.load(vgg, weights_only=True), strict=False)
        patch.setattr(package.models, "vgg16", lambda **_: made)
        patch.setattr(sys, "prefix", str(Path(package.__file__).parent))  # its weights.pt
        model = package.DISTS().double()

    def value(a: np.ndarray, b: np.ndarray) -> float:
        first, second = (torch.from_numpy(x / 255.0).permute(2, 0, 1)[None] for x in (a, b))
        return float(model(first, second).detach())

    return value


def pairs() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    picture = np.asarray(synth.picture(97, 150, 1))
    noise = np.random.default_rng(0).integers(-20, 21, picture.shape)
    return {
        "noise": (np.clip(picture + noise, 0, 255).astype(np.uint8), picture),
        "shift": (np.roll(picture, 2, axis=0), picture),
        "other": (np.asarray(synth.picture(97, 150, 2)), picture),
        "flat": (np.full((40, 33, 3), 90, np.uint8), np.full((40, 33, 3), 95, np.uint8)),
        "smallest": (pngs.pixels(16, 16, 1), pngs.pixels(16, 16, 2)),
    }


@pytest.mark.parametrize("name", ["noise", "shift", "other", "flat", "smallest"])
def test_the_package_gives_the_same(name: str, vgg: Path, theirs: Callable[[np.ndarray, np.ndarray], float]) -> None:
    sr, gt = pairs()[name]
    assert se.dists(sr, gt, weights=vgg) == pytest.approx(theirs(sr, gt), abs=1e-6)


def test_bands_give_the_same_as_whole_pictures(vgg: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sr, gt = pairs()["noise"]
    sr, gt = sr[:, :93], gt[:, :93]
    whole = se.dists(sr, gt, weights=vgg)
    monkeypatch.setattr(trunks, "_BAND_VALUES", 64 * 93 * 6)
    assert se.dists(sr, gt, weights=vgg) == pytest.approx(whole, abs=1e-7)


def test_ends_batches_and_faults(vgg: Path) -> None:
    sr, gt = pairs()["noise"]
    assert se.dists(gt, gt, weights=vgg) == pytest.approx(0, abs=1e-12)
    batch = se.dists(np.stack([sr, gt]), gt, weights=vgg)
    assert batch == pytest.approx([se.dists(sr, gt, weights=vgg), 0], abs=1e-12)
    assert se.dists(sr / 255, gt, weights=vgg) == pytest.approx(batch[0], abs=1e-6)
    with pytest.raises(InputError, match="DISTS needs at least 16×16"):
        se.dists(sr[:15], gt[:15], weights=vgg)
    with pytest.raises(InputError):
        se.dists(sr[:50], gt, weights=vgg)
    torch.save({}, vgg.with_name("empty.pth"))
    with pytest.raises(WeightsError, match="not the vgg trunk"):
        DISTS(weights=vgg.with_name("empty.pth"))


TRACK = """
name = "two-nets"
title = "LPIPS with two trunks, and DISTS"
scale = 4
samples = 3
first = 801
metrics = ["lpips", "dists"]

[measure.lpips_vgg]
metric = "lpips"
net = "vgg"
spatial = false

[ranking]
criteria = [{ metric = "dists" }]
final = ["dists"]
"""


@pytest.fixture
def weights(vgg: Path, alexnet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with both trunks under torchvision's names."""
    from srspace_eval.metrics.lpips import weights as files

    folder = tmp_path / "weights"
    folder.mkdir()
    for net, path in (("vgg", vgg), ("alex", alexnet)):
        name = f"{net}-{files.sha256(path)[:8]}.pth"
        (folder / name).write_bytes(path.read_bytes())
        monkeypatch.setitem(files.TRUNKS, net, files.TrunkFile(net, name, path.stat().st_size))
    return folder


def test_two_trunks_and_dists_in_one_track(
    weights: Path, tmp_path: Path, vgg: Path, alexnet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = small(tmp_path / "a", images=1)
    (tmp_path / "two.toml").write_text(TRACK)
    options = ("--gt", folder / "gt", "--track", tmp_path / "two.toml", "--weights-dir", weights, "--device", "cpu")
    assert command("score", folder / "sub", *options, "--board", tmp_path / "board", "--team", "T", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    (image,) = document["images"]
    gt = se.read_rgb(folder / "gt/0801.png")
    from srspace_eval.metrics.lpips.network import LPIPS

    by_vgg = LPIPS("vgg", weights=vgg)
    for sample in image["samples"]:
        sr = se.read_rgb(folder / "sub" / sample["file"])
        assert sample["lpips"] == pytest.approx(se.lpips(sr, gt, weights=alexnet), rel=1e-6)
        assert sample["dists"] == pytest.approx(se.dists(sr, gt, weights=vgg), rel=1e-6)
        layers = by_vgg.distances(by_vgg.prepare(gt), sr)
        assert sample["lpips_vgg"] == pytest.approx(float(sum(layer.double().mean() for layer in layers)), rel=1e-5)
    settings = document["signature"]["settings"]
    hashes = {name: settings[name]["trunk_sha256"] for name in ("lpips", "lpips_vgg", "dists")}
    assert hashes["lpips_vgg"] == hashes["dists"] != hashes["lpips"]
    assert (settings["lpips"]["net"], settings["lpips_vgg"]["net"]) == ("alex", "vgg")
    assert settings["lpips_vgg"]["spatial"] is False
    assert settings["lpips_vgg"]["metric"] == "lpips"
    assert "weights_sha256" in settings["dists"]
    stored = tmp_path / "board/two-nets/T.json"
    assert command("verify", stored, folder / "sub", *options) == 0
    assert command("rank", "--track", tmp_path / "two.toml", "--board", tmp_path / "board") == 0
    assert "LPIPS (lpips_vgg)" in capsys.readouterr().out


def test_a_measure_named_lpips_shares_its_group_with_the_runs_network(weights: Path, tmp_path: Path) -> None:
    folder = small(tmp_path / "a", images=1)

    def score(*metrics: Any, **more: Any) -> se.Result:
        return se.score(
            folder / "sub", folder / "gt", track="x4", samples=3, metrics=metrics, board=tmp_path / "board",
            weights_dir=weights, device="cpu", overwrite=True, **more,
        )  # fmt: skip

    measure = se.Measure("lpips", "lpips", {"net": "vgg"})
    with pytest.raises(InputError, match="net = 'vgg', but diversity uses the trunk alex"):
        score(measure, "diversity")
    shared = score(measure, "diversity", net="vgg")
    plain = score("lpips", "diversity", net="vgg")
    assert shared.signature == plain.signature
    assert shared.images == plain.images
    alone = score(measure)
    assert alone.signature.settings["lpips"] == plain.signature.settings["lpips"]
    assert alone.summary["lpips"] == plain.summary["lpips"]


def test_dists_is_measured_in_float32_only(weights: Path, tmp_path: Path) -> None:
    folder = small(tmp_path / "a", images=1)
    with pytest.raises(InputError, match="dists is measured in float32 only, not in bf16"):
        se.score(
            folder / "sub", folder / "gt", track="x4", samples=3, metrics=["dists"], board=tmp_path / "board",
            weights_dir=weights, device="cpu", precision="bf16",
        )  # fmt: skip


def test_missing_weights_name_the_options_that_dists_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_files, "weights_search_path", lambda weights_dir=None: [tmp_path])
    with pytest.raises(WeightsError, match="another file: lpips_weights=FILE with net vgg"):
        DISTS()
    # Such a file reaches DISTS only together with the net of its trunk.
    one = NetworkSettings(net="alex", weights=tmp_path / "own.pth")
    assert one.of(Dists().trunk).weights is None
    assert replace(one, net="vgg").of(Dists().trunk).weights == tmp_path / "own.pth"
