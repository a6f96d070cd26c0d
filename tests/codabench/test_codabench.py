"""Bundles, their scoring program, their check and their dry run, without the platform."""

from __future__ import annotations

import io
import json
import math
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.inputs import pngs
from benchmarks.inputs.submissions import small
from srspace_eval._utils.png import read_rgb, write_png
from srspace_eval.codabench.archive import make_zip
from srspace_eval.codabench.bundle import dockerfile, make_bundle, write_bundle
from srspace_eval.codabench.check import check_bundle
from srspace_eval.codabench.dry_run import DryRun, leaderboard
from srspace_eval.codabench.plan import CompetitionPhase, CompetitionPlan
from srspace_eval.codabench.readme import Readme, find_readme, parse_readme
from srspace_eval.codabench.scoring_program import make_scores
from srspace_eval.codabench.settings import Settings
from srspace_eval.errors import InputError, ResultsError
from srspace_eval.results.record import Result
from srspace_eval.results.signature import Signature
from srspace_eval.results.store import read_result
from srspace_eval.tracks.reader import guessed_tracks, load_track
from tests.helpers.commands import run
from tests.helpers.scoring import run as score
from tests.helpers.worker import Outcome, work

METRICS = ("psnr", "lr_psnr", "diversity_mse")
README = b"runtime per image [s] : 10.43\nCPU[1] / GPU[0] : 1\nExtra Data [1] / No Extra Data [0] : 0\nOther : a: b"
UUID = "0a1b2c3d-0000-4000-8000-0123456789ab"
START, END = datetime(2026, 3, 1), datetime(2026, 3, 2, 12, 30)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = small(tmp_path_factory.mktemp("codabench"), samples=2)
    phases = (
        CompetitionPhase("Validation", str(folder / "gt"), START, END),
        CompetitionPhase("Test", "/app/data/GT_test", datetime(2026, 3, 3), hide_output=True),
    )
    write_bundle(
        CompetitionPlan(load_track("x4"), phases, "user/image:1", metrics=METRICS, samples=2), folder / "bundle.zip"
    )
    return folder


def files(folder: Path, prefix: str = "") -> dict[str, bytes]:
    found = {f"{prefix}{path.name}": path.read_bytes() for path in (folder / "sub").iterdir()}
    return {**found, f"{prefix}readme.txt": README}


Worker = Callable[..., Outcome]


