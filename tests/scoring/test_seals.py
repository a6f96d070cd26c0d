"""Numbers that this machine did not measure are never taken for measured ones."""

from __future__ import annotations

import json
import multiprocessing
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks.inputs.hostile.forged import better, forge_journal, forge_result
from benchmarks.inputs.submissions import small
from srspace_eval._utils.hashing import sha256
from srspace_eval._utils.machine_secret import (
    ENVIRONMENT,
    existing_secret,
    machine_secret,
    state_folder,
    warn_if_shared,
)
from srspace_eval.metrics.base import RunInputs
from srspace_eval.ranking import rank
from srspace_eval.results.record import Result
from srspace_eval.results.seals import seal_of
from srspace_eval.results.store import result_path
from srspace_eval.scoring.run import score, score_shard
from srspace_eval.scoring.shards import Shard
from srspace_eval.scoring.verify import verify

OPTIONS: dict[str, Any] = {"track": "x4", "samples": 3, "metrics": ["lr_psnr", "diversity_mse"], "team": "t"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small(tmp_path_factory.mktemp("submission"))


@contextmanager
def machine(state: Path) -> Iterator[None]:
    """Another machine, or another user: another state folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENVIRONMENT, str(state))
        yield


def run(folder: Path, board: Path, **more: Any) -> tuple[Result, list[str]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = score(folder / "sub", folder / "gt", board=board, **OPTIONS, **more)
    return result, [str(warning.message) for warning in caught]


def shard(folder: Path, board: Path, index: int) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return score_shard(folder / "sub", folder / "gt", Shard(index, 2), board=board, **OPTIONS).journal


def evidence(board: Path) -> list[str]:
    return [row.entry.evidence for row in rank(board, "x4").rows]


def on_trust(folder: Path, board: Path, patch: pytest.MonkeyPatch) -> None:
    """A run that took a forged journal on trust, and was stopped before it wrote its result.

    Afterwards, all images are in the journal, and this machine sealed its lines.
    """
    with machine(board.with_name("theirs")):
        journal = shard(folder, board, 1)
    forge_journal(journal)
    journal.rename(journal.with_name("t.journal.jsonl"))

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with patch.context() as during:
        during.setattr("srspace_eval.scoring.run.make_result", stopped)
        with pytest.raises(KeyboardInterrupt):
            run(folder, board, trust_board=True)


def test_a_forged_result_is_measured_anew(folder: Path, tmp_path: Path) -> None:
    honest, notices = run(folder, tmp_path)
    assert not any("claim" in notice for notice in notices)
    path = result_path(tmp_path, "x4", "t")
    before = path.read_bytes()
    assert evidence(tmp_path) == ["measured here"]
    forge_result(path)
    assert evidence(tmp_path) == ["claim"]
    result, notices = run(folder, tmp_path)
    assert result == honest
    assert path.read_bytes() == before
    told = "\n".join(notices)
    assert "is a claim" in told
    assert f"lr_psnr {honest.summary['lr_psnr'] + 10:.6g}, measured {honest.summary['lr_psnr']:.6g}" in told  # type: ignore[operator]
    assert "already scored" not in told
    assert evidence(tmp_path) == ["measured here"]
    assert "already scored" in "\n".join(run(folder, tmp_path)[1])


def test_a_result_of_another_machine_is_a_claim_until_it_is_verified(folder: Path, tmp_path: Path) -> None:
    board = tmp_path / "board"
    with machine(tmp_path / "theirs"):
        run(folder, board)
        assert evidence(board) == ["measured here"]
    path = result_path(board, "x4", "t")
    with machine(tmp_path / "ours"):
        assert evidence(board) == ["claim"]
        done = verify(path, folder / "sub", folder / "gt", images=1, seed=0)
        assert done.ok
        assert evidence(board) == ["verified here (1 of 2 images)"]
        assert "is a claim" in "\n".join(run(folder, board)[1])
        assert evidence(board) == ["measured here"]
    with machine(tmp_path / "third"):
        assert evidence(board) == ["claim"]
        verify(path, folder / "sub", folder / "gt")
        assert evidence(board) == ["verified here"]
        verify(path, folder / "sub", folder / "gt", images=1)  # a part does not replace the whole
        assert evidence(board) == ["verified here"]
        assert "already scored" in "\n".join(run(folder, board)[1])


def test_a_forged_result_does_not_become_verified(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path)
    path = result_path(tmp_path, "x4", "t")
    forge_result(path)
    assert not verify(path, folder / "sub", folder / "gt").ok
    assert seal_of(sha256(path.read_bytes())) is None


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("name", ["t.journal.jsonl", "t.shard-1-of-2.journal.jsonl"])
def test_forged_journals_are_not_resumed_from(folder: Path, tmp_path: Path, name: str, overwrite: bool) -> None:
    honest, _ = run(folder, tmp_path / "clean")
    with machine(tmp_path / "theirs"):
        journal = shard(folder, tmp_path / "board", 1)
    forge_journal(journal)
    journal.rename(journal.with_name(name))
    result, notices = run(folder, tmp_path / "board", overwrite=overwrite)
    assert result == honest
    told = "\n".join(notices)
    assert f"{name}: is measured anew, because this machine did not write it" in told
    assert "were measured before" not in told
    assert [path.name for path in (tmp_path / "board/x4").iterdir()] == ["t.json"]


def test_shards_of_a_cluster_are_taken_with_trust_board_alone(folder: Path, tmp_path: Path) -> None:
    honest, _ = run(folder, tmp_path / "clean")
    for index in (1, 2):
        with machine(tmp_path / f"node{index}"):
            shard(folder, tmp_path / "board", index)
    with machine(tmp_path / "ours"):
        result, notices = run(folder, tmp_path / "board", trust_board=True)
        assert result == honest
        assert sum("1 images were measured before" in notice for notice in notices) == 2
        assert evidence(tmp_path / "board") == ["taken on trust (score --trust-board)"]
        assert "already scored" in "\n".join(run(folder, tmp_path / "board", trust_board=True)[1])
        # Trust belongs to one call.
        assert "is a claim, because some of its images were taken on trust" in "\n".join(
            run(folder, tmp_path / "board")[1]
        )
        assert evidence(tmp_path / "board") == ["measured here"]


def test_a_trusted_journal_goes_on(folder: Path, tmp_path: Path) -> None:
    with machine(tmp_path / "theirs"):
        journal = shard(folder, tmp_path / "board", 1)
    journal.rename(journal.with_name("t.journal.jsonl"))
    result, notices = run(folder, tmp_path / "board", trust_board=True)
    assert "1 images were measured before" in "\n".join(notices)
    assert result == run(folder, tmp_path / "clean")[0]


def test_trust_is_not_forgotten_by_a_run_that_was_stopped(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, _ = run(folder, tmp_path / "clean")
    on_trust(folder, tmp_path / "board", monkeypatch)
    result, notices = run(folder, tmp_path / "board")
    assert result == honest
    assert "some of its images were taken on trust" in "\n".join(notices)
    assert evidence(tmp_path / "board") == ["measured here"]


def test_trust_that_is_given_again_is_told_of_the_result(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_trust(folder, tmp_path / "board", monkeypatch)
    _, notices = run(folder, tmp_path / "board", trust_board=True)
    assert "2 images were measured before" in "\n".join(notices)
    assert evidence(tmp_path / "board") == ["taken on trust (score --trust-board)"]


def test_shards_of_one_machine_need_no_trust(folder: Path, tmp_path: Path) -> None:
    for index in (1, 2):
        shard(folder, tmp_path / "board", index)
    _, notices = run(folder, tmp_path / "board")
    assert sum("1 images were measured before" in notice for notice in notices) == 2
    assert evidence(tmp_path / "board") == ["measured here"]


@pytest.mark.parametrize("change", ["forged", "exchanged", "first left out"])
def test_changed_lines_of_a_journal_are_measured_anew(folder: Path, tmp_path: Path, change: str) -> None:
    # A journal of all images, as a run leaves it that is killed before it writes its result.
    journal = shard(folder, tmp_path / "one", 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("srspace_eval.scoring.run.write_result", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(folder, tmp_path / "board")
    journal = tmp_path / "board/x4/t.journal.jsonl"
    header, *lines = journal.read_bytes().splitlines(keepends=True)
    assert len(lines) == 2
    if change == "forged":
        image = json.loads(lines[0])
        better(image)
        lines[0] = json.dumps(image).encode() + b"\n"
    elif change == "exchanged":
        lines.reverse()
    else:
        del lines[0]
    journal.write_bytes(b"".join([header, *lines]))
    result, notices = run(folder, tmp_path / "board")
    assert "line 2 is not as this machine wrote it" in "\n".join(notices)
    assert result == run(folder, tmp_path / "clean")[0]


def test_without_a_state_folder_it_is_measured_and_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    honest, _ = run(folder, tmp_path / "clean")
    with machine(tmp_path / "file/state"):
        result, notices = run(folder, tmp_path / "board")
        assert result == honest
        told = "\n".join(notices)
        assert "the state folder cannot be used" in told
        assert ENVIRONMENT in told
        assert evidence(tmp_path / "board") == ["claim"]
        shard(folder, tmp_path / "shards", 1)
        assert "is measured anew" in "\n".join(run(folder, tmp_path / "shards")[1])
        shard(folder, tmp_path / "trusted", 1)
        _, notices = run(folder, tmp_path / "trusted", trust_board=True)
        assert "1 images were measured before" in "\n".join(notices)


def test_ranking_makes_no_secret(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path / "board")
    with machine(tmp_path / "state"):
        assert evidence(tmp_path / "board") == ["claim"]
        assert existing_secret() is None
    assert not (tmp_path / "state").exists()


def test_processes_that_start_together_share_one_secret(tmp_path: Path) -> None:
    with machine(tmp_path / "state"):
        with multiprocessing.get_context("spawn").Pool(4) as pool:
            found = pool.starmap(machine_secret, [()] * 16, chunksize=1)
        assert set(found) == {existing_secret()}
        assert len(found[0]) == 32
        assert [path.name for path in state_folder().iterdir()] == ["secret.key"]
        if sys.platform != "win32":
            assert (tmp_path / "state/secret.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kind", ["short", "link"])
def test_a_secret_of_another_form_is_not_used(tmp_path: Path, kind: str) -> None:
    (tmp_path / "state").mkdir()
    path = tmp_path / "state/secret.key"
    if kind == "short":
        path.write_bytes(b"known")
    else:
        (tmp_path / "known").write_bytes(b"k" * 32)
        path.symlink_to(tmp_path / "known")
    with machine(tmp_path / "state"):
        assert existing_secret() is None
        with pytest.raises(OSError, match=r"secret\.key: "):
            machine_secret()


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
@pytest.mark.parametrize(
    ("file", "folder", "words"),
    [
        (0o602, 0o700, "chmod 600"),
        (0o640, 0o700, "chmod 600"),
        (0o600, 0o777, "chmod 700"),
        (0o600, 0o775, "chmod 700"),
        (0o600, 0o755, ""),
        (0o600, 0o1777, ""),
    ],
)
def test_a_secret_that_others_can_change_or_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: int, folder: int, words: str
) -> None:
    with machine(tmp_path / "state"):
        machine_secret()
        (tmp_path / "state/secret.key").chmod(file)
        (tmp_path / "state").chmod(folder)
        monkeypatch.setattr("srspace_eval._utils.machine_secret._is_private", lambda group: False)
        warn_if_shared.cache_clear()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert existing_secret() == machine_secret()
    assert len(caught) == bool(words)
    assert all(words in str(notice.message) for notice in caught)


def test_a_seal_that_was_copied_or_changed_does_not_count(folder: Path, tmp_path: Path) -> None:
    with machine(tmp_path / "state"):
        run(folder, tmp_path / "board")
        digest = sha256(result_path(tmp_path / "board", "x4", "t").read_bytes())
        (stored,) = (state_folder() / "seals").iterdir()
        document = json.loads(stored.read_text())
        for change in ({"how": "verified"}, {"images": 1}, {"result": "0" * 64}, {"seal": "0" * 64}, {"format": "x"}):
            stored.write_text(json.dumps({**document, **change}))
            assert seal_of(digest) is None
        stored.write_text(json.dumps(document))
        assert seal_of(digest) is not None
        (state_folder() / "secret.key").unlink()
        machine_secret()
        assert seal_of(digest) is None


def test_patches_without_a_seed_get_one_that_nobody_can_guess(folder: Path, tmp_path: Path) -> None:
    from srspace_eval import PatchPlan
    from srspace_eval.scoring.options import ScoreOptions
    from srspace_eval.scoring.patch_seed import with_patch_seed

    def seed(state: str, gt: str, given: int | None = None) -> int | None:
        with machine(tmp_path / state):
            plan = with_patch_seed(ScoreOptions(patches=PatchPlan(5, 8, given)), gt).patches
        assert plan is not None
        return plan.seed

    first = seed("a", "board")
    assert first not in (None, 0)
    assert seed("a", "board") == first  # the same for all teams, and for a run that goes on
    assert len({first, seed("b", "board"), seed("a", "other")}) == 3
    assert seed("a", "board", 7) == 7
    with machine(tmp_path / "a"):
        measured = ScoreOptions(metrics=("psnr",), patches=PatchPlan(5, 8))
        (metric,) = [m for name, m in with_patch_seed(measured, "board").bound(None).items() if name != "psnr"]
    assert metric.signature(RunInputs()) == {"patches": 5, "size": 8, "seed": first}
