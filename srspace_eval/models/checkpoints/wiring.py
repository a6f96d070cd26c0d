"""How an RRDB network is wired, found by running it. No parameter's name or shape tells it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import torch
import torch.nn.functional as F

from srspace_eval.flows.rrdb import RRDBNet, SkipFrom

SKIPS: tuple[SkipFrom, ...] = get_args(SkipFrom)
"""All wirings."""

_REPRODUCES = 0.1  # mean absolute difference in [0, 1] below which an LR counts as reproduced
_FAR_WORSE = 2.0  # a barely trained network reproduces about the mean colour with either wiring


@dataclass(frozen=True)
class Wiring:
    """How an RRDB network is wired, judged by its output on a test picture.

    Attributes
    ----------
    skip
        The wiring to use, in the words of :class:`~srspace_eval.flows.rrdb.RRDBNet`.
    errors
        Wiring -> mean absolute difference, in [0, 1], between the test picture and the network's averaged output.
    evident
        Whether the errors decide between the wirings.
    """

    skip: SkipFrom
    errors: Mapping[SkipFrom, float]
    evident: bool


@torch.no_grad()
def recognise_wiring(net: RRDBNet, usual: SkipFrom) -> Wiring:
    """Find the wiring of a trained RRDB network.

    SRFlow's program adds trunk_conv's output to the output of the blocks; the programs of ESRGAN and BasicSR add it to
    the output of conv_first. A trained network reproduces its LR when its output is averaged over scale × scale
    pixels, but only with the wiring it was trained with. Both wirings are tried on a small smooth picture. The better
    one is evident if it reproduces the picture and the other one is far worse.

    Parameters
    ----------
    net
        The network with its weights. Its own wiring is the same afterwards.
    usual
        The wiring to use if none is evident: that of the programs which name the parameters in the checkpoint's way.
    """
    scale = 2**net.upconvs
    y, x = torch.meshgrid(torch.linspace(0.2, 0.8, 12), torch.linspace(0.3, 0.7, 12), indexing="ij")
    lr = torch.stack([x, y, (x + y) / 2])[None].to(net.conv_first.weight)
    given = net.skip
    errors: dict[SkipFrom, float] = {}
    for skip in SKIPS:
        net.skip = skip
        error = float((F.avg_pool2d(net(lr), scale) - lr).abs().mean())
        errors[skip] = error if math.isfinite(error) else math.inf
    net.skip = given
    best, other = sorted(SKIPS, key=lambda skip: errors[skip])
    evident = errors[best] < _REPRODUCES and _FAR_WORSE * errors[best] < errors[other]
    return Wiring(best if evident else usual, errors, evident)
