"""The third attack, files: nothing is written, replaced or deleted behind a link, or without being the program's own.

Links and foreign files in a site are tested in ``tests/report/test_own_files.py``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from srspace_eval.demo.pictures import write_demo
from tests.helpers.commands import run


@pytest.mark.parametrize("name", ["gt", "submissions/Bicubic", "leaderboards", "leaderboards/demo", "site"])
def test_the_demo_follows_no_link_in_its_folder(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    demo, foreign = tmp_path / "demo", tmp_path / "foreign"
    write_demo(demo, images=1, with_lpips=False)
    foreign.mkdir()
    (foreign / "0001.png").write_text("mine")
    place = demo / name
    if place.exists():
        place.rename(tmp_path / "aside")
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(foreign, target_is_directory=True)
    assert run("demo", "--out", demo) == 1
    assert f"- {place}\n" in capsys.readouterr().err
    assert [(path.name, path.read_text()) for path in foreign.iterdir()] == [("0001.png", "mine")]
