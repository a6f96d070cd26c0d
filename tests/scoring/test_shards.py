from __future__ import annotations

import json
import shutil
import time
import warnings
from pathlib import Path
from typing import Any

import pytest

from benchmarks.inputs import pngs
from benchmarks.inputs.submissions import small
from srspace_eval.errors import InputError, Notice, ResultsError, SubmissionError
from srspace_eval.results.signature import Signature
from srspace_eval.results.store import result_path
from srspace_eval.scoring import run as scoring
from srspace_eval.scoring.journal import open_journal
from srspace_eval.scoring.options import ScoreOptions
from srspace_eval.scoring.run import ShardRun, score_shard
from srspace_eval.scoring.sealed_lines import unsealed
from srspace_eval.scoring.shards import Shard, absent_shards, find_shards
from srspace_eval.tracks.reader import load_track
from tests.helpers.scoring import run


def run_shard(folder: Path, board: Path, index: int, count: int, **changes: Any) -> ShardRun:
    overwrite = changes.pop("overwrite", False)
    options = {"metrics": ("lr_psnr", "diversity_mse"), "samples": 3, **changes}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Notice)
        return score_shard(
            folder / "sub", folder / "gt", Shard(index, count), options=ScoreOptions(**options), track=load_track("x4"),
            team="t", board=board, overwrite=overwrite,
        )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return small(tmp_path / "a", images=5)


def files(board: Path) -> list[str]:
    return sorted(path.name for path in (board / "x4").iterdir())


def written(board: Path) -> bytes:
    return result_path(board, "x4", "t").read_bytes()


def test_shares_are_all_images_once_and_alike_in_size() -> None:
    for count in range(1, 9):
        shares = [Shard(index, count).of(range(7)) for index in range(1, count + 1)]
        assert sorted(image for share in shares for image in share) == list(range(7))
        assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("text", ["0/4", "5/4", "1/0", "1", "-1/4", "1/4/2", "a/b", "", "1 /4", "1.0/4"])
def test_what_is_no_shard(text: str) -> None:
    with pytest.raises(InputError, match="shard"):
        Shard.parse(text)


def test_journals_are_found_by_name_alone(tmp_path: Path) -> None:
    result = tmp_path / "t.json"
    for shard in (Shard(2, 2), Shard(10, 12), Shard(3, 12)):
        shard.journal(result).touch()
    for stranger in ("t2.shard-1-of-2.journal.jsonl", "t.journal.jsonl", "t.shard-3-of-2.journal.jsonl",
                     "t.shard-01-of-2.journal.jsonl", "t.shard-1-of-2.journal.jsonl.lock"):  # fmt: skip
        (tmp_path / stranger).touch()
    assert list(find_shards(result)) == [Shard(2, 2), Shard(3, 12), Shard(10, 12)]
    assert absent_shards([Shard(2, 2)]) == ["1/2"]
    assert find_shards(tmp_path / "none" / "t.json") == {}


def test_a_journals_name_with_a_huge_number_costs_nothing(tmp_path: Path) -> None:
    for name in ("t.shard-1-of-99999999999.journal.jsonl", "t.shard-1-of-999999.journal.jsonl"):
        (tmp_path / name).touch()
    found = find_shards(tmp_path / "t.json")
    assert list(found) == [Shard(1, 999_999)]
    start = time.monotonic()
    assert absent_shards(list(found))[-2:] == ["11/999999", "999988 more"]
    assert time.monotonic() - start < 1


def test_shards_of_merged_boards_give_an_undisturbed_runs_bytes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(folder, tmp_path / "whole")
    images = []
    for index in (1, 2, 3):
        done = run_shard(folder, tmp_path / f"b{index}", index, 3)
        assert done.journal.read_bytes().count(b"\n") == 1 + len(done.images)
        images += done.images
        shutil.copytree(tmp_path / f"b{index}", tmp_path / "merged", dirs_exist_ok=True)
    assert sorted(images) == ["0801", "0802", "0803", "0804", "0805"]
    monkeypatch.setattr(scoring.Journal, "append", lambda *_: pytest.fail("measured again"))
    run(folder, tmp_path / "merged")
    assert written(tmp_path / "merged") == written(tmp_path / "whole")
    assert files(tmp_path / "merged") == ["t.json"]


def test_what_shards_lack_is_measured_and_said(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path / "whole")
    run_shard(folder, tmp_path / "b", 2, 3)
    torn = run_shard(folder, tmp_path / "b", 1, 3).journal
    torn.write_bytes(torn.read_bytes()[:-7])
    with pytest.warns(Notice) as notices:
        scoring.score(
            folder / "sub", folder / "gt", track=load_track("x4"), board=tmp_path / "b", team="t",
            options=ScoreOptions(metrics=("lr_psnr", "diversity_mse"), samples=3),
        )  # fmt: skip
    text = "\n".join(str(notice.message) for notice in notices)
    assert "no journal of shard 3/3" in text
    assert "shard-2-of-3.journal.jsonl: 2 images were measured before" in text
    assert written(tmp_path / "b") == written(tmp_path / "whole")
    assert files(tmp_path / "b") == ["t.json"]


