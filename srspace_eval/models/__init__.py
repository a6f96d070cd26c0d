"""Methods: a checkpoint or plug-in becomes a model, and a model makes sample sets.

In: a checkpoint file or the name of a plug-in, LRs, perhaps GTs. Out: samples with their record, or likelihoods.
The command line and the top-level package import this room. The names below load on first use, so importing it
imports no torch.

Arrows between its parts, lower ones first: ``protocol``, ``memory``, ``precision``, ``lr_input`` <- ``sampling`` <-
``base`` <- ``adapters`` <- ``plugins``; ``protocol`` <- ``checkpoints``; ``plugins``, ``checkpoints`` <- ``loading``
<- ``folders``. ``catalogue`` and ``families`` stand alone. ``recipes`` uses
``base`` and ``sampling``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from srspace_eval.models.base import Flow as Flow
    from srspace_eval.models.base import Model as Model
    from srspace_eval.models.catalogue import known_methods as known_methods
    from srspace_eval.models.checkpoints.convert import convert_checkpoint as convert_checkpoint
    from srspace_eval.models.checkpoints.describe import CheckpointDescription as CheckpointDescription
    from srspace_eval.models.checkpoints.describe import describe_checkpoint as describe_checkpoint
    from srspace_eval.models.families import ModelFamily as ModelFamily
    from srspace_eval.models.families import model_families as model_families
    from srspace_eval.models.folders.likelihood import LikelihoodReport as LikelihoodReport
    from srspace_eval.models.folders.likelihood import likelihoods as likelihoods
    from srspace_eval.models.folders.options import SampleOptions as SampleOptions
    from srspace_eval.models.folders.sample_folder import SampleReport as SampleReport
    from srspace_eval.models.folders.sample_folder import sample_folder as sample_folder
    from srspace_eval.models.loading import load_model as load_model
    from srspace_eval.models.protocol import ModelConfig as ModelConfig
    from srspace_eval.models.recipes import heat_series as heat_series
    from srspace_eval.models.recipes import normalise_latents as normalise_latents
    from srspace_eval.models.recipes import transfer_content as transfer_content

_HOMES = {
    "CheckpointDescription": "checkpoints.describe",
    "Flow": "base",
    "LikelihoodReport": "folders.likelihood",
    "Model": "base",
    "ModelConfig": "protocol",
    "ModelFamily": "families",
    "SampleOptions": "folders.options",
    "SampleReport": "folders.sample_folder",
    "convert_checkpoint": "checkpoints.convert",
    "describe_checkpoint": "checkpoints.describe",
    "heat_series": "recipes",
    "known_methods": "catalogue",
    "likelihoods": "folders.likelihood",
    "load_model": "loading",
    "model_families": "families",
    "normalise_latents": "recipes",
    "sample_folder": "folders.sample_folder",
    "transfer_content": "recipes",
}

__all__ = [
    "CheckpointDescription",
    "Flow",
    "LikelihoodReport",
    "Model",
    "ModelConfig",
    "ModelFamily",
    "SampleOptions",
    "SampleReport",
    "convert_checkpoint",
    "describe_checkpoint",
    "heat_series",
    "known_methods",
    "likelihoods",
    "load_model",
    "model_families",
    "normalise_latents",
    "sample_folder",
    "transfer_content",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
