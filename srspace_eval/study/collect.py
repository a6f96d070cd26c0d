"""``collect_study``: from answer files to the outcome of a study."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from srspace_eval._utils.notices import notify
from srspace_eval.errors import StudyError
from srspace_eval.study.intervals import bootstrap_mor
from srspace_eval.study.key import Key, load_key
from srspace_eval.study.options import CollectOptions
from srspace_eval.study.outcome import StudyOutcome
from srspace_eval.study.rankings import as_rankings, mean_opinion_rank
from srspace_eval.study.report import write_outcome
from srspace_eval.study.screening import screen_answers
from srspace_eval.study.statistics import compare_pairs, friedman, rank_shares, rater_agreement


def collect_study(
    answers: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    key: Key | str | os.PathLike[str],
    *,
    out: str | os.PathLike[str] | None = None,
    options: CollectOptions = CollectOptions(),  # noqa: B008
) -> StudyOutcome:
    """Check answers and compute the MOR: what ``srspace-eval study collect`` does, with the same files.

    Parameters
    ----------
    answers:
        Answer files, and folders of ``.json`` files.
    key:
        Key of the study, or its file.
    out:
        Folder for MOR.csv, MOR-draws.csv, study.json and report.html. None: nothing is written.
    options:
        Which answers count, and how intervals are computed.

    Raises
    ------
    StudyError
        If an option is out of range, the key cannot be read, no answer counts, or the files cannot be written.

    Warns
    -----
    Notice
        For every answer that does not count, with the reason.

    Examples
    --------
    >>> outcome = collect_study("answers/", "study-key.json", out="result/")  # doctest: +SKIP
    >>> outcome.to_frame()[["team", "mor", "rank"]]  # doctest: +SKIP
        team       mor  rank
    0     GT  1.000000   1.0
    1  teamA  2.361111   2.0
    """
    paths = answers if isinstance(answers, Sequence) and not isinstance(answers, str) else [answers]
    files = answer_files([Path(path) for path in paths])
    outcome = compute_outcome(files, key if isinstance(key, Key) else load_key(Path(key)), options)
    if out is not None:
        write_outcome(outcome, Path(out))
    for rejected in outcome.rejected:
        notify(f"not counted: {rejected.file}: {rejected.reason}")
    return outcome


def answer_files(paths: Sequence[Path]) -> list[Path]:
    """Files in the given order, each once. A folder counts as its ``.json`` files.

    Raises
    ------
    StudyError
        If a folder has no ``.json`` file.
    """
    files: dict[Path, None] = {}
    for path in paths:
        found = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not found:
            raise StudyError(f"{path}: there is no .json file in it; give the folder of the raters' answers, or files")
        files.update(dict.fromkeys(found))
    return list(files)


def compute_outcome(
    files: Sequence[Path],
    key: Key,
    options: CollectOptions = CollectOptions(),  # noqa: B008
) -> StudyOutcome:
    """The outcome of a study from its answer files. Answers that are not accepted have no influence on any number.

    Raises
    ------
    StudyError
        If an option is out of range, or no answer counts. It lists why each was rejected.
    """
    options.check()
    accepted, rejected = screen_answers(files, key, options)
    if not accepted:
        raise StudyError("no answer can be used", [f"{r.file}: {r.reason}" for r in rejected])
    answers = [a.answer for a in accepted]
    rankings = as_rankings(answers, key, by_image=options.over == "images")
    if not len(rankings.ranks):
        raise StudyError("the answers rank nothing but attention checks, so there is no MOR yet")
    seconds = [s for answer in answers for s in answer.seconds.values()]
    return StudyOutcome(
        key=key,
        options=options,
        accepted=tuple(accepted),
        rejected=tuple(rejected),
        rankings=rankings,
        mor=mean_opinion_rank(rankings.ranks),
        intervals=bootstrap_mor(rankings, level=options.level, draws=options.draws, seed=options.seed),
        agreement=rater_agreement(rankings),
        friedman=friedman(rankings.means(rankings.unit)),
        pairs=tuple(compare_pairs(rankings, options.level)),
        shares=rank_shares(rankings.ranks),
        seconds=float(np.median(seconds)),
    )