@pytest.fixture
def worker(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Worker:
    def scored(content: dict[str, bytes], **more: Any) -> Outcome:
        return work(folder / "bundle.zip", make_zip(content), tmp_path / "worker", capsys, **more)

    return scored


# The scoring program.


def test_the_scores_are_those_of_score(folder: Path, worker: Worker, tmp_path: Path) -> None:
    done = worker(files(folder))
    direct = score(folder, tmp_path / "board", metrics=METRICS, samples=2)
    assert done.code == 0, done.stderr
    assert done.scores is not None
    assert done.scores.pop("program") > 0
    extra = {"ExtraRuntime": 10.43, "ExtraPlatform": 1.0, "ExtraData": 0.0}
    wanted = {"lr_psnr", "lr_psnr_worst", "diversity_mse", "psnr"}
    assert done.scores == {**{key: direct.summary[key] for key in wanted}, **extra}
    assert len(done.scores) == 7
    assert done.result is not None
    assert read_result(done.result).images == direct.images
    (tmp_path / "own/x4").mkdir(parents=True)
    shutil.copy(done.result, tmp_path / "own/x4/team.json")
    assert run("rank", "--board", tmp_path / "own", "--track", "x4", "--json") == 0


@pytest.mark.parametrize("prefix", ["my results/", "a/b/c/"])
def test_a_single_folder_is_descended_into(prefix: str, folder: Path, worker: Worker) -> None:
    done = worker(files(folder, prefix))
    assert done.code == 0, done.stderr
    assert done.scores is not None
    assert done.scores["ExtraRuntime"] == 10.43


def test_files_of_macos_are_ignored(folder: Path, worker: Worker) -> None:
    junk = {"__MACOSX/sub/._000000_sample00000.png": b"x", "sub/.DS_Store": b"x", "sub/._000000_sample00000.png": b"x"}
    done = worker({**files(folder, "sub/"), **junk, ".DS_Store": b"x"})
    assert done.code == 0, done.stderr
    assert done.stderr == ""


def _incomplete(content: dict[str, bytes]) -> None:
    del content["000001_sample00001.png"]


def _corrupt(content: dict[str, bytes]) -> None:
    content["000000_sample00000.png"] = content["000000_sample00000.png"][:200]


def _small(content: dict[str, bytes]) -> None:
    content["000000_sample00001.png"] = pngs.png(pngs.pixels(8, 8))


def _surplus(content: dict[str, bytes]) -> None:
    content["000009_sample00000.png"] = content["000000_sample00000.png"]


def _renamed(content: dict[str, bytes]) -> None:
    for name in [name for name in content if name.endswith(".png")]:
        content[f"x{name}"] = content.pop(name)


def _palette(content: dict[str, bytes]) -> None:
    content["000000_sample00000.png"] = pngs.palette()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_incomplete, "000001_sample00001.png"), (_corrupt, "000000_sample00000.png"), (_small, "8×8"),
        (_surplus, "surplus"), (_renamed, "none of its 4 PNGs pairs"), (_palette, "palette"),
        (dict.clear, "empty"), (lambda content: [content.pop(n) for n in list(content) if n != "readme.txt"], "empty"),
    ],
)  # fmt: skip
def test_a_faulty_submission_fails_with_its_reason_in_both_places(
    change: Callable[[dict[str, bytes]], object], told: str, folder: Path, worker: Worker
) -> None:
    content = files(folder)
    change(content)
    done = worker(content)
    assert done.code == 1
    assert done.scores is None
    assert done.result is None
    assert told in done.stderr
    assert told in done.page
    assert "Traceback" not in done.stderr
    assert "/tmp" not in done.stderr


def test_all_faults_are_told_together(folder: Path, worker: Worker) -> None:
    content = files(folder)
    _incomplete(content)
    _small(content)
    done = worker(content)
    assert "2 faults" in done.stderr
    assert "8×8" in done.stderr
    assert "000001_sample00001.png" in done.stderr


def test_a_thousand_files_are_told_shortly(folder: Path, worker: Worker) -> None:
    content = files(folder)
    content.update({f"{i:06d}_sample00000.png": b"x" for i in range(10, 1010)})
    done = worker(content)
    assert done.code == 1
    assert "1000 faults" in done.stderr


def test_hostile_names_are_text_on_the_page(folder: Path, worker: Worker) -> None:
    done = worker({**files(folder), "<img src=x onerror=alert(1)>\u202e.png": b"x"})
    assert done.code == 1
    assert "<img" not in done.page
    assert "\u202e" not in done.page + done.stderr


def test_exact_samples_have_a_finite_score(folder: Path, worker: Worker) -> None:
    content = files(folder)
    for index in range(2):
        gt = (folder / f"gt/{801 + index:04d}.png").read_bytes()
        content.update({f"{index:06d}_sample{s:05d}.png": gt for s in range(2)})
    done = worker(content)
    assert done.code == 0, done.stderr
    assert done.scores is not None
    assert 48.13 < done.scores["lr_psnr"] < 140


def test_an_undefined_primary_score_is_a_failure_with_its_reason() -> None:
    settings = Settings(
        format="srspace-eval/codabench/1", track="x4", columns=["diversity"], primary="diversity", hidden=False,
        seconds=1.0, program=7,
    )  # fmt: skip
    result = Result("t", "x4", Signature({}), (), {"diversity": None}, notes=("diversity: undefined",))
    with pytest.raises(InputError, match=r"has no value: it is undefined for every image\. diversity: undefined"):
        make_scores(result, settings, Readme())


def test_a_secondary_score_without_a_finite_value_is_left_out_and_told() -> None:
    settings = Settings(
        format="srspace-eval/codabench/1", track="x4", columns=["lpips", "psnr", "ssim"], primary="lpips", hidden=False,
        seconds=1.0, program=7,
    )  # fmt: skip
    result = Result("t", "x4", Signature({}), (), {"lpips": 0.1, "psnr": math.inf, "ssim": None})
    scores, told = make_scores(result, settings, Readme())
    assert scores == {"lpips": 0.1, "ExtraRuntime": -1, "ExtraPlatform": -1, "ExtraData": -1, "program": 7}
    assert [text.split()[0] for text in told] == ["psnr", "ssim"]


