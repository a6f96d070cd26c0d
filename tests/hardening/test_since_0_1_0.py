"""What fell in version 0.1.0, through calls that both versions have.

Each test fails on 0.1.0. To see it, run this file alone beside that version's code::

    cd CHECKOUT_OF_0.1.0 && python -m pytest -p no:cacheprovider -c /dev/null PATH/TO/test_since_0_1_0.py

So it takes nothing from this repository but the program. The numbers in the names are those of the list of faults that
0.1.0 had; the tests of the modules say more about each.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import resource
import shutil
import socket
import subprocess
import sys
import time
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="links, limits and signals of POSIX"),
    pytest.mark.filterwarnings("ignore"),
]
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRSPACE_EVAL_STATE", str(tmp_path_factory.mktemp("state")))


def run(*arguments: object) -> int:
    """The exit code of a command, in this process."""
    from srspace_eval.cli import main

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            main([str(argument) for argument in arguments])
    except SystemExit as left:
        return int(left.code or 0)
    return 0


def save(path: Path, pixels: np.ndarray, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def pictures(folder: Path, images: int = 2, samples: int = 3, size: tuple[int, int] = (48, 64)) -> Path:
    """``gt/0801.png …``, and noisy copies as ``sub/000000_sample00000.png …``."""
    rng = np.random.default_rng(0)
    for i in range(images):
        gt = np.kron(rng.integers(0, 256, (size[0] // 8, size[1] // 8, 3)), np.ones((8, 8, 1)))
        gt = np.clip(gt + rng.normal(0, 20, gt.shape), 0, 255).astype(np.uint8)
        save(folder / "gt" / f"{801 + i:04d}.png", gt)
        for s in range(samples):
            noisy = np.clip(gt + rng.normal(0, 9, gt.shape), 0, 255).astype(np.uint8)
            save(folder / "sub" / f"{i:06d}_sample{s:05d}.png", noisy)
    return folder


def score(folder: Path, board: Path, team: str = "t", *more: object, samples: int = 3) -> int:
    return run("score", folder / "sub", "--gt", folder / "gt", "--track", "x4", "--samples", samples, "--team", team,
               "--board", board, "--metrics", "lr_psnr,diversity_mse", *more)  # fmt: skip


def result(board: Path, team: str = "t") -> Any:
    return json.loads((board / "x4" / f"{team}.json").read_text())


def edit(path: Path, change: Any) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def better(document: Any) -> None:
    """All LR-PSNR 10 dB better, consistently."""
    for image in document["images"]:
        for values in (image, *image["samples"]):
            for key in ("lr_psnr", "lr_psnr_worst"):
                if key in values:
                    values[key] += 10
    for key in ("lr_psnr", "lr_psnr_worst"):
        document["summary"][key] = float(np.mean([image[key] for image in document["images"]]))


# --- the study's server ----------------------------------------------------------------------------------


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study of three methods with both kinds of checks: ``study/`` and ``study-key.json``."""
    for number, name in enumerate(("a", "b", "c")):
        pictures(tmp_path / name, size=(96, 136), samples=1)
        for file in (tmp_path / name / "sub").iterdir():
            save(file, (np.asarray(Image.open(file)) // (2 + number)).astype(np.uint8))
    methods = [f"{name}={tmp_path / name / 'sub'}" for name in "abc"]
    made = run("study", "create", *methods, "--gt", tmp_path / "a" / "gt", "--track", "x4", "--out", tmp_path / "study",
               "--size", 16, "--crops", 1, "--raters", 2, "--repeats", 1, "--obvious", 1, "--seed", 0)  # fmt: skip
    assert made == 0
    return tmp_path / "study"


@contextlib.contextmanager
def served(study: Path, answers: Path) -> Iterator[tuple[tuple[str, int], dict[str, str]]]:
    """The address of a server, and its raters' tokens."""
    command = [
        sys.executable,
        "-m",
        "srspace_eval",
        "study",
        "serve",
        str(study),
        "--port",
        "0",
        "--answers",
        str(answers),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        tokens: dict[str, str] = {}
        while len(tokens) < 2:
            found = re.search(r"(r\d+)\s+http://127\.0\.0\.1:(\d+)/([^/]+)/", process.stdout.readline())
            if found:
                tokens[found[1]], port = found[3], int(found[2])
        yield ("127.0.0.1", port), tokens
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def exchange(address: tuple[str, int], sent: bytes, seconds: float = 2) -> bytes:
    with socket.create_connection(address, timeout=10) as raw:
        raw.sendall(sent)
        raw.settimeout(seconds)
        received = b""
        with contextlib.suppress(TimeoutError, ConnectionError):
            while data := raw.recv(65536):
                received += data
    return received


def answer(study: Path, rater: str = "r01", *, checks: bool = True, **more: Any) -> bytes:
    """The answer of a rater who ranks the methods by their number; without the attention checks if so asked."""
    key = json.loads(study.with_name("study-key.json").read_text())
    given = []
    (who,) = [each for each in key["raters"] if each["id"] == rater]
    for task in key["tasks"]:
        if task["id"] in who["tasks"] and (checks or task["kind"] == "rank"):
            order = sorted(range(len(task["items"])), key=lambda i: task["holds"][i])
            given.append({"task": task["id"], "ranking": [[task["items"][i]] for i in order], "seconds": 12.5})
    return json.dumps({
        "format": "srspace-eval/answer/1", "study": key["study"], "rater": rater, "token": who["token"],
        "started": "2026-01-01T10:00:00.000Z", "finished": None, "answers": given, **more,
    }).encode()  # fmt: skip


def test_01_a_body_is_not_the_next_request(study: Path, tmp_path: Path) -> None:
    with served(study, tmp_path / "answers") as (address, tokens):
        inner = f"GET /{tokens['r02']}/session.js HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        head = f"GET /{tokens['r01']}/session.js HTTP/1.1\r\nHost: x\r\nContent-Length: {len(inner)}\r\n\r\n"
        assert exchange(address, head.encode() + inner).count(b"HTTP/1.1 200") == 1


def test_02_dribbling_connections_do_not_block_others(study: Path, tmp_path: Path) -> None:
    with served(study, tmp_path / "answers") as (address, tokens), contextlib.ExitStack() as held:
        request = f"GET /{tokens['r01']}/session.js HTTP/1.1\r\nHost: x\r\n".encode()
        for _ in range(300):
            held.enter_context(socket.create_connection(address, timeout=10)).sendall(request)
        began = time.monotonic()
        assert b" 200 " in exchange(address, request + b"Connection: close\r\n\r\n", 8)
        assert time.monotonic() - began < 8


def test_03_an_answer_that_cannot_be_stored_gets_507(study: Path, tmp_path: Path) -> None:
    with served(study, tmp_path / "answers") as (address, tokens):
        shutil.rmtree(tmp_path / "answers")
        body = answer(study)
        head = f"POST /{tokens['r01']}/answer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        assert exchange(address, head.encode() + body)[9:12] == b"507"


def collected(study: Path, answers: dict[str, bytes], tmp_path: Path, *more: object) -> Any:
    folder = tmp_path / "given"
    folder.mkdir()
    for name, data in answers.items():
        (folder / name).write_bytes(data)
    code = run("study", "collect", folder, "--key", study.with_name("study-key.json"), "--out", tmp_path / "out", *more)
    return json.loads((tmp_path / "out" / "study.json").read_text()) if code == 0 else None


def test_04_the_latest_revision_counts(study: Path, tmp_path: Path) -> None:
    revisions = {f"r01-{n}.json": answer(study, id=f"{n:032x}", revision=n) for n in (1, 2)}
    assert collected(study, revisions, tmp_path) is not None


def test_05_a_partial_answer_without_its_checks_does_not_count(study: Path, tmp_path: Path) -> None:
    assert collected(study, {"r01.json": answer(study, checks=False)}, tmp_path, "--partial", "use") is None


def test_06_what_a_study_shows_cannot_be_predicted(study: Path, tmp_path: Path) -> None:
    shown = []
    for number in range(4):
        out = tmp_path / f"study{number}"
        methods = [f"{name}={tmp_path / name / 'sub'}" for name in "abc"]
        assert run("study", "create", *methods, "--gt", tmp_path / "a" / "gt", "--track", "x4", "--size", 16,
                   "--crops", 1, "--raters", 2, "--out", out) == 0  # fmt: skip
        key = json.loads(out.with_name(f"study{number}-key.json").read_text())
        shown.append(json.dumps(sorted((task["crop"] for task in key["tasks"]), key=str)))
    assert len(set(shown)) > 1


# --- results ---------------------------------------------------------------------------------------------


def test_07_a_forged_result_is_measured_anew(tmp_path: Path) -> None:
    folder, board = pictures(tmp_path), tmp_path / "board"
    assert score(folder, board) == 0
    honest = result(board)["summary"]
    edit(board / "x4/t.json", better)
    assert score(folder, board) == 0
    assert result(board)["summary"] == honest


@pytest.mark.parametrize("overwrite", [False, True])
def test_07_a_forged_shard_is_measured_anew(tmp_path: Path, overwrite: bool) -> None:
    folder, board = pictures(tmp_path), tmp_path / "board"
    assert score(folder, tmp_path / "clean") == 0
    assert score(folder, board, "t", "--shard", "1/2") == 0
    (journal,) = (board / "x4").glob("*.jsonl")
    header, *lines = journal.read_text().splitlines()
    images = [json.loads(line) for line in lines]
    better({"images": images, "summary": {}})
    journal.write_text("\n".join([header, *map(json.dumps, images)]) + "\n")
    assert score(folder, board, "t", *["--overwrite"] * overwrite) == 0
    assert result(board)["summary"] == result(tmp_path / "clean")["summary"]


def impossible_diversity(document: Any) -> None:
    for place in (*document["images"], document["summary"]):
        place["diversity_mse"] = 130.0
    for place in (*document["images"], document):
        place["diversity_mse_curve"][-1] = 130.0


def worst_above_mean(document: Any) -> None:
    for place in (*document["images"], document["summary"]):
        place["lr_psnr_worst"] = 60.0


def other_gt(document: Any) -> None:
    document["images"][0]["gt_sha256"] = "1" * 64


def no_settings(document: Any) -> None:
    document["signature"]["settings"] = {}


@pytest.mark.parametrize("change", [impossible_diversity, worst_above_mean, other_gt, no_settings])
def test_08_an_impossible_result_is_refused(tmp_path: Path, change: Any) -> None:
    assert score(pictures(tmp_path), tmp_path / "board") == 0
    edit(tmp_path / "board/x4/t.json", change)
    assert run("rank", "--track", "x4", "--board", tmp_path / "board") == 1


def test_09_a_track_file_of_a_board_replaces_no_built_in_track(tmp_path: Path, capsys: Capture) -> None:
    assert score(pictures(tmp_path), tmp_path / "board") == 0
    (tmp_path / "board/x4/track.toml").write_text('name = "x4"\ntitle = "Other rules"\nscale = 4\nsamples = 3\n')
    capsys.readouterr()
    assert run("rank", "--board", tmp_path / "board") == 0
    assert "Other rules" not in capsys.readouterr().out


@pytest.mark.parametrize("overwrite", [False, True])
def test_10_a_journal_that_is_a_link_is_refused(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "board/x4").mkdir(parents=True)
    (tmp_path / "board/x4/t.journal.jsonl").symlink_to(tmp_path / "target")
    assert score(pictures(tmp_path), tmp_path / "board", "t", *["--overwrite"] * overwrite) == 1
    assert not (tmp_path / "target").exists()


# --- numbers ---------------------------------------------------------------------------------------------


def with_exact_sample(folder: Path) -> Path:
    shutil.copy(folder / "gt/0801.png", folder / "sub/000000_sample00000.png")
    return folder


def test_11_and_20_one_exact_sample_hides_nothing_and_lowers_nothing(tmp_path: Path, capsys: Capture) -> None:
    folder = pictures(tmp_path / "in", samples=10)
    for sample in range(10):  # the first image is far from its GT
        save(folder / f"sub/000000_sample{sample:05d}.png", np.full((48, 64, 3), sample, np.uint8))
    assert score(folder, tmp_path / "board", "noisy", samples=10) == 0
    assert score(with_exact_sample(folder), tmp_path / "board", "exact", samples=10) == 0
    capsys.readouterr()
    assert run("rank", "--track", "x4", "--board", tmp_path / "board", "--json") == 0
    rows = {row["team"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    noisy, exact = rows["noisy"]["lr_psnr"], rows["exact"]["lr_psnr"]
    assert noisy < exact < noisy + 5  # a twentieth of the samples is better


def write_trunk(path: Path) -> Path:
    """A random AlexNet under torchvision's names."""
    torch.manual_seed(0)
    shapes = {0: (64, 3, 11), 3: (192, 64, 5), 6: (384, 192, 3), 8: (256, 384, 3), 10: (256, 256, 3)}
    state = {}
    for number, (outputs, inputs, side) in shapes.items():
        weight = torch.randn(outputs, inputs, side, side) * (2 / (inputs * side * side)) ** 0.5
        state |= {f"features.{number}.weight": weight, f"features.{number}.bias": torch.zeros(outputs)}
    torch.save(state, path)
    return path


def test_12_samples_that_are_good_in_parts_are_told(tmp_path: Path, capsys: Capture) -> None:
    folder = pictures(tmp_path / "in", images=1, samples=10, size=(320, 96))
    gt = np.asarray(Image.open(folder / "gt/0801.png")).astype(float)
    for sample, rows in enumerate(np.array_split(np.arange(320), 10)):
        noise = np.random.default_rng(1).normal(0, 40, gt.shape)
        noise[rows] = 0
        save(folder / f"sub/000000_sample{sample:05d}.png", np.clip(gt + noise, 0, 255).astype(np.uint8))
    assert run("score", folder / "sub", "--gt", folder / "gt", "--track", "x4", "--team", "t", "--metrics",
               "lpips,diversity,lr_psnr", "--lpips-weights", write_trunk(tmp_path / "alex.pth"), "--board",
               tmp_path / "board", "--device", "cpu") == 0  # fmt: skip
    capsys.readouterr()
    assert run("rank", "--track", "x4", "--board", tmp_path / "board") == 0
    assert "grows evenly" in "".join(capsys.readouterr())


def test_13_a_sample_equal_to_its_gt_is_told_beside_the_numbers(tmp_path: Path, capsys: Capture) -> None:
    assert score(with_exact_sample(pictures(tmp_path / "in")), tmp_path / "board") == 0
    capsys.readouterr()
    assert run("rank", "--track", "x4", "--board", tmp_path / "board", "--format", "md") == 0
    assert "a sample equals its GT in 1 of 2 images (0801)" in capsys.readouterr().out


# --- texts and files -------------------------------------------------------------------------------------


def test_14_no_cell_is_a_formula_and_no_name_has_a_double(tmp_path: Path, capsys: Capture) -> None:
    table = tmp_path / "t.csv"
    table.write_text('team,lpips\n"a;=cmd()",0.1\nDeepest,0.2\n')
    assert run("rank", "--track", "x4", "--table", table, "--format", "csv") == 0
    assert ";=cmd" not in capsys.readouterr().out
    table.write_text("team,lpips\nDeepest,0.1\nD\u0435epest,0.2\n", encoding="utf-8")
    assert run("rank", "--track", "x4", "--table", table, "--format", "csv") == 1


def test_15_only_pixels_are_published(tmp_path: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    folder = pictures(tmp_path / "in")
    file = folder / "sub/000000_sample00000.png"
    told = PngInfo()
    told.add_text("Author", "a private name")
    save(file, np.asarray(Image.open(file)), pnginfo=told)
    assert score(folder, tmp_path / "board") == 0
    assert run("rank", "--track", "x4", "--board", tmp_path / "board", "--out", tmp_path / "site",
               "--gt", folder / "gt", "--submission", f"t={folder / 'sub'}") == 0  # fmt: skip
    published = list((tmp_path / "site").rglob("*.png"))
    assert published
    assert not any(b"private" in path.read_bytes() for path in published)


def test_16_results_hold_no_path_of_the_organiser(tmp_path: Path) -> None:
    assert score(with_exact_sample(pictures(tmp_path / "in")), tmp_path / "board") == 0
    assert str(tmp_path) not in (tmp_path / "board/x4/t.json").read_text()


@pytest.mark.parametrize("kind", ["bytearray", "65 dimensions"])
def test_17_a_strange_checkpoint_is_one_short_error(tmp_path: Path, kind: str, capsys: Capture) -> None:
    path = tmp_path / "a.pth"
    if kind == "bytearray":
        data = b"\x80\x02}X\x01\0\0\0ac__builtin__\nbytearray\nJ" + (1_200_000_000).to_bytes(4, "little") + b"\x85Rs."
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", data)
            archive.writestr("archive/version", "3\n")
    else:
        torch.save({"a": torch.ones(1).reshape([1] * 64).unsqueeze(0)}, path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert run("models", "show", path) == 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # KiB
    assert kind in capsys.readouterr().err


@pytest.mark.parametrize("extra", [', "team": "u"}', ""])
def test_18_a_key_twice_and_an_interval_upside_down_are_errors(tmp_path: Path, extra: str) -> None:
    if extra:
        assert score(pictures(tmp_path / "in"), tmp_path / "board") == 0
        path = tmp_path / "board/x4/t.json"
        path.write_text(path.read_text().rstrip().removesuffix("}").rstrip() + extra)
        assert run("rank", "--track", "x4", "--board", tmp_path / "board") == 1
    else:
        (tmp_path / "m.csv").write_text("team,mor,mor_low,mor_high\nA,2,3,1\nB,1,1,1\n")
        (tmp_path / "t.csv").write_text("team,lpips\nA,0.1\nB,0.2\n")
        assert run("rank", "--track", "x4", "--table", tmp_path / "t.csv", "--mor", tmp_path / "m.csv") == 1


def test_18_a_readme_beside_the_folder_of_a_zip_is_no_fault(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "in")
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
        for file in (folder / "sub").iterdir():
            archive.write(file, f"results/{file.name}")
    assert run("check", tmp_path / "s.zip", "--gt", folder / "gt", "--track", "x4", "--samples", 3) == 0


def test_18_a_closed_output_is_no_traceback(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "in")
    done = subprocess.run(
        f"{sys.executable} -m srspace_eval score {folder}/sub --gt {folder}/gt --track x4 --samples 3 --team t "
        f"--board {tmp_path}/board --metrics lr_psnr --json >&-",
        shell=True, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert (tmp_path / "board/x4/t.json").is_file()


# --- functions -------------------------------------------------------------------------------------------


def test_19_p_does_not_depend_on_floating_point_noise(tmp_path: Path) -> None:
    """Five raters, fourteen crops; two methods. The exact sums give 0.086; quotients break ties, and give 0.038."""
    from fractions import Fraction

    from srspace_eval.study.statistics import signed_rank_p

    b = [10, 12, 8, 10, 8, 11, 9, 14, 9, 8, 8, 8, 10, 14]
    a = [9, 9, 9, 8, 7, 6, 10, 6, 10, 9, 9, 7, 9, 6]
    as_0_1_0 = np.array(b) / 5 - np.array(a) / 5
    try:
        p = signed_rank_p([Fraction(x, 5) - Fraction(y, 5) for x, y in zip(b, a, strict=True)])
    except ValueError:  # 0.1.0 takes floats
        p = signed_rank_p(as_0_1_0)  # type: ignore[arg-type]
    assert p == pytest.approx(0.0858, abs=1e-3)


def test_21_fractional_scales_are_those_of_the_challenge() -> None:
    from srspace_eval import imresize

    for case in RESIZED:
        pixels = np.random.default_rng(case["seed"]).integers(
            0, 256, (case["height"], case["width"], 3), dtype=np.uint8
        )
        if case["two_levels"]:
            pixels = np.where(pixels > 127, 255, 0).astype(np.uint8)
        size = {"scale": case["scale"]} if "scale" in case else {"output_shape": tuple(case["output_shape"])}
        assert hashlib.sha256(np.ascontiguousarray(imresize(pixels, **size)).tobytes()).hexdigest() == case["sha256"]


RESIZED = json.loads((Path(__file__).parents[1] / "golden" / "resize_fractional.json").read_text())


def test_22_other_pictures_get_other_latents(tmp_path: Path) -> None:
    from dataclasses import replace

    from srspace_eval import load_model
    from srspace_eval.flows.network import ConditionalFlow
    from srspace_eval.flows.spec import FlowSpec

    spec = FlowSpec(4, 23, (1, 8, 15, 22), 3, 2, "pointwise", "before_last_two")
    torch.manual_seed(0)
    state = ConditionalFlow(replace(spec, features=8, growth=4, hidden=8)).state_dict()
    for name, value in state.items():
        side = value.shape[0]
        square = value.dim() == 2 and value.shape[1] == side
        value.copy_(torch.linalg.qr(torch.randn(side, side))[0] if square else 0.02 * torch.randn(value.shape))
        assert torch.isfinite(value).all(), name
    torch.save(state, tmp_path / "a.pth")
    model = load_model(tmp_path / "a.pth", device="cpu")
    drawn: list[torch.Tensor] = []
    decode = model.decode

    def noted(lr: Any, latents: Any, *args: Any, **more: Any) -> Any:
        drawn.append(latents[0].clone())
        return decode(lr, latents, *args, **more)

    model.decode = noted  # type: ignore[method-assign]
    for seed in (1, 2):
        lr = np.random.default_rng(seed).integers(0, 256, (16, 20, 3), dtype=np.uint8)
        model.sample(lr, n=1, heat=0.9, seed=0)
    assert len(drawn) == 2
    assert not torch.equal(*drawn)


def test_23_diversity_is_never_more_than_100() -> None:
    from srspace_eval import diversity_score

    maps = np.full((3, 7, 5), 1e-3, np.float32)
    worst = max(float(diversity_score(_parts(maps, seed))) for seed in range(200))
    assert worst <= 100


def _parts(maps: np.ndarray, seed: int) -> np.ndarray:
    """Maps whose pixelwise minimum is 0 or hardly more."""
    rng = np.random.default_rng(seed)
    found = maps * rng.uniform(0.1, 10, maps.shape).astype(np.float32)
    owner = rng.integers(0, 3, maps.shape[1:])
    for sample in range(3):
        found[sample][owner == sample] = 0
    return found
