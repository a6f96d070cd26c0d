"""The command likelihood."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.inputs.synth import picture
from benchmarks.inputs.weights import write_small_checkpoint
from srspace_eval._utils.png import write_png
from srspace_eval.errors import Notice
from srspace_eval.metrics.resize import imresize
from srspace_eval.models import likelihoods, load_model
from tests.helpers.commands import run

SIZES = {"0801": (48, 40), "0802": (53, 66)}  # 0802 is cropped to 48×64 for its LR


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    """LRs, GTs, and a small SRFlow."""
    lr, gt = tmp_path / "lr", tmp_path / "gt"
    lr.mkdir()
    gt.mkdir()
    for name, size in SIZES.items():
        full = picture(*size, int(name))
        write_png(gt / f"{name}.png", full)
        cropped = full[: size[0] // 8 * 8, : size[1] // 8 * 8]
        write_png(lr / f"{name}x4.png", imresize(np.ascontiguousarray(cropped), scale=0.25))
    write_png(gt / "0899.png", picture(8, 8, 1))  # a GT without LR is ignored
    return lr, gt, write_small_checkpoint(tmp_path / "a.pth", "srflow")


def test_values_equal_those_of_python(folders: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    lr, gt, checkpoint = folders
    assert run("likelihood", "--checkpoint", checkpoint, "--lr", lr, "--gt", gt, "--device", "cpu", "--json") == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert "cropped to ×4 of their LRs, top left kept: 0802.png" in err
    assert [(x["image"], x["height"], x["width"]) for x in document["images"]] == [("0801", 48, 40), ("0802", 48, 64)]
    model = load_model(checkpoint, "cpu")
    for found in document["images"]:
        full = picture(*SIZES[found["image"]], int(found["image"]))[: found["height"], : found["width"]]
        low = imresize(np.ascontiguousarray(full), scale=0.25)
        a, b = (torch.from_numpy(x.transpose(2, 0, 1)[None].astype(np.float32) / 255) for x in (low, full))
        _, _, nll = model.encode(a, b)
        assert found["nll"] == pytest.approx(float(nll[0]), abs=1e-5)
        assert math.isfinite(found["nll"])
    assert document["mean_nll"] == pytest.approx(sum(x["nll"] for x in document["images"]) / 2)
    assert document["unit"] == "bits per pixel"
    assert (document["checkpoint"], len(document["sha256"])) == ("a.pth", 64)
    with pytest.warns(Notice, match="cropped"):
        assert likelihoods(model, str(lr), str(gt)).to_dict() == document


def test_table(folders: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    lr, gt, checkpoint = folders
    arguments = ["--checkpoint", checkpoint, "--lr", lr / "0801x4.png", "--gt", gt / "0801.png", "--device", "cpu"]
    assert run("likelihood", *arguments) == 0
    header, row, mean = capsys.readouterr().out.splitlines()
    assert "bits/pixel" in header
    assert row.split()[:2] == ["0801", "40×48"]
    assert mean.split() == ["mean", row.split()[2]]


def test_every_problem_is_listed(folders: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    lr, gt, checkpoint = folders
    write_png(lr / "0803.png", picture(9, 9, 1))
    write_png(lr / "0804.png", picture(9, 9, 2))
    write_png(gt / "0804.png", picture(44, 36, 1))  # too large by 8: a GT of another picture
    write_png(lr / "0805.png", picture(9, 9, 3))
    write_png(gt / "0805.png", picture(36, 35, 1))  # too small by 1
    (gt / "0802.png").write_bytes(b"GIF89a")
    assert run("likelihood", "--checkpoint", checkpoint, "--lr", lr, "--gt", gt, "--device", "cpu") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n  - ") == 4
    for words in ("0803.png: has no GT", "36×44 pixels do not belong", "35×36 pixels do not belong", "a GIF"):
        assert words in err


def test_only_flows_have_a_likelihood(folders: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    lr, gt, _ = folders
    assert run("likelihood", "--checkpoint", "bicubic_x4", "--lr", lr, "--gt", gt) == 1
    assert "bicubic_x4 has no likelihood" in capsys.readouterr().err


def test_a_likelihood_that_is_not_finite_leaves_no_mean(
    folders: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lr, gt, checkpoint = folders
    model = load_model(checkpoint, "cpu")
    encode = type(model).encode

    def broken(self, low, high):  # type: ignore[no-untyped-def]
        latents, logdet, nll = encode(self, low, high)
        return latents, logdet, nll * (math.nan if high.shape[3] == 64 else 1)

    monkeypatch.setattr(type(model), "encode", broken)
    with pytest.warns(Notice) as notices:
        found = likelihoods(model, lr, gt)
    assert any("0802.png: its likelihood is not finite (nan)" in str(n.message) for n in notices)
    assert [math.isfinite(x.nll) for x in found.images] == [True, False]
    assert run("likelihood", "--checkpoint", checkpoint, "--lr", lr, "--gt", gt, "--device", "cpu", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["mean_nll"] is None
    assert document["images"][1]["nll"] is None
