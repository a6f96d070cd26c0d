"""The network of a checkpoint: one of this package's, or one that spandrel recognises."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from srspace_eval.errors import CheckpointError
from srspace_eval.models.checkpoints.recognise import Recognised, UnknownNetworkError, recognise, refuse_absurd
from srspace_eval.models.checkpoints.spandrel_files import SpandrelNetwork, build_with_spandrel, is_installed
from srspace_eval.models.families import SPANDREL_HINT


def identify(path: Path, state: Mapping[str, Tensor], device: torch.device) -> Recognised | SpandrelNetwork:
    """Find the network of a checkpoint. The adapters of this package come first; spandrel gets what they do not fit.

    Parameters
    ----------
    path
        The checkpoint file, for messages.
    state
        Its parameters, from :func:`~srspace_eval.models.checkpoints.reading.read_checkpoint`.
    device
        Where spandrel's network puts the parameters.

    Raises
    ------
    CheckpointError
        If no known network fits. Without spandrel the message names the extra.
    """
    shapes = {name: tuple(value.shape) for name, value in state.items()}
    refuse_absurd(shapes, str(path))
    try:
        return recognise(shapes, str(path))
    except UnknownNetworkError as error:
        unknown = error
    except CheckpointError as misfit:
        # A relative of RRDB, such as ESRGAN+ or Real-ESRGAN ×2, has the names of an RRDB network and a few others.
        try:
            found = build_with_spandrel(path, state, device)
        except CheckpointError:
            found = None
        if found is None:
            raise misfit from None
        return found
    found = build_with_spandrel(path, state, device)
    if found is None:
        known = "spandrel does not recognise it either" if is_installed() else SPANDREL_HINT
        raise UnknownNetworkError(unknown.summary, [*unknown.problems, known]) from None
    return found
