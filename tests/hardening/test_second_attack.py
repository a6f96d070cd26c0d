"""What a second attack on version 0.2.0 found: each test fails on the code before the repair."""

from __future__ import annotations

import gc
import io
import json
import os
import pickle
import re
import socket
import struct
import sys
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, BinaryIO, cast

import numpy as np
import pytest
import torch

from benchmarks.inputs.boards import make_results, write_board
from srspace_eval._utils import toml
from srspace_eval._utils.download import download
from srspace_eval._utils.files import read_bounded, refuse_long_header, refuse_packed
from srspace_eval._utils.hashing import sha256
from srspace_eval._utils.pickles import reason_to_refuse
from srspace_eval._utils.png import write_png
from srspace_eval.codabench import scoring_program
from srspace_eval.codabench.downloads import import_downloads
from srspace_eval.errors import CheckpointError, RankingError, ResultsError, TrackError, WeightsError
from srspace_eval.models.checkpoints.reading import read_checkpoint
from srspace_eval.ranking.leaderboard import rank
from srspace_eval.results.record import ImageRecord
from srspace_eval.results.seals import seal_of
from srspace_eval.results.signature import Signature
from srspace_eval.results.store import newest_day, result_path
from srspace_eval.scoring.journal import open_journal
from srspace_eval.scoring.run import score
from srspace_eval.scoring.verify import verify
from srspace_eval.tracks.reader import load_track, parse_track

posix = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and files with holes of POSIX")


# Checkpoints: PyTorch reads zips with a reader of its own.


def archive(pickled: bytes, method: int = zipfile.ZIP_STORED, name: str = "archive/data.pkl") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        file.writestr(name, pickled)
    return buffer.getvalue()


def parts(data: bytes) -> tuple[bytes, bytes]:
    """The entries of a zip, and its directory."""
    size, offset = struct.unpack_from("<II", data, len(data) - 10)
    return data[:offset], data[offset : offset + size]


def two_directories() -> bytes:
    """A zip in which ``zipfile`` finds a small entry, and PyTorch's reader one that unpacks to 100 MB."""
    hidden, directory = parts(archive(bytes(100_000_000), zipfile.ZIP_DEFLATED))
    shown, other = parts(archive(pickle.dumps({})))
    shown = shown + bytes(len(hidden) - len(shown))  # zipfile moves all offsets by the difference
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(other), len(hidden), 0)
    return hidden + directory + shown + other + end


def two_end_records() -> bytes:
    """The same, by the 64-bit end record: ``zipfile`` takes the one before its locator, others the stated one."""
    hidden, directory = parts(archive(bytes(100_000_000), zipfile.ZIP_DEFLATED))
    shown, other = parts(archive(pickle.dumps({})))

    def record(size: int, offset: int) -> bytes:
        return struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, size, offset)

    first = shown + hidden + directory + record(len(directory), len(shown) + len(hidden))
    stated = len(first) - 56
    data = first + other + record(len(other), len(first))
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, stated, 1)
    return data + locator + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)


@pytest.mark.parametrize("make", [two_directories, two_end_records])
def test_a_zip_with_two_directories_is_refused(make: Callable[[], bytes], tmp_path: Path) -> None:
    path = tmp_path / "two.pth"
    path.write_bytes(make())
    with zipfile.ZipFile(path) as file:
        assert [info.file_size for info in file.infolist()] == [len(pickle.dumps({}))]
    with pytest.raises(ValueError, match="its directory is not where it states"):
        refuse_packed(path)
    with pytest.raises(CheckpointError, match="its directory is not where it states"):
        read_checkpoint(path)


class Large:
    def __reduce__(self) -> tuple[type[bytearray], tuple[int]]:
        return bytearray, (1_000_000,)


@pytest.mark.parametrize("second", ["archive/data.pkl", "archive/DATA.PKL"])
def test_each_pickle_of_a_zip_is_looked_at(second: str, tmp_path: Path) -> None:
    path = tmp_path / "twice.pth"
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as file:
        warnings.simplefilter("ignore")  # zipfile tells that the name is there already
        file.writestr("archive/data.pkl", pickle.dumps({"a": Large()}, 2))
        file.writestr(second, pickle.dumps({}, 2))
    assert "bytearray" in str(reason_to_refuse(path))
    with pytest.raises(ValueError, match="holds a name twice"):
        refuse_packed(path)


