from __future__ import annotations

from pathlib import Path

import pytest

from srspace_eval.submissions.readme import Readme, read_declared, readme_notices
from srspace_eval.submissions.sources import open_source

GOOD = "runtime per image [s] : 10.43\nCPU[1] / GPU[0] : 0\nExtra Data [1] / No Extra Data [0] : 0\n"


def declared(folder: Path, **texts: str) -> tuple[tuple[str, Readme] | None, dict[str, str]]:
    for name, text in texts.items():
        (folder / name.replace("_", ".")).write_text(text)
    source = open_source(folder)
    found = read_declared(source)
    return found, readme_notices(source, found)


def test_a_readme_of_another_kind_does_not_hide_readme_txt(tmp_path: Path) -> None:
    found, notices = declared(tmp_path, README_md="# Our method\nsee: the paper\n", readme_txt=GOOD)
    assert found == ("readme.txt", Readme(10.43, 0.0, 0.0))
    assert list(notices) == ["readme.txt"]


def test_the_declared_values_may_be_in_another_readme(tmp_path: Path) -> None:
    found, notices = declared(tmp_path, README_md=GOOD, readme_txt="our method")
    assert found is not None
    assert found[0] == "README.md"
    assert list(notices) == ["README.md"]


def test_values_out_of_range_are_named(tmp_path: Path) -> None:
    text = GOOD.replace("10.43", "-5").replace("GPU[0] : 0", "GPU[0] : 7").replace("Data [0] : 0", "Data [0] : maybe")
    found, notices = declared(tmp_path, readme_txt=text)
    assert found is None
    assert "readme.txt: not used: runtime is '-5', and must be a number of seconds" in notices["readme.txt"]
    assert "CPU or GPU is '7'" in notices["readme.txt"]
    assert "extra data is 'maybe'" in notices["readme.txt"]


@pytest.mark.parametrize("value", ["abc", "", "\x1b[m", "x" * 1000])
def test_a_partly_bad_readme_names_what_is_lost(tmp_path: Path, value: str) -> None:
    found, notices = declared(tmp_path, readme_txt=GOOD.replace("10.43", value))
    assert found == ("readme.txt", Readme(-1.0, 0.0, 0.0))
    notice = notices["readme.txt"]
    assert "declared, not measured: CPU or GPU, extra data; not used: runtime is" in notice
    assert "\x1b" not in notice
    assert len(notice) < 400 + len(str(tmp_path))
