"""Speed of the model adapters compared with a plain program, in the same run.

The plain program works as the authors' programs do: it computes one sample at a time, module by module, and all
networks for every sample, also the RRDB layers whose outputs the flow never reads. The weights are synthetic
(``inputs/synth.py``); that does not change the speed.

    python benchmarks/models.py srflow_df2k_x4 --size 128 --samples 10

prints a JSON document: seconds of both programs (the minimum over ``--repeats``) for one sample and for all, their
ratios, and the largest difference between their pictures. The plain program shares no work between samples, so its time
for all samples is the time of one times their number. ``--threads 1 --clock cpu`` measures processor time instead,
which is more reliable on a busy machine.

``--products`` counts the products of both programs instead: multiplications in convolutions and matrix products for
each LR pixel. Their ratio is what the same speed of arithmetic would give. ``--table`` prints a row of the table in
``docs/concepts/measured.md``.

    python benchmarks/models.py srflow_df2k_x4 --size 339x510 --device cuda --precision float32 bf16

does the same on a GPU in each precision, and also prints the peak memory and the difference from the CPU's pictures.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from inputs import synth
from srspace_eval.flows import ConditionalFlow
from srspace_eval.flows.network import level_condition
from srspace_eval.flows.rrdb import leaky_relu
from srspace_eval.models.adapters.flow import FlowModel
from srspace_eval.models.base import ModelConfig
from srspace_eval.models.checkpoints.configurations import CONFIGURATIONS
from srspace_eval.models.precision import Precision, inference


def weights(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Synthetic weights of these shapes."""
    found: dict[str, np.ndarray] = synth.state_dict(shapes)  # type: ignore[no-untyped-call]
    return found


def plain_decode(flow: ConditionalFlow, lr: Tensor, latents: Sequence[Tensor]) -> Tensor:
    """Decode one sample as the authors' programs do."""
    net, spec = flow.RRDB, flow.spec
    features = net.features(lr, spec.stacked)
    net.conv_last(leaky_relu(net.HRconv(features.up[-1])))
    conditions = [level_condition(spec, features, level) for level in range(1, spec.levels + 1)]
    return flow.decode(conditions, latents)[0]


def seconds(call: Callable[[], object], clock: Callable[[], float], device: torch.device) -> float:
    """Seconds of one call."""
    _wait(device)
    start = clock()
    call()
    _wait(device)
    return clock() - start


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=sorted(CONFIGURATIONS))
    parser.add_argument("--size", default="128", help="LR side, or HEIGHTxWIDTH")
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    parser.add_argument("--products", action="store_true", help="count products; measure no time")
    parser.add_argument("--table", action="store_true", help="print a row of a Markdown table")
    parser.add_argument("--precision", nargs="+", choices=["float32", "bf16", "fp16"], default=["float32"])
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_grad_enabled(False)
    device = torch.device(args.device)
    height, _, width = args.size.partition("x")
    height, width = int(height), int(width or height)

    family, spec = CONFIGURATIONS[args.name]
    flow = ConditionalFlow(spec)
    shapes = {name: tuple(value.shape) for name, value in flow.state_dict().items()}
    flow.load_state_dict({name: torch.from_numpy(value) for name, value in weights(shapes).items()})
    config = ModelConfig(args.name, family, spec.scale)
    on_cpu = flow.eval()
    flow = copy.deepcopy(on_cpu).to(device)
    model = FlowModel(config, flow)

    generator = torch.Generator().manual_seed(0)
    lr = torch.rand(1, 3, height, width, generator=generator).to(device)
    sizes = model.latent_shapes(height, width)
    latents = [0.9 * torch.randn(args.samples, *size, generator=generator).to(device) for size in sizes]
    one = [latent[:1] for latent in latents]
    if args.products:
        pixels = height * width
        with inference(device):
            calls = {
                "plain_one": lambda: plain_decode(flow, lr, one),
                "one": lambda: model.decode(lr, one),
                "all": lambda: model.decode(lr, latents),
            }
            counts = {name: products(call) / pixels for name, call in calls.items()}
        ratios = {
            "ratio_one": counts["plain_one"] / counts["one"],
            "ratio_all": args.samples * counts["plain_one"] / counts["all"],
        }
        print(
            json.dumps(
                {"model": args.name, "lr": [height, width], "products_for_each_lr_pixel": counts} | ratios, indent=2
            )
        )
        return
    with inference(device):
        expected = plain_decode(flow, lr, one)
    if device.type != "cpu":
        with inference(torch.device("cpu")):
            cpu, _ = FlowModel(config, on_cpu).decode(lr.cpu(), [latent.cpu() for latent in one])

    report: dict[str, object] = {
        "model": args.name,
        "lr": [height, width],
        "samples": args.samples,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
        "threads": args.threads,
        "clock": args.clock,
    }
    clock = time.process_time if args.clock == "cpu" else time.perf_counter
    for precision in args.precision:
        found = measure(model, flow, lr, latents, precision, args.repeats, clock)
        with inference(device, precision):
            sr, _ = model.decode(lr, one)
        found["largest_difference"] = float((expected - sr).abs().max())
        if device.type != "cpu":
            found["largest_difference_from_cpu"] = float((cpu - sr.cpu()).abs().max())
        if len(args.precision) == 1:
            report |= found
        else:
            report[precision] = found
    if args.table and "ratio_one" in report:
        cells = [f"{report[key]:.2f} s" for key in ("plain_one_s", "one_s", "all_s")]
        times_faster = ", ".join(f"{report[key]:.1f}" for key in ("ratio_one", "ratio_all"))
        print(f"| {args.name}, {height}×{width} | {' | '.join(cells)} | {times_faster} |")
        return
    print(json.dumps(report, indent=2))


