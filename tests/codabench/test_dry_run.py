"""Dry runs of whole bundles, in a mount namespace where the system has one and in a folder."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import textwrap
import time
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import srspace_eval
from benchmarks.inputs import pngs
from benchmarks.inputs.weights import write_alexnet
from srspace_eval._utils.hashing import sha256_of_file
from srspace_eval.codabench import container
from srspace_eval.codabench.archive import make_zip
from srspace_eval.codabench.board import DryRun, leaderboard, shown_scores, stored
from srspace_eval.codabench.bundle import write_bundle
from srspace_eval.codabench.container import best_place, run_program, visible_folders
from srspace_eval.codabench.dry_run import dry_run_bundle
from srspace_eval.codabench.phase import CompetitionPhase
from srspace_eval.codabench.plan import CompetitionPlan
from srspace_eval.errors import InputError, ProblemsError
from srspace_eval.metrics.lpips import weights
from srspace_eval.tracks.reader import load_track
from tests.helpers.codabench import FAULTS, METRICS, START, Content, files, with_macos_files
from tests.helpers.commands import run
from tests.helpers.scoring import run as score

needs_namespace = pytest.mark.skipif(best_place() != "namespace", reason="needs a mount namespace")


def noisy(folder: Path) -> Content:
    """A submission of worse pictures."""
    content = files(folder)
    for number, name in enumerate(name for name in content if name.endswith(".png")):
        content[name] = pngs.png(pngs.pixels(40, 48, seed=number))
    return content


def encrypted(content: Content) -> bytes:
    """A zip whose entries say that they are encrypted."""
    data = bytearray(make_zip(content))
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = data.find(signature)
        while place >= 0:
            data[place + offset] |= 1
            place = data.find(signature, place + 4)
    return bytes(data)


def clashing(content: Content) -> bytes:
    """A zip in which a file is a folder, too."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", b"x")
        archive.writestr("a/b.png", b"x")
    return out.getvalue()


def bomb(content: Content) -> bytes:
    """A zip whose directory says that it unpacks to 16 TB."""
    data = bytearray(make_zip({f"{n}.png": b"x" for n in range(4096)}))
    place = data.find(b"PK\1\2")
    while place >= 0:
        struct.pack_into("<I", data, place + 24, 0xFFFFFFFE)
        place = data.find(b"PK\1\2", place + 4)
    return bytes(data)


FAULTY = ("incomplete", "corrupt", "wrong size", "a thousand files", "hostile names")
"""Faults of one submission, which its owner reads together. A program for each of them would take too long here."""


@pytest.fixture(scope="module")
def zips(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, Path]]:
    """Submissions of every kind, as (team, zip)."""
    contents = {"noisy": noisy(folder), "good": with_macos_files(files(folder, "my results/"))}
    for name in ("faulty", "readme only", "empty"):
        contents[name] = files(folder)
        for fault in FAULTY if name == "faulty" else (name,):
            FAULTS[fault][0](contents[name])
    data = {name: make_zip(content) for name, content in contents.items()}
    data |= {"damaged": data["good"][:1000], "program": make_zip({**files(folder), "metadata": b"x"})}
    place = tmp_path_factory.mktemp("zips")
    for name, content in data.items():
        (place / f"{name}.zip").write_bytes(content)
    return [(name, place / f"{name}.zip") for name in data]


@pytest.fixture(scope="module")
def dry(folder: Path, zips: list[tuple[str, Path]]) -> tuple[list[DryRun], list[str]]:
    """All of them through the whole bundle, each program in a process of its own."""
    return dry_run_bundle(folder / "bundle.zip", zips)


def test_every_kind_of_submission_through_the_whole_bundle(
    dry: tuple[list[DryRun], list[str]], folder: Path, tmp_path: Path
) -> None:
    """Status, board and messages, in the best place that the system has."""
    runs, order = dry
    found = {done.team: done for done in runs}
    assert {done.place for done in runs} == {best_place()}
    for name in ("good", "noisy"):
        assert (found[name].status, found[name].stderr) == ("Finished", "")
    told = {
        "faulty": ["1005 faults", "surplus", "\\u202e", *(FAULTS[name][1] for name in FAULTY[:3])],
        "readme only": ["The submission is empty"],
    }
    for name, texts in told.items():
        assert found[name].status == "Failed"
        assert found[name].reason == "Child task failed or non-zero return code"
        assert not found[name].scores
        for text in texts:
            assert text in found[name].stderr
            assert text in found[name].page
    for name in ("damaged", "program", "empty"):
        assert (found[name].status, found[name].reason) == ("Failed", "Bad or empty zip file")
    # LR-PSNR orders the board.
    assert order == ["good", "noisy"]
    direct = score(folder, tmp_path / "board", metrics=METRICS, samples=2)
    scores = found["good"].scores
    assert scores["ExtraRuntime"] == 10.43
    for key in ("lr_psnr", "lr_psnr_worst", "diversity_mse", "psnr"):
        value = direct.summary[key]
        assert value is not None
        assert f"{scores[key]:.10f}" == f"{value:.10f}"
    shown = shown_scores(folder / "bundle.zip", runs, order)[0]
    assert shown.startswith("good: LR-PSNR [dB]: ")
    assert "program" not in shown


