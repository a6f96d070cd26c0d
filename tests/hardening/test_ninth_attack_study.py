"""What the ninth attack found in the human study: opposite directions, urgent data, paths through links."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from srspace_eval._utils.hashing import sha256
from srspace_eval.errors import RankingError, StudyError
from srspace_eval.ranking.draws import MOS_FILE, OUTCOME_FILE
from srspace_eval.ranking.leaderboard import rank
from srspace_eval.study import server_log
from srspace_eval.study.collect import collect_study
from srspace_eval.study.key import Key
from srspace_eval.study.places import check_places
from srspace_eval.study.serve import StudyServer
from srspace_eval.study.server_log import ServerLog
from srspace_eval.tracks.reader import load_track
from tests.helpers.studies import answer_document, make_material, make_study

links = pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")


def own_track(folder: Path, better: str) -> Path:
    path = folder / "own.toml"
    path.write_text(
        f'name = "own"\ntitle = "Own"\nscale = 4\nfirst = 801\n[columns]\n'
        f'runtime = {{ better = "lower" }}\nmos = {{ better = "{better}" }}\n'
        '[ranking]\ncriteria = [{ metric = "mos" }]\nfinal = ["mos"]\n'
    )
    return path


@pytest.mark.parametrize("pairs", [False, True])
def test_people_do_not_rate_on_a_scale_that_the_track_ranks_upside_down(tmp_path: Path, pairs: bool) -> None:
    material = make_material(tmp_path)
    settings: dict[str, Any] = {"task": "rate", "crops": 1, "pairs": pairs}
    with pytest.raises(StudyError, match=r'mos\.better is "lower", and on the study\'s scale, from 1 to 5, higher is'):
        make_study(material, tmp_path, track=load_track(own_track(tmp_path, "lower")), **settings)
    assert not (tmp_path / "study").exists()
    assert not (tmp_path / "key.json").exists()
    make_study(material, tmp_path, track=load_track(own_track(tmp_path, "higher")), **settings)


def ranked(folder: Path, better: str, **outcome: Any) -> list[str]:
    """Methods from first to last, for a study whose ``study.json`` holds these values."""
    table = folder / MOS_FILE
    table.write_text("team,mos,mos_low,mos_high\nA,4.6,4.5,4.7\nB,1.2,1.1,1.3\n")
    document = {"files": {MOS_FILE: sha256(table.read_bytes())}, **outcome}
    (folder / OUTCOME_FILE).write_text(json.dumps(document))
    teams = folder / "teams.csv"
    teams.write_text("team,kind,runtime\nA,team,1\nB,team,2\n")
    return [row.entry.team for row in rank(None, own_track(folder, better), table=teams, values=table).rows]


def test_ratings_are_not_ranked_upside_down(tmp_path: Path) -> None:
    with pytest.raises(RankingError, match=r"where higher is better, and the track's column mos says that lower is"):
        ranked(tmp_path, "lower", scale={"better": "higher"})
    assert ranked(tmp_path, "higher", scale={"better": "higher"}) == ["A", "B"]
    assert ranked(tmp_path, "lower", scale={"better": "lower"}) == ["B", "A"]


@pytest.mark.parametrize("scale", [None, [], "lower", {"better": ["lower"]}, {"better": 1}])
def test_a_scale_that_no_study_has_is_ignored(tmp_path: Path, scale: Any) -> None:
    assert ranked(tmp_path, "higher", scale=scale) == ["A", "B"]


def test_a_level_of_32_bits_is_the_level_of_a_board(tmp_path: Path) -> None:
    assert ranked(tmp_path, "higher", level=0.949999988079071) == ["A", "B"]
    with pytest.raises(RankingError, match=r"94\.9% intervals"):
        ranked(tmp_path, "higher", level=0.949)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Key]:
    place = tmp_path_factory.mktemp("study")
    return make_study(make_material(place), place, crops=1)


@pytest.mark.parametrize(
    "refused",
    [b"GET http://[told]/ HTTP/1.1", b"GET http://[::1 HTTP/1.1", b"GET / HTTP/1.1\r\nContent-Length: " + b"9" * 5000],
)
def test_an_address_or_a_length_that_cannot_be_read_is_a_refused_request(
    study: tuple[Path, Key], tmp_path: Path, capsys: pytest.CaptureFixture[str], refused: bytes
) -> None:
    with (
        StudyServer(*study, tmp_path / "answers") as server,
        socket.create_connection(server.address, timeout=5) as raw,
    ):
        raw.sendall(refused + b"\r\n\r\n")
        assert raw.recv(12) == b"HTTP/1.1 400"
    assert capsys.readouterr().err == ""


def test_the_reports_of_the_http_server_are_few_and_hold_no_text_of_clients(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log, now = ServerLog(), [7.0]
    monkeypatch.setattr(server_log.time, "monotonic", lambda: now[0])
    for _ in range(1000):
        log.handle(logging.makeLogRecord({"msg": "a connection failed", "levelno": logging.ERROR}))
    now[0] = 9.0
    log.handle(logging.makeLogRecord({"msg": "again", "levelno": logging.ERROR}))
    assert capsys.readouterr().err.splitlines() == [
        *["the HTTP server reports: a connection failed"] * 10,
        "the HTTP server reported 990 times more",
        "the HTTP server reports: again",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="select() reports urgent data differently there")
def test_urgent_data_ends_the_connection(
    study: tuple[Path, Key], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with StudyServer(*study, tmp_path / "answers") as server:
        with socket.create_connection(server.address, timeout=5) as raw:
            raw.sendall(b"GET / HTTP/1.1\r\nX: ")
            raw.send(b"!", socket.MSG_OOB)
            with contextlib.suppress(ConnectionResetError):
                assert raw.recv(1) == b""
        with socket.create_connection(server.address, timeout=5) as raw:
            raw.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert raw.recv(8) == b"HTTP/1.1"
    assert "unhandled" not in capsys.readouterr().err


@links
@pytest.mark.parametrize(
    ("out", "key", "said"),
    [
        ("loop/x", "key.json", "loop: there is no such folder"),
        ("study", "loop", "loop: there is a key already"),
        ("study", "loop/k", "loop: there is no such folder"),
        ("study", "nothing", "nothing: there is a key already"),
    ],
)
def test_links_in_a_circle_or_to_nothing_are_named_at_the_start(tmp_path: Path, out: str, key: str, said: str) -> None:
    (tmp_path / "loop").symlink_to("back")
    (tmp_path / "back").symlink_to("loop")
    (tmp_path / "nothing").symlink_to("nowhere")
    with pytest.raises(StudyError) as error:
        check_places(tmp_path / out, tmp_path / key)
    assert said in " ".join(error.value.problems)


def test_a_path_through_the_empty_folder_that_the_study_replaces(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    make_study(make_material(tmp_path), tmp_path / "study" / "..", crops=1)
    assert (tmp_path / "study/index.html").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gt", "key.json", "methods", "study"]


def test_a_result_does_not_replace_that_of_another_study(tmp_path: Path) -> None:
    material = make_material(tmp_path)
    for number in range(2):
        place = tmp_path / str(number)
        (place / "answers").mkdir(parents=True)
        _, key = make_study(material, place, crops=1, secret=bytes([number]) * 32)
        for rater in key.raters:
            (place / "answers" / f"{rater}.json").write_text(json.dumps(answer_document(key, rater)))
        if number == 0:
            collect_study(place / "answers", key, out=tmp_path / "result")
            earlier = (tmp_path / "result/MOR.csv").read_bytes()
            collect_study(place / "answers", key, out=tmp_path / "result")
    with pytest.raises(StudyError, match="the folder holds the result of another study"):
        collect_study(place / "answers", key, out=tmp_path / "result")
    assert (tmp_path / "result/MOR.csv").read_bytes() == earlier


@pytest.mark.parametrize("option", ["mor", "values"])
def test_a_table_of_opinions_names_each_method_once(tmp_path: Path, option: str) -> None:
    (tmp_path / "own.csv").write_text("team,lr_psnr,diversity\nA,50,20\nB,46,25\n")
    opinions = tmp_path / "opinions.csv"
    opinions.write_text("team,mor,source,note\nA,1,,\nB,2,,\nA,2,published,a paper\n")
    with pytest.raises(RankingError) as error:
        rank(None, "x4", table=tmp_path / "own.csv", **{option: opinions})  # type: ignore[arg-type]
    assert "line 4: 'A' is also in line 2" in " ".join(error.value.problems)
