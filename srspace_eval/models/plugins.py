"""Models that no checkpoint of ours describes: the built-in interpolation and users' own.

A model is named by

- ``bicubic_x4``, or another scale: :class:`srspace_eval.models.adapters.bicubic.Bicubic`;
- ``package.module:factory``: a callable of an importable module (the working directory counts), such as a class;
- the name of an entry point of the group ``srspace_eval.models`` that points at such a callable. In a package's
  ``pyproject.toml``::

      [project.entry-points."srspace_eval.models"]
      mymodel_x4 = "mypackage.models:MyModel"

The callable gets the keyword ``device`` (a ``torch.device``) and returns a
:class:`~srspace_eval.models.base.Model`. A whole one, which adds noise to an enlarged LR::

    import torch
    from srspace_eval.models.base import Model, ModelConfig

    class NoisyNearest(Model):
        config = ModelConfig("noisy_nearest_x4", "noisy_nearest", scale=4)
        halo = 0

        def __init__(self, device):
            self.device = device

        def condition(self, lr):
            return torch.nn.functional.interpolate(lr, scale_factor=4)

        def latent_shapes(self, height, width):
            return ((3, 4 * height, 4 * width),)

        def decode(self, lr, latents):
            return lr + 0.02 * latents[0], None

        def memory_estimate(self, height, width, n):
            return (1 + n) * 2 * 3 * 4 * height * width * 16

``decode`` gets what ``condition`` returned; a model that others call with an LR should accept that, too.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import torch

from srspace_eval.errors import CheckpointError
from srspace_eval.models.base import Model, ModelConfig

ENTRY_POINTS = "srspace_eval.models"
"""The entry-point group."""

_FACTORY = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


def is_plugin(spec: str) -> bool:
    """Whether a name is that of a plugin, not of a checkpoint file. Imports nothing.

    >>> is_plugin("bicubic_x4"), is_plugin("SRFlow_DF2K_4X.pth")
    (True, False)
    """
    if Path(spec).is_file():
        return False
    return bool(re.fullmatch(r"bicubic_x\d+", spec) or _FACTORY.fullmatch(spec) or _entry_point(spec))


def load_plugin(spec: str, device: torch.device) -> Model | None:
    """A model by the name of a plugin, None if the name is not one; then it should be a file.

    Parameters
    ----------
    spec:
        As in the module's docstring.
    device:
        Where the model is to be.

    Raises
    ------
    CheckpointError
        If the module or the callable is not there, the callable fails, or what it returns is not a model.
    """
    if not is_plugin(spec):
        return None
    if match := re.fullmatch(r"bicubic_x(\d+)", spec):
        from srspace_eval.models.adapters.bicubic import Bicubic

        return Bicubic(int(match[1]), device)
    try:
        model = _factory(spec)(device=device)
    except CheckpointError:
        raise
    except Exception as error:
        raise CheckpointError(f"{spec}: the model could not be made: {type(error).__name__}: {error}") from error
    problems = [f"it has no {name}" for name in _MEMBERS if not hasattr(model, name)]
    if not problems and not isinstance(model.config, ModelConfig):
        problems.append(f"its config is {type(model.config).__name__}, not srspace_eval.models.base.ModelConfig")
    if not problems and model.config.scale < 1:
        problems.append(f"its scale is {model.config.scale}")
    if problems:
        raise CheckpointError(
            f"{spec}: {type(model).__name__} is not a model; inherit from srspace_eval.models.base.Model", problems
        )
    return model  # type: ignore[no-any-return]


_MEMBERS = (
    "config", "device", "halo", "condition", "latent_shapes", "decode", "memory_estimate", "sample",
)  # fmt: skip


def _entry_point(spec: str) -> EntryPoint | None:
    found = entry_points(group=ENTRY_POINTS, name=spec)
    return next(iter(found), None)


def _factory(spec: str) -> Callable[..., Any]:
    point = _entry_point(spec)
    if point is not None:
        found = point.load()
    else:
        module, _, path = spec.partition(":")
        # The console script, unlike ``python -m``, does not look in the working directory.
        here = str(Path.cwd())
        sys.path.append(here)
        try:
            found = import_module(module)
        finally:
            if here in sys.path:
                sys.path.remove(here)
        for name in path.split("."):
            found = getattr(found, name)
    if not callable(found):
        raise CheckpointError(f"{spec}: is {type(found).__name__}, not a callable that makes a model")
    return found  # type: ignore[no-any-return]
