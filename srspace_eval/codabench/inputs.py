"""The files that a bundle is made from, and the files that it may not replace."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from srspace_eval.codabench.plan import CompetitionPlan
from srspace_eval.errors import ResultsError


def recipe_of(out: Path) -> Path:
    """The recipe of the image, beside the bundle.

    >>> recipe_of(Path("bundle.zip")).name
    'bundle.Dockerfile'
    """
    return out.with_name(f"{out.stem}.Dockerfile")


def plan_inputs(plan: CompetitionPlan) -> list[Path]:
    """The files and folders of this machine that a plan names."""
    paths = [Path(phase.gt) for phase in plan.phases if phase.at_hand]
    return [*paths, *(path for path in (plan.logo, plan.track.file) if path is not None)]


def require_free(out: Path) -> None:
    """Refuse to replace a bundle or its recipe.

    Raises
    ------
    ResultsError
        If one of them is there.
    """
    taken = [str(path) for path in (out, recipe_of(out)) if path.exists()]
    if taken:
        raise ResultsError(f"{', '.join(taken)}: exists; give --overwrite to replace it, or another --out")


def require_apart(out: Path, inputs: Sequence[Path]) -> None:
    """Refuse to write a bundle or its recipe over a file that the bundle is made from, or into a folder of GTs.

    Raises
    ------
    ResultsError
        If one of them is such a file, or is inside such a folder.
    """
    for path in (out, recipe_of(out)):
        place = path.resolve()
        for given in inputs:
            source = given.resolve()
            if place == source or (path.exists() and given.exists() and path.samefile(given)):
                raise ResultsError(f"{path}: is an input of the bundle, and would be replaced; give another --out")
            if source.is_dir() and source in place.parents:
                raise ResultsError(f"{path}: is inside {given}, an input of the bundle; give another --out")
