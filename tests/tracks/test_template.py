"""Track files to begin with: a commented example, or a copy of a track."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import srspace_eval as se
from srspace_eval.errors import TrackError
from srspace_eval.tracks.reader import builtin_names, track_text
from tests.helpers.commands import run


def test_the_example_ends_with_a_newline_and_takes_a_title(tmp_path: Path) -> None:
    assert run("tracks", "new", tmp_path / "a.toml", "--title", 'Faces "×8"') == 0
    text = (tmp_path / "a.toml").read_bytes()
    assert text.endswith(b"]\n")
    assert b"# first = 801" in text
    assert se.load_track(tmp_path / "a.toml").title == 'Faces "×8"'


@pytest.mark.parametrize("name", builtin_names())
def test_a_copy_of_a_built_in_track_is_complete(name: str, tmp_path: Path) -> None:
    assert run("tracks", "new", tmp_path / "mine.toml", "--like", name, "--title", "Mine") == 0
    copy, original = se.load_track(tmp_path / "mine.toml"), se.load_track(name)
    assert copy == replace(original, name="mine", title="Mine", file=tmp_path / "mine.toml")
    lines = (tmp_path / "mine.toml").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith(f"# A copy of the track {name}, to be changed.")
    assert [line for line in lines[1:] if not line.startswith(("name", "title"))] == [
        line for line in track_text(name).splitlines() if not line.startswith(("name", "title"))
    ]


def test_a_copy_of_a_file_keeps_its_comments_and_its_title(tmp_path: Path) -> None:
    text = "# ours\nname = 'a'  # short\ntitle = 'Title'\r\nscale = 2\n[ranking]\ncriteria = [{ metric = \"lpips\" }]"
    (tmp_path / "a.toml").write_bytes(text.encode())
    se.write_track_template(tmp_path / "b.toml", like=tmp_path / "a.toml")
    copy = (tmp_path / "b.toml").read_bytes().decode().partition("\n")[2]
    assert copy == text.replace("'a'", '"b"') + "\n"
    assert se.load_track(tmp_path / "b.toml").title == "Title"


@pytest.mark.parametrize(
    ("like", "words"),
    [
        ("x5", "there is no track 'x5'"),
        ("absent.toml", "absent.toml: the track file cannot be read"),
        ("faulty.toml", "faulty.toml: .*scale"),
        ("odd.toml", "odd.toml: name cannot be replaced; in this file, write each as a quoted text on one line"),
    ],
)
def test_what_cannot_be_copied_is_named_and_nothing_is_written(
    like: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("faulty.toml").write_text('name = "a"\ntitle = "A"\n', encoding="utf-8")
    Path("odd.toml").write_text('name = """\na"""\ntitle = "A"\nscale = 4\n', encoding="utf-8")
    with pytest.raises(TrackError, match=words):
        se.write_track_template("new.toml", like=like)
    assert not Path("new.toml").exists()
