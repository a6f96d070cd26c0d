"""The CUDA path on tensors that have a device and a shape but no values: no GPU is needed.

Shown by it: everything is on the device, precision is what it should be, and between a sample's kernels nothing is
copied and nothing is waited for. Triton's kernels cannot run so; the fast forms stand in.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from benchmarks.inputs.weights import small_spec, write_alexnet
from srspace_eval.flows.network import ConditionalFlow
from srspace_eval.flows.rrdb import RRDBNet
from srspace_eval.kernels import dispatch, distance_maps_fast
from srspace_eval.metrics.diversity.function import PatchPlan
from srspace_eval.metrics.evaluator import ImageEvaluator
from srspace_eval.metrics.lpips import network as lpips_module
from srspace_eval.metrics.lpips.network import LPIPS
from srspace_eval.metrics.ssim.function import _gaussian
from srspace_eval.models.adapters.flow import FlowModel
from srspace_eval.models.adapters.rrdb import RRDBModel
from srspace_eval.models.base import ModelConfig
from tests.helpers.evaluation import MEASURED, evaluator_config

GPU = torch.device("cuda", 0)


class Watch(TorchDispatchMode):
    """Notes what crosses between devices, the waits that follow, and values read off the device."""

    def __init__(self) -> None:
        super().__init__()
        self.crossings: list[str] = []
        self.spinning: list[str] = []
        self.waits = 0

    def forget(self) -> None:
        self.crossings.clear()
        self.spinning.clear()
        self.waits = 0

    def waited(self) -> None:
        self.waits += 1

    def read(self, tensor: Tensor) -> None:
        if tensor.device == GPU:
            self.spinning.append(str(tuple(tensor.shape)))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = str(func)
        given = [x for x in tree_flatten((args, kwargs))[0] if isinstance(x, Tensor)]
        if name.startswith(("aten._local_scalar_dense", "aten.item")):
            self.read(given[0])
            return 0.5 if given[0].is_floating_point() else 1
        out = func(*args, **(kwargs or {}))
        results = [x for x in tree_flatten(out)[0] if isinstance(x, Tensor)]
        inside, outside = ({x.device for x in some} for some in (given, results))
        if given and results and (inside != outside or len(inside) > 1):
            asked = "queued" if (kwargs or {}).get("non_blocking") else "blocking"
            self.crossings.append(f"{asked} {tuple(results[0].shape)} to {results[0].device.type}")
        return out


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    mode, seen = FakeTensorMode(allow_non_fake_inputs=True), Watch()

    class Event:
        def __init__(self, blocking: bool) -> None:
            assert blocking  # else the thread would spin

        def record(self, stream: object) -> None: ...

        def synchronize(self) -> None:
            seen.waited()

    def tolist(tensor: Tensor) -> list[float]:
        seen.read(tensor)
        return [0.5] * tensor.numel()

    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: None)
    monkeypatch.setattr(FakeTensor, "tolist", tolist, raising=False)
    monkeypatch.setattr(dispatch, "_why_no_triton", lambda device: "nothing runs here")
    monkeypatch.setattr(dispatch, "notify_once", lambda text: None)
    # A copy in another memory format, which fake modules refuse.
    monkeypatch.setattr("srspace_eval.models.adapters.flow.copy", SimpleNamespace(deepcopy=lambda module: module))
    monkeypatch.setattr(torch.nn.Module, "to", lambda module, memory_format: module)
    # What is cached must not be fake in other tests.
    _gaussian()
    distance_maps_fast._plan.cache_clear()
    with mode, seen:
        yield seen
    distance_maps_fast._plan.cache_clear()


@pytest.fixture
def lpips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that makes an LPIPS on the GPU that is not there; files are read before tensors turn fake."""
    path = write_alexnet(tmp_path / "alex.pth")
    calibration = LPIPS("alex", weights=path)._weights
    parameters = lpips_module.read_parameters("alex", path)
    monkeypatch.setattr(lpips_module, "read_parameters", lambda *arguments: parameters)
    monkeypatch.setattr(lpips_module, "_calibration", lambda *arguments: calibration)
    monkeypatch.setattr(lpips_module, "resolve_device", lambda device: GPU)
    monkeypatch.setattr(lpips_module, "device_name", lambda device: "a GPU")
    return lambda **options: LPIPS("alex", weights=path, device="cuda", **options)


def picture() -> Tensor:
    return torch.zeros(72, 80, 3, dtype=torch.uint8)


