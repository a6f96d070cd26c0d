"""The specification of a conditional flow, and the order of layers that it determines. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

NetKind: TypeAlias = Literal["pointwise", "deep", "residual", "residual_stack"]
"""The nets in the couplings: of SRFlow and NCSR; of SRFlow-DA and -S; of SRFlow-DA-R; of SRFlow-DA-D."""

SplitKind: TypeAlias = Literal["before_last_two", "before_last", "within"]
"""Where the splits are, see :class:`FlowSpec`."""


@dataclass(frozen=True)
class LayerSpec:
    """One layer of a flow.

    Attributes
    ----------
    kind
        What it is.
    index
        Its index in ``flowUpsamplerNet.layers``.
    level
        Its level, from 1.
    channels
        Channels of its input in the direction from image to latents.
    noise
        Whether the net for a noise map is used in a coupling; None: the coupling has no such net.
    """

    kind: Literal["squeeze", "step", "coupling_step", "split"]
    index: int
    level: int
    channels: int
    noise: bool | None = None


@dataclass(frozen=True)
class FlowSpec:
    """A conditional flow over RRDB features.

    Attributes
    ----------
    scale
        Super-resolution factor, 4 or 8.
    blocks
        Number of RRDB blocks of the LR encoder.
    stacked
        Numbers, from 0, of the blocks whose outputs are part of the conditioning.
    levels, steps
        Number of levels L, and of coupling steps K in each.
    net
        Kind of the nets in the couplings.
    splits
        Where the splits are. ``"before_last_two"``: after levels l < L - 1 (SRFlow, NCSR); ``"before_last"``: after
        levels l < L (SRFlow-DA); ``"within"``: after the coupling steps 0, 6, 12, ... of the only level, which squeezes
        by the whole scale (SRFlow-DA-S).
    noise
        NCSR: for each level, how many of its last coupling steps read the noise map. Empty: there are no noise nets.
    features, growth, hidden
        Channels of the RRDB trunk, of its dense layers, and of the hidden layers of coupling nets.
    """

    scale: int
    blocks: int
    stacked: tuple[int, ...]
    levels: int
    steps: int
    net: NetKind
    splits: SplitKind
    noise: tuple[int, ...] = ()
    features: int = 64
    growth: int = 32
    hidden: int = 64

    @property
    def squeeze(self) -> int:
        """Factor of a level's squeeze along one axis: 2, or the whole scale if the splits are ``"within"``."""
        return self.scale if self.splits == "within" else 2

    @property
    def condition_channels(self) -> int:
        """Channels of the conditioning u: of a feature map and of the stacked blocks."""
        return self.features * (1 + len(self.stacked))

    def resolution(self, level: int) -> float:
        """Pixels of a level per LR pixel along one axis: a power of two, at least 0.5."""
        return float(self.scale / self.squeeze**level)

    def layers(self) -> Iterator[LayerSpec]:
        """The layers from image to latents, in the order of ``flowUpsamplerNet.layers``.

        >>> spec = FlowSpec(4, 23, (1, 8, 15, 22), 3, 16, "pointwise", "before_last_two")
        >>> [(x.index, x.kind, x.channels) for x in spec.layers()][:4]
        [(0, 'squeeze', 3), (1, 'step', 12), (2, 'step', 12), (3, 'coupling_step', 12)]
        """
        index, channels = 0, 3
        for level in range(1, self.levels + 1):
            yield LayerSpec("squeeze", index, level, channels)
            index, channels = index + 1, channels * self.squeeze**2
            for _ in range(2):
                yield LayerSpec("step", index, level, channels)
                index += 1
            for step in range(self.steps):
                noise = self.noise[level - 1] >= self.steps - step if self.noise else None
                yield LayerSpec("coupling_step", index, level, channels, noise)
                index += 1
                if self.splits == "within" and step % 6 == 0:
                    yield LayerSpec("split", index, level, channels)
                    index, channels = index + 1, channels // 2
            last = {"before_last_two": self.levels - 2, "before_last": self.levels - 1, "within": 0}[self.splits]
            if level <= last:
                yield LayerSpec("split", index, level, channels)
                index, channels = index + 1, channels // 2

    def latent_shapes(self, height: int, width: int) -> tuple[tuple[int, int, int], ...]:
        """Shapes (C, H, W) of the latents in encoding order, for an LR of height × width that needs no padding.

        >>> spec = FlowSpec(4, 23, (1, 8, 15, 22), 3, 16, "pointwise", "before_last_two")
        >>> spec.latent_shapes(12, 10)
        ((6, 24, 20), (96, 6, 5))
        """
        shapes, channels = [], 3
        h, w = height * self.scale, width * self.scale
        for layer in self.layers():
            if layer.kind == "squeeze":
                channels, h, w = channels * self.squeeze**2, h // self.squeeze, w // self.squeeze
            elif layer.kind == "split":
                shapes.append((channels - channels // 2, h, w))
                channels //= 2
        return (*shapes, (channels, h, w))
