"""Conditional normalising flows for super-resolution, layer by layer.

In: z (N, C, H, W), and for couplings the conditioning u of the LR. Out: z' and log|det|. ``models`` imports this room.

Every layer maps (z, u) -> (z', log|det|) with ``forward`` (image to latents) and back with ``inverse``, whose log|det|
is that of the inverse map; both are in nats. This is the readable form: the specification of the faster one in
:mod:`srspace_eval.models.adapters.fused`. The parameters have the names of the published checkpoints.

Sources: Lugmayr et al., "SRFlow: Learning the Super-Resolution Space with Normalizing Flow", ECCV 2020; Jo et al.,
"SRFlow-DA: Super-Resolution Using Normalizing Flow with Deep Convolutional Block", CVPRW 2021; Kim and Son, "Noise
Conditional Flow Model for Learning the Super-Resolution Space" (NCSR), CVPRW 2021; Kingma and Dhariwal, "Glow", 2018.
"""

from __future__ import annotations

from srspace_eval.flows.coupling import ConditionalCoupling
from srspace_eval.flows.layers import ActNorm, InvertibleConv1x1, Split, Squeeze
from srspace_eval.flows.network import ConditionalFlow, FlowStep
from srspace_eval.flows.rrdb import RRDBFeatures, RRDBNet
from srspace_eval.flows.spec import FlowSpec

__all__ = [
    "ActNorm",
    "ConditionalCoupling",
    "ConditionalFlow",
    "FlowSpec",
    "FlowStep",
    "InvertibleConv1x1",
    "RRDBFeatures",
    "RRDBNet",
    "Split",
    "Squeeze",
]
