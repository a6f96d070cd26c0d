from __future__ import annotations

from pathlib import Path

import pytest

from srspace_eval.errors import TrackError
from srspace_eval.ranking import Entry, rank
from srspace_eval.tracks.reader import builtin_tracks, guessed_tracks, load_track
from srspace_eval.tracks.words import describe_track

GOOD = 'name = "mine"\ntitle = "My set"\nscale = 4\n'


def test_the_challenges_are_there() -> None:
    tracks = builtin_tracks()
    assert {t.name: t.scale for t in guessed_tracks()} == {"x4": 4, "x8": 8, "x4-2022": 4, "x8-2022": 8}
    assert all(t.samples == 10 and t.crop == 8 for t in guessed_tracks())
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
    with pytest.raises(TrackError, match=r"choose one of .*x4-2022, x4, x8-2022, x8, or name"):
        load_track("x16")
    with pytest.raises(TrackError, match="cannot be read"):
        load_track("nowhere.toml")


def test_every_built_in_track_says_its_source() -> None:
    tracks = builtin_tracks()
    assert set(tracks) == {
        "x4", "x8", "x4-2022", "x8-2022", "imagesr-x4-2024", "imagesr-x4-2025", "imagesr-x4-2026", "esr-2022",
        "esr-2024", "esr-2025", "esr-2026", "pirm-2018", "ntire2017-x2", "ntire2017-x3", "ntire2017-x4",
        "ntire2018-x8", "ntire2020-rwsr-1", "ntire2020-rwsr-2",
    }  # fmt: skip
    assert all(name == track.name for name, track in tracks.items())  # one track is read from the file of its name
    for track in tracks.values():
        assert track.source
        assert bool(track.uncertain) == (track.samples == 1)
        sentences = describe_track(track)
        assert f"Source: {track.source}." in sentences
        assert [s for s in sentences if s.startswith("Uncertain: ")] == [f"Uncertain: {s}" for s in track.uncertain]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ({"iqa_rank": "lower"}, None),
        ({"iqa_rank": "lower", "iqa": "lower"}, "does not end in _rank"),
        ({"psnr_rank": "lower"}, "does not end in _rank"),
        ({"mor_low": "lower"}, "does not end in _rank"),
        ({"final_rank": "lower"}, "is not a key of the result files"),
    ],
)
def test_an_id_may_end_as_a_written_column_if_no_column_writes_it(
    tmp_path: Path, ids: dict[str, str], message: str | None
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD + "[columns]\n" + "".join(f'{key} = {{ better = "{b}" }}\n' for key, b in ids.items()))
    if message is None:
        assert {info.id for info in load_track(path).given} == set(ids)
    else:
        with pytest.raises(TrackError, match=message):
            load_track(path)


def test_a_well_known_metric_of_others_is_pyiqas(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD + 'samples = 1\n[measure.musiq]\n[measure.quality]\nmetric = "pyiqa:nrqm"\n')
    track = load_track(path)
    assert [(measure.id, measure.metric) for measure in track.measures] == [
        ("musiq", "pyiqa:musiq"), ("quality", "pyiqa:nrqm"),
    ]  # fmt: skip
    entries = [Entry("a", "team", {"musiq": 50.0}, "given")]
    assert rank(entries, track, bootstrap=None).rows[0].entry.values["musiq"] == 50.0
    path.write_text(GOOD + "[measure.fid]\n")
    with pytest.raises(TrackError, match="give its values as the column fid"):
        load_track(path)
