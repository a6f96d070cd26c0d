from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.inputs.synth import picture
from srspace_eval._utils.hashing import sha256
from srspace_eval._utils.png import read_rgb, write_png
from srspace_eval.errors import InputError, Notice, SamplingError
from srspace_eval.models.adapters.bicubic import Bicubic
from srspace_eval.models.folders.options import SampleOptions
from srspace_eval.models.folders.output_folder import OutputFolder
from srspace_eval.models.folders.sample_folder import sample_folder
from srspace_eval.models.sampling.latents import latent_field
from srspace_eval.models.sampling.samples import sample_array
from srspace_eval.submissions.provenance import PROVENANCE_FILE
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.reader import load_track
from tests.helpers.toy_model import Toy

SIZES = {"0801": (9, 14), "0802": (12, 7), "0805": (11, 11)}


@pytest.fixture
def lr(tmp_path: Path) -> Path:
    """Three small LRs with DIV2K's names."""
    folder = tmp_path / "lr"
    folder.mkdir()
    for name, size in SIZES.items():
        write_png(folder / f"{name}x4.png", picture(*size, int(name)))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def record(folder: Path) -> dict:
    return json.loads((folder / PROVENANCE_FILE).read_text(encoding="utf-8"))


def test_a_submission_of_the_track(lr: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = sample_folder(Toy(), lr, out, SampleOptions(samples=3, seed=4))
    names = [f"{index:06d}_sample{sample:05d}.png" for index in (0, 1, 4) for sample in range(3)]
    assert sorted(contents(out)) == sorted([*names, PROVENANCE_FILE])
    assert (report.images, report.made, report.kept, report.folders) == (3, 9, 0, (out,))
    expected = sample_array(Toy(), picture(*SIZES["0805"], 805), n=3, seed=4, image="0805")
    np.testing.assert_array_equal(read_rgb(out / "000004_sample00001.png"), expected[1])


def test_record(lr: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (tmp_path / "a.pth").write_bytes(b"weights")
    sample_folder(Toy(), lr, out, SampleOptions(samples=1, heats=(0.7,)), checkpoint=tmp_path / "a.pth")
    data = record(out)
    assert data["format"] == "srspace-eval/sample/1"
    assert data["model"] == {
        "checkpoint": "a.pth",
        "sha256": sha256(b"weights"),
        "name": "toy_x4",
        "family": "toy",
        "scale": 4,
        "deterministic": False,
        "details": {"levels": 2},
    }
    assert data["settings"] == {
        "heat": 0.7,
        "seed": 0,
        "quantize": "trunc",
        "precision": "float32",
        "device": "cpu",
        "names": "{index:06d}.png",
    }
    assert [image["image"] for image in data["images"]] == ["0801", "0802", "0805"]
    assert data["images"][2]["files"] == ["000004.png"]
    assert data["images"][0]["tile"] is None
    assert set(data["environments"][0]) == {"srspace-eval", "torch", "numpy", "scipy", "python", "hardware"}
    # No path of this machine.
    assert str(tmp_path) not in json.dumps(data)


def test_only_what_is_missing_is_made(lr: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = SampleOptions(samples=3)
    sample_folder(Toy(), lr, out, options)
    before = contents(out)
    (out / "000001_sample00002.png").unlink()
    (out / "000004_sample00000.png").unlink()
    (out / ".000001_sample00000.png.tmp").write_bytes(b"left by a killed write")
    model = Toy()
    report = sample_folder(model, lr, out, options)
    assert (report.made, report.kept, model.decoded) == (2, 7, 2)
    assert model.conditioned == [SIZES["0802"], SIZES["0805"]]
    assert contents(out) == before


def test_more_samples_and_more_images_may_be_requested(lr: Path, tmp_path: Path) -> None:
    full = tmp_path / "full"
    sample_folder(Toy(), lr, full, SampleOptions(samples=4))
    few, out = tmp_path / "few", tmp_path / "out"
    few.mkdir()
    (lr / "0802x4.png").rename(few / "0802x4.png")
    sample_folder(Toy(), few, out, SampleOptions(samples=2))
    (few / "0802x4.png").rename(lr / "0802x4.png")
    report = sample_folder(Toy(), lr, out, SampleOptions(samples=4))
    assert (report.made, report.kept) == (10, 2)
    assert contents(out) == contents(full)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "settings.seed: 0 before, 1 now"),
        ({"heats": (0.8,)}, "settings.heat: 0.9 before, 0.8 now"),
        ({"quantize": "round"}, "settings.quantize: 'trunc' before, 'round' now"),
        ({"precision": "bf16"}, "settings.precision"),
        ({"names": "{stem}_sample{sample:05d}.png"}, "settings.names"),
        ({"samples": 2}, "0802: 3 samples before, only 2 now"),
        ({"tile": 16, "samples": 3}, None),
    ],
)
def test_samples_of_other_settings_are_not_mixed(lr: Path, tmp_path: Path, change: dict, message: str | None) -> None:
    out = tmp_path / "out"
    sample_folder(Toy(), lr, out, SampleOptions(samples=3))
    before = contents(out)
    options = SampleOptions(**{"samples": 3, **change})
    if message is None:  # smaller than a tile: the same
        assert sample_folder(Toy(), lr, out, options).made == 0
        return
    with pytest.raises(SamplingError, match="begun with something else") as caught:
        sample_folder(Toy(), lr, out, options)
    assert message in str(caught.value)
    assert contents(out) == before
    # With --overwrite nothing of the old is left.
    sample_folder(Toy(), lr, out, SampleOptions(**{"samples": 3, "overwrite": True, **change}))
    fresh = tmp_path / "fresh"
    sample_folder(Toy(), lr, fresh, options)
    assert contents(out) == contents(fresh)