@pytest.mark.parametrize("name", ["damaged", "encrypted", "clashing", "bomb", "metadata", "program"])
def test_zips_that_no_program_sees(name: str, folder: Path, tmp_path: Path) -> None:
    good = files(folder)
    zips = {
        "damaged": lambda: make_zip(good)[:1000],
        "encrypted": lambda: encrypted(good),
        "clashing": lambda: clashing(good),
        "bomb": lambda: bomb(good),
        "metadata": lambda: make_zip({**good, "metadata": b"x"}),
        "program": lambda: make_zip({**good, "metadata.yaml": b"command: python3 run.py"}),
    }
    (tmp_path / "s.zip").write_bytes(zips[name]())
    (done,), order = dry_run_bundle(folder / "bundle.zip", [("A", tmp_path / "s.zip")])
    assert (done.status, order) == ("Failed", [])
    told = {
        "damaged": "Bad or empty zip file", "encrypted": "encrypted", "clashing": "cannot be unpacked",
        "bomb": "more than 15 GB", "metadata": "Bad or empty zip file", "program": "Child task failed",
    }  # fmt: skip
    assert told[name] in done.reason
    assert ("remove the file from the zip" in done.stderr) == (name in ("metadata", "program"))


def test_a_hidden_phase_with_its_gt_on_the_worker(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "s.zip").write_bytes(make_zip(files(folder)))
    (tmp_path / "data").mkdir()
    (tmp_path / "data/GT_test").symlink_to(folder / "gt")
    (done,), _ = dry_run_bundle(
        folder / "bundle.zip", [("A", tmp_path / "s.zip")], phase=2, data=tmp_path / "data", place="folder"
    )
    assert (done.status, done.place) == ("Finished", "folder"), done.stderr
    assert "0801" not in done.page


PROBE = """
import json, os, socket, sys
from pathlib import Path
out = Path(sys.argv[1])
found = {"uid": os.getuid(), "home": sorted(os.listdir(Path.home())), "cwd": os.getcwd(), "caps": 0}
for line in Path("/proc/self/status").read_text().splitlines():
    if line.startswith("CapEff"):
        found["caps"] = int(line.split()[1], 16)
try:
    socket.create_connection(("192.0.2.1", 9), timeout=2).close()
    found["network"] = True
except OSError:
    found["network"] = False
for name, path in (("system", "/usr/probe"), ("data", "/app/data/probe"), ("outside", sys.argv[2])):
    try:
        Path(path).write_text("x")
        found[name] = True
    except OSError:
        found[name] = False
found["secret"] = Path(sys.argv[2]).parent.exists()
(out / "found.json").write_text(json.dumps(found))
"""


@needs_namespace
def test_the_namespace_is_like_the_worker_s_container(tmp_path: Path) -> None:
    folders = {f"/app/{name}": tmp_path / name for name in ("program", "input", "output", "shared")}
    for folder in (*folders.values(), tmp_path / "data"):
        folder.mkdir()
    (tmp_path / "program/probe.py").write_text(textwrap.dedent(PROBE))
    words = ["python3", "probe.py", "/app/output", str(tmp_path / "secret")]
    done = run_program(words, folders, limit=60, place="namespace", data=tmp_path / "data")
    assert done.code == 0, done.stderr
    found = json.loads((tmp_path / "output/found.json").read_text())
    assert found == {
        "uid": 0, "home": [], "cwd": "/app/program", "caps": 0, "network": False, "system": False, "data": False,
        "outside": False, "secret": False,
    }  # fmt: skip
    assert not (tmp_path / "secret").exists()
    assert not Path("/app/program").exists()