def test_a_hidden_phase_tells_nothing_image_by_image(folder: Path, worker: Worker, tmp_path: Path) -> None:
    shutil.copytree(folder / "gt", tmp_path / "data/GT_test")
    done = worker(files(folder), phase=2, data=tmp_path / "data")
    assert done.code == 0, done.stderr
    assert done.result is None
    assert "0801" not in done.page
    assert "Summary" in done.page


def test_a_hidden_phase_lists_no_file_of_a_faulty_submission(folder: Path, worker: Worker, tmp_path: Path) -> None:
    shutil.copytree(folder / "gt", tmp_path / "data/GT_test")
    content = files(folder)
    _incomplete(content)
    done = worker(content, phase=2, data=tmp_path / "data")
    assert done.code == 1
    assert "000001_sample00001.png" in done.stderr
    assert "000001" not in done.page
    assert "0802" not in done.page


def test_a_missing_gt_on_the_worker_is_the_organisers_fault(folder: Path, worker: Worker, tmp_path: Path) -> None:
    done = worker(files(folder), phase=2, data=tmp_path)
    assert done.code == 1
    assert "not the submission's fault" in done.stderr


def test_a_page_needs_no_other_file_and_holds_no_picture(folder: Path, worker: Worker) -> None:
    done = worker(files(folder))
    assert not re.search(r"(src|href)=|url\(|@import|<img|<script", done.page)
    assert "0801" in done.page


