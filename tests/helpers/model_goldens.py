"""Access to ``tests/golden/models``."""

from __future__ import annotations

import functools
import io
import json
import lzma
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.inputs import synth

_FOLDER = Path(__file__).resolve().parents[1] / "golden" / "models"


@functools.cache
def manifests() -> dict[str, dict[str, tuple[int, ...]]]:
    """Configuration -> parameter name -> shape."""
    text = lzma.decompress((_FOLDER / "manifests.json.xz").read_bytes())
    return {name: {key: tuple(shape) for key, shape in keys.items()} for name, keys in json.loads(text).items()}


@functools.cache
def expected() -> dict[str, dict[str, Tensor]]:
    """Configuration -> array name -> array."""
    found: dict[str, dict[str, Tensor]] = {}
    with np.load(io.BytesIO(lzma.decompress((_FOLDER / "expected.npz.xz").read_bytes()))) as arrays:
        for key, array in arrays.items():
            name, _, what = key.partition("/")
            found.setdefault(name, {})[what] = torch.from_numpy(np.asarray(array))
    return found


def weights(shapes: dict[str, tuple[int, ...]], seed: int = 1) -> dict[str, Tensor]:
    """Made-up weights of these names and shapes."""
    return {name: torch.from_numpy(array) for name, array in synth.state_dict(shapes, seed).items()}
