"""What raters answered to the obvious checks, and checks that seem to be at fault."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from srspace_eval._utils.notices import notify
from srspace_eval._utils.untrusted_text import visible
from srspace_eval.study.answers import Answer, Groups
from srspace_eval.study.design import Crop, Task
from srspace_eval.study.key import Key
from srspace_eval.study.rankings import item_ranks

_ENOUGH = 3  # raters who say something of a check


def obvious_checks(answer: Answer, key: Key) -> dict[Crop, bool]:
    """Crop of an obvious check -> whether the answer has the right order. Half of a rating check is left out."""
    passed = {
        key.tasks[name].crop: _in_order(key.tasks[name], groups)
        for name, groups in answer.rankings.items()
        if key.tasks[name].kind == "obvious"
    }
    grades: dict[Crop, dict[int, float]] = defaultdict(dict)
    for name, grade in answer.ratings.items():
        task = key.tasks[name]
        if task.kind == "obvious":
            grades[task.crop][task.holds[0]] = grade if key.rating_scale.better == "higher" else -grade
    for crop, found in grades.items():
        if len(found) > 1:
            passed[crop] = all(found[better] > found[worse] for better, worse in pairwise(sorted(found)))
    return passed


def notify_doubtful(answers: Sequence[Answer], key: Key) -> None:
    """Name the obvious checks that most raters fail: the pictures may be at fault, and not the raters.

    Warns
    -----
    Notice
        For each check that most of at least three raters fail.
    """
    results: dict[Crop, list[bool]] = defaultdict(list)
    for answer in answers:
        for crop, passed in obvious_checks(answer, key).items():
            results[crop].append(passed)
    for crop, verdicts in results.items():
        failed = verdicts.count(False)
        if len(verdicts) >= _ENOUGH and 2 * failed > len(verdicts):
            items = [
                i for task in key.tasks.values() if task.kind == "obvious" and task.crop == crop for i in task.items
            ]
            notify(
                f"{failed} of {len(verdicts)} raters fail the obvious check on image {visible(crop.image)}: look at "
                f"its pictures ({', '.join(f'images/{item}.png' for item in items)}). If their order is not obvious, "
                "the raters are not careless; make a study with other checks"
            )


def _in_order(task: Task, groups: Groups) -> bool:
    """Whether each item of an obvious task comes before all items of worse places."""
    ranks = item_ranks(groups)
    known = [(held, ranks[item]) for item, held in zip(task.items, task.holds, strict=True)]
    return all(rank < other for held, rank in known for worse, other in known if held < worse)
