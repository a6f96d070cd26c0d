"""Models without a checkpoint of a known network: the built-in interpolation, and those of third parties.

A plug-in is named by

- ``bicubic_x4``, or another scale: :class:`srspace_eval.models.adapters.bicubic.Bicubic`;
- ``package.module:factory``: a callable, such as a class, of a module that can be imported, also from the working
  directory;
- the name of an entry point of the group ``srspace_eval.models`` that refers to such a callable. In the
  ``pyproject.toml`` of a package::

      [project.entry-points."srspace_eval.models"]
      mymodel_x4 = "mypackage.models:MyModel"

The callable is called with the keyword ``device`` (a ``torch.device``) and returns a
:class:`~srspace_eval.models.base.Model`. A complete example, which adds noise to an enlarged LR::

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

``decode`` is called with the result of ``condition``. A model whose users call ``decode`` with an LR accepts that too.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import torch

from srspace_eval._utils.plug_ins import PlugIn, plug_ins
from srspace_eval.errors import CheckpointError
from srspace_eval.models.adapters.bicubic import Bicubic
from srspace_eval.models.base import Model, ModelConfig

ENTRY_POINTS = "srspace_eval.models"
"""The entry-point group."""

_FACTORY = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
_MEMBERS = (
    "config", "device", "halo", "condition", "latent_shapes", "decode", "memory_estimate", "sample",
)  # fmt: skip


def is_plugin(name: str) -> bool:
    """Whether a name is that of a plug-in, not of a checkpoint file. Imports no plug-in.

    >>> is_plugin("bicubic_x4"), is_plugin("SRFlow_DF2K_4X.pth")
    (True, False)
    """
    if Path(name).is_file():
        return False
    return bool(re.fullmatch(r"bicubic_x\d+", name) or _FACTORY.fullmatch(name) or _entry_point(name))


def model_plug_ins() -> list[PlugIn]:
    """The models that installed packages offer. Each is imported, and none is made.

    >>> all(plug_in.kind == "model" for plug_in in model_plug_ins())
    True
    """
    found = []
    for plug_in, point in plug_ins("model", ENTRY_POINTS):
        try:
            problem = "" if callable(point.load()) else "is not a callable that makes a model"
        except Exception as error:  # noqa: BLE001 - whatever a stranger's module raises must not end the work
            problem = f"{type(error).__name__}: {error}"
        if problem:
            package = plug_in.package or plug_in.value
            problem = (
                f"package {package}: its model {point.name!r} ({point.value}) cannot be used: {problem}; "
                "update or uninstall the package"
            )
        found.append(replace(plug_in, problem=problem))
    return found


def load_plugin(name: str, device: torch.device) -> Model | None:
    """Load a model by the name of its plug-in.

    Parameters
    ----------
    name
        A name as in the module's docstring.
    device
        The model's device.

    Returns
    -------
    Model or None
        The model, or None if the name is not that of a plug-in; it should then be a file.

    Raises
    ------
    CheckpointError
        If the module or the callable does not exist, the callable fails, or its result is not a model.
    """
    if not is_plugin(name):
        return None
    if match := re.fullmatch(r"bicubic_x(\d+)", name):
        return Bicubic(int(match[1]), device)
    try:
        model = _factory(name)(device=device)
    except CheckpointError:
        raise
    except Exception as error:
        raise CheckpointError(f"{name}: the model could not be made: {type(error).__name__}: {error}") from error
    problems = [f"it has no {member}" for member in _MEMBERS if not hasattr(model, member)]
    if not problems and not isinstance(model.config, ModelConfig):
        problems.append(f"its config is {type(model.config).__name__}, not srspace_eval.models.base.ModelConfig")
    if not problems and model.config.scale < 1:
        problems.append(f"its scale is {model.config.scale}")
    if problems:
        raise CheckpointError(
            f"{name}: {type(model).__name__} is not a model; inherit from srspace_eval.models.base.Model", problems
        )
    return model  # type: ignore[no-any-return]


def _entry_point(name: str) -> EntryPoint | None:
    found = entry_points(group=ENTRY_POINTS, name=name)
    return next(iter(found), None)


def _factory(name: str) -> Callable[..., Any]:
    point = _entry_point(name)
    if point is not None:
        found = point.load()
    else:
        module, _, path = name.partition(":")
        # The console script does not search the working directory; ``python -m`` does.
        here = str(Path.cwd())
        sys.path.append(here)
        try:
            found = import_module(module)
        finally:
            if here in sys.path:
                sys.path.remove(here)
        for part in path.split("."):
            found = getattr(found, part)
    if not callable(found):
        raise CheckpointError(f"{name}: is {type(found).__name__}, not a callable that makes a model")
    return found  # type: ignore[no-any-return]
