from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from srspace_eval.errors import StudyError, SubmissionError
from srspace_eval.study.entries import gather_entries, named_source
from srspace_eval.submissions.sources import open_source
from srspace_eval.tracks.reader import load_track
from tests.helpers.studies import HEIGHT, METHODS, WIDTH, Material


def test_both_samples_are_drawn_somewhere_and_a_fixed_one_can_be_asked_for(material: Material) -> None:
    given = [named_source(str(material.submission(n))) for n in METHODS]
    track = load_track("x4")
    drawn = [
        name
        for seed in range(4)
        for entry in gather_entries(given, open_source(material.gt), seed=seed, track=track).entries
        for name in entry.files.values()
    ]
    assert {name[-5] for name in drawn} == {"0", "1"}
    fixed = gather_entries(given, open_source(material.gt), seed=0, track=track, sample=1)
    assert {name[-5] for entry in fixed.entries for name in entry.files.values()} == {"1"}
    with pytest.raises(StudyError, match="no sample 2"):
        gather_entries(given, open_source(material.gt), seed=0, track=track, sample=2)


def test_methods_that_lack_images_or_names_are_listed_together(material: Material, tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.mkdir()
    Image.new("RGB", (WIDTH, HEIGHT)).save(part / "000000.png")
    flow = named_source(str(material.submission("flow")))
    track = load_track("x4")
    gt = open_source(material.gt)
    with pytest.raises(StudyError) as caught:
        gather_entries([flow, named_source(str(part))], gt, seed=0, track=track)
    assert caught.value.problems == (
        "part: 0802: no sample of this image",
        "part: 0803: no sample of this image",
    )
    with pytest.raises(StudyError, match="flow: 2 methods have this name"):
        gather_entries([flow, flow], gt, seed=0, track=track)
    gather = [("Deepest", flow[1]), ("D\u0435epest", flow[1])]
    with pytest.raises(StudyError, match=r"'Deepest' and 'D\\u0435epest': look the same"):
        gather_entries(gather, gt, seed=0, track=track)
    with pytest.raises(StudyError, match="'gt' and 'GT': look the same"):
        gather_entries([("gt", flow[1])], gt, seed=0, track=track, include_gt=True)
    with pytest.raises(StudyError, match="at least two methods"):
        gather_entries([flow], gt, seed=0, track=track)
    assert len(gather_entries([flow], gt, seed=0, track=track, include_gt=True).entries) == 2
    with pytest.raises(SubmissionError, match="no such folder"):
        named_source(str(tmp_path / "absent"))
    with pytest.raises(StudyError, match="printable name"):
        named_source(f"a\nb={part}")
    with pytest.raises(StudyError, match="printable name"):
        named_source(f"\u2800={part}")


def test_names_are_given_or_taken_from_the_path(material: Material, tmp_path: Path) -> None:
    folder = material.submission("flow")
    assert named_source(f"Team=1={folder}".replace("=1", ""))[0] == "Team"
    assert named_source(str(folder) + "/")[0] == "flow"
    odd = tmp_path / "a=b"
    odd.mkdir()
    assert named_source(str(odd))[0] == "a=b"


def test_a_negative_sample_is_refused(material: Material) -> None:
    given = [named_source(str(material.submission(n))) for n in METHODS]
    with pytest.raises(StudyError, match="sample is -1"):
        gather_entries(given, open_source(material.gt), seed=0, track=load_track("x4"), sample=-1)


def test_a_sample_is_refused_where_every_image_has_one(material: Material, tmp_path: Path) -> None:
    given = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for index in range(3):
            Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / name / f"{index:06d}.png")
        given.append(named_source(str(tmp_path / name)))
    gt, track = open_source(material.gt), load_track("x4")
    with pytest.raises(StudyError, match="sample is 3: no method has more than one sample"):
        gather_entries(given, gt, seed=0, track=track, sample=3)
    assert len(gather_entries(given, gt, seed=0, track=track, sample=0).entries) == 2