def test_the_clock_stops_the_program_and_says_how_far_it_came(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(folder / "bundle.zip") as archive:
        for name, place in (("program_1.zip", "program"), ("reference_1.zip", "input/ref")):
            zipfile.ZipFile(io.BytesIO(archive.read(name))).extractall(tmp_path / place)
    shutil.copytree(folder / "sub", tmp_path / "input/res")
    settings = tmp_path / "program/settings.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "seconds": 0.001}))
    command = [sys.executable, str(tmp_path / "program/score.py"), str(tmp_path / "input"), str(tmp_path / "output")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "The time limit was reached" in done.stderr
    assert "samples were done" in done.stderr
    assert [path.name for path in (tmp_path / "output").iterdir()] == ["detailed_results.html"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (README.decode(), Readme(10.43, 1, 0)),
        ("Runtime per frame [s]: 3\nCPU [1] / GPU [0]: 0.0\nExtra Data[1]/No Extra Data[0]:1", Readme(3, 0, 1)),
        ("extra data: 1\nruntime: 2", Readme(2, -1, 1)),
        ("time: 1.5\nwhere: 0\nmore: 1\nother: x", Readme(1.5, 0, 1)),
        ("runtime per image [s] : fast\nCPU[1] / GPU[0] : maybe", Readme()),
        ("runtime: nan\nCPU/GPU: 7\nextra data: inf", Readme()),
        ("runtime: 1e999", Readme()), ("runtime: -3", Readme()), ("", Readme()), (":::\n:", Readme()),
    ],
)  # fmt: skip
def test_a_readme_is_read_by_key_then_by_line_and_never_fails(text: str, expected: Readme) -> None:
    assert parse_readme(text) == expected
    assert parse_readme("\ufeff" + text.replace("\n", "\r\n")) == expected


def test_the_readme_is_found_in_any_case() -> None:
    assert find_readme(["b", "ReadMe"]) == "ReadMe"
    assert find_readme(["b"]) is None


# The bundle.


@pytest.mark.parametrize("track", [*(track.name for track in guessed_tracks()), "imagesr-x4-2026"])
@pytest.mark.parametrize("gt", ["folder", "zip", UUID, "/app/data/GT.zip"])
@pytest.mark.parametrize("count", [1, 2])
def test_the_check_takes_every_bundle(track: str, gt: str, count: int, folder: Path, tmp_path: Path) -> None:
    if gt == "zip":
        gt = shutil.make_archive(str(tmp_path / "gt"), "zip", folder / "gt")
    gt = str(folder / "gt") if gt == "folder" else gt
    phases = (CompetitionPhase("Validation", gt, START, END), CompetitionPhase("Test", gt, datetime(2026, 4, 1)))[
        :count
    ]
    write_bundle(CompetitionPlan(load_track(track), phases, "user/image:1"), tmp_path / "b.zip")
    found = check_bundle(tmp_path / "b.zip")
    assert (found.refusals, found.traps) == ([], [])
    assert len(found.document["tasks"]) == count


def test_the_same_plan_gives_the_same_bytes_without_a_path_of_this_machine(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "gt", tmp_path / "elsewhere")
    (tmp_path / "elsewhere/notes.txt").write_text("private")
    first, second = (
        make_bundle(CompetitionPlan(load_track("x4"), (CompetitionPhase("P", str(gt), START),), "a/b:1"))[1]
        for gt in (folder / "gt", tmp_path / "elsewhere")
    )
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        for name in archive.namelist():
            data = archive.read(name)
            inner = zipfile.ZipFile(io.BytesIO(data)) if name.endswith(".zip") else None
            for content in [data] if inner is None else map(inner.read, inner.namelist()):
                assert str(tmp_path).encode() not in content
                assert str(folder).encode() not in content


def test_no_gt_is_outside_the_reference_zips(folder: Path) -> None:
    with zipfile.ZipFile(folder / "bundle.zip") as archive:
        names = archive.namelist()
        references = {n for n in names if n.startswith("reference_")}
        inside = zipfile.ZipFile(io.BytesIO(archive.read("reference_1.zip")))
        assert inside.namelist() == ["0801.png", "0802.png"]
        pixels = [inside.read(name) for name in inside.namelist()]
        assert zipfile.ZipFile(io.BytesIO(archive.read("reference_2.zip"))).namelist() == ["README.txt"]
        assert not [n for n in names if n.endswith(".png") and archive.read(n) in pixels]
        assert references == {"reference_1.zip", "reference_2.zip"}


def test_the_competition_is_private_and_its_dates_are_quoted(folder: Path) -> None:
    with zipfile.ZipFile(folder / "bundle.zip") as archive:
        text = archive.read("competition.yaml").decode()
    document = yaml.safe_load(text)
    assert document["phases"][0]["end"] == "2026-03-02 12:30:00"
    assert not document["registration_auto_approve"]
    assert not document["can_participants_make_submissions_public"]
    board = document["leaderboards"][0]
    assert board["submission_rule"] == "Force_Last"
    assert board["columns"][board["primary_index"]]["key"] == "lr_psnr"
    assert {c["key"]: c["sorting"] for c in board["columns"]}["psnr"] == "desc"
    assert [c["key"] for c in board["columns"] if c["hidden"]] == ["program"]
    assert all(len(c["title"]) <= 36 for c in board["columns"])


def test_a_track_file_travels_with_the_program(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    track = tmp_path / "own.toml"
    track.write_text('name = "own"\ntitle = "Own"\nscale = 4\nsamples = 2\nfirst = 801\nmetrics = ["psnr"]\n'
                     '[ranking]\nfinal = ["psnr"]\ncriteria = [{ metric = "psnr" }]\n')  # fmt: skip
    plan = CompetitionPlan(load_track(track), (CompetitionPhase("P", str(folder / "gt"), START),), "a/b:1")
    write_bundle(plan, tmp_path / "b.zip")
    track.unlink()
    done = work(tmp_path / "b.zip", make_zip(files(folder)), tmp_path / "worker", capsys)
    assert done.code == 0, done.stderr
    assert "$" not in dockerfile(plan).partition("FROM")[0]


def test_programs_that_score_differently_have_different_numbers(folder: Path) -> None:
    with zipfile.ZipFile(folder / "bundle.zip") as archive:
        programs = [zipfile.ZipFile(io.BytesIO(archive.read(f"program_{n}.zip"))) for n in (1, 2)]
        numbers = {json.loads(program.read("settings.json"))["program"] for program in programs}
    assert len(numbers) == 2


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "P=gt",
        "P=gt,tomorrow",
        "P=gt,2026-01-01T00:00:00+02:00",
        "P=gt,2026-01-02,2026-01-01",
        "P=/app/data/../x,2026-01-01",
    ],
)
def test_a_wrong_phase_is_an_error(text: str) -> None:
    with pytest.raises(InputError):
        CompetitionPhase.parse(text)


