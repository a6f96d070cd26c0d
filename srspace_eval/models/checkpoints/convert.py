"""What a checkpoint file is, and its conversion to safetensors."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from srspace_eval.errors import CheckpointError
from srspace_eval.flows.rrdb import RRDBNet
from srspace_eval.models.adapters.rrdb import recognise_wiring
from srspace_eval.models.checkpoints.reading import read_checkpoint
from srspace_eval.models.checkpoints.recognise import recognise
from srspace_eval.models.loading import build
from srspace_eval.models.plugins import is_plugin


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal.

    Raises
    ------
    CheckpointError
        If it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror or error})") from error
    return digest.hexdigest()


def origin(checkpoint: str) -> dict[str, str]:
    """Where a model is from, for records: a plugin's name, or a file's name and SHA-256.

    Raises
    ------
    CheckpointError
        If the file cannot be read.
    """
    if is_plugin(checkpoint):
        return {"checkpoint": checkpoint}
    return {"checkpoint": Path(checkpoint).name, "sha256": file_digest(Path(checkpoint))}


def describe_checkpoint(path: Path) -> dict[str, Any]:
    """What a checkpoint is: its file's name and digest, its configuration, plain JSON values.

    Of an RRDB network also its wiring, ``skip``, and whether trying it made that evident.

    Raises
    ------
    CheckpointError
        If it cannot be read, or no known network fits it.
    """
    state = read_checkpoint(path)
    found = recognise({name: tuple(value.shape) for name, value in state.items()}, str(path))
    config = asdict(found.config)
    if found.spec is None:
        net = build(path, state, found, torch.device("cpu"))
        assert isinstance(net, RRDBNet)
        wiring = recognise_wiring(net, found.skip)
        config["details"] |= {"skip": wiring.skip, "skip_evident": wiring.evident}
    return {
        "checkpoint": path.name,
        "sha256": file_digest(path),
        **config,
        "tensors": len(state),
        "values": sum(value.numel() for value in state.values()),
    }


def convert_checkpoint(source: Path, target: Path, *, overwrite: bool = False) -> dict[str, Any]:
    """Write a checkpoint as safetensors: the same parameters under the same names, float32.

    Returns what :func:`describe_checkpoint` says of the source.

    Raises
    ------
    CheckpointError
        If the source cannot be read or recognised, or the target is there, has another suffix or cannot be written.
    """
    if target.suffix.lower() != ".safetensors":
        raise CheckpointError(f"{target}: the converted file's name must end in .safetensors")
    if target.exists() and not overwrite:
        raise CheckpointError(f"{target}: is there already; use --overwrite or another name")
    described = describe_checkpoint(source)
    # Tensors that share memory cannot be stored: each gets its own.
    state = {name: value.contiguous().clone() for name, value in read_checkpoint(source).items()}
    metadata = {"format": "pt", "configuration": described["name"], "source_sha256": described["sha256"]}
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".convert-") as scratch:
            part = Path(scratch) / target.name
            save_file(state, part, metadata=metadata)
            part.replace(target)
    except OSError as error:
        raise CheckpointError(f"{target}: cannot be written ({error.strerror or error})") from error
    return described
