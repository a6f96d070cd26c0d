"""What a metric is: its columns, needs and options. Imports no torch. It is long because it documents how to write one.

A metric is one class, registered once (:mod:`srspace_eval.metrics.registry`). Its fields are its options.
:class:`Metric` shows a whole one, and how a package publishes it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias

from srspace_eval.metrics.steps import AnyPrepared, ImageInputs, LoadedNetwork

Direction = Literal["lower", "higher"]
Aspect = Literal["", "photo-realism", "consistency", "diversity"]
Per = Literal["sample", "image", "method"]
Setting: TypeAlias = "str | int | float | bool"
"""A value of an option or of the signature."""


@dataclass(frozen=True)
class MetricInfo:
    """One column as tables show it.

    Attributes
    ----------
    id
        Name in JSON, CSV and ``--metrics``.
    label
        Name in tables.
    unit
        ``"dB"``, ``"%"`` or empty.
    digits
        Decimals shown in tables; files keep full precision.
    direction
        Whether ``"lower"`` or ``"higher"`` values are better.
    tex
        The label in LaTeX; empty: the label as it is.
    description
        One sentence for legends and tooltips.
    per
        ``"sample"``: every sample has a value, and an image's value is their mean. ``"image"``: an image has one value
        of its whole sample set. ``"method"``: a method has one value, which is not measured by ``score`` (MOR).
    curve
        Id of the per-image curve (the value of the first n samples, n = 1 to M) that ends in this column's value;
        empty: none.
    aspect
        What the column represents in charts and on the pages of submissions; empty: it is not used there.
    least, most
        The smallest and the largest possible value. ``rank`` refuses a result with another one.

    Examples
    --------
    >>> from srspace_eval import MetricInfo
    >>> info = MetricInfo(
    ...     id="mae",
    ...     label="MAE",
    ...     unit="",
    ...     digits=2,
    ...     direction="lower",
    ...     tex="MAE",
    ...     description="Mean absolute error of 8-bit values.",
    ...     least=0.0,
    ...     most=255.0,
    ... )
    >>> info.label, info.direction, info.per
    ('MAE', 'lower', 'sample')
    """

    id: str
    label: str
    unit: str
    digits: int
    direction: Direction
    tex: str
    description: str
    per: Per = "sample"
    curve: str = ""
    aspect: Aspect = ""
    least: float = -math.inf
    most: float = math.inf

    @property
    def arrow(self) -> str:
        """``"↓"`` where lower is better, ``"↑"`` where higher is."""
        return "↓" if self.direction == "lower" else "↑"

    def format(self, value: float | None) -> str:
        """The value as tables show it: ``"–"`` if there is none, ``"∞"`` if it is infinite.

        Parameters
        ----------
        value
            The value. None or NaN: there is none.

        Returns
        -------
        str
            The value with :attr:`digits` digits after the point.

        Examples
        --------
        >>> MetricInfo("psnr", "PSNR", "dB", 2, "higher", "PSNR", "").format(50.456)
        '50.46'
        """
        if value is None or math.isnan(value):
            return "–"
        if math.isinf(value):
            return "∞" if value > 0 else "−∞"
        return f"{value:.{self.digits}f}"

    def better(self, a: float, b: float) -> bool:
        """Whether ``a`` is strictly better than ``b``.

        Parameters
        ----------
        a
            A value of this column.
        b
            Another value of this column.

        Returns
        -------
        bool
            False if they are equal.
        """
        return a < b if self.direction == "lower" else a > b


STANDARD_NETWORK = {"net": "alex", "trunk": "torchvision", "precision": "float32"}
"""The network of the challenges' programs, with which published numbers were measured."""


def may_be_infinite(info: MetricInfo) -> bool:
    """Whether a value may be infinite. A mean leaves infinite values out, which must never make a method better.

    >>> may_be_infinite(MetricInfo("psnr", "PSNR", "dB", 2, "higher", "PSNR", ""))
    True
    """
    return info.direction == "higher" and info.most == math.inf


