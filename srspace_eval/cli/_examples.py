"""What the help of each command ends with: two examples, and the page of the documentation to read.

The examples are here, and not in the commands, because the documentation's tests run all of them.
"""

from __future__ import annotations

from typing import NamedTuple

import click

from srspace_eval._utils.documentation import page_reference


class Help(NamedTuple):
    """The end of a command's help.

    Attributes
    ----------
    examples
        Two command lines, without the program's name.
    page
        The page, one of :data:`srspace_eval._utils.documentation.TITLES`.
    """

    examples: tuple[str, str]
    page: str


START = Help(("demo", "rank --published ntire2021-x4"), "guides/quickstart")
"""The end of ``srspace-eval --help``."""

_GT8 = "--gt DIV2K_valid_HR --track x8"

EXAMPLES = {
    "check": Help((f"check submission/ {_GT8}", f"check inbox/ {_GT8} --reports reports/"), "guides/organiser"),
    "score": Help(
        (f"score submission/ {_GT8}", f"score submission/ {_GT8} --metrics lr_psnr,diversity_mse --team 'My team'"),
        "guides/author",
    ),
    "rank": Help(
        ("rank --track x8 --with ntire2021 --out site/", "rank --published ntire2021-x4 --format tex"),
        "guides/organiser",
    ),
    "verify": Help(
        (
            "verify leaderboards/x8/submission.json submission/ --gt DIV2K_valid_HR",
            "verify leaderboards/x8/submission.json submission/ --gt DIV2K_valid_HR --images 1 --seed 7",
        ),
        "verify",
    ),
    "downscale": Help(
        (
            "downscale DIV2K_valid_HR --scale 8 --crop 8 --out LR_x8/",
            "downscale DIV2K_valid_HR --scale 4 --convention matlab --out LR_x4/",
        ),
        "concepts/bicubic",
    ),
    "degrade": Help(
        (
            "degrade DIV2K_valid_HR --out LR_degraded/",
            "degrade DIV2K_valid_HR --out LR_noise/ --kernel none --scaler bicubic --noise gaussian --noise-sigma 8",
        ),
        "degrade",
    ),
    "sample": Help(
        (
            "sample --checkpoint SRFlow_DF2K_4X.pth --lr DIV2K_valid_LR_x4 --out samples/",
            "sample --checkpoint bicubic_x4 --lr DIV2K_valid_LR_x4 --out bicubic/",
        ),
        "guides/method",
    ),
    "likelihood": Help(
        (
            "likelihood --checkpoint SRFlow_DF2K_4X.pth --lr DIV2K_valid_LR_x4 --gt DIV2K_valid_HR",
            "likelihood --checkpoint SRFlow_DF2K_4X.pth --lr DIV2K_valid_LR_x4 --gt DIV2K_valid_HR --json",
        ),
        "guides/method",
    ),
    "models list": Help(("models list", "models list --json"), "guides/method"),
    "models show": Help(
        ("models show SRFlow_DF2K_4X.pth", "models show SRFlow_DF2K_4X.pth --json"),
        "guides/method",
    ),
    "models convert": Help(
        (
            "models convert SRFlow_DF2K_4X.pth SRFlow_DF2K_4X.safetensors",
            "models convert SRFlow_DF2K_4X.pth converted.safetensors",
        ),
        "guides/method",
    ),
    "codabench new": Help(
        ("codabench new competition.toml", "codabench new other/competition.toml"),
        "codabench",
    ),
    "codabench import": Help(
        (
            "codabench import downloads/ --track x4 --board board/",
            "codabench import downloads/ --track x4 --board board/ --overwrite --json",
        ),
        "codabench",
    ),
    "codabench check": Help(
        ("codabench check bundle.zip", "codabench check bundle.zip --json"),
        "codabench",
    ),
    "codabench dry-run": Help(
        (
            "codabench dry-run bundle.zip submission=submission.zip",
            "codabench dry-run bundle.zip A=teamA.zip B=teamB.zip --json",
        ),
        "codabench",
    ),
    "study create": Help(
        (
            "study create teamA/ teamB/ --gt DIV2K_valid_HR --track x8 --out study/",
            "study create teamA/ teamB/ --gt DIV2K_valid_HR --track x8 --task rate --crops 1 --out study2/",
        ),
        "guides/study",
    ),
    "study serve": Help(("study serve study/", "study serve study/ --port 8080"), "guides/study"),
    "study collect": Help(
        (
            "study collect answers/ --key study-key.json --out opinions/",
            "study collect answers/ --key study-key.json --out opinions2/ --json",
        ),
        "guides/study",
    ),
    "study plan": Help(
        ("study plan --entries 8 --difference 0.5", "study plan --task rate --entries 8 --half-width 0.25"),
        "guides/study",
    ),
    "tracks list": Help(("tracks list", "tracks list --json"), "tracks"),
    "tracks show": Help(("tracks show x8", "tracks show x4-2022 --json"), "tracks"),
    "tracks new": Help(("tracks new mine.toml", "tracks new faces-x8.toml --like x8 --title 'Faces, x8'"), "tracks"),
    "weights list": Help(("weights list", "weights list --json"), "guides/weights"),
    "weights fetch": Help(("weights fetch alex", "weights fetch squeeze --weights-dir weights/"), "guides/weights"),
    "weights path": Help(("weights path", "weights path alex"), "guides/weights"),
    "demo": Help(("demo", "demo --out demo2/"), "guides/quickstart"),
    "doctor": Help(("doctor", "doctor --board leaderboards/ --json"), "reference/faq"),
}
"""Full name of a command -> the end of its help."""

