"""Time from an inbox of zips to a published board with viewer: the three commands of the organiser's guide.

The inbox has twelve zips of 256×256 pictures. Two are bad: one lacks an image, one is damaged. The GT, the samples and
the network's weights are synthetic.

    python benchmarks/inbox.py --images 10 --samples 10 --workers 2

prints, as JSON: the seconds of ``check``, ``score`` and ``rank`` in fresh processes, their exit codes, the number of
submissions that were reported and published, and the size of the site. It fails if the wrong ones were.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from inputs import synth
from inputs.weights import write_alexnet
from srspace_eval import write_png

SCALE, TEAMS, BAD = 4, 12, 2


def write_inbox(folder: Path, images: int, samples: int, side: int) -> None:
    """``gt/``, ``inbox/team01.zip …``, ``teams.csv`` and ``alex.pth``. The last two zips are bad."""
    for name in ("gt", "inbox"):
        (folder / name).mkdir(parents=True)
    gts = [synth.picture(side, side, seed) for seed in range(images)]
    for number, gt in enumerate(gts):
        write_png(folder / "gt" / f"{801 + number:04d}.png", gt)
    sets = [synth.sample_set(gt, SCALE, samples, seed) for seed, gt in enumerate(gts)]
    lines = ["file,team,kind,affiliation,paper,code,extra_data,runtime"]
    for team in range(1, TEAMS + 1):
        lines.append(f"team{team:02d}.zip,Team {team:02d},team,University {team},,https://example.org/{team},no,")
        path = folder / "inbox" / f"team{team:02d}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for number in range(images - (team == TEAMS - 1)):
                for sample, picture in enumerate(sets[number]):
                    noise = np.random.default_rng([team, number, sample]).integers(-team, team + 1, picture.shape)
                    file = io.BytesIO()
                    Image.fromarray(np.clip(picture + noise, 0, 255).astype(np.uint8)).save(file, "png")
                    archive.writestr(f"{number:06d}_sample{sample:05d}.png", file.getvalue())
    damaged = folder / "inbox" / f"team{TEAMS:02d}.zip"
    damaged.write_bytes(damaged.read_bytes()[:1000])
    (folder / "teams.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    write_alexnet(folder / "alex.pth")


def measure(folder: Path, samples: int, workers: int) -> dict[str, Any]:
    """Run the three commands in a folder of :func:`write_inbox`."""
    common = ["inbox", "--gt", "gt", "--track", "x4", "--samples", samples, "--teams", "teams.csv"]
    commands = {
        "check": ["check", *common, "--workers", workers, "--reports", "reports"],
        "score": ["score", *common, "--workers", workers, "--lpips-weights", "alex.pth", "--board", "board"],
        "rank": [
            "rank", "--track", "x4", "--board", "board", "--teams", "teams.csv", "--gt", "gt", "--submission", "inbox",
            "--out", "site",
        ],
    }  # fmt: skip
    found: dict[str, Any] = {"seconds": {}, "exit_codes": {}}
    for name, words in commands.items():
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "srspace_eval", *map(str, words)], cwd=folder, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        found["seconds"][name] = round(time.perf_counter() - start, 1)
        found["exit_codes"][name] = done.returncode
        if done.returncode != (0 if name == "rank" else 1):
            raise SystemExit(f"{name}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    found["seconds"]["all"] = round(sum(found["seconds"].values()), 1)
    reports = [path.read_text(encoding="utf-8") for path in (folder / "reports").iterdir()]
    found["reported"] = sum("## Faults" in report for report in reports)
    found["published"] = len(list((folder / "site/x4/viewer").glob("Team-*.html")))
    found["site_megabytes"] = round(sum(p.stat().st_size for p in (folder / "site").rglob("*") if p.is_file()) / 1e6, 1)
    if (found["reported"], found["published"]) != (BAD, TEAMS - BAD):
        raise SystemExit(f"{found['reported']} reported and {found['published']} published")
    return found


def main() -> None:
    """Write an inbox into a temporary folder and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("images", 10), ("samples", 10), ("side", 256), ("workers", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        write_inbox(Path(scratch), options.images, options.samples, options.side)
        print(json.dumps({**vars(options), **measure(Path(scratch), options.samples, options.workers)}, indent=1))


if __name__ == "__main__":
    main()
