"""The exception tree: every mistake that a user can make is one of these classes.

::

    Exception
    └── SrspaceEvalError
        ├── ProblemsError
        │   ├── CheckpointError
        │   ├── ExecutorError
        │   ├── RankingError
        │   ├── ResultsError
        │   ├── SamplingError
        │   ├── StudyError
        │   └── SubmissionError
        ├── ImageError
        ├── InputError (also a ValueError)
        ├── MetricError
        ├── TrackError
        └── WeightsError
    UserWarning
    └── Notice

``except SrspaceEvalError`` catches every error that this package raises on purpose. All classes are public:
``srspace_eval.InputError`` is the same class as ``srspace_eval.errors.InputError``.

A message says what happened, in which file or argument, and what to do. The command line prints the message without
a traceback and exits with code 1. This module imports no other module of the package, so every module may import it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

_OPTION = re.compile(r"(?<![\w-])--([a-z][a-z0-9-]*)(?: (\d+|[A-Z]+\b|off\b|shift\b))?")
_ARGUMENTS = {"lpips-net": "net", "with": "with_published", "baseline": "kind"}
_FLAGS = {"overwrite", "incomplete", "strict", "include-gt", "allow-unknown", "self-ensemble", "ties", "rank-together"}
_language: Literal["Python", "command line"] = "Python"


def speak(language: Literal["Python", "command line"]) -> None:
    """Set the language of advice: options of the command line, or arguments of Python functions."""
    global _language
    _language = language


def advice(text: str) -> str:
    """A message whose advice speaks the user's language: ``--samples 5`` is ``samples=5`` in Python, ``--track`` track.

    Commands in backquotes stay as they are.

    >>> advice("choose one with --track, or give --samples 5; `srspace-eval score --shard` makes it")
    'choose one with track, or give samples=5; `srspace-eval score --shard` makes it'
    """
    if _language == "command line" or "--" not in text:
        return text
    parts = text.split("`")
    return "`".join(part if n % 2 else _OPTION.sub(_argument, part) for n, part in enumerate(parts))


def _argument(match: re.Match[str]) -> str:
    name = _ARGUMENTS.get(match[1], match[1].replace("-", "_"))
    value = match[2] or ("True" if match[1] in _FLAGS else "")
    return f"{name}={value}" if value else name


class SrspaceEvalError(Exception):
    """Base class of every error that this package raises on purpose; ``str(error)`` is a message for the user.

    Examples
    --------
    >>> import srspace_eval as se
    >>> try:
    ...     se.load_track("x5")
    ... except se.SrspaceEvalError as error:
    ...     print(type(error).__name__)
    TrackError
    """

    def __str__(self) -> str:
        return advice(super().__str__())


class ProblemsError(SrspaceEvalError):
    """Several problems that were found together and are reported together.

    Parameters
    ----------
    summary
        One line: what is wrong, and where.
    problems
        One line for each problem: the file, what is wrong with it, what to do.

    Examples
    --------
    >>> print(ProblemsError("sub/: 2 files cannot be used", ["a.png: not a PNG", "b.png: 8×9 pixels, not 8×8"]))
    sub/: 2 files cannot be used
      - a.png: not a PNG
      - b.png: 8×9 pixels, not 8×8
    """

    def __init__(self, summary: str, problems: Iterable[str] = ()) -> None:
        self.summary = summary
        self.problems: tuple[str, ...] = tuple(problems)
        super().__init__(summary, self.problems)

    def __str__(self) -> str:
        return advice("\n".join([self.summary, *(f"  - {problem}" for problem in self.problems)]))

    def __reduce__(self) -> tuple[type[ProblemsError], tuple[str, tuple[str, ...]]]:
        # Worker processes pickle their errors to send them to the main process.
        return type(self), (self.summary, self.problems)


class InputError(SrspaceEvalError, ValueError):
    """An array, tensor or argument has the wrong shape, dtype or range, or an option is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> import srspace_eval as se
    >>> try:
    ...     se.psnr(np.zeros((4, 4, 3)), np.full((4, 4, 3), -1.0))
    ... except se.InputError as error:
    ...     print(error)
    second picture: values from -1 to -1 given, uint8 or float in [0, 1] wanted; for [-1, 1] pass (x + 1) / 2
    """


class ImageError(SrspaceEvalError):
    """A file is not a readable 8-bit RGB PNG.

    Examples
    --------
    >>> from pathlib import Path
    >>> import srspace_eval as se
    >>> size = Path("notes.png").write_bytes(b"not a picture")
    >>> try:
    ...     se.read_rgb("notes.png")
    ... except se.ImageError as error:
    ...     print(error)
    notes.png: not a PNG but something else; save it as 8-bit RGB PNG
    """


class MetricError(SrspaceEvalError):
    """A metric failed, or returned values that cannot be used.

    The message names the metric, its package and the picture. The metric has to be corrected, not the picture.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import srspace_eval as se
    >>> class Undefined(se.Metric):
    ...     name = "undefined"
    ...     columns = (se.MetricInfo("undefined", "Undefined", "", 1, "lower", "", "Not a number."),)
    ...
    ...     def prepare(self, image):
    ...         return se.SampleMean(lambda sr: {"undefined": float("nan")})
    >>> metric = se.register(Undefined)
    >>> for name in ("hr", "samples"):
    ...     Path(name).mkdir()
    >>> se.write_png("hr/0801.png", np.zeros((32, 32, 3), np.uint8))
    >>> se.write_png("samples/000000.png", np.ones((32, 32, 3), np.uint8))
    >>> try:
    ...     se.score("samples", "hr", track="x4", samples=1, metrics=["undefined"])
    ... except se.MetricError as error:
    ...     print(str(error).partition(": ")[2])
    metric 'undefined' of package srspace_eval: column 'undefined' is NaN; a finite number is required
    >>> from srspace_eval.metrics.registry import unregister
    >>> unregister("undefined")
    """


class SubmissionError(ProblemsError):
    """A submission cannot be paired with its ground truth, or does not contain what its track requires.

    Examples
    --------
    >>> from pathlib import Path
    >>> import srspace_eval as se
    >>> Path("gt").mkdir()
    >>> Path("submission").mkdir()
    >>> try:
    ...     se.score("submission", "gt", track="x4", metrics=["psnr"])
    ... except se.SubmissionError as error:
    ...     print(error)
    gt: contains no GT: no PNG is named such as 0801.png
    """


class TrackError(SrspaceEvalError):
    """A track does not exist, or its file is malformed.

    Examples
    --------
    >>> import srspace_eval as se
    >>> try:
    ...     se.load_track("missing.toml")
    ... except se.TrackError as error:
    ...     print(error)
    missing.toml: the track file cannot be read ([Errno 2] No such file or directory: 'missing.toml')
    """


class WeightsError(SrspaceEvalError):
    """Weights of LPIPS are missing or damaged, or belong to another network.

    Examples
    --------
    >>> from pathlib import Path
    >>> import srspace_eval as se
    >>> size = Path("alex.pth").write_bytes(b"not weights")
    >>> try:
    ...     se.LPIPS("alex", weights=Path("alex.pth"))
    ... except se.WeightsError as error:
    ...     print(error)
    alex.pth: not a file of weights (UnpicklingError)
    """


class CheckpointError(ProblemsError):
    """A model's checkpoint cannot be read, or fits no known configuration.

    Examples
    --------
    >>> from pathlib import Path
    >>> import srspace_eval as se
    >>> size = Path("net.pth").write_bytes(b"not a checkpoint")
    >>> try:
    ...     se.describe_checkpoint("net.pth")
    ... except se.CheckpointError as error:
    ...     print(error)
    net.pth: is not a PyTorch checkpoint, or is damaged
    """


class SamplingError(ProblemsError):
    """Samples could not be made: non-finite values, too little memory, or an LR that the model cannot use.

    Examples
    --------
    >>> import srspace_eval as se
    >>> issubclass(se.SamplingError, se.SrspaceEvalError)
    True
    """


class ResultsError(ProblemsError):
    """Result files are damaged or exist already, or an interrupted run had other settings.

    Examples
    --------
    >>> import srspace_eval as se
    >>> try:
    ...     se.read_result("missing.json")
    ... except se.ResultsError as error:
    ...     print(error)
    missing.json: cannot be read as JSON ([Errno 2] No such file or directory: 'missing.json')
    """


class RankingError(ProblemsError):
    """Results cannot be ranked together.

    Examples
    --------
    >>> import srspace_eval as se
    >>> try:
    ...     se.rank(None, "x8", published="ntire2021-x4")
    ... except se.RankingError as error:
    ...     print(str(error).split(";")[0])
    ntire2021-x4 is not a competition of track x8 (NTIRE 2021 Learning the Super-Resolution Space, ×4)
    """


class StudyError(ProblemsError):
    """A study cannot be created, or its answers cannot be used.

    Examples
    --------
    >>> import srspace_eval as se
    >>> try:
    ...     se.collect_study("key.json", "answers")
    ... except se.StudyError as error:
    ...     print(error)
    answers: the key cannot be read (No such file or directory); name it with key
    """


class ExecutorError(ProblemsError):
    """A scheduler, a worker or a device cannot be used, or was lost.

    Examples
    --------
    >>> import srspace_eval as se
    >>> issubclass(se.ExecutorError, se.SrspaceEvalError)
    True
    """


class Notice(UserWarning):
    """Something that the user should know while the work continues; the command line prints it to stderr.

    Examples
    --------
    >>> import warnings
    >>> import srspace_eval as se
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always", se.Notice)
    ...     ranking = se.rank(None, "x8", published="ntire2021", with_published=["ntire2021-x4"])
    >>> [type(warning.message).__name__ for warning in caught]
    ['Notice']
    """
