"""How a submission is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Literal, TypeAlias, TypedDict

from srspace_eval._utils.cores import threads_of
from srspace_eval._utils.whole_numbers import is_whole
from srspace_eval.errors import InputError
from srspace_eval.metrics.base import Metric, Setting
from srspace_eval.metrics.diversity.function import PatchPlan
from srspace_eval.metrics.lpips.metric import DiversityPatches, Lpips
from srspace_eval.metrics.measures import Measure
from srspace_eval.metrics.registry import bind, refuse_shared_columns
from srspace_eval.metrics.registry import metrics as known_metrics
from srspace_eval.metrics.scenes.models import niqe_model
from srspace_eval.scoring.executors.base import NetworkPlan
from srspace_eval.tracks.model import MAX_SAMPLES, Track

Net: TypeAlias = Literal["alex", "vgg", "squeeze"]
Convention: TypeAlias = Literal["ntire21", "matlab", "matlab-legacy"]
Precision: TypeAlias = Literal["float32", "tf32", "bf16"]


@dataclass(frozen=True)
class ScoreOptions:
    """How to measure.

    Attributes
    ----------
    metrics
        Names of :func:`srspace_eval.list_metrics`, ids of the track's measures, and :class:`srspace_eval.Measure`
        values, which give a metric options; None: the track's.
    measures
        Measured beside ``metrics``.
    samples
        M instead of the track's.
    net, lpips_weights, weights_dir
        LPIPS trunk where a measure names none; a file with its weights; a folder with torchvision's files.
    convention
        Of the downscaling for LR-PSNR.
    patches
        K, N and seed of the sampled diversity score. ``diversity_patches`` is then measured, too. Without a seed it
        follows from this machine's secret and the GTs, and the signature records it.
    device, precision
        Where the trunk runs (``"auto"``, ``"cpu"``, ``"cuda"``) and in what precision.
    workers
        Threads; None: as many as cores.
    scheduler
        Dask cluster to measure on instead of in this process: see
        :func:`srspace_eval.scoring.executors.opening.open_executor`.
    incomplete
        Measure what is there of a submission that lacks images or samples. Its summary stays empty.
    niqe_model
        A file with another model for NIQE than the authors' (``.mat`` or ``.npz``).

    Examples
    --------
    >>> from srspace_eval import Measure, ScoreOptions
    >>> luma = Measure("psnr_y4", "psnr", {"channel": "y", "border": 4})
    >>> options = ScoreOptions(metrics=("lr_psnr", "psnr"), measures=(luma,))
    >>> options.metrics, options.net, options.device
    (('lr_psnr', 'psnr'), 'alex', 'auto')
    """

    metrics: tuple[str | Measure, ...] | None = None
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
    measures: tuple[Measure, ...] = ()
    niqe_model: Path | None = None

    def __post_init__(self) -> None:
        threads_of(self.workers)  # refuses a wrong number
        if self.samples is not None and not is_whole(self.samples, 1, MAX_SAMPLES):
            raise InputError(f"samples = {self.samples!r}: must be between 1 and {MAX_SAMPLES}")
        if self.samples is not None:
            object.__setattr__(self, "samples", int(self.samples))  # NumPy's whole numbers too
        measures: tuple[object, ...] = self.measures
        if wrong := [measure for measure in measures if not isinstance(measure, Measure)]:
            raise InputError(f"measures: {wrong[0]!r} is not a Measure; Measure.parse() makes one of a text")

    def bound(self, track: Track | None) -> dict[str, Metric]:
        """The metrics to measure, with their options.

        Parameters
        ----------
        track
            The track, whose metrics are taken if :attr:`metrics` is empty. None: it is not known yet.

        Returns
        -------
        dict[str, Metric]
            Id -> metric. It is empty if the metrics follow from a track that is not known yet.

        Raises
        ------
        InputError
            If a metric or an option is unknown or missing, or a value does not suit.
        """
        wanted = self.metrics or (track.measured if track is not None else ())
        if not wanted and track is not None:
            raise InputError(
                f"track {track.name}: measures nothing; add metrics = [...] or [measure.ID] to its file, or name "
                "metrics"
            )
        if not wanted:
            return {}
        measures = list(self.measures)
        if self.patches is not None:
            plan: dict[str, Setting] = {
                "patches": self.patches.patches, "size": self.patches.size, "seed": self.patches.seed or 0,
            }  # fmt: skip
            measures.append(Measure(DiversityPatches.name, options=plan))
        declared = track.measures if track is not None else ()
        if track is not None:
            refuse_shared_columns(measures, track.unmeasured)
        defaults: list[dict[str, Setting]] = [{"convention": self.convention}]
        if self.niqe_model is not None:
            niqe_model(self.niqe_model)  # a file that cannot be used is reported before anything is measured
            defaults.append({"niqe_model": str(self.niqe_model)})
        found = self._one_group(bind([*wanted, *measures], declared, defaults))
        for measure_id, metric in found.items():
            if missing := metric.missing():
                raise InputError(f"{measure_id} needs {missing}")
        return found

    def _one_group(self, metrics: dict[str, Metric]) -> dict[str, Metric]:
        """The metrics, of which ``lpips`` uses the run's network if another one does: both state it as ``lpips``."""
        metric = metrics.get(Lpips.name)
        sharing = [measure_id for measure_id, other in metrics.items() if other.network == "lpips"]
        if not isinstance(metric, Lpips) or metric.net == "default" or not sharing:
            return metrics
        if metric.net != self.net:
            raise InputError(
                f"measure 'lpips': net = {metric.net!r}, but {', '.join(sharing)} uses the trunk {self.net}; "
                "give the measure another id, or choose --lpips-net"
            )
        return {**metrics, Lpips.name: replace(metric, net="default")}

    def network(self, metrics: Mapping[str, Metric]) -> NetworkPlan | None:
        """The networks that metrics need.

        Parameters
        ----------
        metrics
            Id -> metric, as :meth:`bound` gives them.

        Returns
        -------
        NetworkPlan or None
            What to load, from where, on which device; None if no metric needs a network.
        """
        needed = tuple({metric.network: metric for metric in metrics.values() if metric.network}.values())
        if not needed:
            return None
        return NetworkPlan(self.net, self.lpips_weights, self.weights_dir, self.device, self.precision, needed)


