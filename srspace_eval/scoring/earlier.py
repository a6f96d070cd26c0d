"""Results and records of earlier runs: whether they are what this run would measure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from srspace_eval._utils.notices import notify
from srspace_eval.errors import ResultsError
from srspace_eval.results.record import ImageRecord, Kind, Result
from srspace_eval.results.seals import seal_of
from srspace_eval.results.signature import Signature
from srspace_eval.results.store import read_stored
from srspace_eval.scoring.tasks import ImageTask

_RELATIVE = 1e-4  # another device or version moves a mean by less


def measured_from(record: ImageRecord, task: ImageTask) -> bool:
    """Whether a record was measured from exactly these files."""
    gt = None if task.gt is None else task.gt.sha256
    return record.gt_sha256 == gt and [(s.sample, s.file, s.sha256) for s in record.samples] == [
        (number, ref.name, ref.sha256) for number, ref in task.samples
    ]


@dataclass(frozen=True)
class Earlier:
    """The result that a board has of a team, from the same files under the same signature.

    Attributes
    ----------
    result
        The result.
    digest
        The SHA-256 of the bytes that it was decoded from.
    taken
        Whether it stands, and nothing has to be measured. Otherwise it is a claim.
    ours
        Whether this machine measured or verified all of it.
    """

    result: Result
    digest: str
    taken: bool
    ours: bool


def earlier_result(
    path: Path,
    team: str,
    signature: Signature,
    tasks: Sequence[ImageTask],
    kind: Kind | None = None,
    *,
    trust: bool = False,
) -> Earlier | None:
    """The result on the board. It is taken if it is what this run would give, and was measured or verified here.

    A result without a seal of this machine is a claim. It is not taken, and a notice says so. The same holds for one of
    which images were taken on trust.

    Parameters
    ----------
    path
        Where the result is or will be.
    team, signature, tasks
        This run's.
    kind
        None: any.
    trust
        Also take a claim.

    Returns
    -------
    Earlier or None
        None if there is no result.

    Raises
    ------
    ResultsError
        If the result is of another team, signature, kind or of other files. The message lists the differences.
    """
    if not path.exists():
        return None
    stored = read_stored(path)
    earlier = stored.result
    if earlier.team != team:
        raise ResultsError(f"{path}: holds the result of {earlier.team!r}; give {team!r} another name with --team")
    seal = seal_of(stored.digest)
    ours = seal is not None and seal.of_this_machine
    taken = ours or trust
    _same_or_refuse(path, earlier, signature, tasks, kind or earlier.kind, claim=not taken)
    if taken:
        notify(f"{path}: already scored with the same signature from the same files")
    else:
        why = (
            "some of its images were taken on trust"
            if seal is not None and seal.how == "trusted"
            else "this machine did not measure it, or version 0.1.0 did"
        )
        notify(
            f"{path}: is a claim, because {why}; it is measured anew "
            "(--trust-board takes the results of a cluster of your own)"
        )
    return Earlier(earlier, stored.digest, taken, ours)


def notify_wrong_claim(path: Path, claim: Result, measured: Result) -> None:
    """Say which numbers of a claim are not the measured ones, if there are any."""
    wrong = [
        f"{metric} {_shown(claim.summary.get(metric))}, measured {_shown(value)}"
        for metric, value in measured.summary.items()
        if not _close(claim.summary.get(metric), value)
    ]
    if wrong:
        notify(f"{path}: the claim is replaced, because it states other numbers: {'; '.join(wrong)}")


def _same_or_refuse(
    path: Path, earlier: Result, signature: Signature, tasks: Sequence[ImageTask], kind: Kind, *, claim: bool
) -> None:
    then, now = dict(earlier.signature.settings), dict(signature.settings)
    if claim:
        # It is measured anew in this environment. 0.1.0 did not state the floor.
        for group in now.keys() & then.keys():
            if "floor" not in then[group]:
                now[group] = {key: value for key, value in now[group].items() if key != "floor"}
    else:
        then, now = ({**s, "environment": e.environment} for s, e in ((then, earlier.signature), (now, signature)))
    differences = Signature(now).conflicts(Signature(then))
    differences += [f"{group}: not in the existing result" for group in signature.settings if group not in then]
    by_name = {record.image: record for record in earlier.images}
    changed = [t.image for t in tasks if t.image not in by_name or not measured_from(by_name[t.image], t)]
    if changed:
        differences.append(f"changed files of {', '.join(changed[:10])}{' …' if len(changed) > 10 else ''}")
    if kind != earlier.kind:
        differences.append(f"kind: {kind} / {earlier.kind}")
    if differences:
        raise ResultsError(
            f"{path}: a different result of this team exists (this run / existing result); "
            f"give --overwrite to replace it, or another --board or --team",
            differences,
        )


def _close(a: float | None, b: float | None) -> bool:
    return a == b or (a is not None and b is not None and math.isclose(a, b, rel_tol=_RELATIVE))


def _shown(value: float | None) -> str:
    return "no value" if value is None else f"{value:.6g}"
