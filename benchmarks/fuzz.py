"""Coverage-guided fuzzing (atheris) of everything that reads untrusted bytes.

    python benchmarks/fuzz.py --seconds 120             each reader for two minutes, in turn
    python benchmarks/fuzz.py --seconds 60 --only png

A reader returns or raises an error of the package. Anything else is a crash, and its input is kept. For each reader the
number of executions, the size of the corpus (inputs that reached new code) and the number of crashes are printed.
Atheris instruments Python code only: the C code of Pillow, zlib and PyTorch runs, but does not guide the fuzzer. Needs
``pip install atheris`` (Linux, macOS).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

READERS = ("png", "zip", "track", "result", "table", "checkpoint", "safetensors")


def with_crcs(data: bytes) -> bytes:
    """The PNG with correct CRCs, so that mutations reach the code behind that check."""
    out, position = bytearray(data[:8]), 8
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        end = min(position + 8 + length, len(data) - 4)
        body = data[position + 4 : end]
        out += struct.pack(">I", max(0, len(body) - 4)) + body + struct.pack(">I", zlib.crc32(body))
        position = end + 4
    return bytes(out)


def reader(name: str, folder: Path) -> tuple[Callable[[bytes], object], list[bytes]]:
    """The function that reads the bytes, and the initial corpus."""

    from inputs import pngs
    from inputs.hostile import checkpoints, documents, pictures, zips
    from inputs.weights import small_state
    from srspace_eval.errors import SrspaceEvalError

    def guarded(call: Callable[[bytes], object]) -> Callable[[bytes], object]:
        def run(data: bytes) -> None:
            with contextlib.suppress(SrspaceEvalError):
                call(data)

        return run

    def through_file(file: str, attack: Callable[[Path], object]) -> Callable[[bytes], object]:
        path = folder / file

        def run(data: bytes) -> None:
            path.write_bytes(data)
            attack(path)

        return guarded(run)

    if name == "png":
        from srspace_eval._utils import png_structure

        png_structure.MAX_PIXELS = 1 << 16
        seeds = [pngs.png(pngs.pixels(6, 5)), pngs.interlaced(pngs.pixels(6, 5)), pictures.split_data(b"")]
        seeds += [
            make() for kind, (make, _) in pictures.CASES.items() if "bomb" not in kind and "million" not in kind
            and "500" not in kind and "largest" not in kind and "same" not in kind
        ]  # fmt: skip
        return guarded(lambda data: pictures.attack(with_crcs(data))), seeds
    if name == "zip":
        small = [make() for kind, (make, _) in zips.CASES.items() if "000" not in kind and "MB" not in kind]
        return through_file("s.zip", zips.attack), [data for data in small if len(data) < 10_000]
    if name == "track":
        from srspace_eval.tracks import model as tracks

        shipped = [p.read_bytes() for p in (Path(tracks.__file__).parent / "builtin").glob("*.toml")]
        return through_file("t.toml", documents.attack_track), [*shipped, documents.TRACK.encode()]
    if name == "result":
        texts = [text for text, _ in documents.RESULTS.values() if len(text) < 5000]
        seeds = [json.dumps(documents.result()).encode(), *(t.encode("utf-8", "surrogateescape") for t in texts)]
        return through_file("t.json", documents.attack_result), seeds
    if name == "table":
        texts = [text for text, _ in documents.TABLES.values() if len(text) < 5000]
        seeds = [t.encode("utf-8", "surrogateescape") for t in texts] + [b"team,kind,lpips,mor\nA,team,0.1,\n"]
        return through_file("t.csv", documents.attack_table), seeds
    import torch

    state = dict(list(small_state("rrdb").items())[:3])
    if name == "checkpoint":
        for new in (True, False):
            torch.save(state, folder / f"{new}.pth", _use_new_zipfile_serialization=new)
        seeds = [(folder / f"{new}.pth").read_bytes() for new in (True, False)]
        return through_file("a.pth", checkpoints.attack), seeds
    from safetensors.torch import save

    return through_file("a.safetensors", checkpoints.attack), [save({"a": torch.zeros(2, 3), "b": torch.ones(1)})]


def fuzz(name: str, seconds: int, crashes: Path) -> None:
    """Fuzz one reader; never returns."""
    import atheris

    with atheris.instrument_imports(include=["srspace_eval", "zipfile", "tomllib", "csv", "safetensors", "PIL"]):
        import inputs.hostile.checkpoints
        import inputs.hostile.documents
        import inputs.hostile.zips  # noqa: F401
        import srspace_eval.models.loading  # noqa: F401
    scratch = Path(tempfile.mkdtemp())
    (scratch / "corpus").mkdir()
    (scratch / "in").mkdir()
    call, seeds = reader(name, scratch / "in")
    for number, seed in enumerate(seeds):
        (scratch / "corpus" / f"seed{number}").write_bytes(seed)
    arguments = [
        sys.argv[0], str(scratch / "corpus"), f"-max_total_time={seconds}", "-rss_limit_mb=4096", "-timeout=20",
        "-max_len=20000", f"-artifact_prefix={crashes}/{name}-", "-print_final_stats=1", "-seed=1",
    ]  # fmt: skip
    atheris.Setup(arguments, call)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="for each reader")
    parser.add_argument("--only", choices=READERS)
    parser.add_argument("--crashes", type=Path, default=Path("fuzz-crashes"), help="folder for inputs that crash")
    parser.add_argument("--reader", choices=READERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reader:
        fuzz(options.reader, options.seconds, options.crashes)
        return 1
    options.crashes.mkdir(parents=True, exist_ok=True)
    print(f"{'reader':12} {'seconds':>8} {'executions':>11} {'corpus':>7} {'crashes':>8}")
    failed = False
    for name in READERS if options.only is None else [options.only]:
        done = subprocess.run(
            [sys.executable, __file__, "--reader", name, "--seconds", str(options.seconds),
             "--crashes", str(options.crashes)],
            capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
        executions = re.findall(r"number_of_executed_units:\s*(\d+)", done.stderr) or re.findall(
            r"^#(\d+)", done.stderr, re.M
        )
        corpus = re.findall(r"corp: (\d+)", done.stderr)
        crashed = len(list(options.crashes.glob(f"{name}-*")))
        failed |= bool(crashed or done.returncode)
        print(
            f"{name:12} {options.seconds:8} {executions[-1] if executions else 0:>11} "
            f"{corpus[-1] if corpus else 0:>7} {crashed:8}",
            flush=True,
        )
        if crashed or done.returncode:
            print(done.stderr[-1500:], file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