_NOTHING_KEPT = "nothing was written; the same command starts again"
_OVERWRITE = "the LRs that were written are kept; the same command with --overwrite makes all of them again"

INTERRUPTED = {
    "check": _NOTHING_KEPT,
    "score": "the images that were measured are kept in the board's journal; the same command goes on with the others",
    "rank": "no file was changed; the same command starts again",
    "verify": _NOTHING_KEPT,
    "likelihood": _NOTHING_KEPT,
    "sample": "the samples that were written are kept; the same command goes on with the others",
    "downscale": _OVERWRITE,
    "degrade": _OVERWRITE,
    "study create": "no study was written; the same command starts again",
    "study collect": _NOTHING_KEPT,
    "demo": "the demo is not complete; the same command starts again",
    "weights fetch": "the file is not complete and was removed; the same command starts again",
    "study plan": _NOTHING_KEPT,
    "models list": _NOTHING_KEPT,
    "models show": _NOTHING_KEPT,
}
"""Full name of a command -> what is kept after Ctrl-C, and how to go on."""

SECTIONS = {
    "Evaluate": ("check", "score", "rank", "verify"),
    "Make pictures": ("sample", "downscale", "degrade"),
    "Models": ("models", "likelihood"),
    "Run a challenge": ("study", "codabench"),
    "Set up": ("demo", "tracks", "weights", "doctor"),
}
"""Task -> its commands, in the order of ``srspace-eval --help``."""


def add_examples(command: click.Command, name: str) -> click.Command:
    """Give a command its name and its epilog, and each command of a group its own."""
    command.name = name.rpartition(" ")[2]  # the modules call all of them ``command``
    if isinstance(command, click.Group):
        for child, inner in command.commands.items():
            add_examples(inner, f"{name} {child}")
    elif name in EXAMPLES and not (command.epilog or "").endswith(ending(EXAMPLES[name])):
        before = f"{command.epilog}\n\n" if command.epilog else ""
        command.epilog = before + ending(EXAMPLES[name])
    return command


def ending(entry: Help) -> str:
    """The examples and the page as click's epilog."""
    examples = "\n".join(f"  srspace-eval {line}" for line in entry.examples)
    # \b keeps click from joining the lines.
    return f"\b\nExamples:\n{examples}\n\n\b\nRead more: {page_reference(entry.page)}"
