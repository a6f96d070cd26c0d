"""A metric of pyiqa, loaded and run. pyiqa is imported here only.

pyiqa downloads weights as soon as a metric is made. Here this is an error, because nothing is downloaded unless it was
asked for.
"""

from __future__ import annotations

import hashlib
import importlib
import math
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from srspace_eval._utils.devices import device_name, resolve_device
from srspace_eval.errors import InputError, MetricError, WeightsError

_one_at_a_time = threading.Lock()  # the generators that metrics draw from belong to the process


class PyiqaNetwork:
    """A metric of pyiqa.

    Parameters
    ----------
    model
        pyiqa's name.
    lower, gt
        Whether lower values are better, and whether it compares with the GT; what pyiqa says must agree.
    device
        torch device; ``"auto"``: CUDA if there is one.

    Attributes
    ----------
    signature
        pyiqa's version, the hash of all weights and buffers, and the device.

    Raises
    ------
    WeightsError
        If pyiqa is not installed, or the metric's weights are not there.
    InputError
        If pyiqa has no such metric, or says something else about it.
    ExecutorError
        If the device cannot be used.
    """

    def __init__(self, model: str, *, lower: bool, gt: bool, device: str) -> None:
        self.device = resolve_device(device)
        self._name = f"pyiqa:{model}"
        package = self._package(model)
        if model not in package.list_models():
            raise InputError(f"{self._name}: the installed pyiqa has no metric {model!r}; see pyiqa.list_models()")
        try:
            with _without_network():
                self._model: Any = package.create_metric(model, device=self.device)
        except Exception as error:
            raise WeightsError(
                f"{self._name} cannot be loaded: {type(error).__name__}: {error}\n  if its weights are missing, pyiqa "
                f'downloads them: python -c "import pyiqa; pyiqa.create_metric({model!r})"'
            ) from error
        stated = {"FR": True, "NR": False}.get(str(self._model.metric_mode), gt)
        if stated != gt:
            raise InputError(f"{self._name}: pyiqa measures it {'against' if stated else 'without'} a GT; "
                             f"write gt = {str(stated).lower()}")  # fmt: skip
        if bool(self._model.lower_better) != lower:
            direction = "lower" if self._model.lower_better else "higher"
            raise InputError(
                f"{self._name}: pyiqa says that {direction} values are better; write better = {direction!r}"
            )
        self._model.eval()
        self.signature: dict[str, Any] = {
            "version": str(package.__version__),
            "weights_sha256": _digest(self._model),
            "device": device_name(self.device),
        }

    def _package(self, model: str) -> Any:
        try:
            return importlib.import_module("pyiqa")
        except ImportError as error:
            raise WeightsError(
                f"{self._name} needs the package pyiqa, which cannot be imported ({error})\n"
                "  install it (its licence is not for commercial use): pip install pyiqa\n"
                f"  or measure elsewhere, and give the values as the column {model} with rank --values FILE.csv"
            ) from error

    def score(self, sr: Tensor, gt: Tensor | None, seed: int) -> float:
        """The score of a picture.

        Parameters
        ----------
        sr, gt
            (H, W, 3) uint8; ``gt`` is None if the metric does not compare.
        seed
            Of all generators before the picture. Their states are restored after it.

        Raises
        ------
        MetricError
            If pyiqa fails.
        InputError
            If the score is not a finite number.
        """
        pictures = [p.to(self.device).permute(2, 0, 1)[None] / 255 for p in (sr, gt) if p is not None]
        with _one_at_a_time, _seeded(seed, self.device), torch.no_grad():
            try:
                score = float(self._model(*pictures))
            except Exception as error:
                raise MetricError(f"{self._name} failed: {type(error).__name__}: {error}") from error
        if not math.isfinite(score):
            raise InputError(f"{self._name} is undefined for this picture: its score is {score}")
        return score


def _digest(model: torch.nn.Module) -> str:
    """The SHA-256 of all weights and buffers with their names."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        if isinstance(value, Tensor):
            array = value.detach().cpu().contiguous()
            digest.update(f"{name} {array.dtype} {tuple(array.shape)}\n".encode())
            digest.update(array.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    states = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            random.seed(seed)
            np.random.seed(seed % (1 << 32))
            torch.manual_seed(seed)
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])


@contextmanager
def _without_network() -> Iterator[None]:
    """Let name resolution fail in this thread, so that nothing is downloaded."""
    resolve, thread = socket.getaddrinfo, threading.get_ident()

    def refuse(*arguments: Any, **more: Any) -> Any:
        if threading.get_ident() == thread:
            raise OSError(f"srspace-eval downloads nothing by itself (wanted: {arguments[0]})")
        return resolve(*arguments, **more)

    socket.getaddrinfo = refuse
    try:
        yield
    finally:
        socket.getaddrinfo = resolve
