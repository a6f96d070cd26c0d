"""What a checkpoint file is, in plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from srspace_eval._utils.hashing import sha256_of_file
from srspace_eval.errors import CheckpointError
from srspace_eval.flows.rrdb import RRDBNet
from srspace_eval.models.checkpoints.building import build_network
from srspace_eval.models.checkpoints.identify import identify
from srspace_eval.models.checkpoints.reading import read_checkpoint
from srspace_eval.models.checkpoints.recognise import Recognised
from srspace_eval.models.checkpoints.wiring import recognise_wiring
from srspace_eval.models.protocol import Quantize


@dataclass(frozen=True)
class CheckpointDescription:
    """What a checkpoint file is.

    Attributes
    ----------
    checkpoint, sha256
        Name and SHA-256 of the file.
    name, family, scale, deterministic, details, quantize
        See :class:`~srspace_eval.models.protocol.ModelConfig`. For an RRDB network ``details`` also has ``skip``, its
        wiring, and ``skip_evident``: whether running the network decided the wiring.
    tensors, values
        How many parameters the file has, and how many numbers they hold together.

    Examples
    --------
    >>> import torch
    >>> from srspace_eval import describe_checkpoint
    >>> from srspace_eval.flows.rrdb import RRDBNet
    >>> torch.save(RRDBNet(4, 2, 8, 4).state_dict(), "net4.pth")
    >>> description = describe_checkpoint("net4.pth")
    >>> description.checkpoint, description.quantize, description.tensors, description.values
    ('net4.pth', 'round', 72, 25387)
    """

    checkpoint: str
    sha256: str
    name: str
    family: str
    scale: int
    deterministic: bool
    details: Mapping[str, Any]
    quantize: Quantize
    tensors: int
    values: int

    def to_dict(self) -> dict[str, Any]:
        """The document of ``models show --json``.

        Returns
        -------
        dict[str, Any]
            Values that JSON can hold. The keys are the fields.
        """
        return asdict(self)


def describe_checkpoint(path: str | Path) -> CheckpointDescription:
    """Say what a checkpoint file is, as ``srspace-eval models show`` does.

    Parameters
    ----------
    path
        A ``.pth`` or ``.safetensors`` file. Nothing in it is executed.

    Returns
    -------
    CheckpointDescription
        The network's name and configuration, the SHA-256 of the file, and the number of its parameters.

    Raises
    ------
    CheckpointError
        If the file cannot be read, or no known network fits it, spandrel's included if it is installed.

    Examples
    --------
    >>> import torch
    >>> from srspace_eval import describe_checkpoint
    >>> from srspace_eval.flows.rrdb import RRDBNet
    >>> torch.save(RRDBNet(4, 2, 8, 4).state_dict(), "small.pth")
    >>> found = describe_checkpoint("small.pth")
    >>> found.family, found.scale, found.deterministic
    ('rrdb', 4, True)
    """
    path = Path(path)
    state = read_checkpoint(path)
    found = identify(path, state, torch.device("cpu"))
    config = asdict(found.config)
    if isinstance(found, Recognised) and found.spec is None:
        net = build_network(path, state, found, torch.device("cpu"))
        assert isinstance(net, RRDBNet)
        wiring = recognise_wiring(net, found.skip)
        config["details"] |= {"skip": wiring.skip, "skip_evident": wiring.evident}
    return CheckpointDescription(
        checkpoint=path.name,
        sha256=digest_of_checkpoint(path),
        **config,
        tensors=len(state),
        values=sum(value.numel() for value in state.values()),
    )


def digest_of_checkpoint(path: Path) -> str:
    """SHA-256 of a checkpoint file.

    Raises
    ------
    CheckpointError
        If the file cannot be read.
    """
    try:
        return sha256_of_file(path)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror or error})") from error
