"""Reading checkpoints: the names and tensors of the parameters. No code of a file is executed."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from srspace_eval._utils.bounded_zip import TORCH_LIMITS, BoundedZip, RefusedZipError
from srspace_eval._utils.files import is_zip, refuse_long_header, refuse_packed
from srspace_eval._utils.pickle_parts import FLOATS, WHOLE_NUMBERS
from srspace_eval._utils.pickles import reason_to_refuse
from srspace_eval._utils.untrusted_text import short_name
from srspace_eval.errors import CheckpointError

# Keys under which training programs store the state dict, the preferred one first; BasicSR prefers averaged weights.
_CONTAINERS = ("params_ema", "params-ema", "params", "state_dict", "model_state_dict", "model", "net")
_LISTED = 20  # problems in a message
_FORBIDDEN = re.compile(r"(?i)unsupported (global|class)|unrecognized (function|class)")
_LONGEST_NAME = 1000
_MOST_DIMENSIONS = 8
_MOST_PARAMETERS = 20_000
_WRAPPERS = ("_orig_mod.", "module.", "_orig_mod.")  # one prefix may follow the other, in either order
_MOST_GROWTH = 4  # a stored parameter may have four names, or be float8 and become float32


def read_checkpoint(path: str | Path) -> dict[str, Tensor]:
    """Read the parameters of a ``.pth`` or ``.safetensors`` file.

    A state dict inside ``params_ema``, ``params-ema``, ``params``, ``state_dict``, ``model_state_dict``, ``model`` or
    ``net`` is taken out. The prefixes ``module.`` of data-parallel training and ``_orig_mod.`` of ``torch.compile`` are
    removed. Pickles are read with ``weights_only``: none of their code runs.

    Returns
    -------
    dict[str, Tensor]
        Name -> tensor, on the CPU. Floating-point tensors become float32; integer tensors keep their type.

    Raises
    ------
    CheckpointError
        If the file is missing, truncated, not a checkpoint, would execute code, or holds values that are not finite.
    """
    path = Path(path)
    state = _state_dict(path, _load(path))
    strange = [f"{name}: {fault}" for name, value in state.items() if (fault := _fault(value))]
    if strange or not state:
        if any(isinstance(value, Mapping) for value in state.values()):
            strange.append(f"a state dict inside another is looked for as {', '.join(_CONTAINERS)}")
        raise CheckpointError(f"{path}: not a state dict", _shorten(strange) or ["it holds no parameters"])
    # Checked before any computation: a tiny file may store one number and declare a tensor of a billion of them.
    held = sum(value.numel() * (4 if value.is_floating_point() else value.element_size()) for value in state.values())
    if held > _MOST_GROWTH * path.stat().st_size:
        raise CheckpointError(f"{path}: its parameters take {held} bytes, far more than the file; it is damaged")
    for prefix in _WRAPPERS:
        if all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): value for name, value in state.items()}
    state = {name: value.float() if value.is_floating_point() else value for name, value in state.items()}
    broken = [name for name, value in state.items() if not bool(torch.isfinite(value).all())]
    if broken:
        raise CheckpointError(
            f"{path}: {len(broken)} of {len(state)} parameters hold NaN or infinity; the checkpoint is damaged",
            _shorten(broken),
        )
    return state


def _load(path: Path) -> Any:
    if path.exists() and not path.is_file():
        raise CheckpointError(f"{path}: cannot be read (not a regular file)")
    try:
        with path.open("rb") as file:
            head = file.read(256)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror or error})") from error
    if not head:
        raise CheckpointError(f"{path}: the file is empty; download it again")
    if head.lstrip()[:1] == b"<":
        raise CheckpointError(f"{path}: is a web page, not a checkpoint; download the file itself")
    if head.startswith(b"version https://git-lfs"):
        raise CheckpointError(f"{path}: is a Git LFS pointer, not a checkpoint; fetch the file with git lfs pull")
    if path.suffix.lower() == ".safetensors" or head[8:9] == b"{":
        return _load_safetensors(path)
    return _load_pickle(path, head)


def _load_safetensors(path: Path) -> Any:
    from safetensors.torch import load_file

    try:
        refuse_long_header(path)
        return load_file(path)
    except Exception as error:  # a damaged header can raise any error
        raise CheckpointError(f"{path}: is not a complete safetensors file ({error}); download it again") from error


def _load_pickle(path: Path, head: bytes) -> Any:
    try:
        _refuse_archive(path)
        refuse_packed(path)
        with warnings.catch_warnings():
            # For old files PyTorch warns about its own storage classes. The user cannot change that.
            warnings.simplefilter("ignore")
            if (reason := reason_to_refuse(path)) is not None:
                raise CheckpointError(f"{path}: not read, because {reason}; download it again")
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # A file that ends early or is not a pickle raises the same error as one that refers to forbidden code.
        if head.startswith(b"\x80") or _FORBIDDEN.search(str(error)):
            raise CheckpointError(
                f"{path}: is refused, because reading it could execute code. If you trust its source, load it with "
                "torch.load(path, weights_only=False) in a program of your own and save its state dict"
            ) from error
        if str(error).startswith("Unsupported operand"):
            raise CheckpointError(
                f"{path}: not read: PyTorch reads pickles of protocol 2 and 3 without running code. This file "
                "has another protocol, or is damaged; save it again with torch.save, without pickle_protocol"
            ) from error
        # PyTorch's own message is not shown: it tells how to load the file without protection.
        raise CheckpointError(f"{path}: is not a PyTorch checkpoint, or is damaged") from error
    except CheckpointError:
        raise
    except RefusedZipError as error:
        raise CheckpointError(f"{path}: not read: {error}, and no checkpoint has that; download it again") from error
    except Exception as error:  # a damaged file can raise any error
        what = "is truncated or damaged" if head.startswith(b"PK") and not is_zip(path) else "is damaged"
        raise CheckpointError(f"{path}: {what}; download it again ({_first_line(error)})") from error


def _refuse_archive(path: Path) -> None:
    """Raise CheckpointError for a zip of other files; checkpoints are often shared so. PyTorch's zips hold data.pkl."""
    if not is_zip(path):
        return
    with BoundedZip(path, TORCH_LIMITS) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
    if any(name.rpartition("/")[2] == "constants.pkl" for name in names):
        raise CheckpointError(
            f"{path}: is a TorchScript program, not a checkpoint; save its state_dict() with torch.save"
        )
    if not any(name.rpartition("/")[2] == "data.pkl" for name in names):
        inside = ", ".join(name[:80] for name in names[:3]) + (", ..." if len(names) > 3 else "")
        raise CheckpointError(f"{path}: is a zip of files ({inside}), not a checkpoint; unpack it and name one of them")


