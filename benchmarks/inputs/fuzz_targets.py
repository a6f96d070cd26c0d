"""What a fuzzer calls: readers of untrusted bytes, each with inputs to start from.

A target returns, or raises an error of the package. An ``AssertionError`` says that a promise does not hold.
"""

from __future__ import annotations

import csv
import io
import json
import random
import struct
import unicodedata
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .mutations import mutated, mutated_json, mutated_text


@dataclass(frozen=True)
class Target:
    """A reader, and what makes its inputs.

    Attributes
    ----------
    read
        Reads one input.
    draw
        Makes an input.
    corpus
        Bytes to start from, for a fuzzer that makes inputs itself; empty if the inputs are texts.
    """

    read: Callable[[Any], object]
    draw: Callable[[random.Random], Any]
    corpus: tuple[bytes, ...] = ()


def _bytes(corpus: list[bytes], read: Callable[[bytes], object], tokens: list[bytes] | None = None) -> Target:
    return Target(read, lambda chance: mutated(corpus, tokens or [], chance), tuple(corpus))


def _text(corpus: list[str], read: Callable[[str], object], tokens: list[str]) -> Target:
    return Target(read, lambda chance: mutated_text(corpus, tokens, chance))


def _document(document: Any, read: Callable[[bytes], object], extra: list[bytes] | None = None) -> Target:
    """Half of the inputs are changed as JSON values, half as bytes."""
    corpus = [json.dumps(document).encode(), *(extra or [])]

    def draw(chance: random.Random) -> bytes:
        return mutated_json(document, chance) if chance.random() < 0.5 else mutated(corpus, [], chance)

    return Target(read, draw, tuple(corpus))


