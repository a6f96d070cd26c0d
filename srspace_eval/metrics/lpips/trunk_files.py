"""The files of trunk weights: state dicts under torchvision's parameter names, read without running code in them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from srspace_eval._utils.files import open_regular, refuse_long_header, refuse_packed
from srspace_eval._utils.pickle_parts import FLOATS
from srspace_eval._utils.pickles import reason_to_refuse
from srspace_eval.errors import WeightsError
from srspace_eval.metrics.lpips.trunks import ARCHITECTURES, Conv, Fire
from srspace_eval.metrics.lpips.weights import trunk_file


def parameter_shapes(net: str) -> dict[str, tuple[int, ...]]:
    """torchvision's parameter name -> shape, of the layers that LPIPS needs."""
    shapes: dict[str, tuple[int, ...]] = {}

    def add(name: str, outputs: int, inputs: int, kernel: int) -> None:
        shapes[f"{name}.weight"] = (outputs, inputs, kernel, kernel)
        shapes[f"{name}.bias"] = (outputs,)

    for layer in ARCHITECTURES[net].layers:
        match layer:
            case Conv(index, inputs, outputs, kernel):
                add(f"features.{index}", outputs, inputs, kernel)
            case Fire(index, inputs, squeezed, expanded):
                add(f"features.{index}.squeeze", squeezed, inputs, 1)
                add(f"features.{index}.expand1x1", expanded, squeezed, 1)
                add(f"features.{index}.expand3x3", expanded, squeezed, 3)
    return shapes


def read_parameters(net: str, path: Path) -> dict[str, Tensor]:
    """The trunk's parameters from a state dict of torchvision's names; surplus keys (the classifier's) are ignored.

    Raises
    ------
    WeightsError
        If the file is not a state dict, or lacks a parameter, or one has the wrong shape or is not finite.
    """
    state = read_state_dict(path)
    faults, found = [], {}
    for name, shape in parameter_shapes(net).items():
        value = state.get(name)
        if not isinstance(value, Tensor):
            faults.append(f"{name} is missing")
        elif tuple(value.shape) != shape:
            faults.append(f"{name} is {tuple(value.shape)}, not {shape}")
        elif (
            value.layout != torch.strided
            or str(value.dtype) not in FLOATS
            or not bool(torch.isfinite(value.to(torch.float32)).all())
        ):
            faults.append(f"{name} holds values that are not finite numbers")
        else:
            found[name] = value.to(torch.float32)
    if faults:
        more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
        raise WeightsError(f"{path}: not the {net} trunk: {'; '.join(faults[:3])}{more}")
    return found


def parameters_digest(parameters: Mapping[str, Tensor]) -> str:
    """The SHA-256 of a trunk's parameters, whatever file they come from.

    Parameters
    ----------
    parameters
        Name -> float32 tensor, as :func:`read_parameters` gives them.

    Examples
    --------
    >>> parameters_digest({"features.0.bias": torch.zeros(2)})[:8]
    'ea1fa59f'
    """
    digest = hashlib.sha256()
    for name, value in sorted(parameters.items()):
        digest.update(f"{name} {tuple(value.shape)}\n".encode())
        digest.update(value.contiguous().numpy().astype("<f4").tobytes())
    return digest.hexdigest()


def is_torchvision(net: str, file_digest: str, parameters: Mapping[str, Tensor]) -> bool:
    """Whether a trunk is torchvision's: by the SHA-256 of its file, or by that of its parameters where it is known.

    Examples
    --------
    >>> is_torchvision("alex", "7be5be79" + 56 * "0", {})  # the first digits alone are not enough
    False
    """
    file = trunk_file(net)
    return file.is_digest(file_digest) or (
        bool(file.parameters_sha256) and parameters_digest(parameters) == file.parameters_sha256
    )


def require_regular(path: Path) -> None:
    """Refuse what a user named as a file of weights and is none: a link, a pipe without end, a device.

    Raises
    ------
    WeightsError
        If it is not a regular file, or cannot be opened.
    """
    try:
        os.close(open_regular(path, os.O_RDONLY))
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror or error}; name a regular file") from None


def read_state_dict(path: Path) -> dict[str, Any]:
    """A state dict from a ``.safetensors`` file or a ``torch.save`` file, read without running any code in it.

    Raises
    ------
    WeightsError
        If it cannot be read, or holds anything but tensors by name.
    """
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            refuse_long_header(path)
            return dict(load_file(path))
        refuse_packed(path)
        if (reason := reason_to_refuse(path)) is not None:
            raise WeightsError(f"{path}: not read, because {reason}; download it again")
        state = torch.load(path, map_location="cpu", weights_only=True)
    except WeightsError:
        raise
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror or error}") from None
    except Exception as error:
        raise WeightsError(f"{path}: not a file of weights ({type(error).__name__})") from error
    if not isinstance(state, dict):
        raise WeightsError(f"{path}: holds a {type(state).__name__}, not a state dict")
    # A tensor may have attributes of any name, also of a method, and so may a dict. A detached tensor has none.
    return {name: Tensor.detach(v) if isinstance(v, Tensor) else v for name, v in dict.items(state)}
