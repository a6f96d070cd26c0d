"""What each family of models can do. Imports no torch; tests compare it with the adapters."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from typing import Literal

SPANDREL_HINT = (
    "RCAN, SwinIR, HAT, DAT, Real-ESRGAN and other networks need the package spandrel: "
    "pip install 'srspace-eval[models]'"
)
"""What a user without the extra ``models`` can do."""


@dataclass(frozen=True)
class ModelFamily:
    """What the models of a family can do.

    Attributes
    ----------
    id
        See :attr:`srspace_eval.models.protocol.ModelConfig.family`; ``"spandrel"`` stands for the architectures that
        spandrel recognises, apart from ESRGAN+.
    stochastic
        Whether the model makes different samples.
    likelihood
        Whether pictures have an exact likelihood under it.
    tiles
        ``"exact"``: tiles give the bytes of the whole picture; ``"approximate"``: nearly.
    precisions
        float32, and the types of autocast. ``"by file"`` stands for those that spandrel allows for the network.
    extra
        The optional extra of the installation that it needs; empty: none.

    Examples
    --------
    >>> from srspace_eval import model_families
    >>> families = model_families()
    >>> families["srflow"].stochastic, families["rrdb"].stochastic
    (True, False)
    """

    id: str
    stochastic: bool
    likelihood: bool
    tiles: Literal["exact", "approximate"]
    precisions: tuple[str, ...]
    extra: str = ""


_ALL = ("float32", "bf16", "fp16")
_FLOWS = ("srflow", "srflow_da", "srflow_da_r", "srflow_da_s", "srflow_da_d", "ncsr")


def model_families() -> dict[str, ModelFamily]:
    """All families by id, as ``srspace-eval models list`` shows them.

    Returns
    -------
    dict[str, ModelFamily]
        Id -> what the family can do.

    Examples
    --------
    >>> model_families()["srflow"].likelihood, model_families()["rrdb"].stochastic
    (True, False)
    """
    found = [ModelFamily(name, True, True, "approximate", _ALL) for name in _FLOWS]
    found += [
        ModelFamily("rrdb", False, False, "approximate", _ALL),
        ModelFamily("bicubic", False, False, "exact", _ALL),
        ModelFamily("esrgan_plus", True, False, "approximate", _ALL, "models"),
        ModelFamily("spandrel", False, False, "approximate", ("float32", "by file"), "models"),
    ]
    return {family.id: family for family in found}


def spandrel_architectures() -> tuple[str, ...]:
    """Names of the architectures that the installed spandrel knows, sorted; empty without spandrel.

    They are read from the list of its files, because importing spandrel imports torch.

    >>> all(name.isidentifier() for name in spandrel_architectures())
    True
    """
    try:
        listed = files("spandrel") or []
    except PackageNotFoundError:
        return ()
    found = {
        path.parts[2] for path in listed if path.parts[:2] == ("spandrel", "architectures") and len(path.parts) > 3
    }
    return tuple(sorted((name for name in found if not name.startswith("__")), key=str.lower))
