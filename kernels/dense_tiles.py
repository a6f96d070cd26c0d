"""The convolutions of dense blocks in tiles: each reads the concatenation of all maps before it.

The tile values of a new map are written beside those of the maps before it
(:mod:`srspace_eval.kernels.banded_tiles`), so that each map is transformed once and nothing is concatenated.
"""

from __future__ import annotations

from srspace_eval.kernels.banded_tiles import BandedConv, BandedMap, Stages, Task
from srspace_eval.kernels.winograd_tiles import SIDE, Array, Scratch, empty


class DenseBlock:
    """Convolutions, each of which reads the concatenation of a map and of the outputs of all convolutions before it.

    Parameters
    ----------
    convs
        All but the last have as many outputs; the last has as many as the map has channels.
    slope
        Negative outputs of all but the last are multiplied by it.
    """

    def __init__(self, convs: list[BandedConv], slope: float) -> None:
        self._convs, self._slope = convs, slope

    @staticmethod
    def new_values(x: BandedMap, channels: int) -> Array:
        """Uninitialised tile values (bands, 36, channels, tiles of a band) for maps of the size of ``x``."""
        return empty(len(x.pixels), SIDE**2, channels, x.pixels.shape[-1])

    def stages(
        self, x: BandedMap, out: BandedMap, grown: list[BandedMap], values: Array, scratch: Scratch, turn: int = 0
    ) -> Stages:
        """The stages that write x + the last convolution to ``out``.

        ``grown``, a map for each other convolution, and ``values`` are overwritten. ``turn`` is 0 or 1, another one for
        the block that follows.
        """
        tasks: list[Task] = []
        filters = [conv.filters(scratch, f"filters{k} {turn}", tasks) for k, conv in enumerate(self._convs)]
        maps = [x, *grown]

        def run(k: int, band: int, worker: int) -> None:
            conv, last = self._convs[k], k + 1 == len(self._convs)
            newest = maps[k]
            target, slope, added = (out, 1.0, x.pixels[band, 1:-1]) if last else (maps[k + 1], self._slope, None)
            newest.values(band, values[band], scratch, worker, conv.inputs - newest.channels)
            seen, place = values[band, :, : conv.inputs], target.pixels[band, 1:-1]
            conv.from_values(filters[k], seen, place, scratch, worker, slope, added)
            target.clear_outside(band)

        return Stages(len(self._convs), len(x.pixels), run, tasks)
