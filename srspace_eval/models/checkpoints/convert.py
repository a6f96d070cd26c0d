"""Conversion of checkpoints to safetensors."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors.torch import save

from srspace_eval._utils.files import replacing
from srspace_eval.errors import CheckpointError
from srspace_eval.models.checkpoints.describe import CheckpointDescription, describe_checkpoint
from srspace_eval.models.checkpoints.reading import read_checkpoint


def convert_checkpoint(source: str | Path, target: str | Path, *, overwrite: bool = False) -> CheckpointDescription:
    """Write a checkpoint as safetensors: the same parameters under the same names, in float32.

    The same source gives the same bytes.

    Parameters
    ----------
    source
        A ``.pth`` or ``.safetensors`` file. Nothing in it is executed.
    target
        The file to write; its name ends in ``.safetensors``.
    overwrite
        Replace a target that exists.

    Returns
    -------
    CheckpointDescription
        The description of the source.

    Raises
    ------
    CheckpointError
        If the source cannot be read or recognised; or if the target exists, has another suffix or cannot be written.

    Examples
    --------
    >>> import torch
    >>> from srspace_eval import convert_checkpoint, describe_checkpoint
    >>> from srspace_eval.flows.rrdb import RRDBNet
    >>> torch.save(RRDBNet(4, 2, 8, 4).state_dict(), "old.pth")
    >>> convert_checkpoint("old.pth", "new.safetensors").family
    'rrdb'
    >>> describe_checkpoint("new.safetensors").values == describe_checkpoint("old.pth").values
    True
    """
    source, target = Path(source), Path(target)
    if target.suffix.lower() != ".safetensors":
        raise CheckpointError(f"{target}: the converted file's name must end in .safetensors")
    if target.exists() and not overwrite:
        raise CheckpointError(f"{target}: exists already; use --overwrite (overwrite=True) or another name")
    described = describe_checkpoint(source)
    # The format stores no shared memory: each tensor gets its own.
    state = read_checkpoint(source)
    for name in list(state):  # one after the other: what is copied can be freed
        state[name] = state.pop(name).contiguous().clone()
    metadata = {"format": "pt", "configuration": described.name, "source_sha256": described.sha256}
    try:
        with replacing(target) as file:
            file.writelines(_with_sorted_metadata(save(state, metadata=metadata)))
    except OSError as error:
        raise CheckpointError(f"{target}: cannot be written ({error.strerror or error})") from error
    return described


def _with_sorted_metadata(data: bytes) -> tuple[bytes, bytes, memoryview]:
    """Parts of a safetensors file with its metadata in the order of their keys; the library's order is random.

    The format is 8 bytes with the header's length, the header as JSON padded to a multiple of 8, and the tensors.
    """
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text = text.ljust(-(-len(text) // 8) * 8)
    return len(text).to_bytes(8, "little"), text, memoryview(data)[8 + length :]
