"""What a bundle's scoring program reads beside its code: ``settings.json`` in the program's zip."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from srspace_eval._utils import strict_json
from srspace_eval._utils.documents import convert
from srspace_eval._utils.files import read_bounded
from srspace_eval.errors import InputError

SETTINGS_FILE = "settings.json"
README_COLUMNS = ("ExtraRuntime", "ExtraPlatform", "ExtraData")
"""Column keys of the readme's values, as NTIRE challenges name them."""
PROGRAM_COLUMN = "program"
"""Key of the hidden column that tells scoring programs apart."""


class Settings(Struct, frozen=True):
    """How a phase is scored.

    Attributes
    ----------
    track
        A built-in track, or a track file beside this file.
    columns
        Metric ids that become columns of the leaderboard.
    primary
        The one that orders the leaderboard.
    hidden
        Whether the phase hides its output: then nothing is told image by image, and there is no result.json.
    seconds
        Time after which the program stops itself.
    program
        The number in the hidden column.
    metrics
        What is measured; empty: the track's metrics.
    samples
        M instead of the track's.
    net
        Trunk of LPIPS.
    reference
        File or folder of the GT on the worker; None: the task's reference data.
    """

    format: Literal["srspace-eval/codabench/1"]
    track: str
    columns: list[str]
    primary: str
    hidden: bool
    seconds: Annotated[float, Meta(gt=0)]
    program: int
    metrics: list[str] = field(default_factory=list)
    samples: Annotated[int, Meta(ge=1)] | None = None
    net: Literal["alex", "vgg", "squeeze"] = "alex"
    reference: str | None = None


def read_settings(path: Path) -> Settings:
    """The settings of a scoring program.

    Raises
    ------
    InputError
        If the file cannot be read or is malformed. The message names the file and the field.
    """
    try:
        return convert(strict_json.loads(read_bounded(path, 1 << 20)), Settings)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not the settings of a scoring program ({error}); make the bundle again") from error
