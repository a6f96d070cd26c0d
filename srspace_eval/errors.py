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

from collections.abc import Iterable


class SrspaceEvalError(Exception):
    """Base class of every error that this package raises on purpose; ``str(error)`` is a message for the user."""


class ProblemsError(SrspaceEvalError):
    """Several problems that were found together and are reported together.

    Parameters
    ----------
    summary:
        One line: what is wrong, and where.
    problems:
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
        return "\n".join([self.summary, *(f"  - {problem}" for problem in self.problems)])

    def __reduce__(self) -> tuple[type[ProblemsError], tuple[str, tuple[str, ...]]]:
        # Worker processes pickle their errors to send them to the main process.
        return type(self), (self.summary, self.problems)


class InputError(SrspaceEvalError, ValueError):
    """An array, tensor or argument has the wrong shape, dtype or range, or an option is unknown."""


class ImageError(SrspaceEvalError):
    """A file is not a readable 8-bit RGB PNG."""


class SubmissionError(ProblemsError):
    """A submission cannot be paired with its ground truth, or does not contain what its track requires."""


class TrackError(SrspaceEvalError):
    """A track does not exist, or its file is malformed."""


class WeightsError(SrspaceEvalError):
    """Weights of LPIPS are missing or damaged, or belong to another network."""


class CheckpointError(ProblemsError):
    """A model's checkpoint cannot be read, or fits no known configuration."""


class SamplingError(ProblemsError):
    """Samples could not be made: non-finite values, too little memory, or an LR that the model cannot use."""


class ResultsError(ProblemsError):
    """Result files are damaged, exist already, or were measured with other settings."""


class RankingError(ProblemsError):
    """Results cannot be ranked together."""


class StudyError(ProblemsError):
    """A study cannot be created, or its answers cannot be used."""


class ExecutorError(ProblemsError):
    """A scheduler, a worker or a device cannot be used, or was lost."""


class Notice(UserWarning):
    """Something that the user should know while the work continues; the command line prints it to stderr."""
