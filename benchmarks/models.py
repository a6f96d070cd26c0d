"""Speed of the model adapters against a plain program, in the same run.

The plain program does what the originals do: one sample at a time, every network in full for each (also the RRDB layers
whose outputs the flow never reads), module by module. Weights are made up (``tests/synth.py``), which costs the same.

    python benchmarks/models.py srflow_df2k_x4 --size 128 --samples 10

prints, as JSON: seconds (the minimum over ``--repeats``) for one sample and for all, of both programs, their ratios,
and the largest difference between their pictures. The plain program's time for all samples is that of one times their
number, as it keeps nothing between them. On a busy machine ``--threads 1 --clock cpu`` counts processor time instead.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from srspace_eval.flows import ConditionalFlow
from srspace_eval.flows.network import level_condition
from srspace_eval.flows.rrdb import leaky_relu
from srspace_eval.models.configurations import CONFIGURATIONS
from srspace_eval.models.flow_model import FlowModel
from srspace_eval.models.protocol import ModelConfig

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests import synth


def plain_decode(flow: ConditionalFlow, lr: Tensor, latents: Sequence[Tensor]) -> Tensor:
    """One sample as the original programs make it."""
    net, spec = flow.RRDB, flow.spec
    features = net.features(lr, spec.stacked)
    net.conv_last(leaky_relu(net.HRconv(features.up[-1])))
    conditions = [level_condition(spec, features, level) for level in range(1, spec.levels + 1)]
    return flow.decode(conditions, latents)[0]


def seconds(call: Callable[[], object], clock: Callable[[], float], device: torch.device) -> float:
    """The time of one call."""
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
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_grad_enabled(False)
    device = torch.device(args.device)
    height, _, width = args.size.partition("x")
    height, width = int(height), int(width or height)

    family, spec = CONFIGURATIONS[args.name]
    flow = ConditionalFlow(spec)
    shapes = {name: tuple(value.shape) for name, value in flow.state_dict().items()}
    flow.load_state_dict({name: torch.from_numpy(value) for name, value in synth.state_dict(shapes).items()})
    flow = flow.to(device).eval()
    model = FlowModel(ModelConfig(args.name, family, spec.scale), flow)

    generator = torch.Generator().manual_seed(0)
    lr = torch.rand(1, 3, height, width, generator=generator).to(device)
    sizes = model.latent_shapes(height, width)
    latents = [0.9 * torch.randn(args.samples, *size, generator=generator).to(device) for size in sizes]
    one = [latent[:1] for latent in latents]

    difference = float((plain_decode(flow, lr, one) - model.decode(lr, one)[0]).abs().max())
    model.decode(lr, latents)
    # Alternate, so that a busy machine slows both.
    clock = time.process_time if args.clock == "cpu" else time.perf_counter
    plain, fused_one, fused_all = [], [], []
    for _ in range(args.repeats):
        plain.append(seconds(lambda: plain_decode(flow, lr, one), clock, device))
        fused_one.append(seconds(lambda: model.decode(lr, one), clock, device))
        fused_all.append(seconds(lambda: model.decode(lr, latents), clock, device))
    report = {
        "model": args.name,
        "lr": [height, width],
        "samples": args.samples,
        "device": str(device),
        "threads": args.threads,
        "clock": args.clock,
        "plain_one_s": min(plain),
        "one_s": min(fused_one),
        "all_s": min(fused_all),
        "ratio_one": min(plain) / min(fused_one),
        "ratio_all": args.samples * min(plain) / min(fused_all),
        "largest_difference": difference,
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