@dataclass(frozen=True)
class Needs:
    """What a metric needs beside the samples.

    Attributes
    ----------
    gt
        The GT. A metric that does not need it can be measured without any GT.
    lr
        The LR: the files of ``--lr`` if they are given, else the downscaled GT.
    network
        LPIPS's network, whose trunk weights must be at hand. It runs on the run's device.
    weights
        Weights that the metric loads itself, in words; empty: none.

    Examples
    --------
    >>> from srspace_eval import Needs
    >>> str(Needs()), str(Needs(gt=False)), str(Needs(weights="weights of my network"))
    ('GT', 'no GT', 'GT, weights of my network')
    """

    gt: bool = True
    lr: bool = False
    network: bool = False
    weights: str = ""

    def __str__(self) -> str:
        lr = "LR" if self.gt else "LR or GT"
        names = {"GT": self.gt, lr: self.lr, "LPIPS weights": self.network, self.weights: bool(self.weights)}
        return ", ".join(name for name, needed in names.items() if needed) or "no GT"


@dataclass(frozen=True)
class LeastSize:
    """The least size of the pictures that a metric can measure. It is checked before anything is measured.

    Attributes
    ----------
    what
        What needs this size, as a message names it: ``"SSIM"``.
    side
        The smallest height and width, in pixels.
    hint
        What to do with smaller pictures.
    longer
        The smallest longer side, in pixels; 0: no more than ``side``.

    Examples
    --------
    >>> from srspace_eval import LeastSize
    >>> LeastSize("SSIM", 11)
    LeastSize(what='SSIM', side=11, hint='choose other --metrics')
    """

    what: str
    side: int
    hint: str = "choose other --metrics"
    longer: int = field(default=0, repr=False)


@dataclass(frozen=True)
class RunInputs:
    """What the signature depends on besides a metric's options.

    ``lr`` is the joint SHA-256 of the LR files, None if none are given.
    """

    lr: str | None = None


@dataclass(frozen=True)
class NetworkSettings:
    """How a run loads networks; :meth:`Metric.load_network` gets it.

    Attributes
    ----------
    net
        LPIPS's trunk where a metric names none.
    weights
        A file with that trunk's weights; None: torchvision's file.
    weights_dir
        A folder with torchvision's files, searched first.
    device, precision
        Where networks run (``"auto"``, ``"cpu"``, ``"cuda"``), and the precision of convolutions.

    Examples
    --------
    >>> from srspace_eval import NetworkSettings
    >>> NetworkSettings(device="cpu").of("vgg").net
    'vgg'
    """

    net: str = "alex"
    weights: Path | None = None
    weights_dir: Path | None = None
    device: str = "auto"
    precision: str = "float32"

    def of(self, net: str) -> NetworkSettings:
        """The same for another trunk, whose weights are torchvision's.

        Parameters
        ----------
        net
            The trunk: ``"alex"``, ``"vgg"`` or ``"squeeze"``.

        Returns
        -------
        NetworkSettings
            The same settings. The file :attr:`weights` is left out if it is another trunk's.
        """
        return replace(self, net=net, weights=self.weights if net == self.net else None)


