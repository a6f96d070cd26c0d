"""From a checkpoint file, or the name of a plug-in, to a model on a device."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from pathlib import Path

import torch

from srspace_eval._utils.devices import resolve_device
from srspace_eval._utils.notices import notify
from srspace_eval.errors import CheckpointError, ExecutorError, InputError
from srspace_eval.flows.network import ConditionalFlow
from srspace_eval.flows.rrdb import RRDBNet, SkipFrom
from srspace_eval.models.adapters.esrgan_plus import EsrganPlus
from srspace_eval.models.adapters.flow import FlowModel
from srspace_eval.models.adapters.rrdb import RRDBModel
from srspace_eval.models.adapters.self_ensemble import SelfEnsemble
from srspace_eval.models.adapters.spandrel_model import SpandrelModel
from srspace_eval.models.base import Model
from srspace_eval.models.checkpoints.building import build_network
from srspace_eval.models.checkpoints.describe import digest_of_checkpoint
from srspace_eval.models.checkpoints.identify import identify
from srspace_eval.models.checkpoints.reading import read_checkpoint
from srspace_eval.models.checkpoints.recognise import Recognised
from srspace_eval.models.checkpoints.spandrel_files import SpandrelNetwork
from srspace_eval.models.checkpoints.wiring import SKIPS, recognise_wiring
from srspace_eval.models.plugins import is_plugin, load_plugin

_LOADED_FROM = "srspace_eval_origin"  # attribute of a model: (what load_model was given, its _origin)


def load_model(
    checkpoint: str | Path,
    device: str | torch.device = "auto",
    *,
    rrdb_skip: SkipFrom | None = None,
    self_ensemble: bool = False,
) -> Model:
    """Load a model from its checkpoint. The names and shapes of the parameters tell which network it is.

    Parameters
    ----------
    checkpoint
        A ``.pth`` or ``.safetensors`` file of SRFlow, SRFlow-DA (also -R, -S, -D), NCSR or RRDB (ESRGAN, RealSR), or
        of a network that spandrel recognises: RCAN, SwinIR, HAT, DAT, Real-ESRGAN and more, with the optional extra
        ``models``. Nothing in it is executed. Or the name of a plug-in (:mod:`srspace_eval.models.plugins`), such as
        ``bicubic_x4``.
    device
        ``"auto"`` (CUDA if available, else the CPU), ``"cpu"``, ``"cuda"``, ``"cuda:1"``, or a ``torch.device``.
    rrdb_skip
        To what an RRDB network adds the output of trunk_conv: ``"trunk"``, the output of the blocks (SRFlow's
        program), or ``"first"``, the output of conv_first (ESRGAN, RealSR, BasicSR). None: the one that reproduces a
        test picture; if neither does, the usual one, with a notice.
    self_ensemble
        Average a deterministic model's pictures of the eight flips and turns of the LR.

    Returns
    -------
    Model
        The model; ``model.config`` says what it is. Flows also have ``encode``.

    Raises
    ------
    CheckpointError
        If the file cannot be read safely, or fits no known network. Every missing, surplus and misshapen parameter
        is listed.
    InputError
        If ``rrdb_skip`` is given for another network, or is neither of the two; or if ``self_ensemble`` is asked of
        a stochastic model.
    ExecutorError
        If the device does not exist, or checkpoints do not run on it.

    Examples
    --------
    ::

        model = load_model("SRFlow_DF2K_4X.pth", device="cuda")
        samples = model.sample(lr, n=10, heat=0.9, seed=0)     # (h, w, 3) uint8 -> (10, 4h, 4w, 3) uint8

    >>> load_model("bicubic_x4", "cpu").config.scale
    4
    """
    if rrdb_skip is not None and rrdb_skip not in SKIPS:
        raise InputError(f"rrdb_skip = {rrdb_skip!r} is not {' or '.join(map(repr, SKIPS))}")
    model = _load(checkpoint, resolve_device(device), rrdb_skip)
    if self_ensemble:
        model = SelfEnsemble(model)
    with suppress(AttributeError, TypeError):  # a plug-in's model may refuse attributes
        # The file is hashed now: later it may be another one, or the working directory may have changed.
        setattr(model, _LOADED_FROM, (str(checkpoint), _origin(str(checkpoint))))
    return model


def origin_of(model: Model, checkpoint: str | Path | None = None) -> dict[str, str]:
    """Where a model comes from, for records.

    Parameters
    ----------
    model
        The model.
    checkpoint
        What it was loaded from: a file or the name of a plug-in; None: what :func:`load_model` was given.

    Returns
    -------
    dict[str, str]
        ``checkpoint`` and ``sha256`` of a file; ``checkpoint`` alone, the name, of a plug-in; an empty dictionary for a
        model that :func:`load_model` did not load.

    Raises
    ------
    CheckpointError
        If the file cannot be read.

    Examples
    --------
    >>> origin_of(load_model("bicubic_x4", "cpu"))
    {'checkpoint': 'bicubic_x4'}
    """
    given, origin = getattr(model, _LOADED_FROM, (None, {}))
    return dict(origin) if checkpoint is None or str(checkpoint) == given else _origin(str(checkpoint))


def _origin(name: str) -> dict[str, str]:
    """What records say of a checkpoint's file or of a plug-in. It reads the whole file."""
    if is_plugin(name):
        return {"checkpoint": name}
    return {"checkpoint": Path(name).name, "sha256": digest_of_checkpoint(Path(name))}


