"""The types of a result: one scored submission, its images and their samples.

:mod:`srspace_eval.results.documents` has their form on disk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from srspace_eval._utils.frames import Kind as ColumnKind
from srspace_eval._utils.frames import data_frame, value_columns
from srspace_eval.errors import InputError
from srspace_eval.results.signature import Signature

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["team", "baseline"]


@dataclass(frozen=True)
class SampleRecord:
    """One sample's numbers.

    Attributes
    ----------
    sample
        Index of the sample, from 0.
    file
        Name of the file in the submission.
    sha256
        SHA-256 of the file, in hexadecimal digits.
    values
        Metric id -> value; None if it is undefined.

    Examples
    --------
    >>> from srspace_eval import SampleRecord
    >>> sample = SampleRecord(0, "000000_sample00000.png", "", {"psnr": 31.2})
    >>> sample.values["psnr"]
    31.2
    """

    sample: int
    file: str
    sha256: str
    values: Mapping[str, float | None]


@dataclass(frozen=True)
class ImageRecord:
    """One image's numbers.

    Attributes
    ----------
    image
        The image's name.
    height, width
        Pixels of the GT as it was measured, after the crop.
    gt_sha256
        SHA-256 of the GT's file; None if there is no GT.
    values
        Metric id -> value; None if it is undefined.
    curves
        Metric id -> its value for the first 1, 2, ..., M samples, such as S_1 .. S_M.
    samples
        The samples, in order.

    Examples
    --------
    >>> from srspace_eval import ImageRecord, SampleRecord
    >>> samples = tuple(SampleRecord(m, f"000000_sample{m:05d}.png", "", {"psnr": 30.0 + m}) for m in range(2))
    >>> image = ImageRecord("0801", 32, 48, "", {"psnr": 30.5}, {}, samples)
    >>> [sample.values["psnr"] for sample in image.samples]
    [30.0, 31.0]
    """

    image: str
    height: int
    width: int
    gt_sha256: str | None
    values: Mapping[str, float | None]
    curves: Mapping[str, tuple[float | None, ...]]
    samples: tuple[SampleRecord, ...]


@dataclass(frozen=True)
class Declared:
    """What a submission's readme declares. Nothing of it is measured; None: it does not say.

    Attributes
    ----------
    file
        The readme's name.
    runtime
        Seconds per image.
    platform
        Where that was: ``"cpu"`` or ``"gpu"``.
    extra_data
        Whether the method was trained with extra data.

    Examples
    --------
    >>> print(Declared("readme.txt", runtime=10.43, platform="gpu"))
    runtime 10.43 s per image, GPU
    """

    file: str
    runtime: float | None = None
    platform: Literal["cpu", "gpu"] | None = None
    extra_data: bool | None = None

    def __str__(self) -> str:
        extra = {True: "extra data", False: "no extra data", None: ""}[self.extra_data]
        runtime = "" if self.runtime is None else f"runtime {self.runtime:g} s per image"
        return ", ".join(filter(None, (runtime, (self.platform or "").upper(), extra)))


@dataclass(frozen=True)
class Result:
    """One scored submission.

    Attributes
    ----------
    team
        The team's name, as it was given: untrusted text.
    track
        The track's name.
    signature
        The settings and the environment of the measurement.
    images
        The images, in order.
    summary
        Metric id -> mean over images; None if it is undefined.
    curves
        Metric id -> mean over images of its curve.
    kind
        ``"team"``, or ``"baseline"``: shown in leaderboards, not ranked.
    incomplete
        What is missing from the submission, one line each. An incomplete result is listed and not ranked.
    notes
        Remarks on the numbers, one sentence each.
    provenance
        The sampling record that lay in the submission (``sample`` writes it); None if there was none.
    declared
        What the submission's readme declares; None if there was none.

    Examples
    --------
    >>> from srspace_eval import ImageRecord, Result, SampleRecord, Signature
    >>> sample = SampleRecord(0, "000000_sample00000.png", "0" * 64, {"psnr": 30.5})
    >>> image = ImageRecord("0801", 32, 48, "0" * 64, {"psnr": 30.5}, {}, (sample,))
    >>> result = Result("A", "x4", Signature({"common": {"scale": 4}}), (image,), {"psnr": 30.5})
    >>> result.to_frame("samples")[["image", "sample", "psnr"]].to_dict("records")
    [{'image': '0801', 'sample': 0, 'psnr': 30.5}]
    """

    team: str
    track: str
    signature: Signature
    images: tuple[ImageRecord, ...]
    summary: Mapping[str, float | None]
    curves: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    kind: Kind = "team"
    incomplete: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, Any] | None = None
    declared: Declared | None = None

    def to_frame(self, level: Literal["images", "samples"] = "images") -> pd.DataFrame:
        """The numbers as a pandas DataFrame.

        Parameters
        ----------
        level
            ``"images"``: one row per image. Columns: ``team``, ``track``, ``image`` (text), ``height``, ``width``,
            ``samples`` (int64; pixels, number of samples), and each metric id (float64).
            ``"samples"``: one row per sample. Columns: ``team``, ``track``, ``image``, ``sample`` (int64, from 0),
            ``file``, and each metric id that a sample has (float64).

        Returns
        -------
        pandas.DataFrame
            Rows in the result's order. An infinite value is ``inf``, an undefined one NaN.

        Raises
        ------
        InputError
            If the level is another.

        Examples
        --------
        >>> image = ImageRecord("0801", 32, 48, "", {"lpips": 0.25}, {}, ())
        >>> result = Result("A", "x4", Signature({}), (image,), {"lpips": 0.25})
        >>> result.to_frame()[["image", "height", "width", "lpips"]]
          image  height  width  lpips
        0  0801      32     48   0.25
        """
        if level == "images":
            rows = [image.values for image in self.images]
            about: dict[str, tuple[ColumnKind, Sequence[object]]] = {
                "image": ("string", [image.image for image in self.images]),
                "height": ("int64", [image.height for image in self.images]),
                "width": ("int64", [image.width for image in self.images]),
                "samples": ("int64", [len(image.samples) for image in self.images]),
            }
        elif level == "samples":
            pairs = [(image, sample) for image in self.images for sample in image.samples]
            rows = [sample.values for _, sample in pairs]
            about = {
                "image": ("string", [image.image for image, _ in pairs]),
                "sample": ("int64", [sample.sample for _, sample in pairs]),
                "file": ("string", [sample.file for _, sample in pairs]),
            }
        else:
            raise InputError(f"level = {level!r}: must be 'images' or 'samples'")
        whose: dict[str, tuple[ColumnKind, Sequence[object]]] = {
            "team": ("string", [self.team] * len(rows)),
            "track": ("string", [self.track] * len(rows)),
        }
        return data_frame({**whose, **about, **value_columns(rows, {**whose, **about})})