def test_a_wrong_plan_lists_its_problems() -> None:
    phases = (CompetitionPhase("A", UUID, START), CompetitionPhase("A", UUID, START))
    with pytest.raises(InputError, match=r"no end.*one name"):
        CompetitionPlan(load_track("x4"), phases, "a/b:1")
    with pytest.raises(InputError, match="image"):
        CompetitionPlan(load_track("x4"), phases[:1], "no spaces please")
    with pytest.raises(InputError, match="primary"):
        CompetitionPlan(load_track("x4"), phases[:1], "a/b:1", metrics=("psnr",), primary="lpips")


def test_nothing_is_replaced_unasked(folder: Path) -> None:
    plan = CompetitionPlan(load_track("x4"), (CompetitionPhase("P", UUID, START),), "a/b:1")
    with pytest.raises(ResultsError, match=r"--overwrite"):
        write_bundle(plan, folder / "bundle.zip")


# The check.


def rewritten(folder: Path, out: Path, change: Callable[[dict[str, Any]], object], drop: str = "") -> Path:
    with zipfile.ZipFile(folder / "bundle.zip") as archive:
        content = {name: archive.read(name) for name in archive.namelist() if name != drop}
    document = yaml.safe_load(content["competition.yaml"])
    change(document)
    content["competition.yaml"] = yaml.dump(document).encode()
    out.write_bytes(make_zip(content))
    return out


REFUSED: dict[str, Callable[[dict[str, Any]], object]] = {
    "version": lambda d: d.update(version=1),
    "title": lambda d: d.update(title=""),
    "image": lambda d: d.update(image="competition.yaml"),
    "terms": lambda d: d.pop("terms"),
    "pages": lambda d: d.pop("pages"),
    "forum_enabled": lambda d: d.update(forum_enabled=None),
    "fact_sheet": lambda d: d["fact_sheet"]["method"].pop("selection"),
    "there twice": lambda d: d["tasks"][1].update(index=1),
    "scoring_program": lambda d: d["tasks"][0].pop("scoring_program"),
    "not a UUID": lambda d: d["tasks"][0].update(reference_data="gone.zip"),
    "no task with index": lambda d: d["phases"][0].update(tasks=[9]),
    "start is missing": lambda d: d["phases"][0].pop("start"),
    "end is missing": lambda d: d["phases"][0].pop("end"),
    "must start after": lambda d: d["phases"][1].update(start="2026-03-01 00:00:01"),
    "whole number": lambda d: d["phases"][0].update(execution_time_limit="soon"),
    "one key": lambda d: d["leaderboards"][0]["columns"][1].update(key="lr_psnr"),
    "1 to 36 characters": lambda d: d["leaderboards"][0]["columns"][1].update(title="x" * 37),
    "sorting": lambda d: d["leaderboards"][0]["columns"][0].update(sorting="up"),
    "submission_rule": lambda d: d["leaderboards"][0].update(submission_rule="Best"),
    "Vhost": lambda d: d.update(queue="mine"),
    "leaderboards": lambda d: d.update(leaderboard=d.pop("leaderboards")),
}
TRAPS: dict[str, Callable[[dict[str, Any]], object]] = {
    "not in quotes": lambda d: d["phases"][0].update(start=datetime(2026, 3, 1, 13, 30)),
    "time zone": lambda d: d["phases"][0].update(start="2026-03-01 00:00:00+02:00"),
    "public queue": lambda d: d["phases"][0].update(execution_time_limit=5000),
    "primary index": lambda d: d["leaderboards"][0].update(primary_index=77),
    "after its owner": lambda d: d["leaderboards"][0].update(submission_rule="Add"),
    "docker_image": lambda d: d.pop("docker_image"),
    "prizes is not read": lambda d: d.update(prizes=1),
    "reference_data is missing": lambda d: d["tasks"][0].pop("reference_data"),
    "not a zip": lambda d: d["tasks"][0].update(scoring_program="terms.md"),
    "no metadata.yaml": lambda d: d["tasks"][0].update(scoring_program="reference_1.zip"),
}


