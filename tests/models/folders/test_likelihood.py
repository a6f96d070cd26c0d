"""Which GT belongs to which LR, and how much memory their likelihood takes."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from benchmarks.inputs.synth import picture
from benchmarks.inputs.weights import write_small_checkpoint
from srspace_eval._utils.png import write_png
from srspace_eval.errors import Notice, SamplingError
from srspace_eval.models import load_model
from srspace_eval.models.base import Flow
from srspace_eval.models.folders.likelihood import likelihoods


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Flow:
    found = load_model(write_small_checkpoint(tmp_path_factory.mktemp("model") / "a.pth", "srflow_da"), "cpu")
    assert isinstance(found, Flow)
    return found


def make(root: Path, lrs: list[str], gts: list[str]) -> tuple[Path, Path]:
    """Folders of LRs of 6×8 pixels and GTs of 24×32, under these names."""
    for folder, names, size in (("lr", lrs, (6, 8)), ("gt", gts, (24, 32))):
        (root / folder).mkdir()
        for k, name in enumerate(names):
            write_png(root / folder / name, picture(*size, k))
    return root / "lr", root / "gt"


PAIRS = [
    (["0801x4.png", "0802x4.png"], "", ["0801.png", "0802.png", "0803.png"], "", ["0801", "0802"]),
    (["0801x4.png", "0802x4.png"], "", ["0801.png", "0802.png"], "0802.png", ["0802"]),
    (["0801x4.png", "0802x4.png"], "0802x4.png", ["0801.png", "0802.png"], "", ["0802"]),
    (["0801x4.png"], "0801x4.png", ["0801.png"], "0801.png", ["0801"]),
    (["baby.png"], "baby.png", ["baby.PNG"], "", ["baby"]),
    (["0801x4.png", "0802x4.png"], "", ["0801x4.png", "0802x4.png"], "", ["0801", "0802"]),
    (["0801x4.png"], "", ["0801x4.png"], "0801x4.png", ["0801"]),
    (["0801x4.png"], "0801x4.png", ["0801x4.png"], "0801x4.png", ["0801"]),
]


@pytest.mark.parametrize(("lrs", "lr", "gts", "gt", "images"), PAIRS)
def test_pairs_by_identity(
    model: Flow, tmp_path: Path, lrs: list[str], lr: str, gts: list[str], gt: str, images: list[str]
) -> None:
    lr_folder, gt_folder = make(tmp_path, lrs, gts)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = likelihoods(model, lr_folder / lr, gt_folder / gt).images
    assert [x.image for x in found] == images
    if gt:  # the same number as among the others
        (whole,) = (x for x in likelihoods(model, lr_folder, gt_folder).images if x.image == images[0])
        assert found == (whole,)


def test_two_files_are_a_pair_with_a_notice_if_names_differ(model: Flow, tmp_path: Path) -> None:
    lr, gt = make(tmp_path, ["0801x4.png"], ["0802.png"])
    with pytest.warns(Notice, match=r"0802\.png: taken as the GT of 0801x4\.png, although their names differ"):
        found = likelihoods(model, lr / "0801x4.png", gt / "0802.png").images
    assert [x.image for x in found] == ["0801"]


MISTAKES = [
    # LRs, the one given, GTs, the one given, message
    (["0801x4.png", "0802x4.png"], "", ["0803.png"], "0803.png", "holds no LR of 0803.png, which would be 0803.png or"),
    (["0801x4.png"], "", ["0802.png"], "0802.png", "give the PNG itself as lr"),
    (["0801x4.png"], "0801x4.png", ["0802.png"], "", r"0801x4.png: has no GT: \S*0801.png is missing"),
    (["0801x4.png"], "", ["0801.png", "0801.PNG"], "", "belongs to 0801.PNG and 0801.png: keep one of them"),
    (["0801x4.png", "0801.png"], "", ["0801.png"], "", "the same image as"),
    (["0801x4.png"], "", ["0801.png"], "0809.png", r"0809.png: there is no such file or folder"),
    (["0801x4.png"], "none", ["0801.png"], "", r"none: there is no such file or folder"),
    ([], "", ["0801.png"], "", "lr: holds no PNG"),
    (["0801x4.png"], "", ["0801.png"], "../lr", "lr: is given as LR and as GT"),
    (["0801x4.png"], "", ["0801.png"], "../gt.zip", "gt.zip: is not a PNG"),
]


@pytest.mark.parametrize(("lrs", "lr", "gts", "gt", "message"), MISTAKES)
def test_missing_partners_are_named(
    model: Flow, tmp_path: Path, lrs: list[str], lr: str, gts: list[str], gt: str, message: str
) -> None:
    lr_folder, gt_folder = make(tmp_path, lrs, gts)
    if len(list(gt_folder.iterdir())) < len(gts):
        pytest.skip("a file system that ignores case")
    (tmp_path / "gt.zip").write_bytes(b"PK")
    with pytest.raises(SamplingError, match=message):
        likelihoods(model, lr_folder / lr, gt_folder / gt)


def test_memory_of_encoding_is_checked_first(model: Flow, tmp_path: Path) -> None:
    lr, gt = make(tmp_path, ["0801x4.png"], ["0801.png"])
    needed = model.encode_memory_estimate(6, 8, 1)
    assert len(likelihoods(model, lr, gt, memory_limit=needed).images) == 1
    with pytest.raises(
        SamplingError,
        match=r"0801\.png: encoding 32×24 pixels needs \d+\.\d\d MiB, and \d+\.\d\d MiB may be used; .* memory",
    ):
        likelihoods(model, lr, gt, memory_limit=needed - 1)
