"""Model adapters: a checkpoint becomes a model that makes sample sets.

Importing this package imports no torch; :func:`load_model` does.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from srspace_eval.flows.rrdb import SkipFrom
    from srspace_eval.models.base import Model

__all__ = ["load_model"]


def load_model(
    checkpoint: str | Path, device: str | torch.device = "auto", *, rrdb_skip: SkipFrom | None = None
) -> Model:
    """A model from its checkpoint; which network it is, is read off the parameters' names and shapes.

    Parameters
    ----------
    checkpoint:
        A ``.pth`` or ``.safetensors`` file of SRFlow, SRFlow-DA (also -R, -S, -D), NCSR or RRDB (ESRGAN, RealSR).
        Nothing in it is executed. Or the name of a plugin (:mod:`srspace_eval.models.plugins`), such as ``bicubic_x4``.
    device:
        ``"auto"`` (CUDA where there is one, else the CPU), ``"cpu"``, ``"cuda"``, ``"cuda:1"``, or a device of torch.
    rrdb_skip:
        What an RRDB network's trunk_conv is added to: ``"trunk"``, the blocks' output (SRFlow's program), or
        ``"first"``, conv_first's (ESRGAN, RealSR, BasicSR). None: what reproduces a test picture, or, with a notice,
        what is usual where neither does.

    Returns
    -------
    A model; ``model.config`` says what it is. Flows also have ``encode``.

    Raises
    ------
    CheckpointError
        If the file cannot be read safely, or fits no known network; every missing, surplus and misshapen parameter
        is listed.
    InputError
        If ``rrdb_skip`` is given for another network, or is neither of the two.
    ExecutorError
        If there is no such device, or checkpoints do not run on it.

    Example
    -------
    ::

        model = load_model("SRFlow_DF2K_4X.pth", device="cuda")
        samples = model.sample(lr, n=10, heat=0.9, seed=0)     # (h, w, 3) uint8 -> (10, 4h, 4w, 3) uint8
    """
    from srspace_eval.models.loading import load

    return load(checkpoint, device, rrdb_skip=rrdb_skip)
