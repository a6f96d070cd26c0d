"""The net of a coupling in bands of tile rows, for one sample on the CPU in float32.

The first convolution has few input channels, and 3×3 pixels of all of them are one matrix product. A convolution of
1×1 follows in the same band. Convolutions of 3×3 with many channels are computed in tiles
(:mod:`srspace_eval.kernels.banded_tiles`). They follow each other band by band, and so does what the caller does with
the output: the hidden channels and the output stay in the cache.

The specification is :func:`srspace_eval.kernels.coupling.run_net`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from srspace_eval.kernels.banded_tiles import BandedConv, BandedMap, Bias, Stages, Task, limit_below, multiply
from srspace_eval.kernels.coupling import Conv, Skip
from srspace_eval.kernels.winograd_tiles import RUN, SIDE, Array, Scratch

_GATHERED = 16  # convolutions of at most so many channels are one matrix product


class FirstConv:
    """The first convolution of a net, which reads the first channels of a map.

    Parameters
    ----------
    conv
        A convolution of 3×3.
    """

    def __init__(self, conv: Conv) -> None:
        weight = conv.weight
        self.inputs = weight.shape[1]
        self.bias = np.zeros((len(weight), 1), np.float32) if conv.bias is None else conv.bias.numpy()[:, None]
        self._matrix = weight.permute(0, 3, 2, 1).reshape(len(weight), -1).contiguous().numpy()
        self._tiled = None if self.inputs <= _GATHERED else BandedConv(weight, weight.new_zeros(len(weight)))

    def filters(self, scratch: Scratch, tasks: list[Task]) -> Array | None:
        """The filters' values at the points, if it is computed in tiles. Adds tasks that compute them."""
        return None if self._tiled is None else self._tiled.filters(scratch, "first filters", tasks)

    def __call__(
        self, filters: Array | None, z: BandedMap, band: int, place: Array, scratch: Scratch, worker: int
    ) -> None:
        """Write one band of the convolution, without the bias, to ``place`` (4, 4, K, tiles)."""
        pixels, columns, channels = z.read_edges(band, self.inputs), z.columns, self.inputs
        tiles = pixels.shape[-1]
        if self._tiled is not None and filters is not None:
            values = scratch.take("even", SIDE**2, channels, tiles, worker=worker)
            part = scratch.take("hidden", SIDE, RUN, channels, tiles, worker=worker)
            part[...] = pixels
            z.values_of(part, values, scratch, worker)
            self._tiled.from_values(filters, values, place, scratch, worker, 1.0, None)
            return
        # Row i of the outputs, column j of the inputs, tap of the rows, channel, tile. The inputs of an output are
        # three columns: a contiguous part.
        inputs = scratch.take("even", RUN, SIDE, 3, channels, tiles, worker=worker)
        for tap in range(3):
            rows = pixels[tap : tap + RUN]
            inputs[:, 1:-1, tap] = rows
            inputs[:, 0, tap, :, 1:] = rows[:, -1, :, :-1]
            inputs[:, -1, tap, :, :-1] = rows[:, 0, :, 1:]
        inputs[:, 0, ..., ::columns] = 0
        inputs[:, -1, ..., columns - 1 :: columns] = 0
        row, column, *_ = inputs.strides
        seen: Array = np.ndarray((RUN, RUN, 9 * channels, tiles), np.float32, inputs, 0, (row, column, 4 * tiles, 4))
        multiply(self._matrix, seen, place)


@dataclass(frozen=True)
class _Stage:
    """A convolution of 3×3, and whether the map that is kept is added to its output."""

    conv: BandedConv
    slope: float
    added: bool = False
    keeps: bool = False  # whether its output is kept


