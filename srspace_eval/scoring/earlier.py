"""Results and records of earlier runs: whether they are what this run would measure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from srspace_eval._utils.notices import notify
from srspace_eval.errors import ResultsError
from srspace_eval.results.record import ImageRecord, Kind, Result
from srspace_eval.results.signature import Signature
from srspace_eval.results.store import read_result
from srspace_eval.scoring.tasks import ImageTask


def measured_from(record: ImageRecord, task: ImageTask) -> bool:
    """Whether a record was measured from exactly these files."""
    gt = None if task.gt is None else task.gt.sha256
    return record.gt_sha256 == gt and [(s.sample, s.file, s.sha256) for s in record.samples] == [
        (number, ref.name, ref.sha256) for number, ref in task.samples
    ]


def earlier_result(
    path: Path, team: str, signature: Signature, tasks: Sequence[ImageTask], kind: Kind | None = None
) -> Result | None:
    """The result on the board if it is the one that this run would give; None if there is no result.

    Parameters
    ----------
    path:
        Where the result is or will be.
    team, signature, tasks:
        This run's.
    kind:
        None: any.

    Raises
    ------
    ResultsError
        If the result is of another team, signature, kind or of other files. The message lists the differences.
    """
    if not path.exists():
        return None
    earlier = read_result(path)
    if earlier.team != team:
        raise ResultsError(f"{path}: holds the result of {earlier.team!r}; give {team!r} another name with --team")
    _same_or_refuse(path, earlier, signature, tasks, kind or earlier.kind)
    notify(f"{path}: already scored with the same signature from the same files")
    return earlier


def _same_or_refuse(path: Path, earlier: Result, signature: Signature, tasks: Sequence[ImageTask], kind: Kind) -> None:
    same = {**signature.settings, "environment": signature.environment}
    differences = Signature(same).conflicts(
        Signature({**earlier.signature.settings, "environment": earlier.signature.environment})
    )
    then = earlier.signature.settings
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