def test_a_shard_goes_on_where_it_was(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run_shard(folder, tmp_path / "b", 1, 2)
    before = done.journal.read_bytes()
    lines = before.splitlines(keepends=True)
    done.journal.write_bytes(b"".join(lines[:2]) + lines[2][:9])
    measured = []
    kept = scoring.Journal.append
    monkeypatch.setattr(scoring.Journal, "append", lambda j, r: (measured.append(r.image), kept(j, r)))
    run_shard(folder, tmp_path / "b", 1, 2)
    assert sorted(measured) == sorted(set(done.images) - {json.loads(lines[1])["image"]})
    after = done.journal.read_bytes().splitlines(keepends=True)
    assert sorted(map(unsealed, after)) == sorted(map(unsealed, lines))  # seals depend on the order


def test_shards_of_another_signature_are_refused_by_name(folder: Path, tmp_path: Path) -> None:
    run_shard(folder, tmp_path / "b", 1, 2)
    run_shard(folder, tmp_path / "b", 2, 2, convention="matlab")
    with pytest.raises(ResultsError, match="convention") as caught:
        run(folder, tmp_path / "b")
    assert "t.shard-2-of-2.journal.jsonl" in str(caught.value)
    assert "t.shard-1-of-2.journal.jsonl" not in str(caught.value)
    assert files(tmp_path / "b") == ["t.shard-1-of-2.journal.jsonl", "t.shard-2-of-2.journal.jsonl"]
    with pytest.raises(ResultsError, match="another signature"):
        run_shard(folder, tmp_path / "b", 2, 2)
    run_shard(folder, tmp_path / "b", 2, 2, overwrite=True)
    run(folder, tmp_path / "b")
    run(folder, tmp_path / "whole")
    assert written(tmp_path / "b") == written(tmp_path / "whole")


def test_a_shard_that_is_being_measured_is_refused(folder: Path, tmp_path: Path) -> None:
    done = run_shard(folder, tmp_path / "b", 1, 2)
    document = json.loads(done.journal.read_text().splitlines()[0])
    signature = Signature(document["settings"], document["environment"])
    with open_journal(done.journal, signature):
        with pytest.raises(ResultsError, match="another process"):
            run(folder, tmp_path / "b")
        with pytest.raises(ResultsError, match="another process"):
            run_shard(folder, tmp_path / "b", 1, 2)
        run_shard(folder, tmp_path / "b", 2, 2)  # the other one is free
    run(folder, tmp_path / "b")


def test_a_scored_submission_needs_no_shards(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path / "b")
    before = written(tmp_path / "b")
    assert not run_shard(folder, tmp_path / "b", 1, 2).journal.exists()
    with pytest.raises(ResultsError, match="convention"):
        run_shard(folder, tmp_path / "b", 1, 2, convention="matlab")
    late = run_shard(folder, tmp_path / "b", 1, 2, overwrite=True).journal
    assert late.exists()
    run(folder, tmp_path / "b")  # the result stands: what is left over goes
    assert files(tmp_path / "b") == ["t.json"]
    assert written(tmp_path / "b") == before


def test_faults_of_samples_are_found_by_their_own_shard(folder: Path, tmp_path: Path) -> None:
    (folder / "sub/000001_sample00002.png").write_bytes(pngs.jpeg())
    run_shard(folder, tmp_path / "b", 1, 2)
    with pytest.raises(SubmissionError, match="JPEG"):
        run_shard(folder, tmp_path / "b", 2, 2)
    with pytest.raises(SubmissionError, match="JPEG"):
        run(folder, tmp_path / "b")
    (folder / "sub/000000_sample00000.png").unlink()
    with pytest.raises(SubmissionError, match="missing"):  # a missing file is every shard's fault
        run_shard(folder, tmp_path / "b", 2, 2)


def test_a_changed_file_is_measured_again_by_the_merge(folder: Path, tmp_path: Path) -> None:
    for index in (1, 2):
        run_shard(folder, tmp_path / "b", index, 2)
    pngs_written = folder / "sub/000003_sample00001.png"
    pngs_written.write_bytes((folder / "sub/000003_sample00000.png").read_bytes())
    run(folder, tmp_path / "b")
    run(folder, tmp_path / "whole")
    assert written(tmp_path / "b") == written(tmp_path / "whole")


def test_more_shards_than_images(folder: Path, tmp_path: Path) -> None:
    assert run_shard(folder, tmp_path / "b", 7, 8).images == ()
    assert files(tmp_path / "b") == []
