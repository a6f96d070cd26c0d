"""``collect_study`` and ``collect_ratings``: from answer files to the outcome of a study."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from srspace_eval._utils.notices import notify
from srspace_eval._utils.untrusted_text import visible
from srspace_eval.errors import StudyError
from srspace_eval.study.intervals import bootstrap_mor, coverage_told
from srspace_eval.study.key import Key, load_key
from srspace_eval.study.opinion_scores import mean_opinion_scores
from srspace_eval.study.options import CollectOptions
from srspace_eval.study.outcome import StudyOutcome
from srspace_eval.study.rankings import as_rankings, mean_opinion_rank
from srspace_eval.study.rating_outcome import RatingOutcome
from srspace_eval.study.rating_report import write_ratings
from srspace_eval.study.report import write_outcome
from srspace_eval.study.report_files import is_outcome
from srspace_eval.study.screening import AcceptedAnswer, RejectedAnswer, screen_answers
from srspace_eval.study.statistics import compare_pairs, friedman, rank_shares, rater_agreement


def collect_study(
    answers: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    key: Key | str | os.PathLike[str],
    *,
    out: str | os.PathLike[str] | None = None,
    options: CollectOptions = CollectOptions(),  # noqa: B008
) -> StudyOutcome:
    """Check the answers of a ranking study and compute the MOR: what ``srspace-eval study collect`` does.

    Parameters
    ----------
    answers
        Answer files, and folders of ``.json`` files.
    key
        Key of the study, or its file.
    out
        Folder for MOR.csv, MOR-draws.csv, study.json and report.html. None: nothing is written.
    options
        Which answers count, and how intervals are computed.

    Returns
    -------
    StudyOutcome
        The MOR of each method with intervals, pairwise tests, and the accepted and rejected answers.

    Raises
    ------
    StudyError
        If an option is out of range, the key cannot be read or is of a rating study, no answer counts, or the files
        cannot be written.

    Warns
    -----
    Notice
        For every answer that does not count, with the reason, for every obvious check that most raters fail, and if one
        rater or one crop gives no interval.

    Examples
    --------
    >>> import json
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from srspace_eval import StudyOptions, collect_study, create_study, write_png
    >>> picture = np.random.default_rng(0).integers(0, 100, (64, 64, 3), dtype=np.uint8)
    >>> for name, step in (("gt", 0), ("teamA", 50), ("teamB", 100)):
    ...     Path(name).mkdir()
    ...     write_png(Path(name, "0801.png" if name == "gt" else "000000_sample00000.png"), picture + np.uint8(step))
    >>> options = StudyOptions(size=16, crops=2, raters=2)
    >>> study = create_study(["teamA", "teamB"], "gt", "study", track="x4", options=options, secret=bytes(32))
    >>> Path("answers").mkdir()
    >>> for rater in study.key.raters.values():
    ...     tasks = [study.key.tasks[task] for task in rater.tasks]
    ...     best_first = [[[item] for _, item in sorted(zip(task.holds, task.items))] for task in tasks]
    ...     given = [{"task": task.id, "ranking": order, "seconds": 9} for task, order in zip(tasks, best_first)]
    ...     answer = {"format": "srspace-eval/answer/1", "study": study.key.study, "rater": rater.id,
    ...               "token": rater.token, "started": None, "finished": None, "answers": given}
    ...     size = Path("answers", rater.id + ".json").write_text(json.dumps(answer))
    >>> collect_study("answers", study.key, out="result").to_frame()[["team", "mor"]].to_dict("records")
    [{'team': 'teamA', 'mor': 1.0}, {'team': 'teamB', 'mor': 2.0}]
    """
    key = key if isinstance(key, Key) else load_key(Path(key))
    outcome = compute_outcome(_files(answers), key, options)
    if out is not None:
        write_outcome(outcome, Path(out))
    _name_answers(key, outcome.accepted, outcome.rejected)
    if min(outcome.rankings.raters, outcome.rankings.units) == 1:
        notify(coverage_told("rank", outcome.rankings.raters, outcome.rankings.units, options.over.removesuffix("s")))
    return outcome


def collect_ratings(
    answers: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    key: Key | str | os.PathLike[str],
    *,
    out: str | os.PathLike[str] | None = None,
    options: CollectOptions = CollectOptions(),  # noqa: B008
) -> RatingOutcome:
    """Check the answers of a rating study and compute the MOS: what ``srspace-eval study collect`` does.

    Parameters
    ----------
    answers
        Answer files, and folders of ``.json`` files.
    key
        Key of the study, or its file.
    out
        Folder for MOS.csv, study.json and report.html. None: nothing is written.
    options
        Which answers count, and how intervals are computed.

    Returns
    -------
    RatingOutcome
        The MOS of each method with intervals, the accepted and rejected answers, and the raters.

    Raises
    ------
    StudyError
        If an option is out of range, the key cannot be read or is of a ranking study, no answer counts, or the files
        cannot be written.

    Warns
    -----
    Notice
        For every answer that does not count, with the reason, for every obvious check that most raters fail, for every
        outlying rater, for methods that nobody rated, and if one rater or one picture gives no interval.

    Examples
    --------
    >>> import json
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from srspace_eval import StudyOptions, collect_ratings, create_study, write_png
    >>> picture = np.random.default_rng(0).integers(0, 100, (64, 64, 3), dtype=np.uint8)
    >>> for name, step in (("gt2", 0), ("teamA2", 50), ("teamB2", 100)):
    ...     Path(name).mkdir()
    ...     write_png(Path(name, "0801.png" if name == "gt2" else "000000_sample00000.png"), picture + np.uint8(step))
    >>> options = StudyOptions(task="rate", size=16, crops=2, raters=2)
    >>> study = create_study(["teamA2", "teamB2"], "gt2", "study2", track="x4", options=options, secret=bytes(32))
    >>> Path("answers2").mkdir()
    >>> for rater in study.key.raters.values():
    ...     tasks = [study.key.tasks[task] for task in rater.tasks]
    ...     given = [{"task": task.id, "rating": 5 - 2 * task.holds[0], "seconds": 9} for task in tasks]
    ...     answer = {"format": "srspace-eval/answer/1", "study": study.key.study, "rater": rater.id,
    ...               "token": rater.token, "started": None, "finished": None, "answers": given}
    ...     size = Path("answers2", rater.id + ".json").write_text(json.dumps(answer))
    >>> collect_ratings("answers2", study.key, out="result2").to_frame()[["team", "mos"]].to_dict("records")
    [{'team': 'teamA2', 'mos': 5.0}, {'team': 'teamB2', 'mos': 3.0}]
    """
    key = key if isinstance(key, Key) else load_key(Path(key))
    outcome = compute_ratings(_files(answers), key, options)
    if out is not None:
        write_ratings(outcome, Path(out))
    _name_answers(key, outcome.accepted, outcome.rejected)
    if min(len(outcome.scores.raters), outcome.scores.pictures) == 1:
        counts = len(outcome.scores.raters), outcome.scores.pictures
        notify(coverage_told("rate", *counts, options.over.removesuffix("s")))
    elif missing := [
        name for name, low in zip(outcome.scores.methods, outcome.scores.low, strict=True) if math.isnan(low)
    ]:
        notify(f"no interval, because one rater or one picture was rated: {', '.join(map(visible, missing))}")
    if unrated := [name for name in key.entries if name not in outcome.scores.methods]:
        notify(f"these methods have no MOS, because nobody rated them: {', '.join(map(visible, unrated))}")
    for rater in outcome.scores.outlying:
        notify(f"outlying, but counted: {rater.rater}: {'; '.join(rater.outlying)}")
    return outcome


def _files(answers: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> list[Path]:
    paths = answers if isinstance(answers, Sequence) and not isinstance(answers, str) else [answers]
    return answer_files([Path(path) for path in paths])


def _name_answers(key: Key, accepted: Sequence[AcceptedAnswer], rejected: Sequence[RejectedAnswer]) -> None:
    """Notices of the answers that do not count, and of raters who saw the crops in another size."""
    for answer in rejected:
        notify(f"not counted: {answer.file}: {answer.reason}")
    smaller = [a.answer.rater for a in accepted if not all(screen.as_planned(key) for screen in a.answer.screens)]
    if smaller:
        notify(f"saw the crops in another size than planned: {', '.join(smaller)}; the report says on which screens")


def answer_files(paths: Sequence[Path]) -> list[Path]:
    """Files in the given order, each once. A folder counts as its ``.json`` files, without the result of a study.

    A notice names a folder in it that has such files, because they do not count.

    Raises
    ------
    StudyError
        If a folder has no ``.json`` file.
    """
    files: dict[Path, None] = {}
    for path in paths:
        found = [path]
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if not file.name.startswith("."))
            found = [file for file in inside if file.suffix.lower() == ".json" and not is_outcome(file)]
            if missed := [f.name for f in inside if _holds_documents(f)]:
                notify(f"not read: the .json files in the folders {', '.join(map(visible, missed))} of {path}")
        if not found:
            raise StudyError(f"{path}: there is no .json file in it; give the folder of the raters' answers, or files")
        files.update(dict.fromkeys(found))
    return list(files)


def _holds_documents(path: Path) -> bool:
    """Whether a path is a folder with ``.json`` files. One that this account may not list is not."""
    try:
        return path.is_dir() and any(file.suffix.lower() == ".json" for file in path.iterdir())
    except OSError:
        return False


def compute_outcome(
    files: Sequence[Path],
    key: Key,
    options: CollectOptions = CollectOptions(),  # noqa: B008
) -> StudyOutcome:
    """The outcome of a ranking study from its answer files. Answers that are not accepted have no influence.

    Raises
    ------
    StudyError
        If an option is out of range, the key is of a rating study, or no answer counts. It lists why each was rejected.
    """
    if key.task != "rank":
        raise StudyError("people rated in this study; compute its MOS with collect_ratings")
    accepted, rejected = _screened(files, key, options)
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


def compute_ratings(
    files: Sequence[Path],
    key: Key,
    options: CollectOptions = CollectOptions(),  # noqa: B008
) -> RatingOutcome:
    """The outcome of a rating study from its answer files. Answers that are not accepted have no influence.

    Raises
    ------
    StudyError
        If an option is out of range, the key is of a ranking study, or no answer counts. It lists why each was
        rejected.
    """
    if key.task != "rate":
        raise StudyError("people ranked in this study; compute its MOR with collect_study")
    accepted, rejected = _screened(files, key, options)
    rated = [
        (key.entries[task.holds[0]], task.crop, a.answer.rater, grade)
        for a in accepted
        for task, grade in ((key.tasks[name], grade) for name, grade in a.answer.ratings.items())
        if task.kind == "rate"
    ]
    if not rated:
        raise StudyError("the answers rate nothing but attention checks, so there is no MOS yet")
    methods, crops, raters, grades = zip(*rated, strict=True)
    pictures = [crop.image if options.over == "images" else f"{crop.image}/{crop.number}" for crop in crops]
    scale = key.rating_scale
    scores = mean_opinion_scores(methods, pictures, raters, grades, scale=scale, level=options.level)
    counted = Counter(zip(methods, grades, strict=True))
    counts = np.array([[counted[name, grade] for grade in scale.grades] for name in scores.methods], dtype=np.float64)
    return RatingOutcome(
        key=key,
        options=options,
        accepted=tuple(accepted),
        rejected=tuple(rejected),
        scores=scores,
        shares=counts / counts.sum(axis=1, keepdims=True),
        seconds=float(np.median([s for a in accepted for s in a.answer.seconds.values()])),
    )


def _screened(
    files: Sequence[Path], key: Key, options: CollectOptions
) -> tuple[list[AcceptedAnswer], list[RejectedAnswer]]:
    options.check()
    accepted, rejected = screen_answers(files, key, options)
    if not accepted:
        raise StudyError("no answer can be used", [f"{r.file}: {r.reason}" for r in rejected])
    return accepted, rejected
