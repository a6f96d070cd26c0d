"""The exception tree: every mistake a user can make is one of these.

A message names the file and says how to mend it. The command line prints it without a traceback and leaves
with exit code 1. This module imports nothing of ours, so everything else may import it.
"""

from __future__ import annotations

from collections.abc import Iterable


class SrspaceEvalError(Exception):
    """Base of every error that this package raises on purpose; ``str(error)`` is written for the user."""


class ProblemsError(SrspaceEvalError):
    """Several faults found together, all listed at once.

    Parameters
    ----------
    summary:
        One line that says what is wrong with what.
    problems:
        One line for each fault: the file, the fault, the mend.
    """

    def __init__(self, summary: str, problems: Iterable[str] = ()) -> None:
        self.summary = summary
        self.problems: tuple[str, ...] = tuple(problems)
        super().__init__(summary, self.problems)

    def __str__(self) -> str:
        return "\n".join([self.summary, *(f"  - {problem}" for problem in self.problems)])

    def __reduce__(self) -> tuple[type[ProblemsError], tuple[str, tuple[str, ...]]]:
        # Worker processes send errors home by pickle.
        return type(self), (self.summary, self.problems)


class InputError(SrspaceEvalError, ValueError):
    """An array, tensor or argument with the wrong shape, dtype or range."""


class ImageError(SrspaceEvalError):
    """A picture that is not a readable 8-bit RGB PNG."""


class SubmissionError(ProblemsError):
    """A submission that cannot be paired with its ground truth or does not hold what its track asks for."""


class TrackError(SrspaceEvalError):
    """A track that does not exist or whose file is malformed."""


class WeightsError(SrspaceEvalError):
    """Trunk or calibration weights that are missing, damaged or not what they claim to be."""


class CheckpointError(ProblemsError):
    """A model checkpoint that cannot be read or does not fit any known configuration."""


class SamplingError(ProblemsError):
    """Samples that could not be made: non-finite values, not enough memory, an unusable LR."""


class ResultsError(ProblemsError):
    """Records on disk that are damaged, already there, or of another signature."""


class RankingError(ProblemsError):
    """Results that cannot be ranked together."""


class StudyError(ProblemsError):
    """A human study that cannot be built, or answers that cannot be used."""


class ExecutorError(ProblemsError):
    """A scheduler, worker or device that cannot be used or was lost."""


class Notice(UserWarning):
    """Something the user should know although the work goes on; the command line prints it to stderr."""
