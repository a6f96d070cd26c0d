"""Small networks of other programs with made-up weights, as checkpoints, and what spandrel itself makes of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

Make = Callable[[], nn.Module]


def _rcan() -> nn.Module:
    from spandrel.architectures.RCAN import RCAN

    return RCAN(scale=4, n_resgroups=2, n_resblocks=2, n_feats=16, reduction=4)


def _swinir() -> nn.Module:
    from spandrel.architectures.SwinIR import SwinIR

    return SwinIR(
        embed_dim=12, depths=[2], num_heads=[2], window_size=8, mlp_ratio=2, upscale=4, upsampler="pixelshuffle"
    )


def _hat() -> nn.Module:
    from spandrel.architectures.HAT import HAT

    return HAT(
        embed_dim=12, depths=(1,), num_heads=(2,), window_size=8, compress_ratio=3, squeeze_factor=4, mlp_ratio=2,
        upscale=4, num_feat=16,
    )  # fmt: skip


def _dat() -> nn.Module:
    from spandrel.architectures.DAT import DAT

    return DAT(embed_dim=32, split_size=[4, 8], depth=[2], num_heads=[2], expansion_factor=2, upscale=4)


def _span() -> nn.Module:
    from spandrel.architectures.SPAN import SPAN

    return SPAN(num_in_ch=3, num_out_ch=3, feature_channels=12, upscale=4)


def _esrgan(plus: bool = False) -> nn.Module:
    from spandrel.architectures.ESRGAN import ESRGAN

    return ESRGAN(num_filters=16, num_blocks=2, scale=4, plus=plus)


def _real_esrgan(scale: int) -> nn.Module:
    """Real-ESRGAN's networks for ×2 and ×1: the LR's pixels are unshuffled, so that the trunk is the one for ×4."""
    from spandrel.architectures.ESRGAN import ESRGAN

    factor = 4 // scale
    return ESRGAN(in_nc=3 * factor**2, num_filters=16, num_blocks=2, scale=4, shuffle_factor=factor)


NETWORKS: dict[str, Make] = {
    "RCAN": _rcan,
    "SwinIR": _swinir,
    "HAT": _hat,
    "DAT": _dat,
    "SPAN": _span,
    "ESRGAN": _esrgan,
    "ESRGAN+": lambda: _esrgan(plus=True),
    "Real-ESRGAN x2": lambda: _real_esrgan(2),
    "Real-ESRGAN x1": lambda: _real_esrgan(1),
}


def made_up(name: str, seed: int = 1) -> dict[str, Tensor]:
    """The state dict of a small network; its float parameters are random, so that no part is the identity."""
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(seed)
        net = NETWORKS[name]()
        with torch.no_grad():
            for key, value in net.named_parameters():
                if "_mean." not in key:
                    value.copy_(0.5 * torch.randn_like(value) / max(1, value[0].numel()) ** 0.5)
    return {key: value.detach().clone() for key, value in net.state_dict().items()}


def spandrels_own(state: dict[str, Tensor]) -> Any:
    """What spandrel makes of a state dict by itself."""
    from spandrel import ModelLoader

    with quiet():
        return ModelLoader("cpu").load_from_state_dict(dict(state)).eval()


def spandrels_picture(state: dict[str, Tensor], lr: Tensor) -> Tensor:
    """The picture of spandrel's own call."""
    descriptor = spandrels_own(state)
    with quiet():
        return descriptor(lr.clone())  # type: ignore[no-any-return]


@contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings of PyTorch about spandrel's networks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def save(path: Path, state: dict[str, Tensor]) -> Path:
    """Write a state dict as a ``.pth`` file."""
    torch.save(state, path)
    return path


def basicsr_rcan(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """An RCAN of two groups and two blocks under BasicSR's names; the mean shifts are left out."""
    out = {}
    for name, value in state.items():
        parts = name.split(".")
        if parts[0] in ("sub_mean", "add_mean"):
            continue
        if parts[0] == "head":
            parts[:2] = ["conv_first"]
        elif parts[0] == "tail":
            parts[:2] = ["upsample"] if parts[1] == "0" else ["conv_last"]
        elif parts[:2] == ["body", "2"]:
            parts[:2] = ["conv_after_body"]
        elif parts[3] == "2":
            parts[2:4] = ["conv"]
        else:
            tail = parts[5:]
            if tail[:2] == ["3", "conv_du"]:
                tail[:3] = ["3", "attention", str(int(tail[2]) + 1)]
            parts = [*parts[:2], "residual_group", parts[3], "rcab", *tail]
        out[".".join(parts)] = value
    return out
