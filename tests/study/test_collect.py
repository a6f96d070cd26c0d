from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from srspace_eval.errors import Notice, StudyError
from srspace_eval.study.collect import collect_study, compute_outcome
from srspace_eval.study.key import Key
from srspace_eval.study.options import CollectOptions
from srspace_eval.study.statistics import rater_agreement
from tests.helpers.studies import Build, answer_document

Study = tuple[Path, Key]


def save(folder: Path, name: str, document: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps(document))
    return path


@pytest.fixture
def honest(study: Study, tmp_path: Path) -> list[Path]:
    _, key = study
    return [
        save(tmp_path, "one.json", answer_document(key, "r01")),
        save(tmp_path, "two.json", answer_document(key, "r02", order=lambda m: [1, 0, 2][m])),
    ]


def test_numbers_come_from_all_rankings_but_not_from_checks(study: Study, honest: list[Path]) -> None:
    outcome = compute_outcome(honest, study[1])
    assert outcome.rejected == ()
    # Six crops, two raters: r01 ranks 1 2 3, r02 ranks 2 1 3; repeats and obvious tasks do not count.
    assert outcome.rankings.ranks.shape == (12, 3)
    assert outcome.mor.tolist() == [1.5, 1.5, 3.0]
    w = stats.friedmanchisquare(*np.array([[1, 2, 3], [2, 1, 3]]).T).statistic / (2 * 2)
    assert outcome.agreement.overall == pytest.approx(w)
    assert outcome.agreement.crops == pytest.approx(w)
    assert outcome.friedman.blocks == 6
    assert outcome.friedman.chi2 == pytest.approx(
        stats.friedmanchisquare(*np.tile([1.5, 1.5, 3.0], (6, 1)).T).statistic
    )
    assert outcome.shares.tolist() == [[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 1]]
    assert outcome.seconds == 12.5
    assert [a.agreement for a in outcome.accepted] == [1, 1]


def test_a_folder_that_cannot_be_listed_does_not_hinder(
    study: Study, honest: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The root of a mounted ext4 volume has lost+found, which only root may list."""
    answers = honest[0].parent
    (answers / "lost+found").mkdir()
    listed = Path.iterdir

    def refused(path: Path) -> Iterator[Path]:
        if path.name == "lost+found":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", refused)
    assert collect_study(answers, study[1]).rankings.raters == 2


def test_intervals_can_generalise_over_images(study: Study, honest: list[Path]) -> None:
    outcome = compute_outcome(honest, study[1], CollectOptions(over="images"))
    assert outcome.rankings.units == 3
    assert outcome.friedman.blocks == 3
    assert outcome.mor.tolist() == [1.5, 1.5, 3.0]


def test_collecting_writes_and_notices_and_gives_a_frame(study: Study, honest: list[Path], tmp_path: Path) -> None:
    folder, key = study
    (tmp_path / "zzz.json").write_text("{}")
    with pytest.warns(Notice, match=r"not counted: .*zzz\.json"):
        outcome = collect_study(tmp_path, folder.parent / "key.json", out=tmp_path / "out")
    assert json.loads((tmp_path / "out/study.json").read_text())["raters"] == 2
    frame = outcome.to_frame()
    assert list(frame.columns) == ["team", "mor", "mor_low", "mor_high", "rank", "rank_low", "rank_high", "n"]
    assert frame["team"].tolist() == ["flow", "gan<b>", "blur"]
    assert frame["mor"].tolist() == [1.5, 1.5, 3.0]
    assert set(frame["n"]) == {12}
    again = collect_study(honest, key)
    np.testing.assert_array_equal(again.intervals.low, outcome.intervals.low)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (CollectOptions(level=float("nan")), "level is nan: it must lie between 0.5 and 1"),
        (CollectOptions(agreement=2), "agreement is 2"),
        (CollectOptions(draws=5), "draws is 5: it must lie between 100 and 100000"),
        (CollectOptions(seed=-1), "seed is -1"),
        (CollectOptions(over="raters"), "over is 'raters'"),  # type: ignore[arg-type]
    ],
)
def test_options_out_of_range_are_refused(
    study: Study, honest: list[Path], options: CollectOptions, message: str
) -> None:
    with pytest.raises(StudyError, match=message):
        collect_study(honest, study[1], options=options)


def test_no_answer_is_an_error_that_lists_why(study: Study, tmp_path: Path) -> None:
    with pytest.raises(StudyError) as caught:
        compute_outcome([tmp_path / "absent.json"], study[1])
    assert caught.value.problems == (f"{tmp_path / 'absent.json'}: there is no such file",)


def test_the_order_of_the_files_does_not_matter(study: Study, honest: list[Path]) -> None:
    one, two = (
        compute_outcome(honest, study[1]),
        compute_outcome(honest[::-1], study[1]),
    )
    np.testing.assert_array_equal(one.intervals.low, two.intervals.low)
    assert one.pairs == two.pairs


def test_ties_share_ranks_and_shares(build: Build, tmp_path: Path) -> None:
    _, key = build(ties=True, raters=1)
    document = answer_document(key, "r01")
    for answer in document["answers"]:
        first, second, third = answer["ranking"]
        answer["ranking"] = [first + second, third]
    outcome = compute_outcome([save(tmp_path, "a.json", document)], key)
    assert outcome.mor.tolist() == [1.5, 1.5, 3]
    assert outcome.shares.tolist() == [[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 1]]
    assert np.isnan(rater_agreement(outcome.rankings).overall)