def products(call: Callable[[], object]) -> float:
    """Multiplications in the convolutions and matrix products of a call, those by NumPy included."""
    by_numpy: list[int] = []
    matmul = np.matmul

    def counted(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> np.ndarray:
        by_numpy.append(out.size * a.shape[-1])
        return matmul(a, b, out=out)

    np.matmul = counted  # type: ignore[assignment]
    try:
        with FlopCounterMode(display=False) as counter:
            call()
    finally:
        np.matmul = matmul
    return float(counter.get_total_flops() / 2 + sum(by_numpy))  # an addition for each multiplication


def measure(
    model: FlowModel,
    flow: ConditionalFlow,
    lr: Tensor,
    latents: Sequence[Tensor],
    precision: Precision,
    repeats: int,
    clock: Callable[[], float],
) -> dict[str, float]:
    """Seconds of both programs in one precision; on CUDA also the memory of decoding all samples."""
    device, one = lr.device, [latent[:1] for latent in latents]
    found: dict[str, float] = {}
    with inference(device, precision):
        plain_decode(flow, lr, one)
        if device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(device)
            before = torch.cuda.memory_allocated(device)
        model.decode(lr, latents)
        if device.type == "cuda":
            found["peak_memory_mb"] = (torch.cuda.max_memory_allocated(device) - before) / 1e6
            found["peak_memory_reserved_mb"] = torch.cuda.max_memory_reserved(device) / 1e6
            found["estimated_memory_mb"] = model.memory_estimate(lr.shape[2], lr.shape[3], len(latents[0])) / 1e6
        # The programs alternate, so that a busy machine slows both.
        plain, fused_one, fused_all = [], [], []
        for _ in range(repeats):
            plain.append(seconds(lambda: plain_decode(flow, lr, one), clock, device))
            fused_one.append(seconds(lambda: model.decode(lr, one), clock, device))
            fused_all.append(seconds(lambda: model.decode(lr, latents), clock, device))
    found |= {"plain_one_s": min(plain), "one_s": min(fused_one), "all_s": min(fused_all)}
    found["ratio_one"] = found["plain_one_s"] / found["one_s"]
    found["ratio_all"] = len(latents[0]) * found["plain_one_s"] / found["all_s"]
    return found


if __name__ == "__main__":
    main()