@pytest.mark.parametrize("place", ["folder", pytest.param("namespace", marks=needs_namespace)])
def test_a_program_is_stopped_at_the_limit(place: Any, tmp_path: Path) -> None:
    folders = {f"/app/{name}": tmp_path / name for name in ("program", "input", "output", "shared")}
    for folder in folders.values():
        folder.mkdir()
    (tmp_path / "program/slow.py").write_text(
        "import subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "time.sleep(60)\n"
    )
    begin = time.monotonic()
    assert run_program(["python3", "slow.py"], folders, limit=1, place=place).code is None
    assert time.monotonic() - begin < 30  # its child does not keep the run waiting


def test_a_program_that_cannot_be_started(tmp_path: Path) -> None:
    folders = {"/app/program": tmp_path}
    done = run_program(["no-such-program"], folders, limit=9, place="folder")
    assert done.code == 127
    assert "cannot be started" in done.stderr


def test_a_system_without_namespaces_takes_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    container._can_isolate.cache_clear()
    try:
        monkeypatch.setattr(sys, "platform", "darwin")
        assert best_place() == "folder"
        container._can_isolate.cache_clear()
        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.setattr(container.shutil, "which", lambda name: None)
        assert best_place() == "folder"
    finally:
        container._can_isolate.cache_clear()


def test_no_private_folder_is_shown_to_the_program() -> None:
    for folder in visible_folders():
        assert folder not in (Path("/"), Path.home(), Path("/tmp"))
        assert folder.is_absolute()


