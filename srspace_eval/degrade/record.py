"""The record of a folder of LRs: what was applied to each picture.

The document ``degradation.json`` lies beside the LRs::

    {"format": "srspace-eval/degrade/1",
     "settings": {"scale": 4, "seed": 0, "kernels": ["gaussian"], ...},
     "environments": [{"srspace-eval": ..., "numpy": ..., "scipy": ..., "pillow": ..., "libjpeg": ...}],
     "images": [{"image": "0801", "hr": "0801.png", "hr_sha256": ..., "lr": "0801.png", "lr_pixels_sha256": ...,
                 "applied": {"kernel": "gaussian", "scaler": "bicubic", "noise": "poisson", "kernel_size": 15,
                             "sigma": [1.2, 1.2], "poisson_peak": 93.1, ...}}, ...]}

Values that do not apply are null. ``lr_pixels_sha256`` is that of the pixels, row by row, without the PNG around them.
The record contains no times and no paths, so the same work gives the same bytes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import PIL
import scipy
from msgspec import Struct
from PIL import features

from srspace_eval._utils import strict_json
from srspace_eval._utils.documents import Digest, DocumentError, Text, convert
from srspace_eval._utils.files import read_bounded, write_atomic
from srspace_eval._version import __version__
from srspace_eval.errors import InputError
from srspace_eval.submissions.provenance import DEGRADATION_FILE

RECORD_FORMAT: Literal["srspace-eval/degrade/1"] = "srspace-eval/degrade/1"
_MAX_BYTES = 1 << 26


@dataclass(frozen=True)
class AppliedDegradation:
    """What was applied to one picture. None: it does not apply.

    Attributes
    ----------
    kernel, scaler, noise
        The kinds, as in :class:`srspace_eval.DegradeOptions`.
    kernel_size, sigma, angle
        Side of a Gaussian kernel in pixels, its two standard deviations in HR pixels, and the angle in degrees.
    kernel_file, kernel_sha256, kernel_moved
        A pool kernel's file in its folder, its SHA-256, and the rows and columns by which it was moved.
    noise_sigma, poisson_peak
        The noise's standard deviation in 8-bit levels, and the Poisson mean of white.
    noise_patches
        The files of the noise pool, tile by tile.
    jpeg
        The JPEG quality.

    Examples
    --------
    >>> from srspace_eval import AppliedDegradation
    >>> AppliedDegradation("isotropic", "bicubic", "none", kernel_size=15, sigma=(1.5, 1.5), angle=0.0).sigma
    (1.5, 1.5)
    """

    kernel: Text
    scaler: Text
    noise: Text
    kernel_size: int | None = None
    sigma: tuple[float, float] | None = None
    angle: float | None = None
    kernel_file: Text | None = None
    kernel_sha256: Digest | None = None
    kernel_moved: tuple[float, float] | None = None
    noise_sigma: float | None = None
    poisson_peak: float | None = None
    noise_patches: tuple[Text, ...] | None = None
    jpeg: int | None = None

    def with_patches(self, patches: list[str]) -> AppliedDegradation:
        """The same with the noise pool's files.

        Parameters
        ----------
        patches
            File names of the patches in the noise pool that were added, in the order of their use.

        Returns
        -------
        AppliedDegradation
            A copy in which :attr:`noise_patches` holds these names.
        """
        return replace(self, noise_patches=tuple(patches))


@dataclass(frozen=True)
class DegradedImage:
    """One LR of a degradation's record.

    Attributes
    ----------
    image
        The image's name.
    hr, lr
        File names of the HR and of the LR.
    hr_sha256
        SHA-256 of the HR's file, in hexadecimal digits.
    lr_pixels_sha256
        SHA-256 of the LR's pixels, in hexadecimal digits.
    applied
        The degradation.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from srspace_eval import DegradeOptions, degrade_folder, write_png
    >>> Path("hr").mkdir()
    >>> write_png("hr/0801.png", np.full((32, 48, 3), 128, np.uint8))
    >>> (made,) = degrade_folder("hr", "lr", DegradeOptions(noises=("none",))).images
    >>> made.image, made.hr, made.lr, len(made.lr_pixels_sha256)
    ('0801', '0801.png', '0801.png', 64)
    """

    image: Text
    hr: Text
    hr_sha256: Digest
    lr: Text
    lr_pixels_sha256: Digest
    applied: AppliedDegradation


class DegradationRecord(Struct, frozen=True):
    """The document of the module's docstring."""

    format: Literal["srspace-eval/degrade/1"]
    settings: dict[str, Any]
    environments: tuple[dict[str, Any], ...]
    images: tuple[DegradedImage, ...]


def new_record(settings: dict[str, Any], images: list[DegradedImage]) -> DegradationRecord:
    """The record of a run of this program."""
    environment = {
        "srspace-eval": __version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "pillow": PIL.__version__,
        "libjpeg": str(features.version("libjpeg_turbo") or features.version("jpg")),
    }
    return DegradationRecord(RECORD_FORMAT, settings, (environment,), tuple(sorted(images, key=lambda i: i.image)))


def check_same_settings(old: DegradationRecord, settings: dict[str, Any], replaced: set[str], where: Path) -> None:
    """Check that LRs of a folder that stay there were made with the same settings.

    Parameters
    ----------
    old
        The folder's record.
    settings
        Those of the present run.
    replaced
        Images that the present run makes again.
    where
        The folder, for the message.

    Raises
    ------
    InputError
        If the folder would mix LRs that were made differently.
    """
    kept = [image.image for image in old.images if image.image not in replaced]
    if kept and old.settings != settings:
        keys = [key for key in dict.fromkeys([*old.settings, *settings]) if old.settings.get(key) != settings.get(key)]
        raise InputError(
            f"{where}: {len(kept)} of its LRs ({kept[0]} …) were made with other settings ({', '.join(keys)}); give "
            "the same options, or another --out"
        )


def merged(old: DegradationRecord, new: DegradationRecord) -> DegradationRecord:
    """The record of a folder after a second run with the same settings."""
    images = {image.image: image for image in (*old.images, *new.images)}
    seen = [*old.environments, *(e for e in new.environments if e not in old.environments)]
    ordered = tuple(images[name] for name in sorted(images))
    kept = len(images) > len(new.images)
    return DegradationRecord(RECORD_FORMAT, new.settings, tuple(seen) if kept else new.environments, ordered)


def read_degradation(folder: Path | str) -> DegradationRecord | None:
    """Read the record of a folder of LRs; None if there is none.

    Raises
    ------
    InputError
        If the record is damaged.
    """
    path = Path(folder) / DEGRADATION_FILE
    try:
        return convert(strict_json.bounded(strict_json.loads(read_bounded(path, _MAX_BYTES))), DegradationRecord)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        kind = "not a record of LRs" if isinstance(error, DocumentError) else "cannot be read"
        raise InputError(f"{path}: {kind} ({error}); remove it, or give another --out") from error


def write_degradation(folder: Path, record: DegradationRecord) -> None:
    """Write the record of a folder atomically.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    document = {
        "format": record.format,
        "settings": record.settings,
        "environments": list(record.environments),
        "images": [asdict(image) for image in record.images],
    }
    try:
        write_atomic(folder / DEGRADATION_FILE, strict_json.dumps(document) + "\n")
    except OSError as error:
        raise InputError(f"{folder / DEGRADATION_FILE}: cannot be written ({error.strerror or error})") from error
