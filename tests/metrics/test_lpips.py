from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from benchmarks.inputs import synth
from benchmarks.inputs.weights import write_alexnet
from srspace_eval.errors import ExecutorError, InputError, WeightsError
from srspace_eval.metrics.lpips import network as module
from srspace_eval.metrics.lpips import trunks, weights
from srspace_eval.metrics.lpips.function import lpips, lpips_map
from srspace_eval.metrics.lpips.network import LPIPS

Both = Callable[[str], tuple[LPIPS, Any]]


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def pair(height: int = 65, width: int = 97) -> tuple[np.ndarray, np.ndarray]:
    gt = synth.picture(height, width, 5)
    return np.clip(gt.astype(int) + noise(height, width) % 41 - 20, 0, 255).astype(np.uint8), gt


def signed(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(picture).permute(2, 0, 1)[None].to(torch.float32) / 127.5 - 1


@pytest.mark.parametrize("net", sorted(trunks.ARCHITECTURES))
@pytest.mark.parametrize("size", [(65, 97), (131, 64), (33, 250), (203, 301), (140, 611)])
def test_equals_the_package_lpips(net: str, size: tuple[int, int], both: Both) -> None:
    ours, theirs = both(net)
    for sr, gt in (pair(*size), (noise(*size, seed=1), noise(*size, seed=2))):
        with torch.no_grad():
            expected = theirs(signed(sr), signed(gt))[0, 0]
        result = ours.map(sr, gt)
        assert result.shape == size
        assert result.dtype == torch.float32
        assert (result - expected).abs().max() < 2e-6
        assert abs(result.mean() - expected.mean()) < 2e-6


@pytest.mark.parametrize("net", sorted(trunks.ARCHITECTURES))
def test_the_smallest_picture_works_and_a_smaller_one_is_named(net: str, both: Both) -> None:
    ours, theirs = both(net)
    smallest = module.ARCHITECTURES[net].smallest
    for size in ((smallest, 64), (64, smallest)):
        sr, gt = noise(*size), noise(*size, seed=1)
        with torch.no_grad():
            expected = theirs(signed(sr), signed(gt))[0, 0]
        assert (ours.map(sr, gt) - expected).abs().max() < 2e-6
    with pytest.raises(InputError, match=f"64×{smallest - 1} pixels; .*{net} trunk.*{smallest}×{smallest}"):
        ours.prepare(noise(64, smallest - 1))
    with pytest.raises(RuntimeError):
        theirs(signed(noise(64, smallest - 1)), signed(noise(64, smallest - 1)))


@pytest.mark.parametrize("rows", [2, 6, 50])
def test_a_trunk_made_in_bands_is_the_same(rows: int, both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    vgg, _ = both("vgg")
    for height in (101, 104):
        sr, gt = pair(height, 67)
        whole = vgg.map(sr, gt)
        with monkeypatch.context() as patch:
            patch.setattr(trunks, "_BAND_VALUES", 64 * 67 * rows)
            parts = list(vgg._activations(torch.from_numpy(gt)))
            assert sum(part.tap == 0 for part in parts) > 1
            assert (vgg.map(sr, gt) - whole).abs().max() < 1e-6
            assert vgg.map(gt, gt).abs().max() == 0


@pytest.mark.weights
def test_squeezenets_real_trunk_gives_the_known_mean(shared: Path, tmp_path: Path) -> None:
    ours = LPIPS("squeeze", weights=shared / "weights" / "squeezenet1_1-features.pth")
    torch.manual_seed(123)
    first, second = (torch.rand(10, 3, 100, 100).permute(0, 2, 3, 1) for _ in range(2))
    means = []
    for a, b in zip(first, second, strict=True):
        distances = ours.distances(ours.prepare(b), a)
        means.append(sum(float(layer.mean()) for layer in distances))
    assert np.mean(means) == pytest.approx(0.10080, abs=5e-6)
    assert ours.signature["trunk"] == "torchvision"  # the file is another one, the parameters are the same
    assert ours.signature["trunk_sha256"].startswith("ea7469ca")
    state = torch.load(shared / "weights" / "squeezenet1_1-features.pth", weights_only=True)
    state["features.0.bias"][0] += 1e-6
    torch.save(state, tmp_path / "other.pth")
    assert LPIPS("squeeze", weights=tmp_path / "other.pth").signature["trunk"] == "custom"


@pytest.mark.parametrize("net", sorted(trunks.ARCHITECTURES))
def test_a_sample_equal_to_the_gt_has_distance_zero(net: str, both: Both) -> None:
    _, gt = pair()
    assert both(net)[0].map(gt, gt).abs().max() == 0


def test_swapping_the_arguments_changes_nothing(alex: LPIPS) -> None:
    sr, gt = pair()
    torch.testing.assert_close(alex.map(sr, gt), alex.map(gt, sr), rtol=0, atol=1e-7)


def test_many_samples_against_one_reference_are_as_each_alone(alex: LPIPS) -> None:
    _, gt = pair()
    samples = [noise(65, 97, seed=i) for i in range(3)]
    reference = alex.prepare(gt)
    together = [alex.distances(reference, sr) for sr in [*samples, *samples[::-1]]]
    for sr, first, again in zip(samples, together[:3], together[:2:-1], strict=True):
        for a, b, alone in zip(first, again, alex.distances(alex.prepare(gt), sr), strict=True):
            assert torch.equal(a, b)
            assert torch.equal(a, alone)


def test_float_and_8_bit_arrays_and_tensors_agree(alexnet: Path) -> None:
    sr, gt = pair()
    expected = lpips_map(sr, gt, weights=alexnet)
    assert isinstance(expected, np.ndarray)
    for kind in (np.float32, np.float64):
        np.testing.assert_allclose(
            lpips_map((sr / 255).astype(kind), gt, weights=str(alexnet)), expected, rtol=0, atol=1e-7
        )
    tensor = lpips_map(torch.from_numpy(sr), gt, weights=alexnet)
    assert isinstance(tensor, torch.Tensor)
    np.testing.assert_array_equal(tensor.numpy(), expected)


def test_lpips_is_the_mean_of_the_map_and_a_batch_is_its_pictures(alexnet: Path, alex: LPIPS) -> None:
    sr, gt = pair()
    value = lpips(sr, gt, weights=alexnet)
    assert isinstance(value, float)
    assert value == pytest.approx(float(lpips_map(sr, gt, weights=alexnet).mean(dtype=np.float64)), rel=1e-6)
    samples = np.stack([sr, gt, sr[::-1]])
    maps = lpips_map(samples, gt, weights=alexnet)
    assert maps.shape == (3, 65, 97)
    assert maps.dtype == np.float32
    for sample, found in zip(samples, maps, strict=True):
        np.testing.assert_array_equal(found, alex.map(sample, gt).numpy())
    tensors = torch.from_numpy(samples).permute(0, 3, 1, 2)
    np.testing.assert_array_equal(lpips_map(tensors, tensors.flip(0), weights=alexnet).numpy()[1], 0 * maps[1])
    np.testing.assert_array_equal(lpips_map(tensors, gt, weights=alexnet).numpy(), maps)


def test_the_model_is_kept_until_its_file_changes(tmp_path: Path) -> None:
    sr, gt = pair(40, 40)
    found = []
    for seed in (1, 2, 1):
        path = write_alexnet(tmp_path / "alex.pth", seed)
        found.append(lpips_map(sr, gt, weights=path))
    assert (found[0] != found[1]).any()
    np.testing.assert_array_equal(found[0], found[2])


def test_a_trunk_that_does_not_exist_is_named(alexnet: Path) -> None:
    with pytest.raises(InputError, match="no LPIPS trunk 'resnet': alex, vgg, squeeze"):
        lpips_map(*pair(), net="resnet", weights=alexnet)


@pytest.mark.parametrize(
    ("sr", "words"),
    [
        (noise(64, 64) / 127.5 - 1, r"values from -1 to 1 given, uint8 or float in \[0, 1\] wanted; .*\(x \+ 1\) / 2"),
        (noise(64, 64).astype(np.float32), "from 0 to 255 given.*divide by 255"),
        (np.where(noise(64, 64) == 7, np.nan, 0.5), "values are NaN or infinite"),
        (np.full((64, 64, 3), np.inf), "12288 values are NaN or infinite"),
        (noise(64, 64).astype(np.int64), r"int64 \(64, 64, 3\) given"),
        (noise(64, 64)[..., 0], r"RGB wanted: \(H, W, 3\)"),
        (noise(64, 64).transpose(2, 0, 1), r"uint8 \(3, 64, 64\) given"),
        (noise(64, 65), "sizes differ, 64×65 and 64×64"),
        ("0801.png", "not str"),
    ],
)
def test_pictures_that_are_not_meant_are_named(sr: Any, words: str, alexnet: Path) -> None:
    with pytest.raises(InputError, match=words):
        lpips_map(sr, noise(64, 64), weights=alexnet)


def test_a_sample_of_another_size_is_named(alex: LPIPS) -> None:
    with pytest.raises(InputError, match="sr is 64×48, gt is 64×64"):
        alex.distances(alex.prepare(noise(64, 64)), noise(64, 48))


def test_the_signature_says_what_was_used(alex: LPIPS, alexnet: Path) -> None:
    assert alex.signature == {
        "version": "0.1",
        "net": "alex",
        "spatial": True,
        "trunk": "custom",
        "trunk_sha256": weights.sha256(alexnet),
        "calibration_sha256": weights.sha256(weights.calibration_file("alex")),
        "precision": "float32",
    }
    assert alex.device_name == "cpu"


def test_torchvisions_own_file_is_recognised(alexnet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = weights.sha256(alexnet)
    official = weights.TrunkFile("alex", f"alexnet-owt-{digest[:8]}.pth", alexnet.stat().st_size)
    monkeypatch.setitem(weights.TRUNKS, "alex", official)
    (tmp_path / official.name).write_bytes(alexnet.read_bytes())
    assert LPIPS("alex", weights_dir=tmp_path).signature["trunk"] == "torchvision"
    assert LPIPS("alex", weights=alexnet).signature["trunk"] == "torchvision"


def test_safetensors_are_read(alex: LPIPS, tmp_path: Path) -> None:
    path = tmp_path / "alex.safetensors"
    save_file({name: torch.from_numpy(value) for name, value in synth.alexnet_features(1).items()}, path)
    sr, gt = pair()
    assert torch.equal(LPIPS("alex", weights=path).map(sr, gt), alex.map(sr, gt))


def spoilt(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    state: dict[str, Any] = {name: torch.from_numpy(value) for name, value in synth.alexnet_features(1).items()}
    change(state)
    return state


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (spoilt(lambda s: s.pop("features.6.bias")), "not the alex trunk: features.6.bias is missing"),
        (spoilt(lambda s: s.update({"features.0.bias": torch.zeros(65)})), r"\(65,\), not \(64,\)"),
        (spoilt(lambda s: s["features.3.weight"].fill_(torch.nan)), "not finite"),
        ([torch.zeros(1)], "holds a list, not a state dict"),
    ],
)
def test_files_of_other_networks_are_named(state: Any, words: str, tmp_path: Path) -> None:
    path = tmp_path / "trunk.pth"
    torch.save(state, path)
    with pytest.raises(WeightsError, match=words) as caught:
        LPIPS("alex", weights=path)
    assert str(path) in str(caught.value)


class _Runs:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path("ran").touch, ()


def test_code_in_a_file_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"features.0.weight": _Runs()}, tmp_path / "trunk.pth")
    with pytest.raises(WeightsError, match="not a file of weights"):
        LPIPS("alex", weights=tmp_path / "trunk.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", b"<html>404</html>"])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_damaged_files_are_named(content: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"trunk{suffix}"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="not a file of weights"):
        LPIPS("alex", weights=path)