def test_lpips_through_a_bundle_equals_score(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The synthetic trunk stands for torchvision's file, in this process and in the program's."""
    trunk = write_alexnet(tmp_path / "alex.pth")
    digest = sha256_of_file(trunk)
    file = weights.TrunkFile("alex", f"alex-{digest[:8]}.pth", trunk.stat().st_size, digest)
    (tmp_path / "weights").mkdir()
    trunk.rename(tmp_path / "weights" / file.name)
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(
        "from srspace_eval.metrics.lpips import weights\n"
        f"weights.TRUNKS['alex'] = weights.TrunkFile('alex', {file.name!r}, {file.size}, {digest!r})\n"
    )
    monkeypatch.setitem(weights.TRUNKS, "alex", file)
    monkeypatch.setenv("SRSPACE_EVAL_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(tmp_path / "site"), *filter(None, [os.environ.get("PYTHONPATH")])])
    )
    (tmp_path / "gt").mkdir()
    (tmp_path / "sub").mkdir()
    for name in ("gt/0801.png", "sub/000000_sample00000.png", "sub/000000_sample00001.png"):
        (tmp_path / name).write_bytes(pngs.png(pngs.pixels(64, 72, seed=len(name) + int(name[-5]))))
    plan = CompetitionPlan(load_track("x4"), (CompetitionPhase("P", str(tmp_path / "gt"), START),), "a/b:1", samples=2)
    write_bundle(plan, tmp_path / "b.zip")
    (tmp_path / "s.zip").write_bytes(make_zip({path.name: path.read_bytes() for path in (tmp_path / "sub").iterdir()}))
    (done,), _ = dry_run_bundle(tmp_path / "b.zip", [("A", tmp_path / "s.zip")])
    assert done.status == "Finished", done.stderr
    capsys.readouterr()
    assert run("score", tmp_path / "sub", "--gt", tmp_path / "gt", "--track", "x4", "--samples", 2, "--team", "A",
               "--board", tmp_path / "board", "--json") == 0  # fmt: skip
    summary = json.loads(capsys.readouterr().out)["summary"]
    assert {"lpips", "lr_psnr", "diversity"} <= summary.keys() <= done.scores.keys() | {
        "lpips_global_best", "lpips_local_best",
    }  # fmt: skip
    for key in summary.keys() & done.scores.keys():
        assert f"{done.scores[key]:.10f}" == f"{summary[key]:.10f}", key


def test_the_shared_emulator_sees_the_same(
    dry: tuple[list[DryRun], list[str]], zips: list[tuple[str, Path]], folder: Path, shared: Path
) -> None:
    """Statuses, reasons, messages, stored scores and order of the dry run and of the emulator of the platform."""
    if best_place() != "namespace" or os.geteuid() != 0:
        pytest.skip("the emulator needs root and namespaces")
    runs, order = dry
    root = str(Path(srspace_eval.__file__).parents[1])
    command = [sys.executable, str(shared / "codabench/emulate.py"), "run", str(folder / "bundle.zip"), "--no-network",
               "--python", sys.executable, "--image-dir", root, "--env", f"PYTHONPATH={root}", "--json"]  # fmt: skip
    teams = [f"{name}={path}" for name, path in zips]
    done = subprocess.run([*command, *teams], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    theirs = json.loads(done.stdout)
    assert [entry["owner"] for entry in theirs["board"]] == order
    for mine, other in zip(runs, theirs["submissions"], strict=True):
        assert (mine.team, mine.status, mine.reason or None) == (other["team"], other["status"], other["tooltip"])
        assert {key: Decimal(f"{value:.10f}") for key, value in mine.scores.items()} == {
            key: Decimal(value) for key, value in other["scores"].items()
        }
        if mine.team != "program":  # there the dry run adds what to do
            assert mine.stderr == other["logs"].get("scoring_stderr", "")


def test_from_the_command_line_to_the_board(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = tmp_path / "b.zip"
    phase = f"Validation={folder / 'gt'},2026-03-01,2026-03-02"
    assert run("codabench", "--track", "x4", "--phase", phase, "--image", "u/i:1", "--out", bundle, "--samples", 2,
               "--metrics", "psnr,diversity_mse") == 0  # fmt: skip
    assert "2 images × 2 samples" in capsys.readouterr().err
    assert (tmp_path / "b.Dockerfile").is_file()
    assert run("codabench", "check", bundle) == 0
    for name, content in (("good", files(folder)), ("bad", {"readme.txt": b"x"})):
        (tmp_path / f"{name}.zip").write_bytes(make_zip(content))
    capsys.readouterr()
    teams = [f"{name}={tmp_path / name}.zip" for name in ("good", "bad")]
    assert run("codabench", "dry-run", bundle, *teams, "--json", "--folder") == 1
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert [s["status"] for s in document["submissions"]] == ["Finished", "Failed"]
    assert (document["board"], document["place"]) == (["good"], "folder")
    assert "not in a container" in err


def test_an_absent_score_comes_first_where_higher_is_better() -> None:
    board = {"primary_index": 0, "columns": [{"key": "a", "index": 0, "sorting": "desc"}]}
    runs = [DryRun(t, "Finished", "", s, "", "") for t, s in (("x", {"a": 2.0}), ("none", {}), ("y", {"a": 3.0}))]
    assert leaderboard(board, runs) == ["none", "y", "x"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.1 + 0.2, 0.3),
        (2**-11, 0.0004882813),  # a half is rounded away from zero
        (-(2**-11), -0.0004882813),
        (123456.123456789012, 123456.123456789),
    ],
)
def test_scores_are_stored_with_ten_decimals(value: float, expected: float) -> None:
    assert stored(value) == expected


@pytest.mark.parametrize("value", [1e10, -1e10, float("inf"), float("nan")])
def test_what_the_platform_cannot_store(value: float) -> None:
    with pytest.raises(ValueError, match="1e10 only"):
        stored(value)


def test_wrong_use_and_errors(folder: Path, tmp_path: Path) -> None:
    assert run("codabench") == 2
    assert run("codabench", "dry-run", folder / "bundle.zip", "odd") == 2
    assert run("codabench", "check", tmp_path / "none.zip") == 1
    assert run("codabench", "dry-run", folder / "bundle.zip", "a=b.zip", "--phase", 7) == 1
    with pytest.raises(InputError, match="cannot be read"):
        dry_run_bundle(folder / "bundle.zip", [("A", tmp_path / "none.zip")])
    (tmp_path / "b.zip").write_bytes(make_zip({"competition.yaml": b"version: 1"}))
    with pytest.raises(ProblemsError, match="refuses it"):
        dry_run_bundle(tmp_path / "b.zip", [])


def test_a_program_that_is_no_zip(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(folder / "bundle.zip") as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    (tmp_path / "bundle.zip").write_bytes(make_zip({**content, "program_1.zip": b"no zip"}))
    with pytest.raises(InputError, match="scoring_program of the bundle cannot be unpacked"):
        dry_run_bundle(tmp_path / "bundle.zip", [("A", folder / "bundle.zip")], place="folder")


def test_a_team_has_one_submission(folder: Path) -> None:
    with pytest.raises(InputError, match="'A' and 'a'"):
        dry_run_bundle(folder / "bundle.zip", [("A", folder / "s.zip"), ("a", folder / "s.zip")])
