"""The command sample as a user runs it, and all steps from GT to leaderboard."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks.inputs.synth import picture
from benchmarks.inputs.weights import write_alexnet, write_small_checkpoint
from srspace_eval._utils.png import read_rgb, write_png
from srspace_eval.models import SampleOptions, load_model, sample_folder
from srspace_eval.submissions.provenance import PROVENANCE_FILE
from tests.helpers.commands import run

REPOSITORY = Path(__file__).resolve().parents[2]
TOY = "tests.helpers.toy_model:Toy"


@pytest.fixture
def lr(tmp_path: Path) -> Path:
    folder = tmp_path / "lr"
    folder.mkdir()
    for number, size in ((801, (9, 14)), (802, (12, 7))):
        write_png(folder / f"{number:04d}x4.png", picture(*size, number))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_from_gt_to_leaderboard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gt, lr, out, board = (tmp_path / name for name in ("gt", "lr", "flow", "board"))
    gt.mkdir()
    for number, size in ((801, (71, 100)), (802, (85, 66))):
        write_png(gt / f"{number:04d}.png", picture(*size, number))
    checkpoint = write_small_checkpoint(tmp_path / "SRFlow_small.pth", "srflow")
    weights = write_alexnet(tmp_path / "alexnet.pth")
    assert run("downscale", gt, "--scale", 4, "--crop", 8, "--out", lr) == 0
    assert read_rgb(lr / "0801.png").shape == (16, 24, 3)
    assert run("sample", "--checkpoint", checkpoint, "--lr", lr, "--out", out, "--samples", 3, "--device", "cpu") == 0
    err = capsys.readouterr().err
    assert "2 images × 3 samples, named such as 000000_sample00000.png" in err
    assert "6 samples made" in err
    assert run("check", out, "--gt", gt, "--track", "x4", "--samples", 3) == 0
    bicubic = tmp_path / "bicubic"
    assert run("sample", "--checkpoint", "bicubic_x4", "--lr", lr, "--out", bicubic, "--samples", 3) == 0
    capsys.readouterr()
    for team in ("flow", "bicubic"):
        options = ["--team", team, "--board", board, "--samples", 3, "--lpips-weights", weights, "--device", "cpu"]
        assert run("score", tmp_path / team, "--gt", gt, "--track", "x4", "--json", *options) == 0
        document = json.loads(capsys.readouterr().out)
        assert document["provenance"] == json.loads((tmp_path / team / PROVENANCE_FILE).read_text(encoding="utf-8"))
        assert (document["summary"]["diversity"] == 0) == (team == "bicubic")
    assert document["provenance"]["model"]["name"] == "bicubic_x4"
    assert run("rank", "--track", "x4", "--board", board, "--replicates", 0, "--json") == 0
    assert {row["team"] for row in json.loads(capsys.readouterr().out)["rows"]} == {"flow", "bicubic"}


def test_odd_sizes_and_the_digest(tmp_path: Path) -> None:
    lr, out = tmp_path / "odd.png", tmp_path / "out"
    write_png(lr, picture(11, 13, 1))
    checkpoint = write_small_checkpoint(tmp_path / "a.pth", "srflow_da")
    arguments = ["--checkpoint", checkpoint, "--lr", lr, "--out", out, "--device", "cpu", "--heat", "0,0.8"]
    assert run("sample", *arguments, "--samples", 2) == 0
    cold, warm = out / "heat-0", out / "heat-0.8"
    assert read_rgb(warm / "odd_sample00001.png").shape == (44, 52, 3)
    assert (cold / "odd_sample00000.png").read_bytes() == (cold / "odd_sample00001.png").read_bytes()
    assert not np.array_equal(read_rgb(warm / "odd_sample00000.png"), read_rgb(warm / "odd_sample00001.png"))
    model = json.loads((warm / PROVENANCE_FILE).read_text(encoding="utf-8"))["model"]
    assert model["checkpoint"] == "a.pth"
    assert len(model["sha256"]) == 64
    assert model["family"] == "srflow_da"


def test_one_by_one_equals_together(lr: Path, tmp_path: Path) -> None:
    # A flow decodes several samples in one call on the CPU; the files must not depend on that.
    checkpoint = write_small_checkpoint(tmp_path / "a.pth", "srflow")
    ten, two = tmp_path / "ten", tmp_path / "two"
    base = ["--checkpoint", checkpoint, "--lr", lr, "--device", "cpu", "--seed", 9]
    assert run("sample", *base, "--out", ten, "--samples", 4) == 0
    for samples in (2, 3, 4):
        assert run("sample", *base, "--out", two, "--samples", samples, "--memory", "1G") == 0
    assert contents(two) == contents(ten)


def test_python_makes_the_same_files(lr: Path, tmp_path: Path) -> None:
    checkpoint = write_small_checkpoint(tmp_path / "a.pth", "srflow_da")
    by_command, by_python = tmp_path / "command", tmp_path / "python"
    base = ["--checkpoint", checkpoint, "--lr", lr, "--device", "cpu"]
    assert run("sample", *base, "--out", by_command, "--samples", 2, "--heat", "0.7,0.9", "--seed", 3) == 0
    options = SampleOptions(samples=2, heats=(0.7, 0.9), seed=3)
    report = sample_folder(load_model(checkpoint, "cpu"), str(lr), str(by_python), options)
    assert [folder.name for folder in report.folders] == ["heat-0.7", "heat-0.9"]
    assert contents(by_python) == contents(by_command) != {}


def command(checkpoint: str, lr: Path, out: Path) -> subprocess.Popen[str]:
    arguments = ["sample", "--checkpoint", checkpoint, "--lr", str(lr), "--out", str(out), "--device", "cpu"]
    return subprocess.Popen(
        [sys.executable, "-m", "srspace_eval", *arguments, "--samples", "12"],
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
        text=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


def wait_for(out: Path, pictures: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while len(list(out.glob("*.png"))) < pictures and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)


@pytest.mark.slow
def test_killed_runs_resume_to_the_same_files(lr: Path, tmp_path: Path) -> None:
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert run("sample", "--checkpoint", TOY, "--lr", lr, "--out", whole, "--samples", 12, "--device", "cpu") == 0
    chance = random.Random(4)
    for pictures in (1, 7, 13):
        process = command("tests.helpers.toy_model:SlowToy", lr, out)
        wait_for(out, pictures, process)
        time.sleep(chance.uniform(0, 0.03))
        process.kill()
        process.communicate()
        assert process.returncode != 0
        for path in out.glob("*.png"):  # what is there is complete
            assert path.read_bytes() == (whole / path.name).read_bytes()
    assert 0 < len(list(out.glob("*.png"))) < 24
    process = command("tests.helpers.toy_model:SlowToy", lr, out)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "existed" in err
    expected, found = contents(whole), contents(out)
    for files in (expected, found):  # the two plugins' names
        files[PROVENANCE_FILE] = files[PROVENANCE_FILE].replace(b":SlowToy", b":Toy")
    assert found == expected


@pytest.mark.slow
def test_a_killed_run_of_a_spandrel_model_resumes_to_the_same_files(tmp_path: Path) -> None:
    pytest.importorskip("spandrel")
    from tests.helpers.other_networks import made_up, save

    lr, whole, out = tmp_path / "lr", tmp_path / "whole", tmp_path / "out"
    lr.mkdir()
    for number in range(801, 804):
        write_png(lr / f"{number:04d}x4.png", picture(64, 48, number))
    checkpoint = save(tmp_path / "esrgan_plus.pth", made_up("ESRGAN+"))
    assert (
        run("sample", "--checkpoint", checkpoint, "--lr", lr, "--out", whole, "--samples", 12, "--device", "cpu") == 0
    )
    process = command(str(checkpoint), lr, out)
    wait_for(out, 2, process)
    process.kill()
    process.communicate()
    assert process.returncode != 0
    assert 2 <= len(list(out.glob("*.png"))) < 36
    for path in out.glob("*.png"):
        assert path.read_bytes() == (whole / path.name).read_bytes()
    process = command(str(checkpoint), lr, out)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "existed" in err
    assert contents(out) == contents(whole)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_interrupt_is_clean(lr: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = command("tests.helpers.toy_model:SlowToy", lr, out)
    wait_for(out, 2, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command resumes it" in err
    assert "Traceback" not in err
    assert not [p.name for p in out.iterdir() if p.name.startswith(".")]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--heat", "warm"], 2, "not a number"),
        (["--heat", "-1"], 2, "heat"),
        (["--heat", "0.7,0.7"], 2, "each once"),
        (["--tile", "20"], 2, "multiple of 16"),
        (["--tile", "big"], 2, "auto, off"),
        (["--memory", "lots"], 2, "8G or 500M"),
        (["--samples", "0"], 2, "samples"),
        (["--quantize", "floor"], 2, "floor"),
        (["--device", "gpu"], 1, "unknown to torch"),
        (["--track", "x9"], 1, "no track 'x9'"),
        (["--track", "x8"], 1, "the model is ×4"),
        (["--checkpoint", "no_such.pth"], 1, "no_such.pth: there is no such file, and no plug-in of that name"),
        (["--checkpoint", "srflow_df2k_x4"], 1, "`srspace-eval models` lists where checkpoints are"),
        (["--rrdb-skip", "first"], 1, "is not an RRDB network by itself"),
        (["--rrdb-skip", "last"], 2, "last"),
        (["--checkpoint", "tests.helpers.toy_model:Nothing"], 1, "no attribute 'Nothing'"),
        (["--names", "{frame}.png"], 1, "{frame} is not a field"),
        (["--memory", "1k"], 1, "0801: a tile of 16×16"),
    ],
)
def test_mistakes_are_explained(
    lr: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    base = ["--checkpoint", TOY, "--lr", lr, "--out", tmp_path / "out", "--device", "cpu"]
    assert run("sample", *base, *arguments) == code
    out, err = capsys.readouterr()
    assert message in err
    assert out == ""
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_help_is_fast_and_complete(capsys: pytest.CaptureFixture[str]) -> None:
    code = (
        "import sys\nfrom srspace_eval.cli import main\ntry:\n    main(['sample', '--help'])\n"
        "except SystemExit:\n    sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
    assert run("sample", "--help") == 0
    text = capsys.readouterr().out
    for option in ("checkpoint", "lr", "out", "samples", "heat", "seed", "device", "tile", "quantize"):
        assert f"--{option} " in text