def test_missing_files_and_wrong_choices_are_named(alexnet: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be read"):
        LPIPS("alex", weights=tmp_path / "none.pth")
    with pytest.raises(InputError, match="alex, vgg, squeeze"):
        LPIPS("resnet", weights=alexnet)
    with pytest.raises(InputError, match="float32, tf32, bf16"):
        LPIPS("alex", weights=alexnet, precision="fp16")
    with pytest.raises(InputError, match="tf32 needs a CUDA device"):
        LPIPS("alex", weights=alexnet, precision="tf32")
    with pytest.raises(ExecutorError, match="device gpu"):
        LPIPS("alex", weights=alexnet, device="gpu")


def test_bf16_is_close_and_the_signature_says_so(alexnet: Path, alex: LPIPS) -> None:
    sr, gt = pair(128, 160)
    half = LPIPS("alex", weights=alexnet, precision="bf16")
    deviation = half.signature["deviation"]
    assert half.signature == alex.signature | {"precision": "bf16", "deviation": deviation}
    assert 0 <= float(deviation.removesuffix("%")) < 10
    exact, rounded = alex.map(sr, gt).mean(), half.map(sr, gt).mean()
    assert 0 < abs(rounded - exact) < 0.03 * exact
    assert half.map(gt, gt).abs().max() == 0