class BandedTail:
    """The operations of a net after the first ReLU.

    Parameters
    ----------
    tail
        Perhaps convolutions of 1×1, then convolutions of 3×3; the last one is no :class:`Skip`.
    """

    def __init__(self, tail: Sequence[Conv | Skip]) -> None:
        self._points: list[tuple[Array, Bias, float]] = []
        self._stages: list[_Stage] = []
        for op in tail:
            if isinstance(op, Conv) and op.reach == 0:
                weight = op.weight[:, :, 0, 0].contiguous().numpy()
                self._points.append((weight, Bias(_bias(op).numpy()), 0.0 if op.relu else 1.0))
                continue
            body = op.body if isinstance(op, Skip) else (op,)
            for k, conv in enumerate(body):
                last = isinstance(op, Skip) and k + 1 == len(body)
                tiled = BandedConv(conv.weight, _bias(conv))
                self._stages.append(_Stage(tiled, 0.0 if conv.relu else 1.0, added=last, keeps=last or len(body) == 1))

    def stages(
        self,
        like: BandedMap,
        hidden: int,
        head: Callable[[int, Array, int], None],
        finish: Callable[[int, Array, int], None],
        scratch: Scratch,
        tasks: Sequence[Task] = (),
        turn: int = 0,
    ) -> Stages:
        """The stages of the net.

        Parameters
        ----------
        like
            A map whose size the net's maps have.
        hidden
            Channels of all maps but the output.
        head
            ``head(band, place, worker)`` writes the sums before the first ReLU to ``place`` (4, 4, hidden, tiles).
        finish
            ``finish(band, out, worker)`` uses the output (4, 4, K, tiles).
        scratch
            Memory.
        tasks
            What must be computed before the head of the first band.
        turn
            0 or 1, another one for the net that follows in a chain.
        """
        maps = [BandedMap(like.height, like.width, hidden, scratch, f"map{k}", like.band_tiles) for k in range(3)]
        sources, kept, at = [], 0, 0
        for stage in self._stages:
            target = next(k for k in range(3) if k not in (kept, at))
            sources.append((at, kept, target))
            at = target
            kept = target if stage.keeps else kept
        tasks = list(tasks)
        filters = [stage.conv.filters(scratch, f"filters{k} {turn}", tasks) for k, stage in enumerate(self._stages)]

        def run(k: int, band: int, worker: int) -> None:
            if k == 0:
                self._first(maps[0], band, head, scratch, worker)
                return
            stage, (source, kept, target) = self._stages[k - 1], sources[k - 1]
            tiles = like.pixels.shape[-1]
            values = scratch.take("even", SIDE**2, hidden, tiles, worker=worker)
            maps[source].values(band, values, scratch, worker)
            added = maps[kept].pixels[band, 1:-1] if stage.added else None
            last = k == len(self._stages)
            place = (
                scratch.take("hidden", RUN, RUN, stage.conv.outputs, tiles, worker=worker)
                if last
                else maps[target].pixels[band, 1:-1]
            )
            stage.conv.from_values(filters[k - 1], values, place, scratch, worker, stage.slope, added)
            if last:
                finish(band, place, worker)
            else:
                maps[target].clear_outside(band)

        # A stage writes a band of a map only after the stages that read that band in its earlier content.
        return Stages(len(self._stages) + 1, len(like.pixels), run, tasks)

    def _first(
        self, out: BandedMap, band: int, head: Callable[[int, Array, int], None], scratch: Scratch, worker: int
    ) -> None:
        """The head, the first ReLU and the convolutions of 1×1."""
        target = out.pixels[band, 1:-1]
        places = [scratch.take(f"hidden{k % 2}", *target.shape, worker=worker) for k in range(len(self._points))]
        places.append(target)
        head(band, places[0], worker)
        limit_below(places[0], 0, scratch, worker)
        for (weight, bias, slope), source, place in zip(self._points, places, places[1:], strict=False):
            multiply(weight, source, place)
            bias.add(place)
            limit_below(place, slope, scratch, worker)
        out.clear_outside(band)


def _bias(conv: Conv) -> Tensor:
    return conv.weight.new_zeros(len(conv.weight)) if conv.bias is None else conv.bias
