"""The commands score and check, as a user runs them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import srspace_eval as se
from benchmarks.inputs import pngs, synth
from benchmarks.inputs.submissions import small
from benchmarks.inputs.weights import write_alexnet
from srspace_eval._utils.documentation import page_reference
from srspace_eval._utils.png import read_rgb, write_png
from srspace_eval.metrics.scenes.models import niqe_model
from tests.helpers.commands import run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return small(tmp_path / "a")


def score(folder: Path, *more: object) -> int:
    return run("score", folder / "sub", "--gt", folder / "gt", "--board", folder / "board", "--samples", 3, *more)


def test_json_is_the_only_thing_on_stdout(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert score(folder, "--track", "x4", "--metrics", "lr_psnr,diversity_mse", "--team", "A team", "--json") == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["team"] == "A team"
    assert set(document["summary"]) >= {"lr_psnr", "lr_psnr_worst", "diversity_mse"}
    assert "result:" in err
    (path,) = (folder / "board/x4").iterdir()
    assert json.loads(path.read_text()) == document


def test_the_summary_is_a_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert score(folder, "--track", "x4", "--metrics", "psnr, ssim") == 0
    out, _ = capsys.readouterr()
    assert "sub, track x4, 2 images" in out
    assert "HR-PSNR ↑" in out
    assert "signature" in out


def test_faults_are_listed_on_stderr_with_code_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "sub/000000_sample00000.png").unlink()
    (folder / "sub/000001_sample00002.png").write_bytes(pngs.palette())
    assert score(folder, "--track", "x4", "--metrics", "psnr") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "2 faults, nothing was measured" in err
    assert "000000_sample00000.png" in err
    assert "palette" in err
    assert "Traceback" not in err


def test_missing_weights_are_an_error_with_hints(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("XDG_CACHE_HOME", "TORCH_HOME", "HOME", "SRSPACE_EVAL_WEIGHTS"):
        monkeypatch.setenv(name, str(tmp_path / "empty"))
    assert score(folder, "--track", "x4") == 1
    err = capsys.readouterr().err
    for words in ("alexnet-owt-7be5be79.pth", "weights fetch", "--lpips-weights", "--metrics lr_psnr"):
        assert words in err
    assert not (folder / "board").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--track", "x5"), 1, "there is no track"),
        (("--track", "x4", "--metrics", "lpisp"), 1, "unknown metric lpisp"),
        (("--track", "x4", "--metrics", "psnr", "--lr", "nowhere"), 1, "no such folder"),
        (("--track", "x4", "--device", "cuda:99", "--metrics", "lpips"), 1, "cuda:99"),
        (("--track", "x4", "--metrics", "diversity_patches"), 2, "needs --patches"),
        (("--track", "x4", "--metrics", " , "), 2, "names no metric"),
        (("--track", "x4", "--metrics", ""), 2, "names no metric"),
        (("--nonsense",), 2, "No such option"),
        (("--samples", "0"), 2, "0 is not in the range"),
    ],
)
def test_wrong_use_and_wrong_input(
    folder: Path, arguments: tuple[str, ...], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(folder, *arguments) == code
    assert words in capsys.readouterr().err
    assert not (folder / "board").exists()


def test_a_missing_submission_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("score", tmp_path / "nowhere", "--gt", tmp_path, "--track", "x4", "--metrics", "psnr") == 1
    assert "there is no such folder or zip" in capsys.readouterr().err


def test_patches_add_the_diversity_score_over_patches(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alexnet = write_alexnet(tmp_path / "alex.pth")
    code = score(
        folder, "--track", "x4", "--lpips-weights", alexnet, "--patches", 50, "--patch-size", 8, "--seed", 7, "--json"
    )  # fmt: skip
    out, err = capsys.readouterr()
    assert code == 0, err
    document = json.loads(out)
    assert document["signature"]["settings"]["diversity_patches"] == {"patches": 50, "size": 8, "seed": 7}
    assert document["summary"]["diversity_patches"] > 0
    assert document["summary"]["diversity_patches_se"] > 0


def test_pictures_too_small_for_a_metric_are_listed_before_anything_is_measured(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, size in ((803, (64, 64)), (804, (16, 64)), (805, (8, 24))):
        write_png(folder / f"gt/{number:04d}.png", pngs.pixels(*size))
        for sample in range(3):
            write_png(folder / f"sub/{number - 801:06d}_sample{sample:05d}.png", pngs.pixels(*size, seed=sample + 1))
    alexnet = write_alexnet(tmp_path / "alex.pth")
    measured = ("--track", "x4", "--lpips-weights", alexnet, "--metrics", "diversity,ssim")
    assert score(folder, *measured, "--patches", 5, "--patch-size", 48) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line]  # old versions of rich leave an empty one
    assert "7 faults, nothing was measured" in lines[0]
    assert lines[-1] == f"see {page_reference('reference/errors', 'submissionerror')}"
    assert [line.rsplit("gt", 1)[1].removeprefix("/").removeprefix("\\") for line in lines[1:-1]] == [
        f"{name}.png: {size} pixels (cropped to a multiple of 8), but {needs}"
        for name, size, needs in [
            ("0801", "48×40", "diversity_patches needs 48×48; give a smaller --patch-size"),
            ("0802", "48×40", "diversity_patches needs 48×48; give a smaller --patch-size"),
            ("0804", "64×16", "LPIPS with the alex trunk needs 31×31; choose other --metrics"),
            ("0804", "64×16", "diversity_patches needs 48×48; give a smaller --patch-size"),
            ("0805", "24×8", "LPIPS with the alex trunk needs 31×31; choose other --metrics"),
            ("0805", "24×8", "diversity_patches needs 48×48; give a smaller --patch-size"),
            ("0805", "24×8", "ssim needs 11×11; choose other --metrics"),
        ]
    ]


def test_a_users_track_file_is_copied_beside_its_results(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, copy = tmp_path / "own.toml", folder / "board" / "own" / "track.toml"
    text = 'name = "own"\ntitle = "Own"\nscale = 4\nfirst = 801\nmetrics = ["psnr"]\n'
    text += '[ranking]\ncriteria = [{ metric = "psnr" }]\nfinal = ["psnr"]\n'
    file.write_text(text, encoding="utf-8")
    assert score(folder, "--track", file, "--samples", 4) == 1
    assert not copy.exists()
    assert score(folder, "--track", file) == 0
    assert copy.read_text(encoding="utf-8") == text
    capsys.readouterr()
    assert run("rank", "--board", folder / "board", "--json") == 0
    assert json.loads(capsys.readouterr().out)["rows"][0]["final_rank"] == 1
    file.write_text(text.replace("Own", "Another"), encoding="utf-8")
    assert score(folder, "--track", file, "--team", "second") == 0
    assert f"{copy}: differs from {file}" in capsys.readouterr().err
    assert copy.read_text(encoding="utf-8") == text


def test_check_lists_faults_and_notices(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("check", folder / "sub", "--gt", folder / "gt", "--track", "x4", "--samples", 3)
    assert run(*arguments) == 0
    shutil.copy(folder / "sub/000000_sample00000.png", folder / "sub/000000_sample00001.png")
    assert run(*arguments) == 0
    assert "identical" in capsys.readouterr().out
    assert run(*arguments, "--strict") == 1
    (folder / "sub/surplus.png").write_bytes(b"")
    capsys.readouterr()
    assert run(*arguments, "--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert len(document["faults"]) == 1
    assert len(document["notices"]) == 1


@pytest.mark.weights
@pytest.mark.slow
def test_two_2k_pictures_from_folder_and_zip(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sub = tmp_path / "sub"
    sub.mkdir()
    for index, name in enumerate(("0801.png", "0802.png")):
        gt = read_rgb(shared / "images/2k" / name)
        for sample in range(10):
            noise = np.random.default_rng([index, sample]).integers(-6, 7, gt.shape)
            sr = np.clip(gt + noise, 0, 255).astype(np.uint8)
            write_png(sub / f"{index:06d}_sample{sample:05d}.png", sr, compress_level=1)
    archive = shutil.make_archive(str(tmp_path / "sub"), "zip", sub)
    documents = []
    for submission, board in ((sub, "b1"), (archive, "b2")):
        code = run(
            "score", submission, "--gt", shared / "images/2k", "--track", "x4", "--board", tmp_path / board, "--json",
            "--lpips-net", "squeeze", "--lpips-weights", shared / "weights/squeezenet1_1-features.pth",
        )  # fmt: skip
        out, err = capsys.readouterr()
        assert code == 0, err
        documents.append(json.loads(out))
    assert documents[0] == documents[1]
    assert [image["image"] for image in documents[0]["images"]] == ["0801", "0802"]
    assert all(len(image["samples"]) == 10 for image in documents[0]["images"])
    assert documents[0]["summary"]["diversity"] > 0


def test_metrics_without_a_reference_and_a_niqe_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "gt").mkdir()
    (tmp_path / "sub").mkdir()
    gt = np.asarray(synth.picture(96, 192, 1))
    write_png(tmp_path / "gt/0801.png", gt)
    write_png(tmp_path / "sub/000000.png", gt[::-1])
    model = niqe_model()
    np.savez(tmp_path / "model.npz", mean=model.mean + 1, covariance=model.covariance)
    (tmp_path / "damaged.npz").write_bytes(b"PK")
    wanted = ("--track", "x4", "--metrics", "niqe,brisque,piqe,psnr", "--json")
    assert score(tmp_path, *wanted, "--team", "a") == 0
    authors = json.loads(capsys.readouterr().out)
    assert authors["summary"]["brisque"] == se.brisque(np.ascontiguousarray(gt[::-1]))
    assert authors["signature"]["settings"]["niqe"]["model"] == "authors'"
    assert score(tmp_path, *wanted, "--team", "b", "--niqe-model", tmp_path / "model.npz") == 0
    other = json.loads(capsys.readouterr().out)
    assert other["summary"]["niqe"] != authors["summary"]["niqe"]
    assert other["summary"]["piqe"] == authors["summary"]["piqe"]
    assert len(other["signature"]["settings"]["niqe"]["model"]) == 64
    assert score(tmp_path, *wanted, "--team", "c", "--niqe-model", tmp_path / "damaged.npz") == 1
    assert "damaged.npz: not a readable .mat or .npz file" in capsys.readouterr().err


def test_the_mse_of_diversity_mse_is_not_shown_as_the_metric_mse(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(folder, "--track", "x4", "--metrics", "diversity_mse") == 0
    assert "\nMSE" not in capsys.readouterr().out
    assert score(folder, "--track", "x4", "--metrics", "mse", "--team", "b") == 0
    assert "\nMSE" in capsys.readouterr().out