@pytest.mark.parametrize("precision", ["float32", "tf32", "bf16"])
def test_nothing_stands_between_the_kernels_of_a_sample(lpips: Any, watch: Watch, precision: str) -> None:
    torch.backends.cudnn.allow_tf32 = True  # torch's default
    network = lpips(precision=precision)
    evaluator = ImageEvaluator(picture(), evaluator_config(frozenset({"lpips", "lr_psnr", "diversity"}), 4), network)
    evaluator.update(evaluator.measure(picture()))
    assert torch.backends.cudnn.allow_tf32 == (precision == "tf32")
    assert torch.backends.cudnn.deterministic
    watch.forget()
    measured = evaluator.measure(picture())
    assert watch.crossings == ["queued (72, 80, 3) to cuda", "queued () to cpu"]
    assert (watch.waits, watch.spinning) == (1, [])
    layers = measured[0]  # of the network's pass
    assert isinstance(layers, list)
    assert {(layer.device, layer.dtype) for layer in layers} == {(GPU, torch.float32)}
    watch.forget()
    evaluator.update(measured)
    assert watch.crossings == ["queued (2,) to cpu"]
    assert (watch.waits, watch.spinning) == (1, [])


def test_every_metric_is_measured_on_the_device(lpips: Any, watch: Watch) -> None:
    evaluator = ImageEvaluator(picture(), evaluator_config(MEASURED, 4, patches=PatchPlan(5, 16)), lpips())
    evaluator.update(evaluator.measure(picture()))
    watch.forget()
    evaluator.update(evaluator.measure(picture()))
    up, *down = watch.crossings
    assert up == "queued (72, 80, 3) to cuda"
    assert {crossing.rpartition(" ")[0] for crossing in down} == {"queued () to", "queued (1,) to", "queued (2,) to"}
    assert (watch.waits, watch.spinning) == (len(down), [])
    watch.forget()
    evaluator.compute()
    assert watch.crossings == ["queued (2, 5) to cpu"]  # the patches' means


@pytest.mark.parametrize("name", ["srflow", "srflow_da"])
def test_flows_decode_and_encode_without_waiting(name: str, watch: Watch) -> None:
    spec = small_spec(name)
    with torch.device("cuda:0"):
        flow = ConditionalFlow(spec).requires_grad_(False).eval()
    model = FlowModel(ModelConfig(name, name, spec.scale), flow)
    lr = torch.zeros(1, 3, 9, 7, device=GPU)
    latents = [torch.zeros(2, *shape, device=GPU) for shape in model.latent_shapes(9, 7)]
    conditioning = model.condition(lr)
    watch.forget()
    sr, logdet = model.decode(conditioning, latents)
    assert (watch.crossings, watch.spinning) == ([], [])
    assert (sr.shape, sr.dtype, sr.device) == ((2, 3, 36, 28), torch.float32, GPU)
    assert (logdet.dtype, logdet.device) == (torch.float32, GPU)
    watch.forget()
    found, logdet, nll = model.encode(conditioning, torch.zeros(1, 3, 36, 28, device=GPU))
    assert (watch.crossings, watch.spinning) == ([], ["()", "()"])  # the picture's range, before anything is queued
    assert {x.device for x in (*found, logdet, nll)} == {GPU}
    assert [tuple(x.shape[1:]) for x in found] == list(model.latent_shapes(9, 7))


def test_rrdb_decodes_on_the_device(watch: Watch) -> None:
    with torch.device("cuda:0"):
        net = RRDBNet(4, 2, 8, 4).requires_grad_(False).eval()
    model = RRDBModel(ModelConfig("rrdb", "rrdb", 4, True), net)
    sr, _ = model.decode(torch.zeros(1, 3, 9, 7), [])
    assert (sr.shape, sr.device) == ((1, 3, 36, 28), GPU)
    assert watch.crossings == ["blocking (1, 3, 9, 7) to cuda"]


def test_the_fake_is_strict(watch: Watch) -> None:
    """What the other tests rely on: a tensor left on the CPU, or a value read without waiting, is seen."""
    x = torch.zeros(3, device=GPU)
    with pytest.raises(RuntimeError):
        x + torch.zeros(3)
    float(x.sum())
    x.cpu()
    x[np.array([0, 1])]
    assert watch.spinning == ["()"]
    assert watch.crossings[0] == "blocking (3,) to cpu"
    assert len(watch.crossings) >= 2