@dataclass(frozen=True)
class Metric(ABC):
    """A metric with its options. A subclass that has options is a frozen dataclass, and its fields are the options.

    Options are of the types int, float, bool, str or a ``Literal`` of texts, and have defaults; ``__post_init__``
    raises :class:`~srspace_eval.errors.InputError` for values out of range.

    Attributes
    ----------
    name
        Id that ``score --metrics`` and a track's ``metrics`` name.
    columns
        The first has the metric's own id; the ids of others begin with it where that is possible.
    needs
        What it needs beside the samples.
    curves
        Ids of the per-image curves that its :class:`Prepared` gives.
    family
        Metrics of the same family share one expensive pass; empty: the metric is measured alone. A family's class
        overrides :meth:`prepare_family`.
    version
        Part of the signature; to be changed when the numbers change.

    Notes
    -----
    A package publishes its metric by an entry point in its ``pyproject.toml``. ``score --metrics mean_error``, track
    files and boards then know it::

        [build-system]
        requires = ["setuptools>=64"]
        build-backend = "setuptools.build_meta"

        [project]
        name = "example-metrics"
        version = "1.0"
        dependencies = ["srspace-eval"]

        [project.entry-points."srspace_eval.metrics"]
        mean_error = "example_metrics:MeanError"

        [tool.setuptools]
        py-modules = ["example_metrics"]

    The module that declares the class is imported by every command, also on machines without torch. Import torch in
    :meth:`prepare`, or in a module that :meth:`prepare` imports.

    Examples
    --------
    A whole metric with one option. ``border`` pixels of each side are left out:

    >>> from dataclasses import dataclass
    >>> from srspace_eval import ImageInputs, InputError, Metric, MetricInfo, SampleMean
    >>> @dataclass(frozen=True)
    ... class MeanError(Metric):
    ...     name = "mean_error"
    ...     columns = (
    ...         MetricInfo(
    ...             id="mean_error",
    ...             label="MAE",
    ...             unit="",
    ...             digits=2,
    ...             direction="lower",
    ...             tex="MAE",
    ...             description="Mean absolute error of 8-bit values.",
    ...             least=0.0,
    ...             most=255.0,
    ...         ),
    ...     )
    ...     border: int = 0
    ...
    ...     def __post_init__(self):
    ...         if self.border < 0:
    ...             raise InputError(f"border = {self.border}: must not be negative")
    ...
    ...     def prepare(self, image: ImageInputs) -> SampleMean:
    ...         height, width = image.gt.shape[:2]
    ...         inside = slice(self.border, height - self.border), slice(self.border, width - self.border)
    ...         gt = image.gt[inside].double()
    ...         return SampleMean(lambda sr: {"mean_error": float((sr[inside].double() - gt).abs().mean())})

    ``score`` calls ``prepare`` once for each image, and the prepared metric for each sample:

    >>> import torch
    >>> gt = torch.full((16, 16, 3), 100, dtype=torch.uint8)
    >>> prepared = MeanError(border=4).prepare(ImageInputs("0801", gt, lr=None, scale=4))
    >>> prepared.update(prepared.measure(gt + 2)), prepared.update(prepared.measure(gt - 4))
    ({'mean_error': 2.0}, {'mean_error': 4.0})
    >>> prepared.compute().values
    {'mean_error': 3.0}

    In a notebook, ``srspace_eval.register(MeanError)`` makes it known without a package.
    """

    name: ClassVar[str] = ""
    columns: ClassVar[tuple[MetricInfo, ...]] = ()
    needs: ClassVar[Needs] = Needs()
    curves: ClassVar[tuple[str, ...]] = ()
    family: ClassVar[str] = ""
    version: ClassVar[str] = "1"

    @property
    def shared_pass(self) -> str:
        """The family whose pass computes it with these options; empty: it is measured alone."""
        return self.family

    @property
    def network(self) -> str:
        """The name of the network that it needs; metrics of the same name share it. Empty: none.

        ``"lpips"`` is the run's LPIPS network, ``image.network``. Others are ``image.networks[name]``, and the metric
        loads them by :meth:`load_network`.
        """
        return "lpips" if self.needs.network else ""

    @property
    def trunk(self) -> str:
        """The trunk of its own network, one of :func:`srspace_eval.list_weights`; empty: another network or none."""
        return ""

    def load_network(self, settings: NetworkSettings) -> LoadedNetwork:
        """Load the network that it needs, if that is not the run's LPIPS network.

        Parameters
        ----------
        settings
            Trunk, weights, device and precision of the run.

        Returns
        -------
        LoadedNetwork
            The network, as :attr:`ImageInputs.networks` gives it to :meth:`prepare`.

        Raises
        ------
        WeightsError
            If weights are missing or damaged.
        NotImplementedError
            If the metric names a network of its own and does not override this method.
        """
        raise NotImplementedError

    @abstractmethod
    def prepare(self, image: ImageInputs) -> AnyPrepared:
        """Prepare the metric for one image.

        Parameters
        ----------
        image
            Name, GT, LR, scale and networks.

        Returns
        -------
        Prepared
            :class:`SampleMean`, if the image's value is the mean of its samples' values; else a subclass of
            :class:`Prepared` of its own.

        Raises
        ------
        InputError
            If the image does not suit.
        """

    @classmethod
    def prepare_family(cls, image: ImageInputs, members: Sequence[Metric]) -> AnyPrepared:
        """Prepare those metrics of a family that are measured; only a family's classes override it.

        Parameters
        ----------
        image
            The image's GT, LR, scale and networks.
        members
            The metrics of the family that are measured.

        Returns
        -------
        AnyPrepared
            One object that gives the numbers of all members.
        """
        (metric,) = members
        return metric.prepare(image)

    def least_sizes(self, net: str) -> tuple[LeastSize, ...]:
        """Return the least sizes of pictures that the metric can measure.

        Parameters
        ----------
        net
            LPIPS's trunk: ``"alex"``, ``"vgg"`` or ``"squeeze"``.

        Returns
        -------
        tuple[LeastSize, ...]
            It is empty if any size is possible.
        """
        return ()

    def gt_bytes(self, net: str) -> int:
        """Return how much memory :meth:`prepare` keeps in addition to the GT.

        Parameters
        ----------
        net
            LPIPS's trunk: ``"alex"``, ``"vgg"`` or ``"squeeze"``.

        Returns
        -------
        int
            Bytes for each pixel of the GT.
        """
        return 0

    def signature(self, run: RunInputs) -> Mapping[str, Setting]:
        """The settings that the numbers depend on: the version and the options.

        If it is empty, the network's settings are enough.

        Parameters
        ----------
        run
            What the settings depend on besides the options: the digest of the LR files.

        Returns
        -------
        Mapping[str, Setting]
            Setting -> value.
        """
        return {"version": self.version, **{f.name: getattr(self, f.name) for f in fields(self)}}

    def columns_as(self, measure_id: str) -> tuple[MetricInfo, ...]:
        """The columns under the id that the metric is measured under. The labels show an id that is not its own.

        Parameters
        ----------
        measure_id
            The id: the metric's own, or that of a ``[measure.ID]``.

        Returns
        -------
        tuple[MetricInfo, ...]
            One entry for each of :attr:`columns`, in their order.
        """
        if measure_id == self.name:
            return tuple(replace(info, description=self.describe(info)) for info in self.columns)
        return tuple(
            replace(
                info,
                id=renamed_key(info.id, self.name, measure_id),
                label=f"{info.label} ({measure_id})",
                tex=f"{info.tex} (" + measure_id.replace("_", r"\_") + ")",
                description=self.describe(info),
                curve=info.curve and renamed_key(info.curve, self.name, measure_id),
            )
            for info in self.columns
        )

    def describe(self, info: MetricInfo) -> str:
        """A column's description with these options.

        A metric overrides it if the description of its defaults would be wrong with other options.

        Parameters
        ----------
        info
            One of the metric's columns.

        Returns
        -------
        str
            One or two sentences.
        """
        changed = ", ".join(f"{f.name} {value}" for f in fields(self) if (value := getattr(self, f.name)) != f.default)
        return f"{info.description} Options: {changed}." if changed else info.description

    def missing(self) -> str:
        """The required option that is missing, and how to give it; an empty text if none is missing.

        Returns
        -------
        str
            A sentence for an error message, or an empty text.
        """
        return ""


