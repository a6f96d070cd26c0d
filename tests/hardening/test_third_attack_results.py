"""Attacks on results, seals, names and boards that succeeded against 0.2.0 before its release. Each fails now."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import srspace_eval as se
from benchmarks.inputs.hostile.forged import forge_result
from benchmarks.inputs.submissions import small
from srspace_eval._utils import machine_secret
from srspace_eval._utils.files import locked, read_bounded, write_atomic
from srspace_eval._utils.hashing import sha256, sha256_of_text
from srspace_eval._utils.untrusted_text import slug, team_slug
from srspace_eval.metrics.registry import columns
from srspace_eval.ranking import rank
from srspace_eval.results import store
from srspace_eval.results.seals import seal_of
from srspace_eval.scoring.summary import summarise

OPTIONS: dict[str, Any] = {"track": "x4", "samples": 3, "metrics": ["lr_psnr"]}
VICTIM = "jane.doe"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small(tmp_path_factory.mktemp("submission"))


def run(folder: Path, board: Path, team: str = "t", **more: Any) -> tuple[se.Result, str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = se.score(folder / "sub", folder / "gt", board=board, team=team, **OPTIONS, **more)
    return result, "\n".join(str(warning.message) for warning in caught)


def evidence(board: Path) -> str:
    (row,) = rank(board, "x4").rows
    return row.entry.evidence


# The numbers that are shown are those that the seal is of.


def swap(monkeypatch: pytest.MonkeyPatch, path: Path, forged: bytes) -> bytes:
    """Another process that replaces the file after each reading: first it is forged, and then genuine."""
    genuine = path.read_bytes()
    read = read_bounded

    def racing(file: Path, limit: int) -> bytes:
        content = read(file, limit)
        if file == path:
            path.write_bytes(genuine if content == forged else forged)
        return content

    path.write_bytes(forged)
    monkeypatch.setattr(store, "read_bounded", racing)
    return genuine


def forged_bytes(path: Path) -> bytes:
    genuine = path.read_bytes()
    forge_result(path)
    forged = path.read_bytes()
    path.write_bytes(genuine)
    return forged


def test_a_file_that_is_swapped_while_rank_runs_is_not_shown_as_measured(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, _ = run(folder, tmp_path)
    path = se.result_path(tmp_path, "x4", "t")
    swap(monkeypatch, path, forged_bytes(path))
    (row,) = rank(tmp_path, "x4").rows
    assert row.entry.values["lr_psnr"] == pytest.approx(honest.summary["lr_psnr"] + 10)  # type: ignore[operator]
    assert row.entry.evidence == "claim"


def test_a_file_that_is_swapped_while_score_runs_is_neither_taken_nor_sealed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, _ = run(folder, tmp_path)
    path = se.result_path(tmp_path, "x4", "t")
    forged = forged_bytes(path)
    # `score` reads the team's name twice before it reads the result.
    reads = 0
    read = read_bounded

    def racing(file: Path, limit: int) -> bytes:
        nonlocal reads
        content = read(file, limit)
        if file == path:
            reads += 1
            path.write_bytes(forged if reads % 2 else genuine)
        return content

    genuine = path.read_bytes()
    for first in (forged, genuine):
        path.write_bytes(first)
        with monkeypatch.context() as during:
            during.setattr(store, "read_bounded", racing)
            result, _ = run(folder, tmp_path)
        assert result == honest
        assert seal_of(sha256(forged)) is None


# Trust belongs to the call in which it is given.


def test_a_result_that_was_taken_on_trust_is_measured_by_a_run_without_trust(folder: Path, tmp_path: Path) -> None:
    honest, _ = run(folder, tmp_path)
    path = se.result_path(tmp_path, "x4", "t")
    forge_result(path)
    _, told = run(folder, tmp_path, trust_board=True)
    assert "already scored" in told
    assert evidence(tmp_path) == "taken on trust (score --trust-board)"
    result, told = run(folder, tmp_path)
    assert "is a claim, because some of its images were taken on trust; it is measured anew" in told
    assert "the claim is replaced, because it states other numbers" in told
    assert result == honest
    assert evidence(tmp_path) == "measured here"


def test_an_own_result_needs_no_trust_and_keeps_its_seal(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path)
    run(folder, tmp_path, trust_board=True)
    assert evidence(tmp_path) == "measured here"


# A team's file belongs to it alone.


def test_no_name_has_the_file_of_another_name() -> None:
    names = [VICTIM]
    for _ in range(3):
        names.append(team_slug(names[-1]))
    names.append("Jane-Doe-D48722FC")
    assert slug(VICTIM) == slug(slug(VICTIM))
    assert len({team_slug(name).lower() for name in names}) == len(names)
    assert team_slug("Deepest") == slug("Deepest")
    assert team_slug(VICTIM) == slug(VICTIM)


def test_two_teams_of_one_earlier_file_name_are_both_scored(folder: Path, tmp_path: Path) -> None:
    teams = (VICTIM, slug(VICTIM))
    for overwrite in (False, True):
        for team in teams:
            run(folder, tmp_path, team, overwrite=overwrite)
        assert {result.team for result in se.load_board(tmp_path).results("x4")} == set(teams)


def test_a_result_under_its_earlier_file_name_is_found(folder: Path, tmp_path: Path) -> None:
    team = slug(VICTIM)
    run(folder, tmp_path, team)
    now = se.result_path(tmp_path, "x4", team)
    older = now.with_name(f"{team}.json")
    now.rename(older)
    assert se.result_path(tmp_path, "x4", team) == older
    assert "already scored" in run(folder, tmp_path, team)[1]
    for overwrite in (False, True):
        with pytest.raises(se.ResultsError, match=f"holds the result of '{team}'"):
            run(folder, tmp_path, VICTIM, overwrite=overwrite)
    assert [path.name for path in (tmp_path / "x4").iterdir()] == [older.name]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_digest_that_collides_destroys_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool
) -> None:
    # Eight digits of a digest can be found again by trying names.
    monkeypatch.setattr(
        "srspace_eval._utils.untrusted_text.sha256_of_text", lambda text: sha256_of_text(text.replace("!", "."))
    )
    run(folder, tmp_path, VICTIM)
    before = se.result_path(tmp_path, "x4", VICTIM).read_bytes()
    with pytest.raises(se.ResultsError, match=r"holds the result of 'jane\.doe'; give 'jane!doe' another name"):
        run(folder, tmp_path, "jane!doe", overwrite=overwrite)
    assert se.result_path(tmp_path, "x4", VICTIM).read_bytes() == before


def download(folder: Path, number: int, team: str, result: se.Result) -> None:
    place = folder / f"res_{number}_{team}_PhaseId7_2026-03-01:10-30_prediction"
    place.mkdir(parents=True)
    store.write_result(place / "result.json", replace(result, team="participant"))
    (place / "scores.json").write_text(json.dumps({"lr_psnr": result.summary["lr_psnr"]}))


@pytest.mark.skipif(sys.platform == "win32", reason="the platform's names hold colons")
@pytest.mark.parametrize("attacker", [slug(VICTIM), "jane!doe"])
def test_an_import_gives_no_account_the_file_of_another(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attacker: str
) -> None:
    result, _ = run(folder, tmp_path / "measured")
    for number, team in enumerate((VICTIM, attacker)):
        download(tmp_path / "downloads", number, team, result)
    if attacker == slug(VICTIM):
        found = se.import_downloads(tmp_path / "downloads", "x4", tmp_path / "board")
        assert len(set(found.results)) == 2
        assert {r.team for r in se.load_board(tmp_path / "board").results("x4")} == {VICTIM, attacker}
        return
    monkeypatch.setattr(
        "srspace_eval._utils.untrusted_text.sha256_of_text", lambda text: sha256_of_text(text.replace("!", "."))
    )
    for overwrite in (False, True):
        with pytest.raises(se.ResultsError, match=r"'jane!doe' would have the file .* as 'jane\.doe'"):
            se.import_downloads(tmp_path / "downloads", "x4", tmp_path / "board", overwrite=overwrite)
    assert not (tmp_path / "board").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="the platform's names hold colons")
def test_an_import_with_overwrite_replaces_no_other_team(folder: Path, tmp_path: Path) -> None:
    result, _ = run(folder, tmp_path / "measured")
    theirs = se.result_path(tmp_path / "board", "x4", VICTIM)
    store.write_result(theirs, replace(result, team=slug(VICTIM)))  # an earlier version wrote it there
    download(tmp_path / "downloads", 1, VICTIM, result)
    with pytest.raises(se.ResultsError, match=f"holds the result of '{slug(VICTIM)}'"):
        se.import_downloads(tmp_path / "downloads", "x4", tmp_path / "board", overwrite=True)


def test_each_team_has_its_own_report(tmp_path: Path) -> None:
    teams = (VICTIM, slug(VICTIM))
    for team in teams:
        (tmp_path / "inbox" / team).mkdir(parents=True)
    batch = se.check_all([tmp_path / "inbox" / team for team in teams], track="x4")
    written = se.write_letters(batch, tmp_path / "reports")
    assert len(set(written)) == 2
    # A report of another team is not replaced.
    written[0].rename(written[1])
    with pytest.raises(se.ResultsError, match="no earlier reports of these teams"):
        se.write_letters(batch, tmp_path / "reports")


# Nothing outside the board is written.


def test_a_folder_of_a_track_that_is_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    result, _ = run(folder, tmp_path / "measured")
    outside = tmp_path / "outside"
    outside.mkdir()
    precious = [outside / "t.json", outside / "t.journal.jsonl", outside / "t.shard-1-of-2.journal.jsonl"]
    for path in precious:
        path.write_text("precious")
    (tmp_path / "board").mkdir()
    (tmp_path / "board/x4").symlink_to(outside, target_is_directory=True)
    for overwrite in (False, True):
        with pytest.raises(se.ResultsError, match="x4: is a symbolic link, which is not followed"):
            run(folder, tmp_path / "board", overwrite=overwrite)
        with pytest.raises(se.ResultsError, match="is a symbolic link"):
            se.score_shard(
                folder / "sub", folder / "gt", se.Shard(1, 2), board=tmp_path / "board", team="t", overwrite=overwrite,
                **OPTIONS,
            )  # fmt: skip
    if sys.platform != "win32":
        download(tmp_path / "downloads", 1, "t", result)
        with pytest.raises(se.ResultsError, match="is a symbolic link"):
            se.import_downloads(tmp_path / "downloads", "x4", tmp_path / "board", overwrite=True)
    assert sorted(outside.iterdir()) == sorted(precious)
    assert {path.read_text() for path in precious} == {"precious"}


@pytest.mark.skipif(sys.platform == "win32", reason="temporary files have unique names there")
def test_a_temporary_file_that_is_a_hard_link_leaves_its_other_name_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    os.link(tmp_path / "precious", tmp_path / ".a.json.tmp")
    write_atomic(tmp_path / "a.json", "new")
    assert (tmp_path / "precious").read_text() == "precious"
    assert (tmp_path / "a.json").read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "precious"]


@pytest.mark.parametrize("name", ["t.journal.jsonl", "t.journal.jsonl.lock"])
def test_no_file_of_a_run_is_written_through_a_hard_link(folder: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "x4").mkdir()
    (tmp_path / "precious").write_text("precious")
    os.link(tmp_path / "precious", tmp_path / "x4" / name)
    with pytest.raises(se.ResultsError, match=r"has several names \(hard links\)"):
        run(folder, tmp_path, overwrite=True)
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_lock_that_is_a_hard_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    os.link(tmp_path / "precious", tmp_path / "lock")
    with pytest.raises(OSError, match="hard links"), locked(tmp_path / "lock"):
        pass
    assert (tmp_path / "precious").read_text() == "precious"


# A state folder of which other users have a part is told.


@pytest.mark.skipif(sys.platform == "win32", reason="owners of POSIX")
@pytest.mark.parametrize(
    ("mode", "owner", "private", "words"),
    [
        (0o40775, None, False, "Run chmod 700"),
        (0o40775, None, True, ""),
        (0o41775, None, False, ""),
        (0o40700, 54321, True, "Name a folder of your own"),
        (0o40755, 0, True, ""),
    ],
)
def test_whoever_can_replace_the_secret_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, owner: int | None, private: bool, words: str
) -> None:
    state = tmp_path / "state"
    monkeypatch.setenv(machine_secret.ENVIRONMENT, str(state))
    machine_secret.machine_secret()
    stat = Path.stat

    def pretended(path: Path, **more: bool) -> os.stat_result:
        found = stat(path, **more)
        if path != state:
            return found
        return os.stat_result((mode, *found[1:4], found.st_uid if owner is None else owner, *found[5:10]))

    monkeypatch.setattr(Path, "stat", pretended)
    monkeypatch.setattr(machine_secret, "_is_private", lambda group: private)
    machine_secret.warn_if_shared.cache_clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        machine_secret.existing_secret()
    assert len(caught) == bool(words)
    assert all(words in str(notice.message) for notice in caught)


# Files that are easily overlooked.


def test_a_result_whose_name_ends_in_capitals_is_ranked(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path)
    path = se.result_path(tmp_path, "x4", "t")
    path.rename(path.with_name("t.JSON"))
    assert [row.entry.team for row in rank(tmp_path, "x4").rows] == ["t"]
    assert [track.name for track in se.load_board(tmp_path).tracks()] == ["x4"]


# One infinite sample hides no other, and no other image.

NO_FLOOR = """
name = "nf"
title = "No floor"
scale = 4
first = 801
samples = 3
[measure.raw]
metric = "lr_psnr"
floor = "none"
[ranking]
criteria = [{ metric = "raw" }]
order_by = ["rank(raw)"]
"""


def images_of(values: list[list[float]], metric: str) -> list[se.ImageRecord]:
    """Images with the values of their samples, and the mean of these, which may be infinite."""
    return [
        se.ImageRecord(
            str(n),
            32,
            48,
            "0" * 64,
            {metric: math.fsum(samples) / len(samples)},
            {},
            tuple(se.SampleRecord(m, f"{m}.png", "0" * 64, {metric: value}) for m, value in enumerate(samples)),
        )
        for n, samples in enumerate(values)
    ]


def test_an_exact_sample_does_not_hide_a_bad_one() -> None:
    images = images_of([[30.0, 32.0], [math.inf, 8.0], [math.inf, math.inf]], "snr")
    summary, _, notes = summarise(images, columns())
    assert summary == {"snr": pytest.approx((31 + 8) / 2)}
    assert notes == [
        "snr: infinite samples, left out of the means of their images: 1 image (1)",
        "snr: infinite, left out of the mean: 1 image (2)",
    ]


def test_exact_samples_do_not_win_a_ranking_without_floor(folder: Path, tmp_path: Path) -> None:
    track = tmp_path / "nf.toml"
    track.write_text(NO_FLOOR)
    shutil.copytree(folder / "sub", tmp_path / "forged")
    for sample, name in ((0, "0802.png"), (1, "0801.png")):
        shutil.copy(
            folder / "gt" / name, tmp_path / f"forged/000001_sample{sample:05d}.png"
        )  # exact, and another image
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, sub in (("honest", folder / "sub"), ("forged", tmp_path / "forged")):
            se.score(sub, folder / "gt", track=track, board=tmp_path / "board", team=name)
        rows = rank(tmp_path / "board", track).rows
    assert [row.entry.team for row in rows] == ["honest", "forged"]
    forged = rows[1].entry
    assert forged.values["raw"] == forged.result.summary["raw"]  # type: ignore[union-attr]
    low, high = rows[1].intervals["raw"]
    assert low < forged.values["raw"] < high  # type: ignore[operator]
    assert any("left out of the means of their images" in note for note in forged.result.notes)  # type: ignore[union-attr]


@pytest.mark.parametrize("metric", ["lr_psnr", "raw"])
def test_without_floor_an_image_with_an_exact_sample_has_no_finite_mean(
    folder: Path, tmp_path: Path, metric: str
) -> None:
    track = tmp_path / "nf.toml"
    track.write_text(NO_FLOOR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        se.score(folder / "sub", folder / "gt", track=track, board=tmp_path / "board", team="t")
    path = se.result_path(tmp_path / "board", "nf", "t")
    document = json.loads(path.read_text())
    for image in document["images"]:
        image["samples"][0]["raw"] = "inf"
        image["raw"] = 120.0
    document["summary"]["raw"] = 120.0
    text = json.dumps(document)
    if metric == "lr_psnr":  # the form of version 0.1.0
        document = json.loads(text.replace('"raw', '"lr_psnr'))
        del document["signature"]["settings"]["lr_psnr"]["metric"]
    settings = document["signature"]["settings"]
    document["signature"] |= {"id": se.Signature(settings).id, "text": se.Signature(settings).text}
    path.write_text(json.dumps(document))
    with pytest.raises(se.RankingError, match=rf"{metric} is 120\.0, the mean of its samples inf"):
        rank(tmp_path / "board", track)


# What is verified can be ranked, and what is written beside results is a result.


def test_images_in_another_order_are_not_verified(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path)
    path = se.result_path(tmp_path, "x4", "t")
    document = json.loads(path.read_text())
    document["images"].reverse()
    path.write_text(json.dumps(document))
    found = se.verify(path, folder / "sub", folder / "gt")
    assert [difference.where for difference in found.differences] == ["images"]


def test_results_of_0_1_0_with_infinite_images_are_still_verified(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "sub", tmp_path / "sub")
    shutil.copy(folder / "gt/0801.png", tmp_path / "sub/000000_sample00000.png")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        se.score(tmp_path / "sub", folder / "gt", board=tmp_path / "b", team="t", **OPTIONS)
    path = se.result_path(tmp_path / "b", "x4", "t")
    document = json.loads(path.read_text())
    del document["signature"]["settings"]["lr_psnr"]["floor"]
    first, second = document["images"]
    first["lr_psnr"] = "inf"
    document["summary"]["lr_psnr"] = second["lr_psnr"]
    settings = document["signature"]["settings"]
    document["signature"] |= {"id": se.Signature(settings).id, "text": se.Signature(settings).text}
    path.write_text(json.dumps(document))
    assert se.verify(path, tmp_path / "sub", folder / "gt").ok
    assert [row.entry.team for row in rank(tmp_path / "b", "x4").rows] == ["t"]


def test_no_leaderboard_and_no_history_is_written_beside_results(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path / "b")
    ranking = rank(tmp_path / "b", "x4")
    for write in (
        lambda: se.write_leaderboards([ranking], tmp_path / "b/x4", formats=["json"]),
        lambda: se.write_leaderboards([ranking], tmp_path / "o", formats=["csv"], history=tmp_path / "b/x4/C.json"),
        lambda: se.update_history([ranking], tmp_path / "b/x4/C.json"),
    ):
        with pytest.raises(se.ResultsError, match="its folder holds results of a board"):
            write()
    assert [path.name for path in (tmp_path / "b/x4").iterdir()] == ["t.json"]
    assert se.update_history([ranking], tmp_path / "b/history.json")
    assert len(rank(tmp_path / "b", "x4").rows) == 1
