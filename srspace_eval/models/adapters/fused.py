"""The layers of the flows from latents to image in a folded form, which is fast to evaluate and made once, at load.

The algebra is that of the layers of :mod:`srspace_eval.flows`, regrouped:

* What depends on the LR alone is computed once for all samples: the RRDB features, fFeatures, and the part of fAffine's
  first convolution that reads u (:mod:`srspace_eval.kernels.coupling`).
* The inverses of an actnorm, of its 1×1 convolution and of the adjacent coupling-free steps become one matrix and one
  offset. The injector's shift, multiplied by the matrix, becomes an offset of each pixel that is computed beforehand.
* The actnorms of convolutions and exp(3·logs) are folded into the weights. The channels are reordered: shifts first,
  then scales.
* Nearest-upsampled conditioning is convolved at the LR's size (:mod:`srspace_eval.models.adapters.fused_condition`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from srspace_eval.flows.coupling import ConditionalCoupling, NormConv2d, Residual
from srspace_eval.flows.layers import Split, ZeroConv2d, gaussian_logp
from srspace_eval.flows.network import FlowStep
from srspace_eval.kernels.banded_tiles import Stages
from srspace_eval.kernels.coupling import Conv, Net, Skip, row_blocks, run_net, run_rows, run_tail
from srspace_eval.kernels.upsampled_tiles import SharedValues
from srspace_eval.kernels.winograd_tiles import Scratch, can_tile
from srspace_eval.models.adapters.banded_step import BandedCondition, BandedStep
from srspace_eval.models.adapters.fused_condition import ConditionConv, LevelInput

_BANDED_CHANNELS = 24  # steps with at least so many channels decode in bands, whatever their nets are


@dataclass(frozen=True)
class StepCondition:
    """What one step needs of the LR.

    Attributes
    ----------
    pre
        (1, hidden, H, W), the LR's part of fAffine before its first ReLU.
    gain, offset
        (1, C, H, W), the inverse injector: z is multiplied by ``gain``, then by the step's matrix; then ``offset`` is
        added.
    logdet
        log|det| of the inverse injector, a scalar.
    """

    pre: Tensor
    gain: Tensor
    offset: Tensor
    logdet: Tensor

    @property
    def nbytes(self) -> int:
        """Bytes of the tensors."""
        return sum(t.untyped_storage().nbytes() for t in (self.pre, self.gain, self.offset))


class FusedLinear:
    """The inverse of adjacent actnorms and 1×1 convolutions as one affine map.

    Parameters
    ----------
    steps
        The steps in the order from image to latents; their couplings are ignored.
    layout
        Memory format of the weights.

    Attributes
    ----------
    conv, matrix
        From latents to image: z = A⁻¹(z' − b) at every pixel; and A⁻¹ alone.
    logdet
        log|det| of that map for one pixel.
    """

    def __init__(self, steps: Iterable[FlowStep], layout: torch.memory_format) -> None:
        steps = list(steps)
        like = steps[0].invconv.weight
        a = torch.eye(len(like), dtype=torch.float64, device=like.device)
        b = a.new_zeros(len(a))
        self.logdet = 0.0
        for step in steps:
            weight, scale = step.invconv.weight.double(), step.actnorm.logs.double().flatten().exp()
            a = weight @ (scale[:, None] * a)
            b = weight @ (scale * (b + step.actnorm.bias.double().flatten()))
            self.logdet -= float(torch.linalg.slogdet(weight)[1] + step.actnorm.logs.double().sum())
        inverse = torch.linalg.inv(a)
        kernel = inverse.to(like.dtype)[:, :, None, None].contiguous(memory_format=layout)
        self.conv = Conv(kernel, -(inverse @ b).to(like.dtype))
        self.matrix = Conv(kernel, None)


class FusedStep:
    """A coupling step together with the coupling-free steps before it, in the order from image to latents.

    Parameters
    ----------
    free
        The coupling-free steps before ``step``.
    step
        A step with a coupling.
    own_channels
        Channels of the conditioning that have the level's resolution.
    factor
        The level's resolution divided by the LR's, along one axis.
    layout
        Memory format of the weights.

    Attributes
    ----------
    banded
        The same step in bands, if its weights are float32 and on the CPU.
    decodes_in_bands
        Whether :attr:`banded` also decodes. At the finest level, SRFlow's and NCSR's nets have few products that tiles
        save: PyTorch is faster there.
    band_tiles
        Tiles of a band, at least: with so many a step is fastest.
    condition_values
        How many numbers the step's condition has for each pixel of its level.
    """

    def __init__(
        self, free: list[FlowStep], step: FlowStep, own_channels: int, factor: int, layout: torch.memory_format
    ) -> None:
        coupling = step.affine
        assert coupling is not None
        self.channels = coupling.channels
        self.linear = FusedLinear([*free, step], layout)
        first, tail = _fold_net(coupling, "fAffine", layout)
        z_weight = first.weight[:, : self.channels].contiguous(memory_format=layout)
        self._affine = Net(Conv(z_weight, None), tail)
        affine = Conv(first.weight[:, self.channels :], first.bias)
        first, self._injector = _fold_net(coupling, "fFeatures", layout)
        self._condition = ConditionConv(affine, first, own_channels, factor, layout)
        self._noise: Net | None = None
        if coupling.noise:
            first, tail = _fold_net(coupling, "fAffine_std", layout)
            # The noise map is zero at inference.
            weight = first.weight[:, : self.channels].contiguous(memory_format=layout)
            self._noise = Net(Conv(weight, first.bias), tail)
        self.banded: BandedStep | None = None
        self.band_tiles = 64 if self._affine.pointwise else 128
        self._layout = layout
        self.condition_values = self._condition.hidden + 2 * len(self.linear.matrix.weight)
        self.decodes_in_bands = not self._affine.pointwise or len(self.linear.matrix.weight) >= _BANDED_CHANNELS
        if self._condition.shared is not None:
            nets = [net for net in (self._affine, self._noise) if net is not None and self.decodes_in_bands]
            self.banded = BandedStep(self._condition.shared, self._injector, nets, self.linear.conv, self.linear.logdet)

    def condition(self, level: LevelInput) -> StepCondition:
        """Compute what the step needs of the LR."""
        pre, h = self._condition(level)
        h = run_tail(self._injector, h.relu_())
        shift, scale = _shift_scale(h)
        with torch.autocast(scale.device.type, enabled=False):
            offset = self.linear.conv(-shift)
        return StepCondition(pre, scale.reciprocal(), offset, -scale.log().sum(dtype=torch.float64))

    def condition_in_bands(
        self, values: SharedValues, scratch: Scratch, turn: int
    ) -> tuple[Stages, Callable[[], StepCondition | BandedCondition]]:
        """As :meth:`condition`, computed in bands: in the form that decoding needs (:attr:`decodes_in_bands`).

        Returns the stages that compute it, and what returns it after these have run. ``turn`` is 0 or 1, another one
        for the step that follows in a chain.
        """
        assert self.banded is not None
        if self.decodes_in_bands:
            return self.banded.condition(values, scratch, turn)
        stages, found = self.banded.condition_pictures(values, self._layout, scratch, turn)

        def condition() -> StepCondition:
            (pre, gain, offset), logdet = found()
            return StepCondition(pre, gain, offset, torch.tensor(logdet, dtype=torch.float64))

        return stages, condition

    def decode(self, z: Tensor, condition: StepCondition) -> tuple[Tensor, Tensor]:
        """Latents to image: (N, C, H, W) z, overwritten -> z, log|det| (N,) float64 of this direction."""
        z1, z2 = z[:, : self.channels], z[:, self.channels :]
        shift, scale = _shift_scale(run_net(self._affine, z1, condition.pre))
        z2.div_(scale).sub_(shift)
        logdet = -_sum_log(scale)
        if self._noise is not None:
            shift, scale = _shift_scale(run_net(self._noise, z1, None))
            z2.div_(scale).sub_(shift)
            logdet -= _sum_log(scale)
        with torch.autocast(z.device.type, enabled=False):
            z = self.linear.matrix(z.mul_(condition.gain)).add_(condition.offset)
        return z, logdet + condition.logdet + self.linear.logdet * (z.shape[2] * z.shape[3])

    def row_blocks(self, z: Tensor) -> list[tuple[int, int]]:
        """The blocks of rows (first, after the last) for :meth:`decode_rows`; empty if :meth:`decode` is needed."""
        return row_blocks(self._affine, *z.shape[2:]) if self._affine.pointwise and can_tile(z) else []

    def decode_rows(self, z: Tensor, condition: StepCondition, out: Tensor, top: int, bottom: int) -> float:
        """Compute rows ``top`` to ``bottom`` (exclusive) of :meth:`decode` for one sample.

        Parameters
        ----------
        z
            (1, C, H, W); it is not changed.
        condition
            What the step needs of the LR.
        out
            (1, C, H, W); the rows are written there.
        top, bottom
            The first row, and the row after the last one.

        Returns
        -------
        float
            log|det| of these rows. That of the condition is not in it.
        """
        z1, rows = z[:, : self.channels], z[:, :, top:bottom].clone(memory_format=torch.preserve_format)
        z2, logdet = rows[:, self.channels :], self.linear.logdet * ((bottom - top) * z.shape[3])
        for net, pre in ((self._affine, condition.pre), (self._noise, None)):
            if net is not None:
                shift, scale = _shift_scale(run_rows(net, z1, pre, top, bottom))
                z2.div_(scale).sub_(shift)
                logdet -= float(_sum_log(scale))
        rows.mul_(condition.gain[:, :, top:bottom])
        torch.add(self.linear.matrix(rows), condition.offset[:, :, top:bottom], out=out[:, :, top:bottom])
        return logdet


class FusedSplit:
    """A split (:class:`~srspace_eval.flows.layers.Split`) with exp(3·logs) folded into its weights."""

    def __init__(self, split: Split, layout: torch.memory_format) -> None:
        self.channels = split.channels
        self._conv = _fold_conv(split.conv, layout, offset=0.0)

    def _prior(self, z1: Tensor) -> tuple[Tensor, Tensor]:
        out = self._conv(z1).to(z1.dtype)
        half = out.shape[1] // 2
        return out[:, :half], out[:, half:]

    def decode(self, z1: Tensor, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Latents to image: z1 and the latent -> z (N, C, H, W), −log N(z2; mean, exp(logs)) (N,) float64."""
        mean, logs = self._prior(z1)
        z2 = mean + torch.exp(logs) * latent
        return torch.cat([z1, z2], 1), -gaussian_logp(z2.double(), mean.double(), logs.double())


def _shift_scale(out: Tensor) -> tuple[Tensor, Tensor]:
    """Shift and scale from the output of a folded net: shifts first, then r + 2 with scale = sigmoid(r + 2) + 1e-4."""
    if out.dtype in (torch.float16, torch.bfloat16):
        out = out.float()
    half = out.shape[1] // 2
    # A copy first: with channels last, the sigmoid of a slice is several times slower.
    scale = out[:, half:].clone(memory_format=torch.preserve_format)
    return out[:, :half], scale.sigmoid_().add_(1e-4)


def _sum_log(scale: Tensor) -> Tensor:
    """The sum of the logarithms of each sample (N,) float64, from the logarithms of products of eight.

    A logarithm takes as long as several products. Scales lie between 1e-4 and 1.0001, so no product underflows.
    """
    flat = scale.permute(0, 2, 3, 1).reshape(len(scale), -1)
    eighth = flat.shape[1] // 8
    products = flat[:, : 8 * eighth].view(len(flat), 8, eighth)
    for half in (4, 2, 1):
        products = products[:, :half] * products[:, half:]
    rest = flat[:, 8 * eighth :].log().sum(1, dtype=torch.float64)
    return products.log_().sum((1, 2), dtype=torch.float64) + rest


def _fold_net(
    coupling: ConditionalCoupling, name: str, layout: torch.memory_format
) -> tuple[Conv, tuple[Conv | Skip, ...]]:
    """One net of a coupling, folded: its first convolution, and the operations after the first ReLU."""
    first, *rest = _fold(coupling.net(name), layout)
    assert isinstance(first, Conv)
    return Conv(first.weight, first.bias), tuple(rest)


def _fold(modules: Iterable[nn.Module], layout: torch.memory_format) -> list[Conv | Skip]:
    ops: list[Conv | Skip] = []
    for module in modules:
        if isinstance(module, nn.ReLU):
            last = ops.pop()
            assert isinstance(last, Conv)
            ops.append(replace(last, relu=True))
        elif isinstance(module, Residual):
            ops.append(Skip(tuple(op for op in _fold(module.children(), layout) if isinstance(op, Conv))))
        elif isinstance(module, nn.Sequential):
            ops.extend(_fold(module.children(), layout))
        else:
            ops.append(_fold_conv(module, layout, offset=2.0))
    return ops


def _fold_conv(module: nn.Module, layout: torch.memory_format, *, offset: float) -> Conv:
    """A convolution with the affine map that follows it folded into its weights.

    The channels of a zeros-convolution are reordered: the even ones first, then the odd ones with ``offset`` added.
    """
    if isinstance(module, NormConv2d):
        scale = module.actnorm.logs.double().flatten().exp()
        weight = module.weight.double() * scale[:, None, None, None]
        bias = module.actnorm.bias.double().flatten() * scale
    elif isinstance(module, ZeroConv2d):
        scale = (3 * module.logs.double().flatten()).exp()
        weight, bias = module.weight.double() * scale[:, None, None, None], module.bias.double() * scale
        bias[1::2] += offset
        weight, bias = torch.cat([weight[0::2], weight[1::2]]), torch.cat([bias[0::2], bias[1::2]])
    elif isinstance(module, nn.Conv2d) and module.bias is not None:
        weight, bias = module.weight.double(), module.bias.double()
    else:
        raise TypeError(f"no folding for {type(module).__name__}")
    dtype = next(module.parameters()).dtype
    weight, bias = weight.to(dtype).contiguous(memory_format=layout), bias.to(dtype)
    return Conv(weight, bias)
