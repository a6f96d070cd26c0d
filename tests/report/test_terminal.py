"""Tables on terminals of any width: no name, rank or value is cut, and no line is longer than the terminal."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from itertools import product

import pytest
from rich.cells import cell_len
from rich.text import Text

from srspace_eval._utils.stacked_tables import TerminalColumn, stacked_tables
from srspace_eval._utils.untrusted_text import short_name
from srspace_eval.report.numbers import plain_label
from srspace_eval.report.table import make_table
from srspace_eval.report.terminal import to_text
from tests.helpers.golden_tables import RANKINGS

WIDTHS = (60, 80, 120)


@pytest.mark.parametrize(("name", "intervals", "width"), list(product(RANKINGS, (False, True), WIDTHS)))
def test_nothing_is_cut_and_no_line_is_too_long(name: str, intervals: bool, width: int) -> None:
    table = make_table(RANKINGS[name]())
    text = to_text(table, io.StringIO(), intervals=intervals, width=width)
    assert max(map(cell_len, text.split("\n"))) <= width
    assert "…" not in text.replace("long l… long", "")  # the one that short_name wrote
    tables = re.split(r"\n\n", text)
    packed = re.sub(r"\s", "", text)
    for column in table.columns:
        assert plain_label(column.label) in text
    for line in table.lines:
        rows = [part for part in text.split("\n") if re.match(rf"\s*{line.place}\s+\S", part)] if line.place else []
        assert not line.place or rows, line.place
        words = short_name(line.row.entry.team).split()
        assert all(re.sub(r"\s", "", word)[:8] in packed for word in words), words
        for cell in line.cells:
            assert cell.text in text
            assert not intervals or cell.interval in text
    assert "Mean rank" in tables[0]


@pytest.mark.parametrize("width", WIDTHS)
def test_names_that_fit_stay_on_their_line(width: int) -> None:
    text = to_text(make_table(RANKINGS["ntire2021-x4"]()), io.StringIO(), width=width)
    for team in ("Deepest", "njtech&seu", "nanbeihuishi", "FutureReference"):
        assert team in text
    assert re.search(r"^ *1 +Deepest  ", text, re.MULTILINE)
    assert (len(re.findall(r"^ *1 +Deepest ", text, re.MULTILINE)) == 1) == (width == 120), (
        "columns that do not fit stand below, with the names"
    )


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("command", [["rank", "--published", "ntire2021-x4"], ["models", "list"]])
def test_commands_fit_into_the_terminal(command: list[str], width: int) -> None:
    """In a process of its own that takes its output for a terminal."""
    code = "import sys; from srspace_eval.cli import main; sys.exit(main(sys.argv[1:]))"
    environment = {**os.environ, "COLUMNS": str(width), "FORCE_COLOR": "1", "TERM": "xterm"}
    done = subprocess.run([sys.executable, "-c", code, *command], env=environment, capture_output=True, check=True)
    text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout.decode("utf-8"))
    tables = [line for line in text.split("\n") if re.search(r"[─━]", line) or re.match(r"\s*\S+\s+(×\d|[0-9–])", line)]
    assert tables
    assert max(map(cell_len, tables)) <= width
    assert "…" not in text
    wanted = ["Deepest", "Mean rank", "26.041 ₍₂₎"] if command[0] == "rank" else ["srflow", "LPIPS", "S_M", "LR-PSNR"]
    for word in wanted:
        assert word in text, word


def test_a_column_wider_than_the_terminal_stands_alone() -> None:
    keys = [TerminalColumn("name", [Text("a")], "left", folds=True)]
    columns = [TerminalColumn(str(n), [Text("x" * 30)]) for n in range(3)]
    assert [len(table.columns) for table in stacked_tables(keys, columns, 40)] == [2, 2, 2]
    assert [len(table.columns) for table in stacked_tables(keys, columns, None)] == [4]
