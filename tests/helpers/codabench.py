"""Bundles and submissions for the tests of the competition platform."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from benchmarks.inputs import pngs

METRICS = ("psnr", "lr_psnr", "diversity_mse")
README = b"runtime per image [s] : 10.43\nCPU[1] / GPU[0] : 1\nExtra Data [1] / No Extra Data [0] : 0\nOther : a: b"
UUID = "0a1b2c3d-0000-4000-8000-0123456789ab"
START, END = datetime(2026, 3, 1), datetime(2026, 3, 2, 12, 30)

Content = dict[str, bytes]
"""A submission's files by name."""


def files(folder: Path, prefix: str = "") -> Content:
    """The good submission in ``folder/sub``, with a readme."""
    found = {f"{prefix}{path.name}": path.read_bytes() for path in (folder / "sub").iterdir()}
    return {**found, f"{prefix}readme.txt": README}


def with_macos_files(content: Content) -> Content:
    """As macOS zips a folder of these files."""
    junk = ("__MACOSX/sub/._000000_sample00000.png", "sub/.DS_Store", "sub/._000000_sample00000.png", ".DS_Store")
    return {**{f"sub/{name}": data for name, data in content.items()}, **dict.fromkeys(junk, b"x")}


def incomplete(content: Content) -> None:
    del content["000001_sample00001.png"]


def corrupt(content: Content) -> None:
    content["000000_sample00000.png"] = content["000000_sample00000.png"][:200]


def wrong_size(content: Content) -> None:
    content["000000_sample00001.png"] = pngs.png(pngs.pixels(8, 8))


def surplus(content: Content) -> None:
    content["000009_sample00000.png"] = content["000000_sample00000.png"]


def renamed(content: Content) -> None:
    for name in [name for name in content if name.endswith(".png")]:
        content[f"x{name}"] = content.pop(name)


def with_palette(content: Content) -> None:
    content["000000_sample00000.png"] = pngs.palette()


def readme_only(content: Content) -> None:
    for name in [name for name in content if name != "readme.txt"]:
        del content[name]


def thousand(content: Content) -> None:
    content.update({f"{i:06d}_sample00000.png": b"x" for i in range(10, 1010)})


def hostile_names(content: Content) -> None:
    content["<img src=x onerror=alert(1)>\u202e.png"] = b"x"
    content["../../escape.png"] = b"x"


FAULTS: dict[str, tuple[Callable[[Content], object], str]] = {
    "incomplete": (incomplete, "000001_sample00001.png"),
    "corrupt": (corrupt, "000000_sample00000.png"),
    "wrong size": (wrong_size, "8×8"),
    "surplus": (surplus, "surplus"),
    "renamed": (renamed, "none of its 4 PNGs pairs"),
    "palette": (with_palette, "palette"),
    "empty": (dict.clear, "empty"),
    "readme only": (readme_only, "empty"),
    "a thousand files": (thousand, "1000 faults"),
    "hostile names": (hostile_names, "surplus"),
}
"""Name -> what is wrong with a submission, and what its owner must read."""