@pytest.mark.parametrize("told", REFUSED)
def test_what_the_platform_refuses_is_told(told: str, folder: Path, tmp_path: Path) -> None:
    found = check_bundle(rewritten(folder, tmp_path / "b.zip", REFUSED[told]))
    assert any(told in text for text in found.refusals), found.refusals


@pytest.mark.parametrize("told", TRAPS)
def test_what_fails_later_is_told(told: str, folder: Path, tmp_path: Path) -> None:
    found = check_bundle(rewritten(folder, tmp_path / "b.zip", TRAPS[told]))
    assert found.refusals == []
    assert any(told in text for text in found.traps), found.traps


def test_a_bundle_in_a_folder_and_one_that_is_no_zip(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(folder / "bundle.zip") as archive:
        (tmp_path / "b.zip").write_bytes(make_zip({f"b/{n}": archive.read(n) for n in archive.namelist()}))
    assert "zip the files, not their folder" in check_bundle(tmp_path / "b.zip").refusals[0]
    (tmp_path / "c.zip").write_text("x")
    assert check_bundle(tmp_path / "c.zip").refusals == ["not a zip"]


def test_the_shared_emulator_agrees(folder: Path, shared: Path) -> None:
    emulator = shared / "codabench/emulate.py"
    command = [sys.executable, str(emulator), "check", str(folder / "bundle.zip")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    # The phase hides its output on purpose, and its pages tell nothing image by image.
    warnings = [line for line in done.stdout.splitlines() if "warning" in line and "hides its output" not in line]
    assert warnings == []


# The commands.


def test_from_the_command_line_to_the_board(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = tmp_path / "b.zip"
    phase = f"Validation={folder / 'gt'},2026-03-01,2026-03-02"
    assert run("codabench", "--track", "x4", "--phase", phase, "--image", "u/i:1", "--out", bundle, "--samples", 2,
               "--metrics", "psnr,diversity_mse") == 0  # fmt: skip
    assert "2 images × 2 samples" in capsys.readouterr().err
    assert (tmp_path / "b.Dockerfile").is_file()
    assert run("codabench", "check", bundle) == 0
    worse = files(folder)
    for name in [n for n in worse if n.endswith(".png")]:
        write_png(tmp_path / "p.png", 255 - read_rgb(folder / "sub" / name))
        worse[name] = (tmp_path / "p.png").read_bytes()
    for name, content in (("good", files(folder)), ("worse", worse), ("bad", {"x.png": b"x"})):
        (tmp_path / f"{name}.zip").write_bytes(make_zip(content))
    capsys.readouterr()
    teams = [f"{name}={tmp_path / name}.zip" for name in ("worse", "good", "bad")]
    assert run("codabench", "dry-run", bundle, *teams, "--json") == 1
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert [s["status"] for s in document["submissions"]] == ["Finished", "Finished", "Failed"]
    assert "bad" not in document["board"]
    assert set(document["board"]) == {"good", "worse"}
    assert "not in a container" in err


def test_an_absent_score_comes_first_where_higher_is_better() -> None:
    board = {"primary_index": 0, "columns": [{"key": "a", "index": 0, "sorting": "desc"}]}
    runs = [DryRun(t, "Finished", "", s, "", "") for t, s in (("x", {"a": 2.0}), ("none", {}), ("y", {"a": 3.0}))]
    assert leaderboard(board, runs) == ["none", "y", "x"]


def test_wrong_use_and_errors(folder: Path, tmp_path: Path) -> None:
    assert run("codabench") == 2
    assert run("codabench", "dry-run", folder / "bundle.zip", "odd") == 2
    assert run("codabench", "check", tmp_path / "none.zip") == 1
    assert run("codabench", "dry-run", folder / "bundle.zip", "a=b.zip", "--phase", 7) == 1
