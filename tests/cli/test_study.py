from __future__ import annotations

import csv
import json
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from PIL import Image

from srspace_eval._utils import strict_json
from srspace_eval.errors import Notice
from srspace_eval.study import (
    CollectOptions,
    PlanTarget,
    RatingTarget,
    StudyOptions,
    collect_ratings,
    collect_study,
    create_study,
    load_key,
    plan_ratings,
    plan_study,
)
from tests.helpers.commands import run
from tests.helpers.studies import METHODS, Material, answer_document, make_material


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    return make_material(tmp_path_factory.mktemp("material"))


def create(material: Material, out: Path, *more: object) -> int:
    submissions = [material.submission(name) for name in METHODS]
    return run("study", "create", *submissions, "--gt", material.gt, "--size", 16, "--raters", 2, "--out", out, *more)


def test_create_collect_rank(material: Material, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "study"
    assert create(material, out, "--track", "x4", "--include-gt", "--repeats", 1, "--obvious", 1, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["methods"] == [*METHODS, "GT"]
    assert told["tasks"] == 9
    key_path = tmp_path / "study-key.json"
    key = load_key(key_path)
    assert told["codes"] == {r.id: f"{r.id}-{r.token}" for r in key.raters.values()}

    answers = tmp_path / "answers"
    answers.mkdir()
    for rater in key.raters:
        # The GT first, then the methods.
        document = answer_document(key, rater, order=lambda m: (m + 1) % 4)
        (answers / f"{rater}.json").write_text(json.dumps(document))
    (answers / "zzz.json").write_text("{}")
    assert run("study", "collect", answers, "--key", key_path, "--out", tmp_path / "result", "--json") == 0
    output = capsys.readouterr()
    assert json.loads(output.out)["kendall_w"] == {"raters": 1.0, "crops": 1.0}
    assert "not counted: " in output.err
    assert "zzz.json: not an answer of a study" in output.err

    table = tmp_path / "teams.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["team", "kind", "lpips", "lr_psnr", "diversity", "mor"])
        for i, name in enumerate(METHODS):
            writer.writerow([name, "team", 0.2 + i / 10, 50, 20 - i, ""])
        writer.writerow(["GT", "baseline", 0, "", "", ""])
    assert run("rank", "--track", "x4", "--table", table, "--mor", tmp_path / "result/MOR.csv", "--json") == 0
    rows = {row["team"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert {name: row["mor"] for name, row in rows.items()} == {"GT": 1, "flow": 2, "gan<b>": 3, "blur": 4}
    assert [rows[name]["final_rank"] for name in METHODS] == [1, 2, 3]

    # A board calls all intervals 95% intervals.
    half = tmp_path / "half"
    assert run("study", "collect", answers, "--key", key_path, "--out", half, "--level", 0.5) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "these are 50 % intervals; in simulated studies" in said
    assert "half (not for 'rank --mor', which needs --level 0.95)," in said
    for option, given in (("--mor", half), ("--mor", half / "MOR.csv"), ("--values", half / "MOR.csv")):
        assert run("rank", "--track", "x4", "--table", table, option, given) == 1
        assert "MOR.csv: its intervals are 50% intervals" in " ".join(capsys.readouterr().err.split())


def test_the_result_shows_invisible_characters_of_names(
    material: Material, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("evil\u202etxt.exe", "long " * 20 + "name")
    given = [f"{name}={material.submission(method)}" for name, method in zip(names, METHODS, strict=False)]
    options = ("--gt", material.gt, "--size", 16, "--raters", 1, "--track", "x4")
    assert run("study", "create", *given, *options, "--out", tmp_path / "study") == 0
    key = load_key(tmp_path / "study-key.json")
    answer = tmp_path / "r01.json"
    answer.write_text(json.dumps(answer_document(key, "r01", order=lambda m: m)))
    capsys.readouterr()
    assert run("study", "collect", answer, "--key", tmp_path / "study-key.json", "--out", tmp_path / "result") == 0
    out = capsys.readouterr().out
    assert "\u202e" not in out
    assert "evil\\u202etxt.exe" in out
    assert "long long long long long long l…" in out


def test_the_track_is_guessed_and_names_can_be_given(
    material: Material, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lr = tmp_path / "lr"
    lr.mkdir()
    for path in material.gt.iterdir():
        Image.open(path).reduce(4).save(lr / path.name)
    renamed = f"My Flow={material.submission('flow')}"
    arguments = ("study", "create", renamed, material.submission("blur"), "--gt", material.gt, "--size", 16)
    # At 136 × 96 pixels a submission may be ×4 or ×8. The LR decides.
    assert run(*arguments, "--out", tmp_path / "s") == 1
    assert "choose one with --track" in capsys.readouterr().err
    assert run(*arguments, "--lr", lr, "--out", tmp_path / "s", "--key", tmp_path / "k.json") == 0
    out = capsys.readouterr().out
    assert re.search(r"index\.html#r05-[a-z2-7]{20}$", out, re.MULTILINE)
    assert load_key(tmp_path / "k.json").entries == ("My Flow", "blur")


def test_the_same_secret_gives_the_same_study(
    material: Material, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert create(material, tmp_path / "one", "--track", "x4") == 0
    secret = load_key(tmp_path / "one-key.json").secret
    assert create(material, tmp_path / "two", "--track", "x4", "--secret", secret) == 0
    assert create(material, tmp_path / "three", "--track", "x4") == 0
    studies = [load_key(tmp_path / f"{name}-key.json").study for name in ("one", "two", "three")]
    assert studies[0] == studies[1] != studies[2]
    assert create(material, tmp_path / "four", "--secret", "short") == 2
    assert "64 hexadecimal digits" in capsys.readouterr().err


def test_mistakes_end_with_1_and_a_message(
    material: Material, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert create(material, tmp_path / "s", "--track", "x4", "--crops", 99) == 1
    assert "no room for 99 crops" in capsys.readouterr().err
    assert create(material, tmp_path / "absent" / "s", "--track", "x4") == 1
    assert "there is no such folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert create(material, tmp_path / "s", "--track", "x4") == 0
    assert create(material, tmp_path / "s", "--track", "x4") == 1
    assert "not empty" in capsys.readouterr().err
    (tmp_path / "bad.json").write_text("{")
    key_path = tmp_path / "s-key.json"
    assert run("study", "collect", tmp_path / "bad.json", "--key", key_path, "--out", tmp_path / "r") == 1
    assert "bad.json: not valid JSON" in capsys.readouterr().err
    assert not (tmp_path / "r").exists()
    assert run("study", "collect", tmp_path / "bad.json", "--key", tmp_path / "bad.json") == 1
    assert "not a key of a study" in capsys.readouterr().err
    assert run("study", "collect", "--key", key_path) == 2
    (tmp_path / "none").mkdir()
    assert run("study", "collect", tmp_path / "none", "--key", key_path) == 1
    assert "there is no .json file in it" in capsys.readouterr().err
    for command, option, value in (
        ("collect", "--seed", -1),
        ("collect", "--agreement", "nan"),
        ("collect", "--level", "nan"),
        ("plan", "--seed", -1),
    ):
        needed = (tmp_path / "none", "--key", key_path) if command == "collect" else ()
        assert run("study", command, *needed, option, value) == 2
        assert option in capsys.readouterr().err


def test_a_long_study_gives_a_notice(material: Material, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    many = [f"m{i}={material.submission('flow')}" for i in range(300)]
    arguments = ("study", "create", *many, "--gt", material.gt, "--size", 16, "--crops", 2, "--raters", 1)
    assert run(*arguments, "--out", tmp_path / "s", "--track", "x4") == 0
    assert "needs about 1.5 hours; --tasks-per-rater" in capsys.readouterr().err


def test_plan_tells_crops_and_cost(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("study", "plan", "--difference", 1, "--raters", "5,10", "--studies", 60, "--most-crops", 200)
    assert run(*arguments, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [p["raters"] for p in document["plans"]] == [5, 10]
    assert run(*arguments) == 0
    crops = document["plans"][0]["crops"]
    assert f"5 raters x {crops:3d} crops: power" in capsys.readouterr().out
    assert run("study", "plan", "--raters", "five") == 2
    assert run("study", "plan", "--difference", 100) == 1


def test_serve_reports_wrong_options_and_a_missing_key(
    material: Material, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert create(material, tmp_path / "s", "--track", "x4") == 0
    assert run("study", "serve", tmp_path / "s", "--port", 99999) == 2
    assert "65535" in capsys.readouterr().err
    assert run("study", "serve", material.gt) == 1
    assert "name it with --key" in capsys.readouterr().err


INTERRUPTED = """
import sys, threading
from srspace_eval.cli import main

start = threading.Thread.start

def interrupted(self):
    if sys.argv[1] == "after":
        start(self)
    raise KeyboardInterrupt

threading.Thread.start = interrupted
main(sys.argv[2:])
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_interrupt_while_serving_begins_ends_it(material: Material, tmp_path: Path, moment: str) -> None:
    assert create(material, tmp_path / "s", "--track", "x4") == 0
    command = [sys.executable, "-c", INTERRUPTED, moment, "study", "serve", str(tmp_path / "s"), "--port", "0"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "ended")


def test_serve_shows_the_study_until_interrupted(material: Material, tmp_path: Path) -> None:
    assert create(material, tmp_path / "s", "--track", "x4") == 0
    command = [sys.executable, "-m", "srspace_eval", "study", "serve", str(tmp_path / "s"), "--port", "0"]
    process = subprocess.Popen(
        [*command, "--answers", str(tmp_path / "answers")], stdout=subprocess.PIPE, text=True, stderr=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "One link for each rater:\n"
        rater, link = process.stdout.readline().split()
        assert rater == "r01"
        with urllib.request.urlopen(link, timeout=10) as reply:
            assert b"<title>Which looks most like a photograph?</title>" in reply.read()
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "ended" in err


def test_hostile_names_do_not_reach_the_terminal(
    material: Material, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert create(material, tmp_path / "s", "--track", "x4") == 0
    key_path = tmp_path / "s-key.json"
    document = json.loads(key_path.read_text())
    document["entries"] = ["\x1b[2Ja", "b\u202ec", "[red]c[/red]"]
    key_path.write_text(json.dumps(document))
    key = load_key(key_path)
    answer = tmp_path / "d\u202ee.json"
    answer.write_text(json.dumps(answer_document(key, "r01")))
    (tmp_path / "\x1b[2J.json").write_text("{}")
    capsys.readouterr()
    files = [answer, tmp_path / "\x1b[2J.json"]
    assert run("study", "collect", *files, "--key", key_path, "--out", tmp_path / "r\u202e") == 0
    shown = capsys.readouterr()
    for text in (shown.out, shown.err):
        assert "\x1b" not in text
        assert "\u202e" not in text
    for name in ("\\u001b[2Ja", "b\\u202ec", "[red]c[/red]", "r\\u202e"):
        assert name in shown.out
    assert "\\u001b[2J.json: " in shown.err


@pytest.mark.filterwarnings("ignore:.*do not look like their GT")  # the methods have no blue
def test_the_commands_do_what_the_functions_do(
    material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "12" * 32
    assert create(material, tmp_path / "a" / "s", "--track", "x4", "--secret", secret) == 1
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    capsys.readouterr()
    monkeypatch.chdir(tmp_path / "a")
    assert create(material, Path("s"), "--track", "x4", "--secret", secret, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    monkeypatch.chdir(tmp_path / "b")
    submissions = {name: material.submission(name) for name in METHODS}
    options = StudyOptions(size=16, raters=2)
    study = create_study(submissions, material.gt, "s", track="x4", options=options, secret=bytes.fromhex(secret))
    assert study.to_dict() == told
    for name in ("a", "b"):
        monkeypatch.chdir(tmp_path / name)
        Path("r01.json").write_text(json.dumps(answer_document(study.key, "r01")))
    assert run("study", "collect", "r01.json", "--key", "s-key.json", "--out", "r", "--draws", 200, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    monkeypatch.chdir(tmp_path / "a")
    with pytest.warns(Notice, match="one rater does not show"):
        outcome = collect_study("r01.json", "s-key.json", out="r", options=CollectOptions(draws=200))
    assert json.loads(strict_json.dumps(outcome.to_dict())) == told
    trees = [
        {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()}
        for root in (tmp_path / "a", tmp_path / "b")
    ]
    assert trees[0] == trees[1]
    assert (
        run("study", "plan", "--difference", 1.5, "--raters", "5", "--studies", 40, "--most-crops", 60, "--json") == 0
    )
    plan = plan_study(PlanTarget(difference=1.5), raters=[5], studies=40, most_crops=60)
    assert json.loads(capsys.readouterr().out) == plan.to_dict()


def closed_stderr(command: list[str]) -> list[str]:
    """The command with its stderr closed, as ``2>&-`` does in a shell."""
    return ["/bin/sh", "-c", 'exec "$@" 2>&-', "sh", *command]


@pytest.mark.skipif(sys.platform == "win32", reason="a shell closes stderr")
def test_serve_with_a_closed_stderr_keeps_every_answer(material: Material, tmp_path: Path) -> None:
    assert create(material, tmp_path / "s", "--track", "x4") == 0
    key = load_key(tmp_path / "s-key.json")
    command = [sys.executable, "-m", "srspace_eval", "study", "serve", str(tmp_path / "s"), "--port", "0"]
    process = subprocess.Popen(
        closed_stderr([*command, "--answers", str(tmp_path / "answers")]), stdout=subprocess.PIPE, text=True
    )
    sent = {}
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "One link for each rater:\n"
        links = dict(process.stdout.readline().split() for _ in range(2))
        for number, (rater, link) in enumerate(links.items()):
            for revision in (1, 2):
                document = {**answer_document(key, rater), "id": f"{number:031x}{revision}", "revision": revision}
                sent[rater, revision] = json.dumps(document).encode()
                request = urllib.request.Request(link + "answer", data=sent[rater, revision], method="POST")
                with urllib.request.urlopen(request, timeout=10) as reply:
                    assert json.loads(reply.read()) == {"kept": True, "id": document["id"]}
    finally:
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in out
    stored = sorted(path.read_bytes() for path in (tmp_path / "answers").iterdir())
    assert stored == sorted(sent.values())


def test_ratings_from_create_to_collect(material: Material, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "study"
    more = ("--track", "x4", "--task", "rate", "--repeats", 1, "--obvious", 1)
    assert create(material, out, *more) == 0
    assert "27 pictures to rate, about 4 minutes for a rater" in capsys.readouterr().out
    key = load_key(tmp_path / "study-key.json")
    answers = tmp_path / "answers"
    answers.mkdir()
    for rater in key.raters:
        (answers / f"{rater}.json").write_text(json.dumps(answer_document(key, rater)))
    collect = ("study", "collect", answers, "--key", tmp_path / "study-key.json", "--out", tmp_path / "result")
    assert run(*collect) == 0
    shown = capsys.readouterr().out
    assert re.search(r"flow +5\.000 +5\.00 – 5\.00 +5\.000 +5\.00 – 5\.00", shown)
    assert "2 raters, 9 crops, 54 ratings; 1 (Bad) to 5 (Excellent), higher is better; Kendall's W 1.000" in shown
    assert f"{tmp_path / 'result' / 'MOS.csv'} for 'rank --values'" in shown
    assert run(*collect, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    stored = json.loads((tmp_path / "result/study.json").read_text())
    assert all(len(digest) == 64 for digest in stored.pop("files").values())
    assert told == stored
    outcome = collect_ratings(answers, key)
    assert json.loads(strict_json.dumps(outcome.to_dict())) == told
    # Options of the other task have no effect, and are refused.
    assert run(*collect, "--draws", 500) == 2
    assert "people rate in this study, and these options are for rankings: --draws" in capsys.readouterr().err
    assert run(*collect, "--tolerance", -1) == 2
    assert run("study", "collect", tmp_path / "nothing.json", *collect[3:]) == 1
    assert "nothing.json: there is no such file" in capsys.readouterr().err
    assert run("study", "collect", answers, "--key", tmp_path) == 1
    assert f"{tmp_path}: is a folder; name a file" in capsys.readouterr().err


def test_an_option_of_ratings_is_refused_for_rankings(
    material: Material, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert create(material, tmp_path / "s", "--track", "x4") == 0
    (tmp_path / "r01.json").write_text(json.dumps(answer_document(load_key(tmp_path / "s-key.json"), "r01")))
    collect = ("study", "collect", tmp_path / "r01.json", "--key", tmp_path / "s-key.json", "--out", tmp_path / "r")
    assert run(*collect, "--tolerance", 2) == 2
    assert "people rank in this study, and these options are for ratings: --tolerance" in capsys.readouterr().err
    assert not (tmp_path / "r").exists()
    assert create(material, tmp_path / "t", "--track", "x4", "--pairs") == 1
    assert "--pairs is for ratings (--task rate)" in capsys.readouterr().err


def test_a_plan_of_ratings(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("study", "plan", "--task", "rate", "--raters", "10,40", "--pictures", 50)
    assert run(*asked, "--json") == 0
    plan = plan_ratings(RatingTarget(pictures=50), raters=[10, 40])
    assert json.loads(capsys.readouterr().out) == plan.to_dict()
    assert run(*asked) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == (
        f"For 95 % intervals of ± 0.25 around the MOS of 8 methods with 50 pictures, {plan.raters} raters are needed."
    )
    assert "± 0.25 with no number of pictures" in shown[1]
    assert run(*asked, "--studies", 50, "--power", 0.9) == 2
    assert "these options are for --task rank: --power, --studies" in capsys.readouterr().err
    assert run("study", "plan", "--half-width", 1) == 2
    assert "these options are for --task rate: --half-width" in capsys.readouterr().err
    assert run("study", "plan", "--task", "rate", "--raters", "1", "--pictures", 1) == 1
    assert "--pictures must lie between 2 and 100000" in capsys.readouterr().err


def test_only_a_track_without_gt_needs_no_gt(
    material: Material, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    methods = [tmp_path / name for name in METHODS[::2]]
    for number, folder in enumerate(methods):
        folder.mkdir()
        Image.new("RGB", (64, 64), (number, 9, 9)).save(folder / "phone.png")
    options = ("--task", "rate", "--size", 16, "--raters", 1, "--out", tmp_path / "out")
    assert run("study", "create", *methods, *options, "--track", "x4") == 2
    assert "Missing option '--gt'. Only a track without GT" in capsys.readouterr().err
    assert run("study", "create", *methods, *options) == 2
    assert run("study", "create", *methods, *options, "--track", "ntire2020-rwsr-2", "--gt", material.gt) == 1
    assert 'reference = "none" says that there is no GT; leave out --gt' in capsys.readouterr().err
    assert run("study", "create", *methods, *options, "--track", "ntire2020-rwsr-2") == 0
    assert "6 pictures to rate" in capsys.readouterr().out
