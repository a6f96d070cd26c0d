"""The tracks command: listing, words, and the file to begin with."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from srspace_eval.tracks.reader import list_tracks, load_track
from tests.helpers.commands import run as run_command

run = partial(run_command, "tracks")


def test_list_names_every_track(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [track.name for track in list_tracks()]
    assert run("list", "--json") == 0
    assert [track["scale"] for track in json.loads(capsys.readouterr().out)] == [t.scale for t in list_tracks()]


def test_new_file_is_a_track_and_show_says_its_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.toml"
    assert run("new", path) == 0
    assert [rule.order_by[0].formula.text for rule in load_track(path).rankings] == ["rank(score)"]
    assert run("show", path) == 0
    text = capsys.readouterr().out
    for sentence in (
        "Only entries with round(psnr, 2) >= 20 are ranked.",
        "Entries are ordered by rank(score), best (rank 1) first.",
        "Equal entries are then ordered by psnr, highest first.",
        "score: Score, 3 decimals, higher is better. It is psnr - 0.01 * runtime_ms of the averages.",
        "psnr is ranked, highest first. Values within 0.005 of the best of their group are equal.",
        "psnr: measured as psnr with border = 4.",
    ):
        assert sentence in text
    before = path.read_bytes()
    assert run("new", path) == 1
    assert "there is a file already" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_show_finds_the_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.toml"
    assert run("new", path) == 0
    path.write_text(path.read_text().replace("0.01 * runtime_ms", "0.01 * runtime"))
    assert run("show", path) == 1
    error = capsys.readouterr().err
    assert "derived.score.formula: unknown id runtime; known are" in error
    assert "runtime_ms" in error


def test_show_says_the_source_and_what_is_uncertain(capsys: pytest.CaptureFixture[str]) -> None:
    track = load_track("ntire2020-rwsr-2")
    assert run("show", track.name) == 0
    text = capsys.readouterr().out
    assert f"Source: {track.source}." in text
    assert text.count("Uncertain: ") == len(track.uncertain) > 2
    assert run("show", track.name, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["source"], document["uncertain"]) == (track.source, list(track.uncertain))


def test_show_names_two_built_in_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "x4", "--json") == 0
    sentences = json.loads(capsys.readouterr().out)["sentences"]
    assert "The final rank is the mean of the ranks in mor and diversity." in sentences
    assert "lr_psnr is ranked, highest first. All values at or above 45 are equal." in sentences