@pytest.mark.parametrize("old", [False, True])
def test_files_of_torch_save_pass(old: bool, tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    torch.save({"a": torch.zeros(3)}, path, _use_new_zipfile_serialization=not old)
    refuse_packed(path)
    assert reason_to_refuse(path) is None


@posix
def test_a_file_that_only_begins_as_a_zip_is_not_given_to_pytorch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "holes.pth"
    with path.open("wb") as file:  # 5.3 GB, of which PyTorch took 10.8 GB
        file.write(b"PK\3\4")
        file.truncate(5_300_000_000)
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("the file is given to PyTorch"))
    with pytest.raises(CheckpointError, match="is truncated or damaged"):
        read_checkpoint(path)


def test_a_long_header_of_safetensors_is_not_parsed(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    path.write_bytes((90_000_000).to_bytes(8, "little") + b"{")
    with pytest.raises(ValueError, match="its header has 90000000 bytes"):
        refuse_long_header(path)
    with pytest.raises(CheckpointError, match="its header has 90000000 bytes"):
        read_checkpoint(path)


# Downloads: what a server may answer.


@contextmanager
def answering(reply: bytes, *, endless: bool = False) -> Iterator[str]:
    """The address of a server that sends these bytes whatever it is asked."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(reply)
                while endless:
                    connection.sendall(bytes(1 << 16))
        except OSError:
            return

    thread = Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/net.pth"
    finally:
        listening.close()
        thread.join(10)


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: ²\r\n\r\nabc".encode("latin-1"),
        b"HTTP/1.1 302 Found\r\nLocation: http://[bad\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://" + b"a" * 300 + b".com/\r\n\r\n",
    ],
)
def test_a_senseless_reply_is_a_named_error(reply: bytes, tmp_path: Path) -> None:
    with answering(reply) as url, pytest.raises(WeightsError, match=r"net\.pth"):
        download(url, tmp_path / "net.pth", "00")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # urllib does not close what it cannot follow
        gc.collect()


def test_a_server_that_sends_without_end_does_not_fill_the_disk(tmp_path: Path) -> None:
    with (
        answering(b"HTTP/1.1 200 OK\r\n\r\n", endless=True) as url,
        pytest.raises(WeightsError, match="more than the 1000000 bytes of the file"),
    ):
        download(url, tmp_path / "net.pth", "00", largest=1_000_000)
    assert list(tmp_path.iterdir()) == []


@posix
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_an_unfinished_download_that_is_no_file_is_refused(kind: str, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    part = tmp_path / "net.pth.part"
    if kind == "link":
        part.symlink_to("precious")
    else:
        os.mkfifo(part)
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc") as url, pytest.raises(WeightsError):
        download(url, tmp_path / "net.pth", "00")
    assert (tmp_path / "precious").read_text() == "precious"


# Track files of merged boards.

TRACK = 'name = "mine"\ntitle = "Mine"\nscale = 4\n'


@pytest.mark.parametrize(
    "text",
    [
        ".".join(["a"] * 100_000) + " = 1",
        "x = { " + " . ".join(['"a b"', "'c'"] * 5_000) + " = 1 }",
        "[" + ".".join(["a"] * 100_000) + "]",
    ],
)
def test_a_key_of_many_parts_is_refused_before_it_is_parsed(text: str) -> None:
    with pytest.raises(ValueError, match="a key has more than 32 parts"):
        toml.loads(text)
    with pytest.raises(TrackError, match="a key has more than 32 parts"):
        parse_track(TRACK + text, "mine.toml")


def test_long_texts_without_keys_are_read_fast() -> None:
    assert toml.loads(f'a = """{"word. " * 100_000}"""')
    assert toml.loads(f"a = '{'a' * 500_000}'\nb = 1.5")


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("columns", '[columns.c{0}]\nbetter = "lower"\n'),
        ("derived", '[derived.d{0}]\nformula = "psnr + {0}"\nbetter = "lower"\n'),
        ("rankings", '[rankings.r{0}]\ncriteria = [{{ metric = "psnr" }}]\nfinal = ["psnr"]\n'),
    ],
)
def test_a_track_has_at_most_a_hundred_entries_of_a_kind(key: str, line: str) -> None:
    text = 'metrics = ["psnr"]\n' + "".join(line.format(number) for number in range(3000))
    with pytest.raises(TrackError, match=rf"{key} has 3000 entries; at most 100 are allowed"):
        parse_track(TRACK + text, "mine.toml")


# Results that state what no measurement gives.


def one_result(change: Callable[[dict[str, Any]], None], folder: Path) -> Path:
    """A board of one result that agrees with itself, and then is changed."""
    (result,) = make_results(load_track("x4"), 1, 2, 3, 0)
    write_board(folder, [result])
    path = result_path(folder, "x4", result.team)
    document = json.loads(path.read_text())
    change(document)
    settings = document["signature"]["settings"]
    document["signature"] |= {"id": Signature(settings).id, "text": Signature(settings).text}
    path.write_text(json.dumps(document))
    return folder


def set_scale(document: dict[str, Any]) -> None:
    document["signature"]["settings"]["common"]["scale"] = 10**400


def set_values(key: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        for place in (document["summary"], *document["images"], *document["images"][0]["samples"]):
            place[key] = value
        for sample in document["images"][1]["samples"]:
            sample[key] = value

    return change


def test_an_unchanged_result_is_ranked(tmp_path: Path) -> None:
    assert rank(one_result(lambda document: None, tmp_path), "x4").rows


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (set_scale, "the signature states scale 1000"),
        (set_values("ssim", 1e300), r"ssim is 1e\+300; only -1 to 1 is possible"),
        (set_values("ssim", -3.0), "ssim is -3.0; only -1 to 1 is possible"),
        (set_values("niqe", -5.0), "niqe is -5.0; only 0 to inf is possible"),
        (set_values("brisque", "-inf"), "brisque is -inf, which no measurement gives"),
        (set_values("dists", "inf"), "dists is inf"),
    ],
)
def test_what_no_measurement_gives_is_a_named_error(
    change: Callable[[dict[str, Any]], None], told: str, tmp_path: Path
) -> None:
    with pytest.raises(RankingError) as caught:
        rank(one_result(change, tmp_path), "x4")
    assert re.search(told, str(caught.value))


@pytest.mark.parametrize("key", ["height", "sample"])
def test_sizes_and_numbers_of_400_digits_are_refused(key: str, tmp_path: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        image = document["images"][0]
        (image if key in image else image["samples"][0])[key] = 10**400

    with pytest.raises(ResultsError, match=rf"{key}: expected a whole number"):
        rank(one_result(change, tmp_path), "x4")


@pytest.mark.parametrize("epoch", ["99999999999999", "9" * 30, "\N{SUPERSCRIPT TWO}"])
def test_no_time_stops_a_ranking(epoch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    board = one_result(lambda document: None, tmp_path)
    assert newest_day(board, "x4") == "" or not epoch.isascii()


# Downloads of the competition platform: an account's name is chosen by its owner.


def put(folder: Path, name: str, **scores: float) -> None:
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / name, "w") as file:
        file.writestr("scores.json", json.dumps(scores))


@pytest.mark.parametrize("other", ["Jane", "j\N{CYRILLIC SMALL LETTER A}ne"])
def test_an_account_that_looks_like_another_does_not_replace_it(other: str, tmp_path: Path) -> None:
    put(tmp_path / "d", "res_11_jane_PhaseId7_2026-03-01:09-30_a.zip", lpips=0.1)
    put(tmp_path / "d", f"res_12_{other}_PhaseId7_2026-03-01:10-30_a.zip", lpips=0.9)
    with pytest.raises(ResultsError, match="nothing was imported") as caught:
        import_downloads(tmp_path / "d", "x4", tmp_path / "board")
    assert "which count as the same name" in str(caught.value)


def test_an_account_named_like_a_file_does_not_pass_for_another(tmp_path: Path) -> None:
    put(tmp_path / "d", "res_11_jane_PhaseId7_2026-03-01:09-30_a.zip", lpips=0.1)
    put(tmp_path / "d", "res_12_jane_PhaseId7_x_PhaseId7_2026-03-01:10-30_a.zip", lpips=0.9)
    assert import_downloads(tmp_path / "d", "x4", tmp_path / "board").teams == ("jane", "jane_PhaseId7_x")
    put(tmp_path / "d", "res_13_jane_PhaseId7_2026-01-01_PhaseId7_2026-03-01:11-30_a.zip", lpips=0.9)
    with pytest.raises(ResultsError, match="nothing was imported") as caught:
        import_downloads(tmp_path / "d", "x4", tmp_path / "board2")
    assert "does not say where the owner's name ends" in str(caught.value)


# A full disk.


def test_a_journal_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    class Full:
        def write(self, data: bytes) -> int:
            return len(data)

        def flush(self) -> None:
            raise OSError(28, "No space left on device")

        close = flush

    path = tmp_path / "Team.journal.jsonl"
    record = ImageRecord("0801", 8, 8, None, {}, {}, ())

    def fill() -> None:
        with open_journal(path, Signature({"common": {"scale": 4}})) as journal:
            journal._file = cast(BinaryIO, Full())
            journal.append(record)

    with pytest.raises(ResultsError, match=r"Team\.journal\.jsonl: cannot be written \(No space left"):
        fill()


# Files that are far larger than what they are given as.


@posix
def test_a_file_that_is_too_large_is_not_read_first(tmp_path: Path) -> None:
    path = tmp_path / "000000.png"
    with path.open("wb") as file:
        file.truncate(5_300_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(OSError, match="larger than 536870912 bytes"):
            read_bounded(path, 1 << 29)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("reader", ["verify", "import"])
def test_a_result_of_millions_of_empty_lists_is_refused_by_every_reader(reader: str, tmp_path: Path) -> None:
    text = b'{"team": [' + b"[]," * 500_000 + b"[]]}"
    output = tmp_path / "A"
    output.mkdir()
    (output / "scores.json").write_text('{"lpips": 0.1}')
    (output / "result.json").write_bytes(text)
    with pytest.raises(ResultsError) as caught:
        verify(output / "result.json", tmp_path) if reader == "verify" else import_downloads(tmp_path, "x4", "board")
    assert "values in 1500014 bytes" in str(caught.value)


@posix
@pytest.mark.parametrize("inner", ["", "inner/"])
def test_a_link_in_a_platform_submission_does_not_lead_to_the_reference_data(inner: str, tmp_path: Path) -> None:
    place = tmp_path / "input/res" / inner
    place.mkdir(parents=True)
    (tmp_path / "input/ref").mkdir()
    write_png(tmp_path / "input/ref/0801.png", np.zeros((32, 32, 3), np.uint8))
    (place / "000000_sample00000.png").symlink_to(tmp_path / "input/ref/0801.png")
    (place / "000001_sample00000.png").write_bytes(b"")
    settings = {
        "format": "srspace-eval/codabench/1", "track": "x4", "columns": ["psnr"], "primary": "psnr", "hidden": False,
        "seconds": 60, "program": 1, "metrics": ["psnr"], "samples": 1,
    }  # fmt: skip
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    assert scoring_program.main(tmp_path, [str(tmp_path / "input"), str(tmp_path / "out")]) == 1
    assert "000000_sample00000.png is a link" in (tmp_path / "out/detailed_results.html").read_text()


# What `verify` confirms.


@pytest.mark.parametrize(("place", "value"), [(("track",), "x8"), (("signature", "settings", "common", "images"), 1.0)])
def test_another_track_or_form_of_a_setting_is_not_verified(
    place: tuple[str, ...], value: object, tmp_path: Path
) -> None:
    for name, file, grey in (("gt", "0801.png", 0), ("A", "000000_sample00000.png", 1)):
        (tmp_path / name).mkdir()
        write_png(tmp_path / name / file, np.full((32, 32, 3), grey, np.uint8))
    score(tmp_path / "A", tmp_path / "gt", track="x4", samples=1, metrics=["psnr"], board=tmp_path / "board")
    path = tmp_path / "board/x4/A.json"
    assert verify(path, tmp_path / "A", tmp_path / "gt", track="x4").ok
    document = inner = json.loads(path.read_text())
    for key in place[:-1]:
        inner = inner[key]
    assert inner[place[-1]] != value or type(inner[place[-1]]) is not type(value)
    inner[place[-1]] = value
    settings = document["signature"]["settings"]
    document["signature"] |= {"id": Signature(settings).id, "text": Signature(settings).text}
    path.write_text(json.dumps(document))
    found = verify(path, tmp_path / "A", tmp_path / "gt", track="x4")
    assert [difference.where for difference in found.differences] == [".".join(place)]
    assert seal_of(sha256(path.read_bytes())) is None