def _state_dict(path: Path, loaded: Any) -> dict[str, Any]:
    loaded = _plain(loaded)
    for container in _CONTAINERS:
        if isinstance(loaded, dict) and isinstance(loaded.get(container), dict):
            loaded = _plain(loaded[container])
            break
    if not isinstance(loaded, dict) or not all(isinstance(name, str) for name in loaded):
        raise CheckpointError(f"{path}: not a state dict, which maps parameter names to tensors ({_kind(loaded)})")
    if len(loaded) > _MOST_PARAMETERS:
        raise CheckpointError(f"{path}: not a state dict of a network: it has more than {_MOST_PARAMETERS} entries")
    long = [name for name in loaded if len(name) > _LONGEST_NAME]
    if long:
        listed = [f"{short_name(name)}: a name of {len(name)} characters" for name in long]
        raise CheckpointError(f"{path}: not a state dict", _shorten(listed))
    # A tensor may have attributes of any name, also of a method. A detached one has none.
    return {name: Tensor.detach(v) if type(v) in (Tensor, Parameter) else v for name, v in loaded.items()}


def _plain(loaded: Any) -> Any:
    """A dict without attributes: an OrderedDict of a file may have some of any name, also of a method."""
    return dict(dict.items(loaded)) if isinstance(loaded, dict) else loaded


def _fault(value: Any) -> str | None:
    if type(value) not in (Tensor, Parameter) or value.layout != torch.strided or value.is_quantized:
        return f"{_kind(value)}, not a tensor"
    if str(value.dtype) not in FLOATS | WHOLE_NUMBERS:
        return f"a tensor of {str(value.dtype).removeprefix('torch.')}, which no network has"
    if value.dim() > _MOST_DIMENSIONS:
        return f"a tensor of {value.dim()} dimensions"
    if value.device.type != "cpu" or not value.numel():
        return "a tensor without values"
    return None


def _kind(value: Any) -> str:
    return type(value).__name__


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _shorten(names: list[str]) -> list[str]:
    rest = len(names) - _LISTED
    return names if rest <= 0 else [*names[:_LISTED], f"and {rest} more"]