def test_samples_of_another_lr_or_model_are_not_mixed(lr: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first, second, renamed = (tmp_path / name for name in ("a", "a2", "b"))
    for path, weights in ((first, b"1"), (second, b"2"), (renamed, b"1")):
        path.write_bytes(weights)
    options = SampleOptions(samples=1)
    sample_folder(Toy(), lr, out, options, checkpoint=first)
    with pytest.raises(SamplingError, match=rf"model.sha256: '{sha256(b'1')}' before, '{sha256(b'2')}' now"):
        sample_folder(Toy(), lr, out, options, checkpoint=second)
    # The same file under another name is the same model.
    sample_folder(Toy(), lr, out, options, checkpoint=renamed)
    write_png(lr / "0802x4.png", picture(12, 7, 1))
    with pytest.raises(SamplingError, match="0802: its LR was another picture"):
        sample_folder(Toy(), lr, out, options, checkpoint=first)


def test_details_of_any_kind_survive_the_record(lr: Path, tmp_path: Path) -> None:
    model = Toy()
    model.config = replace(model.config, details={"sizes": (1, 2), "gain": 0.1})
    sample_folder(model, lr, tmp_path / "out", SampleOptions(samples=1))
    assert sample_folder(model, lr, tmp_path / "out", SampleOptions(samples=1)).made == 0


def test_overwrite_removes_nothing_if_the_run_cannot_start(lr: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    sample_folder(Toy(), lr, out, SampleOptions(samples=1))
    before = contents(out)
    with pytest.raises(SamplingError, match="may be used"):
        sample_folder(Toy(), lr, out, SampleOptions(samples=1, memory_limit=1000, overwrite=True))
    assert contents(out) == before


def test_samples_without_a_record_are_not_overwritten(lr: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    write_png(out / "000001_sample00000.png", picture(48, 28, 1))
    with pytest.raises(SamplingError, match=r"holds 1 samples .* no srspace-eval-sample\.json"):
        sample_folder(Toy(), lr, out)
    (out / PROVENANCE_FILE).write_text("{", encoding="utf-8")
    with pytest.raises(SamplingError, match="cannot be read"):
        sample_folder(Toy(), lr, out)
    (out / "mine.png").write_bytes(b"kept")
    sample_folder(Toy(), lr, out, SampleOptions(overwrite=True))
    assert (out / "mine.png").read_bytes() == b"kept"


def test_a_record_cannot_make_overwrite_remove_other_files(lr: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    sample_folder(Toy(), lr, out, SampleOptions(samples=1))
    precious = tmp_path / "precious.png"
    precious.write_bytes(b"x")
    data = record(out)
    data["images"][0]["files"] = ["../precious.png"]
    (out / PROVENANCE_FILE).write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(SamplingError, match="outside the folder"):
        sample_folder(Toy(), lr, out, SampleOptions(samples=1))
    sample_folder(Toy(), lr, out, SampleOptions(samples=1, overwrite=True))
    assert precious.exists()


def test_several_heats_are_submissions_of_their_own(lr: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    model = Toy()
    report = sample_folder(model, lr, out, SampleOptions(samples=2, heats=(0.7, 0.0)))
    assert report.folders == (out / "heat-0.7", out / "heat-0")
    assert len(model.conditioned) == 3  # once for both heats
    alone = tmp_path / "alone"
    sample_folder(Toy(), lr, alone, SampleOptions(samples=2, heats=(0.7,)))
    assert contents(alone) == contents(out / "heat-0.7")
    assert record(out / "heat-0")["settings"]["heat"] == 0.0


@pytest.mark.parametrize(
    ("heats", "folders"),
    [
        ((0.9, 0.9000001), ["heat-0.9", "heat-0.9000001"]),
        ((1.0, 1.0 + 2**-52), ["heat-1", "heat-1.0000000000000002"]),
        ((123456.7, 123457.0), ["heat-123456.7", "heat-123457"]),
        ((0.1 + 0.2, 0.3), ["heat-0.30000000000000004", "heat-0.3"]),
        ((-0.0, 1e-9), ["heat-0", "heat-1e-09"]),
    ],
)
def test_close_heats_get_folders_of_their_own(
    lr: Path, tmp_path: Path, heats: tuple[float, ...], folders: list[str]
) -> None:
    report = sample_folder(Toy(), lr, tmp_path / "out", SampleOptions(samples=1, heats=heats))
    assert [folder.name for folder in report.folders] == folders
    assert [record(folder)["settings"]["heat"] for folder in report.folders] == list(heats)


def test_samples_that_are_not_finite_are_listed_and_the_others_kept(lr: Path, tmp_path: Path) -> None:
    highest = {}
    for name, size in SIZES.items():
        shape = Toy().latent_shapes(*size)[1]
        for i in range(3):
            highest[name, i] = 0.9 * latent_field(shape, seed=0, image=name, sample=i, latent=1).max()
    worst = sorted(highest, key=highest.get)[-2:]
    out = tmp_path / "out"
    model = Toy(poison=highest[worst[0]] - 1e-6)
    with pytest.raises(SamplingError, match="not finite") as caught:
        sample_folder(model, lr, out, SampleOptions(samples=3))
    assert len(caught.value.problems) == 2
    for (name, sample), problem in zip(sorted(worst), caught.value.problems, strict=True):
        assert f"image {name}, sample {sample}, heat 0.9" in problem
    assert len(list(out.glob("*.png"))) == 7
    # A healthy model of the same name fills the gaps.
    assert sample_folder(Toy(), lr, out, SampleOptions(samples=3)).made == 2


def test_tiles_are_announced_and_kept_on_resume(tmp_path: Path) -> None:
    lr, whole, out = tmp_path / "big.png", tmp_path / "whole", tmp_path / "out"
    write_png(lr, picture(70, 90, 1))
    sample_folder(Toy(), lr, whole, SampleOptions(samples=2))
    memory = 48 * 64 * 1000
    with pytest.warns(Notice, match=r"big: 90×70 LR pixels are decoded in \d+ tiles of 16×16 with 16 "):
        sample_folder(Toy(), lr, out, SampleOptions(samples=2, memory_limit=memory))
    assert record(out)["images"][0]["tile"] == 16
    for name in ("big_sample00000.png", "big_sample00001.png"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    # With more memory the folder is continued with the same tiles.
    (out / "big_sample00001.png").unlink()
    model = Toy()
    with pytest.warns(Notice, match="tiles of 16×16"):
        sample_folder(model, lr, out, SampleOptions(samples=2))
    assert max(model.conditioned) < (70, 90)
    # With less memory it is an error; the tiles are not changed.
    (whole / "big_sample00001.png").unlink()
    with pytest.raises(SamplingError, match=r"was begun whole, which needs 6\.01 MiB"):
        sample_folder(Toy(), lr, whole, SampleOptions(samples=2, memory_limit=memory))


@pytest.mark.parametrize(("tile", "needs"), [("off", "whole needs 6.01 MiB"), (32, "with tiles of 32 needs 3.91 MiB")])
def test_requested_tiles_must_fit_the_memory_limit(tmp_path: Path, tile: int | str, needs: str) -> None:
    lr, out = tmp_path / "big.png", tmp_path / "out"
    write_png(lr, picture(70, 90, 1))
    model = Toy()
    with pytest.raises(SamplingError, match=f"big: {needs}, and 2.93 MiB may be used") as caught:
        sample_folder(model, lr, out, SampleOptions(samples=1, tile=tile, memory_limit=48 * 64 * 1000))
    assert "memory" in str(caught.value)
    assert not model.conditioned
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Notice)
        assert sample_folder(model, lr, out, SampleOptions(samples=1, tile=tile, memory_limit=70 * 90 * 1000)).made == 1


def test_deterministic_models_write_copies_with_a_notice(lr: Path, tmp_path: Path) -> None:
    with pytest.warns(Notice, match="the 2 samples of an image are copies"):
        sample_folder(Bicubic(4), lr, tmp_path / "two", SampleOptions(samples=2))
    two = contents(tmp_path / "two")
    assert two["000000_sample00000.png"] == two["000000_sample00001.png"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sample_folder(Bicubic(4), lr, tmp_path / "one", SampleOptions(samples=1))
    assert record(tmp_path / "one")["settings"]["heat"] is None
    assert record(tmp_path / "one")["settings"]["quantize"] == "round"
    with pytest.raises(InputError, match="deterministic"):
        sample_folder(Bicubic(4), lr, tmp_path / "x", SampleOptions(heats=(0.7, 0.9)))


def names_of(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.glob("*.png"))


@pytest.mark.parametrize(
    ("files", "options", "expected"),
    [
        (["0801.png", "0900x4.png"], {}, ["000000_sample00000.png", "000099_sample00000.png"]),
        (["0901x4.png"], {}, ["000901_sample00000.png"]),
        (["0901x4.png"], {"track": "x4"}, ["000100_sample00000.png"]),
        (["0901x4.png"], {"samples": 1}, ["000000.png"]),
        (["0001x4.png"], {}, ["0001_sample00000.png"]),
        (["baby.png", "img_001_x4_LR.png"], {}, ["baby_sample00000.png", "img_001_x4_LR_sample00000.png"]),
        (["baby.png", "0801x4.png"], {}, ["0801_sample00000.png", "baby_sample00000.png"]),
        (["0801x2.png"], {}, ["0801x2_sample00000.png"]),
        (["0801x4.png"], {"names": "{number:04d}-{sample:02d}.png"}, ["0801-00.png"]),
        (["0801x4.png"], {"names": "{stem}.png", "samples": 1}, ["0801.png"]),
    ],
)
def test_names(tmp_path: Path, files: list[str], options: dict, expected: list[str]) -> None:
    lr = tmp_path / "lr"
    lr.mkdir()
    for name in files:
        write_png(lr / name, picture(6, 6, 1))
    track = load_track(options["track"]) if "track" in options else None
    out = tmp_path / "out"
    sample_folder(Toy(), lr, out, SampleOptions(**{"samples": 2, **options, "track": track}))
    assert [name for name in names_of(out) if "sample00001" not in name and "-01" not in name] == expected


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        (["baby.png"], {"track": load_track("x4-2022")}, "baby.png: image 'baby' has no number"),
        (["0801.png"], {"track": load_track("x8")}, "track x8 is ×8, the model is ×4"),
        (["0801.png"], {"names": "{stem}.png"}, "lack {sample}"),
        (["0801.png", "0801x4.png"], {}, "the same image as 0801.png"),
        (["0801.txt"], {}, "holds no PNG"),
        (["0801.png"], {"track": Track("t", "t", 4, sample_names=("{stem}.png",))}, "lack {sample}"),
        (["0801.png"], {"names": "../{stem}_{sample}.png"}, "'../0801_0.png' is not the name of a PNG in the folder"),
        (["0801.png"], {"names": "{stem}/{sample}.png"}, "'0801/0.png' is not the name"),
        (["0801.png"], {"names": "{stem}_{sample}.jpg"}, "'0801_0.jpg' is not the name"),
        (["0801.png"], {"names": ".{stem}_{sample}.png"}, "'.0801_0.png' is not the name"),
        (["0801.png"], {"track": Track("t", "t", 4, sample_names=("/{stem}{sample}.png",))}, "is not the name"),
        (["a.png", "a1.png"], {"names": "{stem}{sample}.png", "samples": 11}, "a10.png: image a, sample 10, and image"),
    ],
)
def test_unusable_names_are_explained(tmp_path: Path, files: list[str], options: dict, message: str) -> None:
    lr = tmp_path / "lr"
    lr.mkdir()
    for name in files:
        write_png(lr / name, picture(6, 6, 1))
    with pytest.raises(SamplingError) as caught:
        sample_folder(Toy(), lr, tmp_path / "out", SampleOptions(**{"samples": 2, **options}))
    assert message in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_file_belongs_to_one_image(lr: Path, tmp_path: Path) -> None:
    # Two challenges may call different images' samples the same.
    names = ("{index:03d}_{sample}.png",)
    early, late = (Track(f"from {n}", "t", 4, sample_names=names, first=n) for n in (800, 801))
    (tmp_path / "second").mkdir()
    (lr / "0802x4.png").rename(tmp_path / "second" / "0802x4.png")
    out = tmp_path / "out"
    sample_folder(Toy(), lr, out, SampleOptions(samples=1, track=early))
    before = contents(out)
    with pytest.raises(SamplingError, match=r"0802: 001_0\.png is a sample of 0801"):
        sample_folder(Toy(), tmp_path / "second", out, SampleOptions(samples=1, track=late))
    with pytest.raises(SamplingError, match=r"0801: its samples were 001_0\.png … before, 000_0\.png … now"):
        sample_folder(Toy(), lr, out, SampleOptions(samples=1, track=late))
    assert contents(out) == before


def test_unusable_lrs_are_all_listed(lr: Path, tmp_path: Path) -> None:
    (lr / "0803.png").write_bytes(b"GIF89a")
    (lr / "0804.png").write_bytes((lr / "0801x4.png").read_bytes()[:-20])
    with pytest.raises(SamplingError) as caught:
        sample_folder(Toy(), lr, tmp_path / "out")
    assert len(caught.value.problems) == 2
    (lr / "0803.png").unlink()
    (lr / "0804.png").rename(lr / "notes.txt")
    with pytest.warns(Notice, match="ignored, not a PNG: notes.txt"):
        sample_folder(Toy(), lr, tmp_path / "out", SampleOptions(samples=1))


def test_the_lr_folder_is_not_written_into(lr: Path) -> None:
    with pytest.raises(SamplingError, match="the folder of the LRs"):
        sample_folder(Toy(), lr, lr)
    with pytest.raises(SamplingError, match="the folder of the LRs"):
        sample_folder(Toy(), lr / "0801x4.png", lr)


def test_one_run_at_a_time(lr: Path, tmp_path: Path) -> None:
    with OutputFolder(tmp_path / "out", 0.9, {}).held(), pytest.raises(SamplingError, match="another run"):
        sample_folder(Toy(), lr, tmp_path / "out")
    sample_folder(Toy(), lr, tmp_path / "out", SampleOptions(samples=1))
    assert not [p for p in (tmp_path / "out").iterdir() if p.name.startswith(".")]


def test_an_error_while_writing_is_raised(lr: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "000001_sample00001.png").mkdir(parents=True)
    (out / "000001_sample00001.png" / "x").touch()
    with pytest.raises(SamplingError, match=r"no srspace-eval-sample\.json"):
        sample_folder(Toy(), lr, out, SampleOptions(samples=2))
    with pytest.raises(SamplingError, match=r"000001_sample00001\.png: cannot be removed"):
        sample_folder(Toy(), lr, out, SampleOptions(samples=2, overwrite=True))
    full = tmp_path / "file"
    full.touch()
    with pytest.raises(SamplingError, match="cannot be written to"):
        sample_folder(Toy(), lr, full, SampleOptions(samples=2))
