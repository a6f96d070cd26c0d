"""The viewer's pictures: copies of GT, LR and samples inside the site, and the map of local best.

Only the files that were scored are shown. A picture with another digest than the record's is left out, with a notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from srspace_eval._utils import hashing, png
from srspace_eval._utils.notices import notify
from srspace_eval._utils.progress import Advance
from srspace_eval._utils.unique_names import UniqueNames
from srspace_eval._utils.untrusted_text import visible
from srspace_eval.errors import ImageError
from srspace_eval.ranking.notes import metric_label
from srspace_eval.report.html.chosen_images import choose_images
from srspace_eval.report.html.local_best import cell_side, local_best
from srspace_eval.report.html.previews import (
    Crop,
    exact_crop,
    preview_suffix,
    require_room,
    size_text,
    write_picture,
    write_thumbnail,
)
from srspace_eval.report.html.submission import extremes, named
from srspace_eval.report.table_model import Table
from srspace_eval.results.record import ImageRecord, Result, SampleRecord
from srspace_eval.submissions.folders import folder_of_file
from srspace_eval.submissions.pairing import reference_names
from srspace_eval.submissions.sources import Source, open_source

_WORTH_TELLING = 100_000_000


@dataclass(frozen=True)
class Pictures:
    """Where a track's pictures are.

    Attributes
    ----------
    gt
        Folder (or zip) of the ground truth, named as its track says.
    submissions
        Team -> folder or zip of its samples, named as in its records.
    lr
        Folder (or zip) of LRs, named as ``score`` takes them; None: the GT is downscaled for the view.
    images
        At most this many images are shown, the best and worst first. All submissions show the same ones.
    most_bytes
        The viewer is not written if its pictures would take more bytes, by an estimate.

    Examples
    --------
    >>> from pathlib import Path
    >>> from srspace_eval import Pictures
    >>> Pictures(Path("DIV2K_valid_HR"), {"Ours": Path("ours.zip")}, images=5).images
    5
    """

    gt: Path
    submissions: Mapping[str, Path] = field(default_factory=dict)
    lr: Path | None = None
    images: int = 12
    most_bytes: int = 2_000_000_000


@dataclass(frozen=True)
class Shown:
    """What a site shows of a submission.

    Attributes
    ----------
    views
        Image -> its description for the viewer's script. Addresses are relative to a page one folder below the track's
        folder.
    thumbnails
        Image -> address of its thumbnail.
    """

    views: dict[str, dict[str, Any]]
    thumbnails: dict[str, str]


class PictureWriter:
    """Copies one track's pictures into the site and describes them for the viewer's script.

    Parameters
    ----------
    pictures
        Where they are.
    folder
        The track's folder in the site; pictures go to ``folder/pictures``.
    table
        The table of the track, which names the files. Its marks of columns stand beside the samples' values, too.

    Raises
    ------
    SubmissionError
        If there is no such folder or zip, a zip is damaged, or the GT's or LRs' names are not the track's.
    """

    def __init__(self, pictures: Pictures, folder: Path, table: Table) -> None:
        self._folder = folder / "pictures"
        self._track = track = table.ranking.track
        self._marks = table.column_marks
        self._most, self._most_bytes = pictures.images, pictures.most_bytes
        self._chosen: dict[str, ImageRecord] = {}
        self._crops: dict[str, Crop | None] = {}
        self._names = UniqueNames()
        self._stems: dict[tuple[str, int, int], str] = {}
        self._gt = _Files(open_source(pictures.gt))
        self._lr = None if pictures.lr is None else _Files(open_source(pictures.lr))
        self._submissions = dict(pictures.submissions)
        self._gt_names, self._lr_names = reference_names(
            self._gt.source, track, lr=None if self._lr is None else self._lr.source
        )

    @property
    def images(self) -> list[str]:
        """The images that :meth:`choose` has chosen."""
        return list(self._chosen)

    def choose(self, results: Sequence[Result]) -> None:
        """Choose the images that all viewers show.

        Raises
        ------
        RankingError
            If their pictures would take too many bytes.
        """
        shown = [result for result in results if result.team in self._submissions]
        chosen = choose_images(shown, self._most, self._track)
        total = require_room(chosen, len(shown), self._most_bytes)
        if total > _WORTH_TELLING:
            notify(f"the viewer's pictures take about {size_text(total)}; --viewer-images shows fewer images")
        self._chosen = {image.image: image for image in chosen}
        readable: dict[str, str] = {}
        for name in self._chosen:
            readable.setdefault(visible(name), name)  # addresses of the viewer name an image as readers see it
        for name in self._chosen.keys() - set(readable.values()):
            del self._chosen[name]
            notify(f"viewer: two images are shown as {visible(name)}; one of them is left out, so rename it")

    def steps(self, results: Sequence[Result]) -> int:
        """How many images of all these results :meth:`add` goes through."""
        return sum(len(self._wanted(result)) for result in results if result.team in self._submissions)

    def add(self, result: Result, name: str, advance: Advance) -> Shown:
        """Copy a submission's pictures.

        Parameters
        ----------
        name
            The submission's file name in the site.
        advance
            Called after each image.

        Returns
        -------
        Shown
            The images that can be shown, and the thumbnails of these and of the submission's best and worst images.
        """
        path = self._submissions.get(result.team)
        shown = Shown({}, {})
        if path is None:
            return shown
        # An inbox also has submissions with faults. Only those that were scored are opened.
        opened = open_source(path)
        first = next((sample for image in result.images for sample in image.samples), None)
        source = _Files(opened if first is None else folder_of_file(opened, first.file, first.sha256))
        for image in self._wanted(result):
            try:
                if image.image in self._chosen:
                    shown.views[image.image] = self._image(image, source, name)
                elif image.samples:
                    sample = image.samples[0]
                    self._write_thumbnail(image, self._read(source, sample.file, sample.sha256, image), name)
                shown.thumbnails[image.image] = self._thumbnail(image, name)
            except ImageError as error:
                notify(f"viewer of {result.team!r}: {error}; the image is left out")
            advance(1)
        return shown

    def _wanted(self, result: Result) -> list[ImageRecord]:
        """The chosen images of a result, and those that its page names as best and worst."""
        metrics = [self._track.columns()[metric] for metric in named(self._track, result.images)]
        parts = [part for info in metrics for part in extremes(info, result.images)]
        own = {number for part in parts for _, number in part}
        return [one for number, one in enumerate(result.images) if one.image in self._chosen or number in own]

    def _thumbnail(self, image: ImageRecord, name: str) -> str:
        """The address of an image's thumbnail."""
        return f"../pictures/teams/{name}/{self._stem(image)}-small{preview_suffix()}"

    def _stem(self, image: ImageRecord) -> str:
        """The name of an image's files, which no other image has, nor the same image measured in another size."""
        measured = (image.image, image.height, image.width)
        if measured not in self._stems:
            self._stems[measured] = self._names.name(image.image)
        return self._stems[measured]

    def _write_thumbnail(self, image: ImageRecord, pixels: NDArray[np.uint8], name: str) -> None:
        write_thumbnail(self._folder / self._thumbnail(image, name).removeprefix("../pictures/"), pixels)

    def _image(self, image: ImageRecord, source: _Files, name: str) -> dict[str, Any]:
        file = self._stem(image)
        if not image.samples or min(image.height, image.width) < self._track.scale:
            raise ImageError(f"{image.image}: its record holds no samples or no size")
        if image.image not in self._gt_names:
            raise ImageError(f"{image.image}: {self._gt.source.path} holds no such GT")
        if image.gt_sha256 is None:
            raise ImageError(f"{image.image}: it was measured without a GT, and the viewer shows the GT beside samples")
        gt = self._read(self._gt, self._gt_names[image.image], image.gt_sha256, image)
        if file not in self._crops:
            self._crops[file] = exact_crop(gt)
        crop = self._crops[file]
        samples = [self._read(source, sample.file, sample.sha256, image) for sample in image.samples]
        shown, exact = write_picture(self._folder, f"gt/{file}", gt, crop)
        files = [
            write_picture(self._folder, f"teams/{name}/{file}-{sample.sample:05d}", pixels, crop)
            for sample, pixels in zip(image.samples, samples, strict=True)
        ]
        self._write_thumbnail(image, samples[0], name)
        best = local_best(gt, samples)
        shares = np.bincount(best.ravel(), minlength=len(samples)) / best.size
        return {
            "name": visible(image.image),
            "height": image.height,
            "width": image.width,
            "scale": self._track.scale,
            "gt": f"../pictures/{shown}",
            **({} if crop is None else {"crop": asdict(crop), "exact": f"../pictures/{exact}"}),
            "thumbnail": self._thumbnail(image, name),
            "lr": f"../pictures/{self._write_lr(image, gt, file)}",
            "samples": [
                {
                    "number": sample.sample,
                    "file": f"../pictures/{whole}",
                    **({"exact": f"../pictures/{inside}"} if inside else {}),
                    "share": round(float(share), 4),
                    "values": self._values(sample),
                }
                for sample, share, (whole, inside) in zip(image.samples, shares, files, strict=True)
            ],
            "map": {
                "cell": cell_side(image.height, image.width),
                "rows": best.shape[0],
                "columns": best.shape[1],
                "best": best.ravel().tolist(),
            },
        }

    def _values(self, sample: SampleRecord) -> str:
        """The sample's numbers on one line."""
        infos = [info for metric, info in self._track.columns().items() if metric in sample.values]
        return ", ".join(
            f"{metric_label(i.id, self._track)}{self._marks.get(i.id, '')} "
            f"{i.format(sample.values[i.id])}{' ' + i.unit if i.unit else ''}"
            for i in infos
        )

    def _read(self, source: _Files, name: str, sha256: str | None, image: ImageRecord) -> NDArray[np.uint8]:
        """The pixels of a picture, cropped as it was measured."""
        where = source.source.where(name)
        data = source.read(name)
        if hashing.sha256(data) != sha256:
            raise ImageError(f"{where}: is not the file that was scored (its SHA-256 differs)")
        pixels = png.decode_png(data, where)
        height, width = image.height, image.width
        if pixels.shape[0] < height or pixels.shape[1] < width:
            raise ImageError(f"{where}: is smaller than the {width}×{height} pixels that were measured")
        # Written anew: colour chunks would change what a browser shows, and texts may be private.
        return png.cropped_copy(pixels, height, width)

    def _write_lr(self, image: ImageRecord, gt: NDArray[np.uint8], file: str) -> str:
        target = self._folder / "lr" / f"{file}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        height, width = image.height // self._track.scale, image.width // self._track.scale
        if self._lr is not None:
            name = self._lr_names[image.image]
            pixels = png.decode_png(self._lr.read(name), self._lr.source.where(name))
            png.write_png(target, pixels[:height, :width])
        else:
            small = Image.fromarray(gt).resize((width, height), Image.Resampling.BICUBIC)
            png.write_png(target, np.asarray(small))
        return f"lr/{file}.png"


class _Files:
    """A source that gives only the files that it lists.

    Names come from records that anybody may have written. They must not lead out of the source's folder.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._names = frozenset(source.names())

    def read(self, name: str) -> bytes:
        if name not in self._names:
            raise ImageError(f"{self.source.path}: holds no file {name!r}")
        return self.source.read(name)
