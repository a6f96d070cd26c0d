"""The options file of a competition."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest
import yaml

from srspace_eval._utils import toml
from srspace_eval.codabench.plan import QUESTIONS
from srspace_eval.codabench.plan_file import PlanTable, load_competition, write_competition_template
from srspace_eval.errors import InputError, ResultsError, SrspaceEvalError
from tests.helpers.commands import run

OPTIONS = """
track = "own.toml"
image = "user/image:2"
title = "A title"
description = "About"
organisers = "A & B"
contact = "a@example.org"
reward = "A mug"
logo = "logo.png"
terms = "terms.md"
metrics = ["psnr", "lr_psnr"]
primary = "psnr"
samples = 2
lpips_net = "squeeze"
submission_rule = "Force_Best"
queue = "0a1b2c3d-0000-4000-8000-0123456789ab"
seconds = 900
auto_approve = true
forum = false
public_submissions = true
starting_kit = true

[[phases]]
name = "Dev"
gt = "gt"
start = "2030-01-01"
end = "2030-01-02 12:00:00"
description = "First"
submissions_per_day = 7
submissions = 70
[[phases]]
name = "Test"
gt = "/app/data/GT"
start = "2030-01-03"
hide_output = true
seconds = 60

[[pages]]
title = "Data"
file = "data.md"