def require_references(track: Track | None, metrics: Mapping[str, Metric], *, gt: bool, lr: bool) -> None:
    """Refuse metrics that cannot be measured because a GT or LR is missing.

    Parameters
    ----------
    track
        The track; None: not known yet, so that a GT is required to find it.
    metrics
        What is to be measured.
    gt, lr
        Whether a GT and LRs are given.

    Raises
    ------
    InputError
        The message names the metrics, and those that need no GT.
    """
    if gt:
        return
    if track is None:
        raise InputError("without a GT the track cannot be found; give --gt, or name the track with --track")
    if needing := [measure_id for measure_id, metric in metrics.items() if metric.needs.gt]:
        free = ", ".join(name for name, metric in known_metrics().items() if not metric.needs.gt)
        why = (
            f'track {track.name}: reference = "none" says that there is no GT, but '
            if track.reference == "none"
            else ""
        )
        remedy = "choose other --metrics" if track.reference == "none" else "give --gt, or choose other --metrics"
        raise InputError(f"{why}these metrics need a GT: {', '.join(needing)}; {remedy}; without a GT there are {free}")
    if not lr and (needing := [measure_id for measure_id, metric in metrics.items() if metric.needs.lr]):
        raise InputError(f"without a GT these metrics need the LR: {', '.join(needing)}; give --lr")


class ScoreSettings(TypedDict, total=False):
    """The fields of :class:`ScoreOptions` as keywords of :func:`srspace_eval.score`, with looser types."""

    metrics: Sequence[str | Measure] | None
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
    measures: Sequence[Measure]
    niqe_model: Path | str | None


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
    if "measures" in settings:
        plain["measures"] = tuple(settings["measures"])
    for name in ("lpips_weights", "weights_dir", "niqe_model"):
        if plain.get(name) is not None:
            plain[name] = Path(str(plain[name]))
    return replace(options, **plain)  # type: ignore[arg-type]