def _load(checkpoint: str | Path, device: torch.device, rrdb_skip: SkipFrom | None) -> Model:
    plugin = load_plugin(str(checkpoint), device)
    if plugin is not None:
        _check_rrdb_only(plugin.config.name, rrdb_skip)
        return plugin
    if device.type not in ("cpu", "cuda"):  # others lack float64, which folding and log-determinants need
        raise ExecutorError(f"device {device}: checkpoints run on cpu or cuda")
    path = Path(checkpoint)
    if not path.exists():
        raise CheckpointError(
            f"{checkpoint}: there is no such file, and no plug-in of that name; `srspace-eval models` lists where "
            "checkpoints are"
        )
    state = read_checkpoint(path)
    found = identify(path, state, device)
    if isinstance(found, SpandrelNetwork):
        _check_rrdb_only(found.config.name, rrdb_skip)
        return (SpandrelModel if found.config.deterministic else EsrganPlus)(found.config, found.descriptor)
    net = build_network(path, state, found, device)
    if isinstance(net, ConditionalFlow):
        _check_rrdb_only(found.config.name, rrdb_skip)
        try:
            return FlowModel(found.config, net)
        except torch.linalg.LinAlgError as error:  # type: ignore[attr-defined]
            # Each matrix is regular, but not its product with a scale of 0.
            raise CheckpointError(f"{path}: a layer cannot be inverted; the checkpoint is damaged") from error
    net.skip = rrdb_skip or _wiring(path, net, found)
    details = {**found.config.details, "skip": net.skip}
    return RRDBModel(dataclasses.replace(found.config, details=details), net)


def _wiring(path: Path, net: RRDBNet, found: Recognised) -> SkipFrom:
    wiring = recognise_wiring(net, found.skip)
    if not wiring.evident:
        errors = ", ".join(f"{error:.2g} with {skip!r}" for skip, error in wiring.errors.items())
        notify(
            f"{path}: the wiring of the RRDB network is not evident: trunk_conv's output may be added to the blocks' "
            f"output ('trunk', SRFlow's program) or to conv_first's ('first', ESRGAN's), and the averaged output "
            f"differs from a test picture by {errors}; {wiring.skip!r} is used; set --rrdb-skip (rrdb_skip= in Python) "
            "if you know it"
        )
    return wiring.skip


def _check_rrdb_only(name: str, rrdb_skip: SkipFrom | None) -> None:
    if rrdb_skip is not None:
        raise InputError(f"{name} is not an RRDB network by itself: it takes no rrdb_skip (--rrdb-skip)")