[[fact_sheet]]
key = "paper"
title = "Paper"
required = true
shown = false
"""
TRACK = """
name = "own"
title = "Own"
scale = 4
samples = 2
first = 801
metrics = ["psnr"]
[ranking]
final = ["psnr"]
criteria = [{ metric = "psnr" }]
"""


@pytest.fixture
def place(folder: Path, tmp_path: Path) -> Path:
    """A folder with an options file and all the files that it names."""
    (tmp_path / "gt").symlink_to(folder / "gt")
    (tmp_path / "own.toml").write_text(TRACK)
    (tmp_path / "terms.md").write_text("# Own terms\n")
    (tmp_path / "data.md").write_text("# Where the data is\n")
    with zipfile.ZipFile(folder / "bundle.zip") as archive:
        (tmp_path / "logo.png").write_bytes(archive.read("logo.png"))
    (tmp_path / "c.toml").write_text(OPTIONS)
    return tmp_path


def competition(bundle: Path) -> tuple[dict[str, object], zipfile.ZipFile]:
    archive = zipfile.ZipFile(bundle)
    return yaml.safe_load(archive.read("competition.yaml")), archive


def test_every_option_of_the_file_is_in_the_bundle(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")  # paths are relative to the file
    assert run("codabench", "--options", place / "c.toml", "--out", place / "b.zip", "--no-measure") == 0
    document, archive = competition(place / "b.zip")
    expected = {
        "title": "A title", "description": "About", "docker_image": "user/image:2", "contact_email": "a@example.org",
        "reward": "A mug", "queue": "0a1b2c3d-0000-4000-8000-0123456789ab", "registration_auto_approve": True,
        "forum_enabled": False, "can_participants_make_submissions_public": True,
    }  # fmt: skip
    assert {key: document[key] for key in expected} == expected
    first, second = document["phases"]  # type: ignore[misc]
    assert first == {
        "index": 1, "name": "Dev", "description": "First", "start": "2030-01-01 00:00:00",
        "end": "2030-01-02 12:00:00", "tasks": [1], "max_submissions_per_day": 7, "max_submissions": 70,
        "execution_time_limit": 900, "hide_output": False, "starting_kit": "starting_kit_1.zip",
    }  # fmt: skip
    assert (second["execution_time_limit"], second["hide_output"], "end" in second) == (60, True, False)
    assert document["fact_sheet"] == {
        "paper": {"key": "paper", "type": "text", "title": "Paper", "selection": "", "is_required": "true",
                  "is_on_leaderboard": "false"}
    }  # fmt: skip
    (board,) = document["leaderboards"]  # type: ignore[misc]
    assert (board["submission_rule"], board["columns"][board["primary_index"]]["key"]) == ("Force_Best", "psnr")
    assert archive.read("terms.md") == b"# Own terms\n"
    assert archive.read("pages/page_1.md") == b"# Where the data is\n"
    assert document["pages"][-1] == {"title": "Data", "file": "pages/page_1.md"}  # type: ignore[index]
    assert "A &" in archive.read("pages/overview.md").decode().replace("\\", "").replace("&amp;", "&")
    assert run("codabench", "check", place / "b.zip") == 0


def test_the_command_line_replaces_options_of_the_file(place: Path) -> None:
    code = run("codabench", "--options", place / "c.toml", "--out", place / "b.zip", "--title", "Other", "--metrics",
               "lr_psnr", "--primary", "lr_psnr", "--phase", f"Only={place / 'gt'},2031-01-01", "--seconds", 120,
               "--hide-output", "Only", "--no-measure")  # fmt: skip
    assert code == 0
    document, _ = competition(place / "b.zip")
    assert document["title"] == "Other"
    (phase,) = document["phases"]  # type: ignore[misc]
    assert (phase["name"], phase["execution_time_limit"], phase["hide_output"]) == ("Only", 120, True)


def test_the_template_names_every_option_with_its_default(tmp_path: Path) -> None:
    write_competition_template(tmp_path / "c.toml")
    text = (tmp_path / "c.toml").read_text()
    plain = load_competition(tmp_path / "c.toml")
    assert plain.questions == QUESTIONS
    # With its examples of defaults switched on, it says the same.
    lines = [re.sub(r"^# (?=[a-z_]+ = |\[\[)", "", line) for line in text.splitlines()]
    full = toml.loads("\n".join(lines))
    assert set(full) == set(PlanTable.__struct_fields__)
    defaults = PlanTable()
    for key in ("lpips_net", "submission_rule", "seconds", "auto_approve", "forum", "public_submissions",
                "starting_kit"):  # fmt: skip
        assert full[key] == getattr(defaults, key), key
    assert [(q["key"], q["title"], q.get("required", False)) for q in full["fact_sheet"]] == [
        (q.key, q.title, q.required) for q in QUESTIONS
    ]
    with pytest.raises(ResultsError, match="there is a file already"):
        write_competition_template(tmp_path / "c.toml")
    with pytest.raises(InputError, match=r"must end in \.toml"):
        write_competition_template(tmp_path / "c.txt")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('title = "A title"', 'tilte = "A title"', "unknown key tilte"),
        ("samples = 2", 'samples = "2"', "samples: expected a whole number"),
        ("samples = 2", "samples = 0", "samples: expected a whole number"),
        ('submission_rule = "Force_Best"', 'submission_rule = "Best"', "submission_rule: expected"),
        ('start = "2030-01-01"', "start = 2030-01-01", r"phases\[0\].start: expected a text"),
        ('start = "2030-01-01"', 'start = "soon"', "is not a date"),
        ('start = "2030-01-01"', 'start = "0030-01-01"', "the year must be from"),
        ('end = "2030-01-02 12:00:00"', "", "has no end"),
        ('gt = "gt"', 'gt = "gone"', "there is no such folder or zip"),
        ('gt = "/app/data/GT"', 'gt = "/app/data/../GT"', "inside /app/data/"),
        ('terms = "terms.md"', 'terms = "gone.md"', "terms: .*cannot be read"),
        ('file = "data.md"', 'file = "logo.png"', "page 'Data': .*cannot be read"),
        ('logo = "logo.png"', 'logo = "terms.md"', "not a PNG"),
        ('track = "own.toml"', 'track = "gone.toml"', "gone.toml: the track file cannot be read"),
        ('track = "own.toml"', 'track = "x3"', "there is no track 'x3'"),
        ('track = "own.toml"', "", "track: missing"),
        ('key = "paper"', 'key = "a paper"', "1 to 36 letters"),
        ('key = "paper"', 'key = "paper\\n"', "1 to 36 letters"),
        ('contact = "a@example.org"', 'contact = "me"', "must be an e-mail address"),
        ("submissions = 70", "submissions = 0", "submissions: expected a whole number"),
        ("samples = 2", "samples = 2]", "not valid TOML"),
        ('primary = "psnr"', 'primary = "lpips"', "primary 'lpips': not measured"),
        ('queue = "0a1b2c3d', 'queue = "mine', "a UUID"),
    ],
)
def test_a_fault_names_the_file_or_the_key(
    old: str, new: str, told: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert old in OPTIONS
    (place / "c.toml").write_text(OPTIONS.replace(old, new, 1))
    assert run("codabench", "--options", place / "c.toml", "--out", place / "b.zip", "--no-measure") == 1
    err = capsys.readouterr().err
    assert re.search(told, err), err
    assert "Traceback" not in err
    assert not (place / "b.zip").exists()
    assert not (place / "b.Dockerfile").exists()


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = " + b"[" * 5000, b'x = "' + b"y" * (1 << 21) + b'"'])
def test_a_hostile_options_file_is_one_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_bytes(content)
    with pytest.raises(SrspaceEvalError, match=r"c\.toml"):
        load_competition(tmp_path / "c.toml")


def test_a_track_that_measures_nothing_is_refused(place: Path) -> None:
    (place / "own.toml").write_text(
        'name = "own"\ntitle = "Own"\nscale = 4\n[columns]\nmos = { better = "higher" }\n'
        '[ranking]\norder_by = ["mos"]\n'
    )
    text = OPTIONS.replace('metrics = ["psnr", "lr_psnr"]\n', "").replace('primary = "psnr"\n', "")
    (place / "c.toml").write_text(text)
    with pytest.raises(InputError, match=r"all its values come from elsewhere.*rank --table"):
        load_competition(place / "c.toml")


def test_an_estimate_alone_writes_nothing(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(path.name for path in place.iterdir())
    assert run("codabench", "--options", place / "c.toml", "--estimate", "--json") == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["bundle"] is None
    (estimate,) = document["estimates"]
    assert (estimate["images"], estimate["samples"]) == (2, 2)
    assert estimate["seconds"] > 0
    assert "phase Test: no estimate, the GT is not on this machine (/app/data/GT)" in err
    assert sorted(path.name for path in place.iterdir()) == before
