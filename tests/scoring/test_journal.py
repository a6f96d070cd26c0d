from __future__ import annotations

import math
import os
import sys
import tracemalloc
from pathlib import Path

import pytest

from srspace_eval.errors import ResultsError
from srspace_eval.results.record import ImageRecord, SampleRecord
from srspace_eval.results.signature import Signature
from srspace_eval.scoring.journal import open_journal

SIGNATURE = Signature({"common": {"scale": 4}}, {"torch": "2"})


def record(name: str) -> ImageRecord:
    return ImageRecord(
        name, 8, 8, "a" * 64, {"lr_psnr": math.inf, "diversity": None, "lpips": 0.1 + len(name)},
        {"diversity_curve": (0.0, None)},
        (SampleRecord(0, "f.png", "b" * 64, {"lpips": 0.25}),),
    )  # fmt: skip


def test_records_come_back_exactly(tmp_path: Path) -> None:
    path = tmp_path / "board" / "t.journal.jsonl"
    with open_journal(path, SIGNATURE) as journal:
        assert not path.exists()  # nothing measured, nothing written
        journal.append(record("a"))
        journal.append(record("b"))
    with open_journal(path, SIGNATURE) as journal:
        assert journal.records == {"a": record("a"), "b": record("b")}
        journal.append(record("c"))
    with open_journal(path, SIGNATURE) as journal:
        assert list(journal.records) == ["a", "b", "c"]
        journal.discard()
    assert list(path.parent.iterdir()) == []


def test_torn_anywhere_it_keeps_the_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "t.journal.jsonl"
    with open_journal(path, SIGNATURE) as journal:
        for name in "abc":
            journal.append(record(name))
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with open_journal(path, SIGNATURE) as journal:
            whole = data[:length].count(b"\n") - 1
            assert list(journal.records) == list("abc"[: max(0, whole)])
            for name in "abc"[max(0, whole) :]:
                journal.append(record(name))
        assert path.read_bytes() == data


@pytest.mark.parametrize(
    "other", [Signature({"common": {"scale": 8}}, {"torch": "2"}), Signature({"common": {"scale": 4}}, {"torch": "3"})]
)
def test_another_signature_is_refused_unless_told(tmp_path: Path, other: Signature) -> None:
    path = tmp_path / "t.journal.jsonl"
    with open_journal(path, SIGNATURE) as journal:
        journal.append(record("a"))
    before = path.read_bytes()
    with pytest.raises(ResultsError, match="another signature"), open_journal(path, other):
        pass
    assert path.read_bytes() == before
    with open_journal(path, other, replace=True) as journal:
        assert journal.records == {}
        journal.append(record("b"))
    with open_journal(path, other) as journal:
        assert list(journal.records) == ["b"]


def test_metrics_that_only_one_run_measures_are_named(tmp_path: Path) -> None:
    path = tmp_path / "t.journal.jsonl"
    with open_journal(path, Signature({"common": {}, "ssim": {"window": 11}})) as journal:
        journal.append(record("a"))
    with (
        pytest.raises(ResultsError) as caught,
        open_journal(path, Signature({"common": {}, "lr_psnr": {"convention": "matlab"}})),
    ):
        pass
    assert caught.value.problems == ("lr_psnr: not measured then", "ssim: not measured now")


@pytest.mark.parametrize(
    "header",
    [
        "[]",
        '{"format": "srspace-eval/journal/1"}',
        '{"format": "srspace-eval/journal/1", "settings": [], "environment": {}}',
        '{"format": "srspace-eval/journal/1", "settings": {"common": 4}, "environment": {}}',
        '{"format": "srspace-eval/journal/1", "settings": {}, "environment": 1}',
    ],
)
def test_a_header_of_another_form_is_refused(tmp_path: Path, header: str) -> None:
    path = tmp_path / "t.journal.jsonl"
    path.write_text(f"{header}\n")
    with pytest.raises(ResultsError, match="not a journal"), open_journal(path, SIGNATURE):
        pass


@pytest.mark.parametrize("line", ["{", "[]", "7", '{"image": "b"}', "[" * 100_000])
def test_images_from_the_first_damaged_line_on_are_dropped(tmp_path: Path, line: str) -> None:
    path = tmp_path / "t.journal.jsonl"
    with open_journal(path, SIGNATURE) as journal:
        journal.append(record("a"))
    whole = path.read_bytes()
    path.write_bytes(whole + line.encode() + b"\n" + whole.splitlines()[1].replace(b'"a"', b'"c"') + b"\n")
    with open_journal(path, SIGNATURE) as journal:
        assert list(journal.records) == ["a"]
        journal.append(record("b"))
    with open_journal(path, SIGNATURE) as journal:
        assert list(journal.records) == ["a", "b"]


def test_a_line_that_never_ends_is_not_held_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "t.journal.jsonl"
    with path.open("wb") as file:
        file.truncate(1 << 33)  # a sparse file of 8 GiB
    tracemalloc.start()
    try:
        with open_journal(path, SIGNATURE) as journal:
            assert journal.records == {}
        assert tracemalloc.get_traced_memory()[1] < 1 << 28
    finally:
        tracemalloc.stop()


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.journal.jsonl"
    with (
        open_journal(path, SIGNATURE),
        pytest.raises(ResultsError, match="another process"),
        open_journal(path, SIGNATURE),
    ):
        pass
    with open_journal(path, SIGNATURE):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")
@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe", "device"])
def test_a_link_a_pipe_or_a_device_is_refused_and_left_alone(tmp_path: Path, kind: str, replace: bool) -> None:
    path, target = tmp_path / "t.journal.jsonl", tmp_path / "precious"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        if kind == "link":
            target.write_bytes(b"precious")
        path.symlink_to("/dev/zero" if kind == "device" else target)
    refused = pytest.raises(ResultsError, match=r"cannot be read .*(symbolic link|regular file)")
    with refused, open_journal(path, SIGNATURE, replace=replace) as journal:
        journal.append(record("a"))
    assert (target.read_bytes() if target.exists() else None) == (b"precious" if kind == "link" else None)
    assert path.is_symlink() == (kind != "pipe")
