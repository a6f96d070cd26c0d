"""Flow models of small sizes: samples are independent of each other, sizes of any kind, caching, memory."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from srspace_eval.errors import CheckpointError, InputError
from srspace_eval.flows import ConditionalFlow, FlowSpec
from srspace_eval.models import load_model
from srspace_eval.models.adapters import flow_samples
from srspace_eval.models.adapters.flow import FlowModel
from srspace_eval.models.adapters.peak import peak_bytes
from srspace_eval.models.base import Flow, ModelConfig
from srspace_eval.models.checkpoints.configurations import flow_spec
from tests.helpers.model_goldens import weights

REPOSITORY = Path(__file__).resolve().parents[3]
SPECS = {
    "srflow_x8": flow_spec("srflow", 8, 4, 2, blocks=8),
    "srflow_x4": flow_spec("srflow", 4, 3, 2),
    "ncsr_x4": flow_spec("ncsr", 4, 3, 2),
    "srflow_da_x4": flow_spec("srflow_da", 4, 2, 1),
    "srflow_da_r_x8": flow_spec("srflow_da_r", 8, 3, 1),
    "srflow_da_d_x4": flow_spec("srflow_da_d", 4, 2, 1),
    "srflow_da_s_x4": flow_spec("srflow_da_s", 4, 1, 7),
}


def small(name: str) -> FlowSpec:
    return dataclasses.replace(SPECS[name], features=8, growth=4, hidden=8)


def make_flow(spec: FlowSpec) -> ConditionalFlow:
    flow = ConditionalFlow(spec)
    flow.load_state_dict(weights({name: tuple(value.shape) for name, value in flow.state_dict().items()}))
    return flow


def make_model(name: str, *, cache_limit: int | None = None, double: bool = False) -> FlowModel:
    spec = small(name)
    flow = make_flow(spec)
    return FlowModel(ModelConfig(name, "test", spec.scale), flow.double() if double else flow, cache_limit=cache_limit)


def draw(model: FlowModel, height: int, width: int, n: int, seed: int = 0) -> tuple[Tensor, list[Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    lr = torch.rand(1, 3, height, width, generator=generator)
    return lr, [torch.randn(n, *s, generator=generator) for s in model.latent_shapes(height, width)]


@pytest.mark.parametrize("name", SPECS)
def test_folded_form_equals_the_layers(name: str) -> None:
    model = make_model(name, double=True)
    lr, latents = draw(model, 6, 8, 2)
    lr, latents = lr.double(), [latent.double() for latent in latents]
    sr, logdet = model.decode(lr, latents)
    with torch.no_grad():
        flow = make_flow(small(name)).double()
        expected, expected_logdet = flow.decode(flow.condition(lr), latents)
    torch.testing.assert_close(sr, expected, atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(logdet, expected_logdet, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("name", SPECS)
def test_float32_agrees_with_float64(name: str) -> None:
    single, double = make_model(name), make_model(name, double=True)
    lr, latents = draw(single, 6, 8, 1)
    sr, logdet = single.decode(lr, latents)
    expected, expected_logdet = double.decode(lr.double(), [latent.double() for latent in latents])
    torch.testing.assert_close(sr.double(), expected, atol=2e-5, rtol=0)
    torch.testing.assert_close(logdet.double(), expected_logdet, rtol=1e-5, atol=0)


@pytest.mark.parametrize("name", SPECS)
def test_a_sample_does_not_depend_on_the_others(name: str) -> None:
    model = make_model(name)
    lr, latents = draw(model, 9, 7, 10)
    sr, logdet = model.decode(lr, latents)
    conditioning = model.condition(lr)
    for k in range(10):
        one, one_logdet = model.decode(conditioning, [latent[k : k + 1] for latent in latents])
        assert torch.equal(one, sr[k : k + 1])
        assert torch.equal(one_logdet, logdet[k : k + 1])


@pytest.mark.parametrize("name", ["srflow_x4", "ncsr_x4", "srflow_da_x4"])
def test_the_bytes_do_not_depend_on_the_number_of_threads(name: str) -> None:
    spec = dataclasses.replace(SPECS[name], features=8, growth=4)
    model = FlowModel(ModelConfig(name, "test", spec.scale), make_flow(spec))
    lr, latents = draw(model, 16, 16, 3)
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3, 8):
            torch.set_num_threads(threads)
            found.append(model.decode(lr, latents))
    finally:
        torch.set_num_threads(before)
    for pictures, logdets in found[1:]:
        assert torch.equal(pictures, found[0][0])
        assert torch.equal(logdets, found[0][1])


@pytest.mark.parametrize("name", ["srflow_x4", "srflow_da_x4"])
def test_samples_that_share_the_threads_have_the_same_bytes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_model(name)
    lr, latents = draw(model, 16, 16, 2)
    expected = model.decode(lr, latents)
    monkeypatch.setattr(flow_samples, "_PARALLEL_BYTES", -1)  # even one thread's memory is too much
    assert all(map(torch.equal, model.decode(lr, latents), expected))


@pytest.mark.parametrize("limit", [0, 20_000, 1 << 30])
def test_the_cache_changes_nothing_and_keeps_its_limit(limit: int) -> None:
    model = make_model("srflow_x4", cache_limit=limit)
    lr, latents = draw(model, 8, 8, 2)
    conditioning = model.condition(lr)
    first = model.decode(conditioning, latents)
    assert sum(step.nbytes for step in conditioning.steps.values()) + conditioning.cache_left == limit
    assert (len(conditioning.steps) == 0, len(conditioning.steps) == 6) == (limit == 0, limit == 1 << 30)
    again = model.decode(conditioning, latents)
    expected = make_model("srflow_x4").decode(lr, latents)
    for found in (first, again):
        assert torch.equal(found[0], expected[0])
        assert torch.equal(found[1], expected[1])


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("size", [(1, 1), (1, 4), (3, 2), (5, 7)])
def test_lrs_of_any_size(name: str, size: tuple[int, int]) -> None:
    model = make_model(name)
    lr, latents = draw(model, *size, 2)
    sr, logdet = model.decode(lr, latents)
    scale = model.config.scale
    assert sr.shape == (2, 3, size[0] * scale, size[1] * scale)
    assert logdet.shape == (2,)
    hr = sr.clamp(0, 1)
    encoded, encode_logdet, nll = model.encode(lr, hr)
    assert [tuple(latent.shape[1:]) for latent in encoded] == list(model.latent_shapes(*size))
    assert encode_logdet.shape == nll.shape == (2,)
    assert bool(torch.isfinite(nll).all())
    torch.testing.assert_close(model.decode(lr, encoded)[0], hr, atol=1e-4, rtol=0)


def test_odd_sizes_are_padded_by_reflection() -> None:
    model = make_model("srflow_x4")
    lr, latents = draw(model, 5, 7, 1)
    padded = torch.from_numpy(np.pad(lr.numpy(), ((0, 0), (0, 0), (0, 1), (0, 1)), mode="reflect"))
    assert model.latent_shapes(5, 7) == model.latent_shapes(6, 8)
    assert torch.equal(model.decode(lr, latents)[0], model.decode(padded, latents)[0][:, :, :20, :28])


def test_given_tensors_are_not_written_to() -> None:
    model = make_model("ncsr_x4")
    lr, latents = draw(model, 6, 6, 2)
    copies = [lr.clone(), *(latent.clone() for latent in latents)]
    sr, _ = model.decode(lr, latents)
    hr = sr.clamp(0, 1)
    copies.append(hr.clone())
    model.encode(lr, hr)
    assert all(torch.equal(a, b) for a, b in zip([lr, *latents, hr], copies, strict=True))


@pytest.mark.parametrize("name", ["srflow_x8", "srflow_x4", "ncsr_x4", "srflow_da_x4"])
def test_decoding_keeps_to_its_memory_estimate(name: str) -> None:
    spec = dataclasses.replace(SPECS[name], blocks=2, stacked=(0, 1), features=32, growth=16, hidden=32)
    model = FlowModel(ModelConfig(name, "test", spec.scale), make_flow(spec))
    side = 64 if spec.scale == 4 else 32
    lr, latents = draw(model, side, side, 2)
    allocated = peak_bytes(lambda: model.decode(lr, latents))
    assert allocated < model.memory_estimate(side, side, 2)


@pytest.mark.parametrize("method", ["memory_estimate", "encode_memory_estimate"])
def test_memory_estimate_grows_with_all_its_arguments(method: str) -> None:
    estimate = getattr(make_model("srflow_x4", cache_limit=1 << 20), method)
    estimates = [[[estimate(h, w, n) for n in (1, 2, 10)] for w in (1, 16, 300)] for h in (1, 17, 300)]
    array = np.array(estimates)
    assert all((np.diff(array, axis=axis) >= 0).all() for axis in range(3))
    assert array[-1, -1, -1] > 2 * array[0, 0, 0]


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux tells a process's peak memory")
@pytest.mark.parametrize(
    "arguments", [("srflow", 4, 3, 128, 112), ("srflow_da", 4, 2, 100, 80), ("ncsr", 8, 4, 64, 60)], ids=str
)
def test_encoding_keeps_to_its_memory_estimate(arguments: tuple[object, ...]) -> None:
    command = [sys.executable, "-m", "tests.helpers.peak_memory", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY)
    peak, estimate = map(int, done.stdout.split())
    # Not above twice the peak, the convolutions' workspace and the allocator's pieces aside.
    assert peak <= estimate <= 2 * peak + (320 << 20)


@pytest.mark.parametrize(
    "call",
    [
        lambda model, lr, latents: model.condition(lr[0]),
        lambda model, lr, latents: model.condition(torch.cat([lr, lr])),
        lambda model, lr, latents: model.condition((lr * 255).to(torch.uint8)),
        lambda model, lr, latents: model.condition(lr[:, :, :0]),
        lambda model, lr, latents: model.condition(lr * 255),
        lambda model, lr, latents: model.condition(lr * torch.nan),
        lambda model, lr, latents: model.decode(lr, latents[:-1]),
        lambda model, lr, latents: model.decode(lr, []),
        lambda model, lr, latents: model.decode(lr, latents[::-1]),
        lambda model, lr, latents: model.decode(lr, [latents[0], latents[1][:1]]),
        lambda model, lr, latents: model.decode(lr, [latent[:0] for latent in latents]),
        lambda model, lr, latents: model.encode(lr, torch.zeros(1, 3, 24, 23)),
        lambda model, lr, latents: model.encode(lr, torch.zeros(3, 24, 24)),
        lambda model, lr, latents: model.encode(lr, torch.zeros(1, 3, 24, 24, dtype=torch.uint8)),
        lambda model, lr, latents: model.encode(lr, 255 * torch.rand(1, 3, 24, 24)),
        lambda model, lr, latents: model.encode(lr, 2 * torch.rand(1, 3, 24, 24) - 1),
        lambda model, lr, latents: model.encode(lr, torch.full((1, 3, 24, 24), torch.nan)),
    ],
)
def test_wrong_shapes_are_named(call) -> None:  # type: ignore[no-untyped-def]
    model = make_model("srflow_x4")
    lr, latents = draw(model, 6, 6, 2)
    with pytest.raises(InputError, match="not"):
        call(model, lr, latents)


@pytest.mark.parametrize("name", SPECS)
def test_small_networks_load_too(name: str, tmp_path: Path) -> None:
    state = make_flow(small(name)).state_dict()
    save_file(dict(state), tmp_path / "small.safetensors")
    model = load_model(tmp_path / "small.safetensors", device="cpu")
    assert isinstance(model, Flow)
    assert isinstance(model, FlowModel)
    assert model.spec == small(name)
    assert name.startswith(model.config.family)
    lr, latents = draw(model, 6, 6, 1)
    assert torch.equal(model.decode(lr, latents)[0], make_model(name).decode(lr, latents)[0])


def test_sample_gives_pictures(tmp_path: Path) -> None:
    model = make_model("srflow_x8")
    lr = np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8)
    samples = model.sample(lr, n=3, heat=0.9, seed=1)
    assert samples.shape == (3, 40, 48, 3)
    assert samples.dtype == np.uint8
    assert np.array_equal(model.sample(lr, n=1, heat=0.9, seed=1), samples[:1])
    assert not np.array_equal(samples[0], samples[1])
    cold = model.sample(lr, n=2, heat=0, seed=1)
    assert np.array_equal(cold[0], cold[1])


def test_bfloat16_on_request_stays_close() -> None:
    model = make_model("srflow_x4")
    lr, latents = draw(model, 8, 8, 1)
    expected, _ = model.decode(lr, latents)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found, logdet = model.decode(lr, latents)
    assert found.dtype == logdet.dtype == torch.float32
    assert 0 < float((found - expected).abs().max()) < 0.1


def test_unknown_checkpoint_is_named(tmp_path: Path) -> None:
    torch.save({"fc.weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match=r"other\.pth: not a checkpoint of SRFlow"):
        load_model(tmp_path / "other.pth")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", SPECS)
def test_cuda_agrees_with_the_cpu(name: str, tmp_path: Path) -> None:
    torch.save(make_flow(small(name)).state_dict(), tmp_path / "x.pth")
    on_cpu, on_cuda = (load_model(tmp_path / "x.pth", device=device) for device in ("cpu", "cuda"))
    assert isinstance(on_cpu, FlowModel)
    lr, latents = draw(on_cpu, 9, 7, 3)
    expected, _ = on_cpu.decode(lr, latents)
    found, _ = on_cuda.decode(lr.cuda(), [latent.cuda() for latent in latents])
    torch.testing.assert_close(found.cpu(), expected, atol=1e-3, rtol=0)
