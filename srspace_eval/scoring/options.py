"""How a submission is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Literal, TypeAlias, TypedDict

from srspace_eval.errors import InputError
from srspace_eval.metrics.diversity.function import PatchPlan

Net: TypeAlias = Literal["alex", "vgg", "squeeze"]
Convention: TypeAlias = Literal["ntire21", "matlab", "matlab-legacy"]
Precision: TypeAlias = Literal["float32", "tf32", "bf16"]


@dataclass(frozen=True)
class ScoreOptions:
    """How to measure.

    Attributes
    ----------
    metrics:
        Ids out of :func:`srspace_eval.list_metrics`; None: the track's.
    samples:
        M instead of the track's.
    net, lpips_weights, weights_dir:
        LPIPS trunk; a file with its weights; a folder with torchvision's files.
    convention:
        Of the downscaling for LR-PSNR.
    patches:
        K, N and seed of the sampled diversity score. ``diversity_patches`` is then measured, too.
    device, precision:
        Where the trunk runs (``"auto"``, ``"cpu"``, ``"cuda"``) and in what precision.
    workers:
        Threads; None: as many as cores.
    scheduler:
        Dask cluster to measure on instead of in this process: see
        :func:`srspace_eval.scoring.executors.opening.open_executor`.
    incomplete:
        Measure what is there of a submission that lacks images or samples. Its summary stays empty.
    """

    metrics: tuple[str, ...] | None = None
    samples: int | None = None
    net: Net = "alex"
    lpips_weights: Path | None = None
    weights_dir: Path | None = None
    convention: Convention = "ntire21"
    patches: PatchPlan | None = None
    device: str = "auto"
    precision: Precision = "float32"
    workers: int | None = None
    scheduler: str | None = None
    incomplete: bool = False


class ScoreSettings(TypedDict, total=False):
    """The fields of :class:`ScoreOptions` as keywords of :func:`srspace_eval.score`, with looser types."""

    metrics: Sequence[str] | None
    samples: int | None
    net: Net
    lpips_weights: Path | str | None
    weights_dir: Path | str | None
    convention: Convention
    patches: PatchPlan | None
    device: str
    precision: Precision
    workers: int | None
    scheduler: str | None
    incomplete: bool


def with_settings(options: ScoreOptions | None, settings: ScoreSettings) -> ScoreOptions:
    """The options with some fields replaced.

    Raises
    ------
    InputError
        If a keyword is not a field.

    Examples
    --------
    >>> with_settings(ScoreOptions(samples=5), {"metrics": ["lpips"]}).metrics
    ('lpips',)
    """
    options = ScoreOptions() if options is None else options
    known = [field.name for field in fields(ScoreOptions)]
    unknown = [name for name in settings if name not in known]
    if unknown:
        raise InputError(f"unknown option {', '.join(unknown)}; known are {', '.join(known)}")
    if "metrics" in settings and isinstance(settings["metrics"], str):
        raise InputError(f"metrics={settings['metrics']!r}: a list of ids is required, such as ['lpips', 'psnr']")
    plain: dict[str, object] = dict(settings)
    if settings.get("metrics") is not None:
        plain["metrics"] = tuple(settings["metrics"] or ())
    for name in ("lpips_weights", "weights_dir"):
        if plain.get(name) is not None:
            plain[name] = Path(str(plain[name]))
    return replace(options, **plain)  # type: ignore[arg-type]
