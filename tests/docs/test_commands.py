"""Every command line that the README, the documentation and the commands' help show is run, on small data.

A page's ``console`` blocks are its commands, in order, in a folder of their own. Blocks with a caption are files that
the commands read. What a page shows below a command is compared with what the command prints; ``...`` stands for any
lines. Lines that start other programs are not run: pip,
git, pytest and the like.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from runpy import run_path

import click
import numpy as np
import pytest

import srspace_eval as se
from benchmarks.inputs import pngs
from benchmarks.inputs.weights import write_alexnet, write_small_checkpoint
from srspace_eval.cli import cli
from srspace_eval.cli._examples import EXAMPLES
from srspace_eval.metrics.lpips import weights
from srspace_eval.metrics.registry import unregister
from srspace_eval.study.key import load_key
from tests.helpers.commands import run
from tests.helpers.studies import answer_bytes, answer_document

_SCORED = "--gt DIV2K_valid_HR --track x8"
_BUNDLE = (
    "codabench --track x8 --metrics lr_psnr,diversity_mse --image user/srspace-eval:1 --out bundle.zip"
    " --organisers us --contact us@example.org --phase Test=DIV2K_valid_HR,2030-01-01,2030-02-01"
)
_STUDY = f"study create teamA/ teamB/ {_SCORED} --out study/"
ROOT = Path(__file__).resolve().parents[2]
NOT_RUN = {"docs/verify.md"}
"""Pages with a block that is not run: a workflow of GitHub, which only GitHub runs."""
BEFORE = {
    "rank": (f"score submission/ {_SCORED}",),
    "verify": (f"score submission/ {_SCORED}",),
    "codabench check": (_BUNDLE,),
    "codabench dry-run": (_BUNDLE,),
    "study serve": (_STUDY,),
    "study collect": (_STUDY,),
}
"""Example -> what a reader has done before."""
GENERATED = ("schemas", "api", "jupyter_execute")
PAGES = [
    page
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
    if not page.name.startswith(("track-", "table-"))  # made at each build
]
CAPTIONED = r"^```\{code-block\} \w+\n:caption: (\S+)\n\n(.*?)^```"
"""A file that a page shows."""
OTHER_PROGRAMS = ("python", "pip", "git", "bash", "sbatch", "dask", "srun", "source", ".venv/bin/p", "pre-commit")


def steps(text: str) -> list[tuple[str, str]]:
    """The command lines of a page's console blocks, each with the output that is shown below it."""
    found: list[tuple[str, str]] = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for part in re.split(r"^\$ ", block.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
            line, _, shown = part.partition("\n")
            found.append((line.strip(), shown))
    return found


def own(line: str) -> list[str] | None:
    """The arguments of a line that runs srspace-eval; None if it runs another program."""
    words = shlex.split(line, comments=True)
    if words[0] in ("srspace-eval", ".venv/bin/srspace-eval"):
        return words[1:]
    assert words[0].startswith(OTHER_PROGRAMS), f"is this a command of the package? {line}"
    return None


WITH_COMMANDS = [
    page
    for page in PAGES
    if not set(page.parts) & set(GENERATED) and any(own(line) for line, _ in steps(page.read_text(encoding="utf-8")))
]


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small files under the names that the pages use."""
    folder = tmp_path_factory.mktemp("pages")
    for index in range(2):
        gt = pngs.pixels(168, 176, seed=index) // 2 + np.uint8(64)
        for name in ("DIV2K_valid_HR", "faces", "GT_val"):
            _write(folder / name / f"{index + 801:04d}.png", gt)
        _write(folder / "DIV2K_valid_LR_x4" / f"{index + 801:04d}.png", se.imresize(gt, scale=1 / 4))
        _write(folder / "DIV2K_valid_LR_x8" / f"{index + 801:04d}.png", se.imresize(gt, scale=1 / 8))
        for sample in range(10):
            noise = pngs.pixels(168, 176, seed=100 + 10 * index + sample)
            for team, strength in (("submission", 8), ("ablation", 16), ("teamA", 8), ("teamB", 12), ("teamC", 20)):
                name = f"{index:06d}_sample{sample:05d}.png"
                _write(folder / team / name, gt + noise // np.uint8(256 // strength))
    for name in ("submission", "teamA", "teamB", "teamC"):
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            for path in sorted((folder / name).iterdir()):
                archive.write(path, path.name)
    write_small_checkpoint(folder / "SRFlow_DF2K_4X.pth", "srflow")
    _write(folder / "iphone-pictures" / "0001.png", 128 + pngs.pixels(264, 264, seed=900) // np.uint8(64))
    (folder / "kernels").mkdir()
    profile = np.exp(-np.square(np.arange(15) - 8.5) / 4)  # centred for scale 4
    np.save(folder / "kernels" / "0001.npy", np.outer(profile, profile) / profile.sum() ** 2)
    (folder / "MOR.csv").write_text("team,mor\nTeam A,1.5\nTeam B,2\nTeam C,2.5\n", encoding="utf-8")
    (folder / "teams.csv").write_text(
        "team,kind,lpips,lr_psnr,diversity,mor\nMine,team,0.12,50.1,24.2,2.1\nTheirs,team,0.13,49.0,,\n",
        encoding="utf-8",
    )
    (folder / "inbox").mkdir()
    for name in ("teamA", "teamB", "teamC"):
        shutil.copy(folder / f"{name}.zip", folder / "inbox")
    (folder / "inbox.csv").write_text(
        "file,team,kind,affiliation,code\nteamA.zip,Team A,team,Example University,https://example.org/a\n"
        "teamB.zip,Team B,team,,\nteamC.zip,Team C,team,,\n",
        encoding="utf-8",
    )
    (folder / "downloads").mkdir()
    for name, score in (("teamA", 41.5), ("teamB", 40.25)):
        with zipfile.ZipFile(folder / "downloads" / f"{name}.zip", "w") as archive:
            archive.writestr("scores.json", json.dumps({"lr_psnr": score, "diversity_mse": 12.5}))
    (folder / "weights").mkdir()
    write_alexnet(folder / "weights" / "alex.pth")
    return folder


def _write(path: Path, picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
    path.parent.mkdir(exist_ok=True)
    se.write_png(path, picture)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished ``demo``, for pages that go on from it."""
    folder = tmp_path_factory.mktemp("demo")
    with pytest.warns(se.Notice):
        se.run_demo(folder / "demo")
    return folder


@pytest.fixture(autouse=True)
def example_metric() -> Iterator[None]:
    """The metric of the page "Your own metric", as if its package were installed."""
    names: dict[str, type[se.Metric]] = run_path(str(ROOT / "tests/example_plugin/example_metrics.py"))
    se.register(names["MeanError"])
    yield
    unregister("mean_error")


@pytest.fixture
def place(material: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the material as the working folder. The synthetic trunk stands for torchvision's file."""
    folder = tmp_path / "work"
    shutil.copytree(material, folder)
    trunk = folder / "weights" / "alex.pth"
    digest = hashlib.sha256(trunk.read_bytes()).hexdigest()
    files = {net: weights.TrunkFile(net, f"{net}-{digest[:8]}.pth", trunk.stat().st_size) for net in weights.TRUNKS}
    kept = material / "weights" / "alex.pth"
    for name in ("vgg", "squeeze"):
        (folder / "weights" / files[name].name).unlink(missing_ok=True)
    trunk.rename(folder / "weights" / files["alex"].name)

    def local(address: str, target: Path, *arguments: object, **options: object) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(kept, target)

    monkeypatch.setattr(weights, "TRUNKS", files)
    monkeypatch.setattr(weights, "download", local)
    monkeypatch.setenv("SRSPACE_EVAL_WEIGHTS", str(folder / "weights"))
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_commands_of_a_page_run_and_print_what_it_shows(
    page: Path, place: Path, demo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = page.read_text(encoding="utf-8")
    for name, content in re.findall(CAPTIONED, text, re.DOTALL | re.MULTILINE):
        (place / name).write_text(content, encoding="utf-8")
    for line, shown in steps(text):
        arguments = own(line)
        if arguments is None:
            continue
        printed = follow(arguments, place, demo, capsys, monkeypatch)
        if shown.strip():
            assert re.fullmatch(rf"\s*{pattern(shown)}\s*", squeeze(printed), re.DOTALL), (
                f"{page.name}: {line}\n{printed}"
            )


def follow(
    arguments: list[str], place: Path, demo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> str:
    """Run one command line as a reader would; returns what it prints."""
    if arguments[:2] == ["study", "serve"]:
        return served(arguments)
    if arguments[:2] == ["study", "collect"]:
        answers_of_nobody(place, arguments)
        monkeypatch.chdir(place)
    if arguments == ["demo"]:  # without weights, as a new user has none
        monkeypatch.setenv("SRSPACE_EVAL_WEIGHTS", str(place / "nowhere"))
        monkeypatch.setattr(weights, "cache_dir", lambda: place / "nowhere")
    capsys.readouterr()
    code = run(*arguments)
    out, err = capsys.readouterr()
    assert code == 0, f"{arguments}\n{err}"
    return f"{err}{out}" if "leaderboard:" not in err else f"{out}{err}"


def squeeze(text: str) -> str:
    """Lines without the spaces at their ends, without empty lines."""
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())


def pattern(shown: str) -> str:
    return ".*?".join(re.escape(part.strip("\n")) for part in re.split(r"^\.\.\.$", squeeze(shown), flags=re.MULTILINE))


def served(arguments: list[str]) -> str:
    """Serve a study until its address is printed."""
    port = [] if "--port" in arguments else ["--port", "0"]
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "srspace_eval", *arguments, *port],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        lines = []
        while not any("http://" in line for line in lines):
            lines.append(process.stdout.readline())
            assert lines[-1], "".join(lines)  # it ended
        process.terminate()
    process.wait(timeout=30)
    return "".join(lines)


def answers_of_nobody(place: Path, arguments: list[str]) -> None:
    """Answers of all raters of the study, as ``study serve`` would have kept them."""
    key = load_key(place / arguments[arguments.index("--key") + 1])
    (place / "answers").mkdir(exist_ok=True)
    for rater in key.raters:
        document = answer_document(key, rater)
        (place / "answers" / f"{rater}.json").write_bytes(answer_bytes(document))


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_the_examples_in_help_run(
    name: str, place: Path, demo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments in map(shlex.split, BEFORE.get(name, ())):
        assert run(*arguments) == 0, capsys.readouterr().err
    for line in EXAMPLES[name].examples:
        follow(shlex.split(line), place, demo, capsys, monkeypatch)


def test_every_page_s_commands_are_in_a_block_that_is_run() -> None:
    """A command line that stands in another kind of block would not be run."""
    wrong = []
    for page in PAGES:
        if set(page.parts) & set(GENERATED):
            continue
        for kind, block in re.findall(
            r"^```([^\n]*)\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
        ):
            if kind != "console" and re.search(r"^\s*(\$ )?srspace-eval ", block, re.MULTILINE):
                wrong.append(page.relative_to(ROOT).as_posix())
    assert set(wrong) - NOT_RUN == set()


def test_commands_within_sentences_exist_with_their_options() -> None:
    """They name no complete command line, so they are parsed and not run."""
    wrong = []
    for page in PAGES:
        for words in map(str.split, re.findall(r"`srspace-eval ([^`\n]+)`", page.read_text(encoding="utf-8"))):
            command: click.Command = cli
            context = click.Context(cli)
            while words and isinstance(command, click.Group) and command.get_command(context, words[0]):
                command = command.get_command(context, words.pop(0)) or command
            options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
            given = {word.partition("=")[0] for word in words if word.startswith("--")}
            if command is cli or given - options - {"--help"}:
                wrong.append((page.relative_to(ROOT).as_posix(), words))
    assert wrong == []
