"""The trunks of LPIPS: their names, and what pictures and memory they need. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Net:
    """What a trunk needs.

    Attributes
    ----------
    smallest
        Smallest height and width that reach the last activation.
    gt_bytes
        Bytes of a GT's activations, a pixel.
    """

    smallest: int
    gt_bytes: int


NETS = {"alex": Net(31, 42), "vgg": Net(16, 490), "squeeze": Net(17, 140)}
