"""Track files that say the wrong thing in good TOML: directions, keys that decide nothing, rules that are left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from srspace_eval.errors import InputError, TrackError
from srspace_eval.metrics.measures import Measure
from srspace_eval.metrics.registry import bind
from srspace_eval.ranking import Entry, rank
from srspace_eval.tracks.model import DEFAULT_RULE, Track
from srspace_eval.tracks.reader import load_track
from srspace_eval.tracks.words import describe_track

HEAD = 'name = "mine"\ntitle = "My set"\nscale = 4\nsamples = 1\n'
COLUMNS = '[columns]\na = { better = "lower" }\nb = { better = "higher" }\n'


def read(folder: Path, text: str) -> Track:
    path = folder / "mine.toml"
    path.write_text(HEAD + text, encoding="utf-8")
    return load_track(path)


SCALE = '[study.scale]\nlow = 0\nhigh = 5\nbetter = "lower"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[columns]\npsnr = { better = "lower" }', 'columns.psnr.better: "lower" is wrong, because higher values'),
        ('[columns]\nlpips = { better = "higher" }', 'columns.lpips.better: "higher" is wrong, because lower values'),
        ('[columns]\nniqe = {}\n[derived]\npi = { formula = "niqe", better = "higher" }', "derived.pi.better"),
        ('[measure.musiq]\nbetter = "lower"', 'better = "lower" is wrong, because higher values of pyiqa:musiq'),
        ('[measure.mine]\nmetric = "pyiqa:pi"\nbetter = "higher"', "because lower values of pyiqa:pi are better"),
        ('[columns]\nmos = { better = "higher" }\n' + SCALE, "mos is the mean of these ratings, so write the same"),
        (COLUMNS + '[ranking]\norder_by = ["1"]', r"ranking.order_by\[0\]: '1' reads no id"),
        (COLUMNS + '[ranking]\neligible = ["2 > 1"]', r"ranking.eligible\[0\]: '2 > 1' reads no id"),
        (COLUMNS + '[ranking]\neligible = ["a"]', r"ranking.eligible\[0\]: 'a' is not a condition; write a comparison"),
        (COLUMNS + '[ranking]\neligible = ["a > 1 and b"]', "is not a condition"),
        (
            COLUMNS + '[ranking]\ncriteria = [{ metric = "a" }, { metric = "a", tolerance = 10 }]',
            "ranking.criteria: a is there twice; keep one row for each id",
        ),
    ],
)
def test_what_a_file_cannot_mean_is_one_error(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(TrackError, match=words) as caught:
        read(tmp_path, text)
    assert str(tmp_path / "mine.toml") in str(caught.value)


def test_the_right_directions_are_accepted(tmp_path: Path) -> None:
    text = '[columns]\npsnr = { better = "higher" }\nmos = { better = "lower" }\n' + SCALE
    assert [info.direction for info in read(tmp_path, text).given] == ["higher", "lower"]
    conditions = '[ranking]\neligible = ["not a > 1", "(a > 1 or b < 2) if a > 0 else b > 3"]\n'
    assert len(read(tmp_path, COLUMNS + conditions).ranking.eligible) == 2


def test_a_direction_of_pyiqa_is_checked_on_the_command_line_too() -> None:
    with pytest.raises(InputError, match="because lower values of pyiqa:pi are better"):
        bind([Measure.parse("mine=pyiqa:pi,better=higher")])


def test_a_file_without_a_ranking_ranks_its_own_columns(tmp_path: Path) -> None:
    track = read(tmp_path, COLUMNS + '[derived]\nc = { formula = "a + b", better = "lower" }\n')
    assert [criterion.metric for criterion in track.ranking.criteria] == ["a", "b", "c"]
    assert "There is no final rank." in describe_track(track)
    ranking = rank([Entry("X", "team", {"a": 2.0, "b": 5.0}, "given"), Entry("Y", "team", {"a": 1.0}, "given")], track)
    assert ranking.columns == ("a", "b", "c")
    assert [(row.entry.team, row.ranks) for row in ranking.rows] == [
        ("Y", {"a": 1.0}),
        ("X", {"a": 2.0, "b": 1.0, "c": 1.0}),
    ]


def test_a_file_without_a_ranking_that_measures_diversity_has_the_rule_of_its_challenge(tmp_path: Path) -> None:
    assert read(tmp_path, "").ranking == DEFAULT_RULE
    assert read(tmp_path, 'metrics = ["diversity", "psnr"]\n' + COLUMNS).ranking == DEFAULT_RULE


def test_a_folder_is_no_track_file(tmp_path: Path) -> None:
    (tmp_path / "dir.toml").mkdir()
    with pytest.raises(TrackError, match=r"dir\.toml: is a folder; name a track file"):
        load_track(tmp_path / "dir.toml")


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(HEAD, encoding="utf-8-sig")
    assert load_track(path).name == "mine"


def test_the_words_about_a_track_without_a_gt() -> None:
    sentences = describe_track(load_track("ntire2020-rwsr-2"))
    assert "Image names: {stem}.png." in sentences
    assert any(sentence.endswith("It is per_image_rank(niqe, brisque, piqe, nrqm, pi).") for sentence in sentences)
    assert any(sentence.endswith("It is ((10 - nrqm) + niqe) / 2 of the averages.") for sentence in sentences)
    assert "GT names: {number:04d}.png, {stem}.png." in describe_track(load_track("x8"))
