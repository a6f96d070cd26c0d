"""What the verification of a result found. :mod:`srspace_eval.scoring.verify` makes it. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from srspace_eval.errors import InputError

Cause = Literal["file", "signature", "gt", "lr", "trunk", "submission", "value", "summary"]
Verdict = Literal["equal", "tolerance", "different", "failed"]

CAUSES: Mapping[Cause, str] = {
    "file": "The signature's id or text does not belong to its settings.",
    "signature": "The settings are not those of a measurement of these files.",
    "gt": "The result was measured against other GTs.",
    "lr": "The result was measured against other LR files.",
    "trunk": "The result was measured with another LPIPS trunk.",
    "submission": "The result belongs to another submission.",
    "value": "Stored values differ from the measured ones.",
    "summary": "The summary does not follow from the images' values.",
}
"""What each cause means, in one sentence."""


@dataclass(frozen=True)
class Difference:
    """One stored entry that is not what it must be.

    Attributes
    ----------
    cause
        One of :data:`CAUSES`.
    where
        The field of the result: ``"signature.settings.common.gt"``, ``"images.0801.samples.3.lpips"``.
    stored, found
        What the result holds, and what was measured or computed; None: there is none.
    image, sample, metric
        Which image, sample and value it is, if it is one.
    """

    cause: Cause
    where: str
    stored: object
    found: object
    image: str | None = None
    sample: int | None = None
    metric: str | None = None

    def __str__(self) -> str:
        return f"{self.where}: stored {_shown(self.stored)}, found {_shown(self.found)}"


@dataclass(frozen=True)
class Verification:
    """The verification of one result.

    Attributes
    ----------
    result, submission
        What was verified, as it was named.
    team, track
        As the result says; empty if the result could not be read.
    images
        The images that were measured again.
    total
        The number of the GT's images.
    seed
        Of the random choice of the images.
    values
        How many values were compared with measured ones.
    deviations
        Metric -> the largest deviation among values that differ within the tolerance.
    tolerances
        Metric -> the tolerance, in words.
    differences
        Everything that differs.
    environment
        Differences between the environments of the result and of the verification, one line each.
    error
        Why the result could not be verified; empty if it could.

    Examples
    --------
    >>> from srspace_eval import Verification
    >>> found = Verification("teamA.json", "teamA.zip", images=("0801", "0802"), total=100, values=20)
    >>> found.verdict, found.ok, round(found.chance_missed(50), 3)
    ('equal', True, 0.247)
    """

    result: str
    submission: str
    team: str = ""
    track: str = ""
    images: tuple[str, ...] = ()
    total: int = 0
    seed: int | None = None
    values: int = 0
    deviations: Mapping[str, float] = field(default_factory=dict)
    tolerances: Mapping[str, str] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    environment: tuple[str, ...] = ()
    error: str = ""

    @property
    def verdict(self) -> Verdict:
        """``"equal"``, ``"tolerance"`` (equal within the tolerance), ``"different"``, or ``"failed"`` (an error)."""
        if self.error:
            return "failed"
        if self.differences:
            return "different"
        return "tolerance" if self.deviations else "equal"

    @property
    def ok(self) -> bool:
        """Whether nothing differs by more than the tolerance."""
        return self.verdict in ("equal", "tolerance")

    @property
    def causes(self) -> dict[Cause, int]:
        """Cause -> number of differences, in the order of :data:`CAUSES`."""
        counts = {cause: sum(d.cause == cause for d in self.differences) for cause in CAUSES}
        return {cause: count for cause, count in counts.items() if count}

    def chance_missed(self, forged: int) -> float:
        """The probability that none of ``forged`` forged images is among the measured ones.

        The measured images are a random choice without replacement, so that the number of forged ones among them has
        the hypergeometric distribution.

        Parameters
        ----------
        forged
            Assumed number of forged images, 0 to :attr:`total`.

        Returns
        -------
        float
            Probability, 0 to 1.

        Raises
        ------
        InputError
            If ``forged`` is not from 0 to :attr:`total`.

        Examples
        --------
        >>> five = Verification("r.json", "s.zip", images=("1", "2", "3", "4", "5"), total=100)
        >>> round(five.chance_missed(1), 4), round(five.chance_missed(20), 4)
        (0.95, 0.3193)
        """
        return chance_missed(self.total, len(self.images), forged)

    def to_document(self) -> dict[str, Any]:
        """The verification as ``srspace-eval verify --json`` prints it.

        Returns
        -------
        dict[str, Any]
            Values that JSON can hold. Among them ``verdict``, ``images``, ``seed``, ``deviations``, ``causes``,
            ``differences``.
        """
        counts = [k for k in FORGED if k <= self.total]
        return {
            "result": self.result,
            "submission": self.submission,
            "team": self.team,
            "track": self.track,
            "verdict": self.verdict,
            "error": self.error or None,
            "images": list(self.images),
            "total": self.total,
            "seed": self.seed,
            "values": self.values,
            "chance_missed": {str(k): self.chance_missed(k) for k in counts},
            "deviations": dict(self.deviations),
            "tolerances": dict(self.tolerances),
            "environment": list(self.environment),
            "causes": dict(self.causes),
            "differences": [
                {
                    "cause": d.cause, "where": d.where, "image": d.image, "sample": d.sample, "metric": d.metric,
                    "stored": d.stored, "found": d.found,
                }
                for d in self.differences
            ],
        }  # fmt: skip


FORGED = (1, 2, 5, 10, 20, 50)
"""Numbers of forged images for which reports state the chance that they are missed."""


def chance_missed(total: int, measured: int, forged: int) -> float:
    """The probability that a random choice of ``measured`` images of ``total`` holds none of ``forged`` ones.

    Raises
    ------
    InputError
        If the numbers contradict each other.

    Examples
    --------
    >>> chance_missed(100, 5, 1), chance_missed(100, 100, 1)
    (0.95, 0.0)
    """
    if not 0 <= forged <= total or not 0 <= measured <= total:
        raise InputError(f"forged = {forged}, measured = {measured}: each must be between 0 and the {total} images")
    return math.comb(total - forged, measured) / math.comb(total, measured) if total else 1.0


def _shown(value: object) -> str:
    return "nothing" if value is None else repr(value) if isinstance(value, float) else str(value)