@dataclass(frozen=True)
class MetricListing:
    """What is said of a metric in listings.

    Attributes
    ----------
    id, label, description
        The metric's name, its label in tables, one sentence.
    needs
        What it needs, in words: ``"GT, LPIPS weights"``.
    columns
        Ids of the values that it gives.
    options
        Its options with their defaults.
    package
        The package that added it; empty: built in.
    """

    id: str
    label: str
    description: str
    needs: str
    columns: tuple[str, ...]
    options: Mapping[str, Setting]
    package: str = ""

    def __str__(self) -> str:
        options = ", ".join(f"{key}={value}" for key, value in self.options.items())
        more = [f"needs {self.needs}", f"options {options}" if options else "", self.package and f"from {self.package}"]
        return f"{self.id}: {self.description} ({'; '.join(filter(None, more))})"


def renamed_key(key: str, metric: str, measure_id: str) -> str:
    """The id of a value of a metric that is measured under another id.

    >>> renamed_key("lr_psnr_worst", "lr_psnr", "mine"), renamed_key("mse", "diversity_mse", "mine")
    ('mine_worst', 'mine_mse')
    """
    if measure_id == metric:
        return key
    if key == metric or key.startswith(f"{metric}_"):
        return measure_id + key[len(metric) :]
    return f"{measure_id}_{key}"
