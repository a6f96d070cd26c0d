"""Spatial LPIPS v0.1 (R. Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", 2018).

The GT's activations are computed once, however many samples are compared with it. The module is long
because a third of it is documentation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from srspace_eval._utils.devices import device_name, resolve_device, without_autocast
from srspace_eval.errors import InputError, WeightsError
from srspace_eval.kernels import distance_maps
from srspace_eval.kernels.cuda import upload
from srspace_eval.metrics._arrays import ArrayLike, rgb
from srspace_eval.metrics.lpips import weights as weight_files
from srspace_eval.metrics.lpips.trunk_files import is_torchvision, read_parameters, read_state_dict, require_regular
from srspace_eval.metrics.lpips.trunks import ARCHITECTURES, Activation, Trunk

VERSION = "0.1"
PRECISIONS = ("float32", "tf32", "bf16")

# LPIPS's own constants, for RGB in [-1, 1]: (x - shift) / scale.
_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)

_NORMALISE_ROWS = 16  # rows at a time, so that the steps stay in the cache


@dataclass(frozen=True)
class Reference:
    """A GT as LPIPS sees it: its size and its unit activations at each tap, one pixel a row."""

    size: tuple[int, int]
    units: tuple[Tensor, ...]


class LPIPS:
    """Spatial LPIPS v0.1 of many samples against one GT.

    Parameters
    ----------
    net
        Trunk: ``"alex"`` (the challenge's), ``"vgg"`` or ``"squeeze"``.
    weights
        The trunk's file, any state dict under torchvision's names (``torch.save`` or safetensors). The signature
        marks it as custom unless it is torchvision's own file or, where their digest is known, holds the same
        parameters. None: torchvision's file, searched as
        :func:`srspace_eval.metrics.lpips.weights.weights_search_path` says.
    weights_dir
        Searched first.
    device
        torch device; ``"auto"``: CUDA if there is one.
    precision
        Of the trunk's convolutions: ``"float32"``; on request ``"tf32"`` (CUDA only) or ``"bf16"``. Everything after
        the activations is float32.

    Attributes
    ----------
    signature
        What the numbers depend on: version, net, spatial, hashes of trunk and calibration, precision; and if that
        is not float32, ``deviation``: how far LPIPS moved from float32 on fixed pairs of pictures, measured here.
    device, device_name
        Where it runs: the torch device, and its name (``"cpu"``, or the GPU's model).

    Raises
    ------
    WeightsError
        If weights are missing, damaged, or of another network.
    InputError
        If net or precision is not one of these.
    ExecutorError
        If the device cannot be used.

    Notes
    -----
    The mean of the spatial map is not the same number as non-spatial LPIPS.

    Examples
    --------
    >>> from pathlib import Path
    >>> import torch
    >>> from srspace_eval import LPIPS
    >>> from srspace_eval.metrics.lpips.trunk_files import parameter_shapes
    >>> trunk = {name: torch.full(shape, 0.01) for name, shape in parameter_shapes("alex").items()}
    >>> torch.save(trunk, "trunk.pth")
    >>> network = LPIPS("alex", weights=Path("trunk.pth"))
    >>> network.signature["version"], network.signature["net"], network.device_name
    ('0.1', 'alex', 'cpu')
    """

    def __init__(
        self,
        net: str = "alex",
        *,
        weights: Path | None = None,
        weights_dir: Path | None = None,
        device: str | torch.device = "cpu",
        precision: str = "float32",
    ) -> None:
        if net not in ARCHITECTURES:
            raise InputError(f"no LPIPS trunk {net!r}: {', '.join(ARCHITECTURES)}")
        if precision not in PRECISIONS:
            raise InputError(f"no precision {precision!r}: {', '.join(PRECISIONS)}")
        self.device = resolve_device(device)
        if precision == "tf32" and self.device.type != "cuda":
            raise InputError(f"precision tf32 needs a CUDA device, not {self.device.type}")
        self.device_name = device_name(self.device)
        if weights is not None:
            require_regular(Path(weights))
        trunk_path = Path(weights) if weights is not None else weight_files.weights_path(net, weights_dir)
        trunk_sha256 = weight_files.sha256(trunk_path)
        calibration = weight_files.calibration_file(net)
        parameters = read_parameters(net, trunk_path)
        self.signature: dict[str, Any] = {
            "version": VERSION,
            "net": net,
            "spatial": True,
            "trunk": "torchvision" if is_torchvision(net, trunk_sha256, parameters) else "custom",
            "trunk_sha256": trunk_sha256,
            "calibration_sha256": weight_files.sha256(calibration),
            "precision": precision,
        }
        self._architecture = ARCHITECTURES[net]
        self._weights = [layer.to(self.device) for layer in _calibration(calibration, self._architecture.channels)]
        shift, scale = torch.tensor(_SHIFT, dtype=torch.float64), torch.tensor(_SCALE, dtype=torch.float64)
        self._gain = (2 / scale).to(torch.float32).to(self.device)
        self._offset = ((-1 - shift) / scale).to(torch.float32).to(self.device)
        self._use(parameters, torch.float32, tf32=False)
        if precision != "float32":
            exact = self._test_distances()
            self._use(parameters, torch.bfloat16 if precision == "bf16" else torch.float32, tf32=precision == "tf32")
            pairs = zip(self._test_distances(), exact, strict=True)
            moved = max(abs(rounded - value) / value if value else 0.0 for rounded, value in pairs)
            self.signature["deviation"] = f"{moved:.1%}"

    def _use(self, parameters: Mapping[str, Tensor], dtype: torch.dtype, *, tf32: bool) -> None:
        """Take up a trunk in a precision."""
        self._dtype, self._tf32 = dtype, tf32
        self._trunk = Trunk(str(self.signature["net"]), parameters, self.device, dtype)

    def _test_distances(self) -> list[float]:
        """LPIPS of fixed pairs of pictures: waves, and the same with little and with much noise."""
        y, x = np.mgrid[0:256, 0:256]
        waves = np.stack([np.sin(y / a) * np.cos(x / b) for a, b in ((9, 31), (23, 7), (5, 13))], axis=-1)
        gt = 0.5 + 0.4 * waves
        noise = np.random.Generator(np.random.Philox(0)).uniform(-1, 1, gt.shape)
        return [float(self.map(gt + share * noise, gt).cpu().double().mean()) for share in (0.01, 0.1)]

    @without_autocast
    def prepare(self, gt: ArrayLike) -> Reference:
        """Compute the GT's unit activations, once for all of its samples.

        Parameters
        ----------
        gt
            (H, W, 3) array or tensor, or (3, H, W) tensor; uint8, or floats in [0, 1].

        Returns
        -------
        Reference
            The activations of each layer, for :meth:`distances`.

        Raises
        ------
        InputError
            If it is not such a picture, or smaller than the trunk can take.
        """
        image = rgb(gt, "gt")
        smallest = self._architecture.smallest
        if min(image.shape[:2]) < smallest:
            raise InputError(
                f"gt: {image.shape[0]}×{image.shape[1]} pixels; LPIPS with the {self.signature['net']} trunk needs at "
                f"least {smallest}×{smallest}"
            )
        units: list[Tensor] = []
        for part in self._activations(image):
            _place(units, part, (part.values.shape[1],)).copy_(distance_maps.unit(_pixels(part.values)))
            del part  # else it would live on while the next is made
        return Reference((image.shape[0], image.shape[1]), tuple(units))

    @without_autocast
    def distances(self, reference: Reference, sr: ArrayLike) -> list[Tensor]:
        """The distance of each layer, at that layer's resolution.

        Parameters
        ----------
        reference
            What :meth:`prepare` made of the GT.
        sr
            (H, W, 3), uint8 or float in [0, 1], of the GT's size.

        Returns
        -------
        list[Tensor]
            (h, w) float32 for each layer, on the device. Their full map is
            :func:`srspace_eval.kernels.distance_maps.full_map`.

        Raises
        ------
        InputError
            If it is not such a picture, or not of the GT's size.
        """
        image = rgb(sr, "sr")
        if image.shape[:2] != reference.size:
            raise InputError(
                f"sr is {image.shape[0]}×{image.shape[1]}, gt is {reference.size[0]}×{reference.size[1]} "
                "(height×width): crop or resize them first"
            )
        layers: list[Tensor] = []
        shapes = []
        for part in self._activations(image):
            place, rows = _place(layers, part, ()), _rows(part)
            unit, weights = reference.units[part.tap][rows], self._weights[part.tap]
            place.copy_(distance_maps.layer_distance(_pixels(part.values), unit, weights))
            if part.start == 0:
                shapes.append((part.height, part.values.shape[3]))
            del part  # else it would live on while the next is made
        return [layer.reshape(shape) for layer, shape in zip(layers, shapes, strict=True)]

    @without_autocast
    def map(self, sr: ArrayLike, gt: ArrayLike) -> Tensor:
        """The distance map at full resolution, (H, W) float32; see :func:`srspace_eval.lpips_map`.

        Parameters
        ----------
        sr
            The sample: (H, W, 3) array or tensor, or (3, H, W) tensor; uint8, or floats in [0, 1].
        gt
            The GT, of the same size.

        Returns
        -------
        Tensor
            (H, W) float32 on the network's device, not negative.

        Raises
        ------
        InputError
            If a shape, dtype or range is another, the sizes differ, or the pictures are smaller than the trunk can
            take.
        """
        reference = self.prepare(gt)
        return distance_maps.full_map(self.distances(reference, sr), reference.size)

    def _activations(self, image: Tensor) -> Iterator[Activation]:
        if self.device.type == "cuda":
            set_arithmetic(tf32=self._tf32)
        with torch.no_grad():
            yield from self._trunk.activations(self._normalised(image))

    def _normalised(self, image: Tensor) -> Tensor:
        """(H, W, 3) on any device -> (1, 3, H, W) channels-last, as the trunk wants it."""
        height, width, _ = image.shape
        peak = 255 if image.dtype == torch.uint8 else 1
        # Constants a whole row long: arithmetic along three channels at a time would be several times slower.
        gain = (self._gain / peak).repeat(width)
        offset = self._offset.repeat(width)
        narrow = image if image.dtype == torch.uint8 else image.to(torch.float32)
        source = upload(narrow.reshape(height, width * 3), self.device)
        out = torch.empty(height, width * 3, dtype=self._dtype, device=self.device)
        rows = _NORMALISE_ROWS if self.device.type == "cpu" else height
        for band, place in zip(torch.split(source, rows), torch.split(out, rows), strict=True):
            place.copy_(band * gain + offset)
        return out.reshape(1, height, width, 3).permute(0, 3, 1, 2)


def set_arithmetic(*, tf32: bool) -> None:
    """What torch leaves to its defaults: by these cuDNN rounds to TF32.

    Set, not restored: other threads are in the middle of their convolutions.
    """
    cudnn = torch.backends.cudnn
    wanted = "tf32" if tf32 else "ieee"
    if not hasattr(cudnn, "conv"):  # before torch 2.9
        cudnn.allow_tf32 = tf32
    elif cudnn.conv.fp32_precision != wanted:
        cudnn.allow_tf32 = tf32  # others may ask for it, and an error tells them if the two do not agree
        cudnn.conv.fp32_precision = wanted  # without it torch.backends.fp32_precision would count
    cudnn.benchmark = False  # it would choose algorithms by time, that is, by chance
    cudnn.deterministic = True


def _rows(part: Activation) -> slice:
    """The pixels of its tap that a part has, counted row by row."""
    width = part.values.shape[3]
    return slice(part.start * width, (part.start + part.values.shape[2]) * width)


def _place(taps: list[Tensor], part: Activation, shape: tuple[int, ...]) -> Tensor:
    """Where a part's pixels go, ``shape`` values each; the first part of a tap makes room for the whole tap."""
    if part.start == 0:
        pixels = part.height * part.values.shape[3]
        taps.append(torch.empty((pixels, *shape), dtype=torch.float32, device=part.values.device))
    return taps[part.tap][_rows(part)]


def _pixels(tap: Tensor) -> Tensor:
    """(1, C, h, w) -> (h * w, C), without a copy if it is channels-last."""
    return tap[0].permute(1, 2, 0).reshape(-1, tap.shape[1])


def _calibration(path: Path, channels: tuple[int, ...]) -> list[Tensor]:
    """The 1×1 weights of each layer, (C,) float32."""
    state = read_state_dict(path)
    layers = []
    for number, count in enumerate(channels):
        value = state.get(f"lin{number}.model.1.weight")
        if not isinstance(value, Tensor) or value.numel() != count:
            raise WeightsError(f"{path}: not the calibrated weights of LPIPS v0.1; reinstall the package lpips")
        layers.append(value.reshape(-1).to(torch.float32))
    return layers
