"""Bundles: their content, their bytes, and what a plan must say."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from srspace_eval.codabench.archive import make_zip
from srspace_eval.codabench.bundle import make_bundle, write_bundle
from srspace_eval.codabench.check import check_bundle
from srspace_eval.codabench.image import dockerfile
from srspace_eval.codabench.pages import evaluation
from srspace_eval.codabench.phase import CompetitionPhase
from srspace_eval.codabench.plan import CompetitionPlan
from srspace_eval.errors import InputError, ResultsError
from srspace_eval.tracks.names import Template
from srspace_eval.tracks.reader import list_tracks, load_track
from tests.helpers.codabench import (
    END,
    START,
    UUID,
    files,
)
from tests.helpers.commands import run
from tests.helpers.worker import work

TRACKS = [track.name for track in list_tracks()]
UNSCORED = {"ntire2020-rwsr-2"}
"""Tracks that no scoring program can measure, because they have no GT."""


def gts_of(name: str, folder: Path) -> Path:
    """A GT folder with the names of a track, made once."""
    track, place = load_track(name), folder / f"gt-{name}"
    if not place.is_dir():
        place.mkdir()
        template = Template(track.gt_names[0])
        for index, path in enumerate(sorted((folder / "gt").iterdir())):
            number = track.first + index
            file = template.format(number=number, index=index, stem=f"{number:04d}")
            shutil.copy(path, place / file)
    return place


@pytest.mark.parametrize("track", TRACKS)
@pytest.mark.parametrize("kind", ["folder", "zip", UUID, "/app/data/GT.zip"])
@pytest.mark.parametrize("count", [1, 2])
def test_the_check_takes_every_bundle(track: str, kind: str, count: int, folder: Path, tmp_path: Path) -> None:
    gt = kind
    if kind in ("folder", "zip"):
        gt = str(gts_of(track, folder))
    if kind == "zip":
        gt = shutil.make_archive(str(tmp_path / "gt"), "zip", gt)
    phases = (CompetitionPhase("Validation", gt, START, END), CompetitionPhase("Test", gt, datetime(2026, 4, 1)))
    if track in UNSCORED:
        with pytest.raises(InputError, match=r'reference = "none".*srspace-eval score'):
            CompetitionPlan(load_track(track), phases[:count], "user/image:1")
        return
    plan = CompetitionPlan(
        load_track(track), phases[:count], "user/image:1", starting_kit=kind == "folder", contact="a@example.org"
    )
    write_bundle(plan, tmp_path / "b.zip")
    found = check_bundle(tmp_path / "b.zip")
    assert (found.refusals, found.traps) == ([], [])
    assert len(found.document["tasks"]) == count


def test_the_shared_emulator_takes_every_bundle(folder: Path, tmp_path: Path, shared: Path) -> None:
    """All built-in tracks, one and two phases, the GT as a folder, a zip and a path, a UUID apart."""
    bundles = []
    for track in sorted(set(TRACKS) - UNSCORED):
        gt = gts_of(track, folder)
        zipped = shutil.make_archive(str(tmp_path / f"gt-{track}"), "zip", gt)
        for number, phases in enumerate((
            (CompetitionPhase("Test", zipped, START, END),),
            (CompetitionPhase("A", str(gt), START, END), CompetitionPhase("B", "/app/data/GT", datetime(2026, 4, 1))),
        )):  # fmt: skip
            out = tmp_path / f"{track}-{number}.zip"
            write_bundle(CompetitionPlan(load_track(track), phases, "user/image:1", starting_kit=True), out)
            bundles.append(str(out))
    command = [sys.executable, str(shared / "codabench/emulate.py"), "check"]
    done = subprocess.run([*command, *bundles], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [f"{bundle}: taken" for bundle in bundles]
    # The emulator cannot know data of the site. It must refuse for that reason alone.
    out = tmp_path / "uuid.zip"
    write_bundle(CompetitionPlan(load_track("x4"), (CompetitionPhase("Test", UUID, START),), "user/image:1"), out)
    done = subprocess.run([*command, str(out)], capture_output=True, text=True, check=False)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("  ")]
    assert "a key of data on the site" in line


def test_the_same_plan_gives_the_same_bytes_without_a_path_of_this_machine(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "gt", tmp_path / "elsewhere")
    (tmp_path / "elsewhere/notes.txt").write_text("private")
    first, second = (
        make_bundle(
            CompetitionPlan(load_track("x4"), (CompetitionPhase("P", str(gt), START),), "a/b:1", starting_kit=True)
        )[1]
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
    with pytest.raises(ResultsError, match=r"overwrite=True"):
        write_bundle(plan, folder / "bundle.zip")


def test_a_bundle_replaces_none_of_its_inputs(folder: Path, tmp_path: Path) -> None:
    gt = Path(shutil.copytree(folder / "gt", tmp_path / "GT"))
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", gt))
    options = tmp_path / "options.Dockerfile"
    for given in (gt, packed):
        options.write_text(
            f'track = "x4"\nimage = "a/b:1"\n[[phases]]\nname = "T"\ngt = "{given}"\nstart = "2026-03-10"\n'
        )
        before = packed.read_bytes(), options.read_bytes(), sorted(gt.iterdir())
        for out in (packed if given is packed else gt / "bundle.zip", tmp_path / "options.zip"):
            assert run("codabench", "--options", options, "--out", out, "--overwrite", "--no-measure") == 1
            assert before == (packed.read_bytes(), options.read_bytes(), sorted(gt.iterdir()))
        phase = CompetitionPhase.parse(f"T={given},2026-03-10")
        with pytest.raises(ResultsError, match="an input of the bundle"):
            write_bundle(
                CompetitionPlan(load_track("x4"), (phase,), "a/b:1"),
                packed if given is packed else gt / "b.zip",
                overwrite=True,
            )


def test_an_end_without_a_time_is_the_end_of_that_day() -> None:
    phase = CompetitionPhase.parse("T=/app/data/x,2030-01-31,2030-01-31")
    assert (phase.start, phase.end) == (datetime(2030, 1, 31), datetime(2030, 1, 31, 23, 59, 59))
    assert CompetitionPhase.parse("T=/app/data/x,2030-01-30,2030-01-31 00:00").end == datetime(2030, 1, 31)


def test_a_truncated_gt_is_refused_without_a_measurement(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gt = Path(shutil.copytree(folder / "gt", tmp_path / "GT"))
    cut = sorted(gt.iterdir())[0]
    cut.write_bytes(cut.read_bytes()[:-200])
    phase, out = f"Final={gt},2026-03-10", tmp_path / "bundle.zip"
    assert run("codabench", "--track", "x4", "--image", "a/b:1", "--phase", phase, "--out", out, "--no-measure") == 1
    told = capsys.readouterr().err
    assert "phase 'Final'" in told
    assert str(gt) in told
    assert cut.name in told
    assert not out.exists()


def test_the_evaluation_page_names_what_the_bundle_does_not_measure() -> None:
    phase = CompetitionPhase.parse("T=/app/data/x,2030-01-31")
    track = load_track("x4")
    page = evaluation(CompetitionPlan(track, (phase,), "a/b:1", metrics=("psnr",)))
    told = next(line for line in page.splitlines() if line.startswith("The live leaderboard does not show"))
    assert "show mor, diversity, " in told
