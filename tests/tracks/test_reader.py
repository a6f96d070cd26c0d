from __future__ import annotations

from pathlib import Path

import pytest

from srspace_eval.errors import TrackError
from srspace_eval.tracks.reader import builtin_tracks, load_track

GOOD = 'name = "mine"\ntitle = "My set"\nscale = 4\n'


def test_the_challenges_are_there() -> None:
    tracks = builtin_tracks()
    assert {name: t.scale for name, t in tracks.items()} == {"x4": 4, "x8": 8, "x4-2022": 4, "x8-2022": 8}
    assert all(t.samples == 10 and t.crop == 8 for t in tracks.values())
    assert [(c.metric, c.among, c.plateau) for c in tracks["x8"].ranking.criteria] == [
        ("lr_psnr", "teams", 45.0), ("diversity", "teams", None), ("mor", "study", None),
    ]  # fmt: skip
    assert tracks["x4"].ranking.final == ("mor", "diversity")
    assert (tracks["x4"].first, tracks["x4-2022"].first) == (801, 901)


def test_a_users_file_with_defaults(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    track = load_track(path)
    assert (track.name, track.scale, track.samples, track.crop) == ("mine", 4, 10, 8)
    assert track.ranking == builtin_tracks()["x4"].ranking


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD + "sampels = 3", "unknown key sampels; known are name"),
        (GOOD + "samples = 0", "samples: expected a whole number from 1 to 10000, found"),
        (GOOD + "samples = true", "samples: expected a whole number from 1 to 10000, found"),
        (GOOD + 'metrics = ["lpisp"]', "metrics: unknown metric lpisp"),
        (GOOD + 'metrics = ["psnr", "mor"]', "metrics: unknown metric mor; choose from lpips"),
        (GOOD + "metrics = []", "metrics: expected a list that is not empty"),
        (GOOD + "gt_names = []", "gt_names: expected a list that is not empty"),
        (GOOD + "sample_names = []", "sample_names: expected a list that is not empty"),
        (GOOD + 'sample_names = ["{sample}.png"]', "sample_names: name template .* must contain"),
        (GOOD + 'sample_names = ["{stem}_{sample}.jpg"]', "must end in .png"),
        (GOOD + 'gt_names = ["{index:04d}.png"]', "gt_names: .* cannot hold {index}, only number, stem"),
        (GOOD + '[ranking]\nshow = ["lpisp"]', "ranking.show: unknown metric lpisp"),
        (GOOD + "crop = 6", "must be a multiple of scale"),
        (GOOD + 'ranking = "best"', "ranking: expected an object"),
        (GOOD + '[ranking]\nfinal = ["mor"]', "ranking.final: mor is not among"),
        (
            GOOD + '[ranking]\ncriteria = [{ metric = "mor", among = "all" }]',
            r"ranking.criteria\[0\].among: 'all' is unknown; write teams, study, or an id",
        ),
        (
            GOOD + '[ranking]\ncriteria = [{ metric = "lr_psnr", plateau = "high" }]',
            r"criteria\[0\].plateau: expected a finite number, found 'high'",
        ),
        ('title = "x"\nscale = 4', "'name' is missing"),
        ("name = ", "not valid TOML"),
    ],
)
def test_faults_name_the_file_and_the_key(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(TrackError, match=words) as caught:
        load_track(path)
    assert str(path) in str(caught.value)


def test_unknown_and_missing_tracks() -> None:
    with pytest.raises(TrackError, match="choose one of x4"):
        load_track("x16")
    with pytest.raises(TrackError, match="cannot be read"):
        load_track("nowhere.toml")