def _through(path: Path, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    def run(data: bytes) -> None:
        path.write_bytes(data)
        read(path)

    return run


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


def png(_: Path) -> Target:
    """The checks of a PNG's header and chunks, and the decoder."""
    from srspace_eval._utils import png_structure

    from . import pngs
    from .hostile import pictures

    png_structure.MAX_PIXELS = 1 << 16
    kinds = ("bomb", "million", "500", "largest", "same")
    seeds = [pngs.png(pngs.pixels(6, 5)), pngs.interlaced(pngs.pixels(6, 5)), pictures.split_data(b"")]
    seeds += [make() for kind, (make, _) in pictures.CASES.items() if not any(word in kind for word in kinds)]
    tokens = [b"IDAT", b"IHDR", b"IEND", b"tRNS", b"PLTE", b"tEXt", b"\0\0\0\1", b"\0\0\0\x0d", b"\x08\x02\0\0\0"]
    return _bytes(seeds, lambda data: pictures.attack(with_crcs(data)), tokens)


def zip_file(folder: Path) -> Target:
    """A zip's directory, its names, and its entries."""
    from srspace_eval.submissions.sources import open_source

    from .hostile import zips

    small = [make() for kind, (make, _) in zips.CASES.items() if "000" not in kind and "MB" not in kind]

    def read(path: Path) -> None:
        source = open_source(path)
        for name in source.names()[:20]:
            source.read(name)

    tokens = [b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"../", b".png", b"\x08\0", b"\xff\xff\xff\xff"]
    return _bytes([data for data in small if len(data) < 10_000], _through(folder / "s.zip", read), tokens)


def result(folder: Path) -> Target:
    """A result on a board, ranked, as text of every format."""
    from .hostile import documents

    texts = [t.encode("utf-8", "surrogateescape") for t, _ in documents.RESULTS.values() if len(t) < 5000]
    return _document(documents.result(), _through(folder / "t.json", documents.attack_result), texts)


def record(_: Path) -> Target:
    """A result's document and its checks, without a board."""
    from srspace_eval._utils import strict_json
    from srspace_eval.errors import ResultsError
    from srspace_eval.results.documents import from_document, to_document
    from srspace_eval.tracks.reader import load_track

    from .boards import make_results
    from .hostile import documents

    def read(data: bytes) -> None:
        try:
            value = strict_json.loads(data, unique_keys=True)
        except (ValueError, RecursionError):
            return
        found = from_document(value, "r.json")
        try:
            assert from_document(json.loads(strict_json.dumps(to_document(found))), "r.json") == found
        except ResultsError as error:
            raise AssertionError("what was read cannot be read again") from error

    whole = to_document(make_results(load_track("x4"), 1, 2, 2, 0)[0])
    return _document(whole, read, [json.dumps(documents.result()).encode()])


def journal(folder: Path) -> Target:
    """A journal, taken on trust, so that its lines are parsed."""
    from srspace_eval.results.record import ImageRecord, SampleRecord
    from srspace_eval.results.signature import Signature
    from srspace_eval.scoring.journal import open_journal

    signature = Signature({"common": {"scale": 4}}, {"torch": "2"})
    path = folder / "t.journal.jsonl"
    with open_journal(path, signature) as written:
        for name in ("0801", "0802"):
            sample = SampleRecord(0, "f.png", "b" * 64, {"lpips": 0.25})
            written.append(ImageRecord(name, 8, 8, "a" * 64, {"lpips": 0.25}, {"diversity_curve": (0.0,)}, (sample,)))
    seed = path.read_bytes()
    header, first, second = seed.splitlines(keepends=True)
    lines = [json.loads(line) for line in (first, second)]

    def read(data: bytes) -> None:
        path.write_bytes(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with open_journal(path, signature, trust=True) as found:
                assert all(isinstance(image, ImageRecord) for image in found.records.values())

    def draw(chance: random.Random) -> bytes:
        if chance.random() < 0.5:
            return header + mutated_json(chance.choice(lines), chance) + b"\n" + second
        return mutated([seed], [b"\n", b"{}", b"null"], chance)

    return Target(read, draw, (seed,))


def formula(_: Path) -> Target:
    """A formula of a track file, parsed and evaluated."""
    import numpy as np

    from srspace_eval.tracks.formulas import parse

    values = {name: np.array([0.5, -1.0, np.nan, np.inf, 1e308]) for name in ("lpips", "psnr", "runtime", "mor")}
    single = {name: np.array(0.5) for name in values}

    def read(text: str) -> None:
        found = parse(text, "t.toml: derived.x.formula")
        if found.reads <= values.keys():
            got = found.evaluate(values, values, single, dict.fromkeys(found.per_image, values["lpips"]))
            assert np.asarray(got).dtype == np.float64

    corpus = [
        "lpips", "100 * (psnr - baseline(psnr)) / runtime", "exp(2 * (26.90 - psnr)) / 2 ** 0.1",
        "lpips < 0.2 and psnr > 25",
        "mean(lpips, psnr, runtime)", "max(lpips, 0) if psnr > 3 else min(psnr, 1)", "rank(lpips) + rank(mor)",
        "per_image_rank(lpips, psnr)", "not (lpips >= baseline(lpips) + 0.1)", "round(psnr, 2)",
        "abs(-lpips) + log(runtime)",
    ]  # fmt: skip
    tokens = [
        "lpips", "psnr", "rank(", "baseline(", ")", "(", "+", "-", "*", "/", "**", "%", "//", "<", ">=", "!=", "==",
        " and ",
        " or ", " not ", "if", "else", ",", ".", "9" * 50, "1e400", "1e-400", "lambda: 0", "[0]", "x" * 300, "((((",
        "--" * 50,
        "__import__('os')", "().__class__", "f''", "0j", "True", "None", "**9**9**9", ":=", "@", "~", "<<", "log(0)",
        "exp(1e9)", "round(lpips, 99)",
    ]  # fmt: skip
    return _text(corpus, read, tokens)


def track(folder: Path) -> Target:
    """A track file."""
    from srspace_eval.tracks import model as tracks

    from .hostile import documents

    shipped = [p.read_bytes() for p in (Path(tracks.__file__).parent / "builtin").glob("*.toml")]
    tokens = [b"[ranking]\n", b"[derived.x]\n", b"[columns.x]\n", b"[[ranking.criteria]]\n", b'metric = "psnr"\n',
              b'formula = "psnr"\n', b'better = "lower"\n', b"= 2020-01-01", b"= nan", b"= [", b'"""',
              b"{stem}"]  # fmt: skip
    return _bytes([*shipped, documents.TRACK.encode()], _through(folder / "t.toml", documents.attack_track), tokens)


def table(folder: Path) -> Target:
    """A CSV of numbers, and of a study."""
    from .hostile import documents

    texts = [t.encode("utf-8", "surrogateescape") for t, _ in documents.TABLES.values() if len(t) < 5000]
    seeds = [*texts, b"team,kind,lpips,mor\nA,team,0.1,\n", b"team,mor,mor_low,mor_high\nA,2,1,3\nB,1,1,1\n"]
    return _bytes(seeds, _through(folder / "t.csv", documents.attack_table), [b",", b"\n", b'"', b"=", b"mor", b"team"])


def teams(folder: Path) -> Target:
    """A table of teams."""
    from srspace_eval.tracks.teams import read_teams, teams_csv

    def read(path: Path) -> None:
        found = read_teams(path)
        path.write_text(teams_csv(found), encoding="utf-8")
        assert read_teams(path) == found

    seeds = [
        b"file,team,kind,affiliation,paper,code,extra_data,runtime\na.zip,A,team,U,https://x.example,,yes,0.3\n",
        b"team\nA\nB\n",
    ]
    tokens = [b",", b"\n", b'"', b"https://", b"javascript:", b"=1+1", b"baseline"]
    return _bytes(seeds, _through(folder / "teams.csv", read), tokens)


def names(_: Path) -> Target:
    """A team's name in every format."""
    from srspace_eval._utils.untrusted_text import (
        LONGEST_TEAM,
        escape_cell,
        name_key,
        short_name,
        slug,
        spelled,
        unescape_cell,
        visible,
    )
    from srspace_eval.report.escaping import escape_latex, escape_markdown, escape_plotly

    from .hostile import cells
    from .hostile.names import NAMES

    def read(name: str) -> None:
        plotly = escape_plotly(name).removeprefix("\u2068").removesuffix("\u2069")  # it isolates right-to-left names
        shown = [visible(name), short_name(name), spelled(name), escape_markdown(name), plotly]
        cell = escape_cell(name)
        for text in (*shown, escape_latex(visible(name)), cell):
            assert not cells.hidden(text), text
        assert unescape_cell(cell) == name
        line = io.StringIO()
        csv.writer(line).writerow([cell])
        parts = [c for d in ",;" for row in csv.reader(io.StringIO(line.getvalue()), delimiter=d) for c in row]
        assert not any(part.strip(' "').startswith(cells.STARTS) for part in parts), cell
        assert slug(name).isascii()
        assert len(slug(name)) < 100
        if len(name) >= LONGEST_TEAM:  # readers refuse longer ones
            return
        key = name_key(name)
        assert name_key(key) == key, key
        assert name_key(name + "\u200b") == key
        if name.isascii():
            assert name_key(name.upper()) == key
        assert len(key) <= 20 * len(name)
        assert not any(unicodedata.category(char) in ("Cc", "Cf") for char in key)

    corpus = [*(name[:200] for name in NAMES), *cells.FORMULAS.values(), *cells.LOOKALIKES.values()]
    return _text(
        corpus, read, ["=", ";", "@", "'", "\t", "\\u0041", "\\U00010000", "\u0435", "\u0391", "\ufb03", "\u1e9e"]
    )


def template(_: Path) -> Target:
    """A template of file names."""
    from srspace_eval.tracks.names import Template

    def read(text: str) -> None:
        found = Template(text)
        for name in ("000000_sample00000.png", "0801.png", text):
            values = found.parse(name)
            if values is not None:
                assert found.parse(found.format(**values)) == values

    corpus = ["{index:06d}_sample{sample:05d}.png", "{number:04d}.png", "{stem}_sample{sample:05d}.png", "{stem}.png"]
    tokens = [
        "{index}",
        "{number:03d}",
        "{sample:0d}",
        "{stem}",
        "{",
        "}",
        "{{",
        "}}",
        "{stem!r}",
        "{a.b}",
        "*",
        "(",
        "\\d",
    ]
    return _text(corpus, read, tokens)


def answer(folder: Path) -> Target:
    """An answer to a study."""
    from srspace_eval.study.answers import AnswerError, parse_answer
    from srspace_eval.study.key import load_key

    from .answers import answer_document
    from .hostile import cells, clients

    key = load_key(clients.write_study(folder).with_name("study-key.json"))
    document = {**answer_document(key, "r01"), "id": "0" * 32, "revision": 1}

    def read(data: bytes) -> None:
        try:
            assert parse_answer(data, key).rater in key.raters
        except AnswerError as error:
            if cells.hidden(str(error)):
                raise AssertionError(str(error)) from error

    return _document(document, read)


def key(folder: Path) -> Target:
    """The key of a study: trusted, but it may be damaged."""
    from srspace_eval.study.key import load_key

    from .hostile import clients

    path = clients.write_study(folder).with_name("study-key.json")
    return _document(json.loads(path.read_bytes()), _through(folder / "k.json", load_key))


def plan(folder: Path) -> Target:
    """An options file of a competition."""
    from srspace_eval.codabench.plan_file import make_plan, read_options, write_competition_template

    write_competition_template(folder / "new.toml")
    seeds = [
        (folder / "new.toml").read_bytes(),
        b'track = "x4"\nimage = "u/i:1"\n[[phases]]\nname = "T"\ngt = "/app/data/GT"\nstart = "2026-03-10"\n',
    ]
    tokens = [
        b"[[phases]]\n",
        b"[[pages]]\n",
        b'start = "2026-13-40"\n',
        b'end = "0001-01-01"\n',
        b"2026-01-01",
        b"seconds = 60\n",
    ]
    return _bytes(seeds, _through(folder / "p.toml", lambda path: make_plan(read_options(path))), tokens)


def readme(_: Path) -> Target:
    """A submission's readme.txt."""
    from srspace_eval.submissions.readme import parse_readme

    corpus = [
        "runtime per image [s] : 10.43\nCPU[1] / GPU[0] : 0\nExtra Data [1] / No Extra Data [0] : 0\nOther : x",
        "10.4\n1\n0\nx",
    ]
    return _text(corpus, parse_readme, [":", "[1]", "[0]", "\n", "runtime", "/", "nan", "1e999"])


def mat(_: Path) -> Target:
    """A MATLAB file of blur kernels."""
    import contextlib

    import numpy as np
    import scipy.io

    from srspace_eval._utils.mat_file import MatFileError, read_matrix

    seeds = []
    for packed in (False, True):
        file = io.BytesIO()
        scipy.io.savemat(file, {"Kernel": np.arange(9.0).reshape(3, 3), "x": "a"}, do_compression=packed)
        seeds.append(file.getvalue())

    def read(data: bytes) -> None:
        with contextlib.suppress(MatFileError):
            assert read_matrix(data, "Kernel", most_numbers=10_000, most_bytes=1 << 20).size <= 10_000

    return _bytes(seeds, read, [b"IM", b"MI", b"Kernel", b"\x0e\0\0\0", b"\x0f\0\0\0", b"\x09\0\0\0"])


def request(_: Path) -> Target:
    """The head of an HTTP request to a study's server."""
    from waitress.adjustments import Adjustments

    from srspace_eval.study.request_parser import RequestParser

    settings = Adjustments(max_request_header_size=16384, max_request_body_size=100_000)

    def read(data: bytes) -> None:
        parser = RequestParser(settings)
        left = data
        for _ in range(50):
            used = parser.received(left)
            left = left[used:]
            if parser.completed or not left:
                break
        if parser.completed and parser.error is None and not parser.empty:
            head = data.split(b"\r\n\r\n")[0].lower().split(b"\r\n")
            fields = [(name.strip(), value.strip()) for name, _, value in (line.partition(b":") for line in head)]
            lengths = {value for name, value in fields if name == b"content-length"}
            assert len(lengths) < 2, lengths
        if parser.body_rcv is not None:
            parser.close()

    seeds = [
        b"GET /0123456789abcdef/session.js HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"POST /0123456789abcdef/answer HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
        b"POST /a/answer HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ]
    tokens = [b"\r\n", b"\n", b"\r", b"Content-Length: 6\r\n", b"Transfer-Encoding: chunked\r\n", b"HTTP/1.0", b": ",
              b"\r\n ",
              b"0\r\n\r\n", b"Expect: 100-continue\r\n", b"%00", b"http://y/", b";a=b"]  # fmt: skip
    return _bytes(seeds, read, tokens)


def checkpoint(folder: Path) -> Target:
    """The reader of checkpoints."""
    import torch

    from srspace_eval.models.checkpoints.reading import read_checkpoint

    from .hostile import checkpoints
    from .weights import small_state

    state = dict(list(small_state("rrdb").items())[:3])
    seeds = []
    for new in (True, False):
        torch.save(state, folder / "seed.pth", _use_new_zipfile_serialization=new)
        seeds.append((folder / "seed.pth").read_bytes())
    for kind in ("code in a pickle", "bytearray of 2 GB", "bytearray of 2 GB, old format", "a list"):
        checkpoints.CASES[kind][0](folder / "seed.pth")
        seeds.append((folder / "seed.pth").read_bytes())
    tokens = [b"c__builtin__\nbytearray\n", b"cos\nsystem\n", b"R.", b"\x8a\x08", b"J\xff\xff\xff\x7f",
              b"ctorch._utils\n",
              b"_rebuild_tensor_v2\n", b"BINPUT", b"(", b"t", b"}", b"Q"]  # fmt: skip
    return _bytes(seeds, _through(folder / "a.pth", read_checkpoint), tokens)


def safetensors(folder: Path) -> Target:
    """The reader of safetensors files."""
    import torch
    from safetensors.torch import save

    from srspace_eval.models.checkpoints.reading import read_checkpoint

    seeds = [save({"a": torch.zeros(2, 3), "b": torch.ones(1)}), save({"x" * 50: torch.arange(9)})]
    tokens = [b"F32", b"I64", b"BF16", b'"shape"', b"data_offsets", b"[0,4]", b"__metadata__"]
    return _bytes(seeds, _through(folder / "a.safetensors", read_checkpoint), tokens)


TARGETS: dict[str, tuple[Callable[[Path], Target], int]] = {
    "names": (names, 240), "formulas": (formula, 160), "png": (png, 160), "records": (record, 120),
    "answers": (answer, 80), "requests": (request, 60), "readme": (readme, 40), "templates": (template, 40),
    "mat": (mat, 40), "tables": (table, 20), "teams": (teams, 20), "tracks": (track, 10), "journals": (journal, 20),
    "zips": (zip_file, 20), "keys": (key, 10), "plans": (plan, 10), "results": (result, 10),
    "checkpoints": (checkpoint, 10), "safetensors": (safetensors, 10),
}  # fmt: skip
"""Name -> what makes the target, and its share of the executions."""
