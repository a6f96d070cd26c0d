from __future__ import annotations

import subprocess
import sys
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta, Struct

from srspace_eval._utils.documents import DocumentError, convert, json_schema


class Row(Struct, forbid_unknown_fields=True):
    metric: str
    among: Literal["teams", "study"] = "teams"
    plateau: Annotated[float, Meta(ge=0, le=100)] | None = None


class Table(Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1)]
    scale: Annotated[int, Meta(ge=1, le=64)] = 4
    rows: Annotated[tuple[Row, ...], Meta(min_length=1)] | None = None
    groups: dict[str, dict[str, float]] = {}


OBJECT = "an object (a table in TOML)"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "expected an object (a table in TOML), found a list of 0"),
        ({}, "'name' is missing"),
        ({"name": ""}, "name: expected a text that is not empty, found ''"),
        ({"name": "a", "x\x1b": 1, "y": 2}, r"unknown key x\u001b, y; known are name, scale, rows, groups"),
        ({"name": "a", "scale": 4.5}, "scale: expected a whole number from 1 to 64, found 4.5"),
        ({"name": "a", "scale": True}, "scale: expected a whole number from 1 to 64, found true"),
        ({"name": "a", "scale": 10**400}, "scale: expected a whole number from 1 to 64, found a number of 1329 bits"),
        ({"name": "a", "rows": 3}, f"rows: expected a list that is not empty, each item {OBJECT} or null, found 3"),
        ({"name": "a", "rows": [{"metric": "b"}, {"metric": 3}]}, "rows[1].metric: expected a text, found 3"),
        ({"name": "a", "rows": [{"metric": "b", "z": 3}]}, "rows[0]: unknown key z; known are metric, among, plateau"),
        ({"name": "a", "rows": [{"metric": "b", "among": "all"}]},
         "rows[0].among: expected 'study' or 'teams', found 'all'"),
        ({"name": "a", "rows": [{"metric": "b", "plateau": 101}]},
         "rows[0].plateau: expected a number from 0 to 100 or null, found 101"),
        ({"name": "a", "groups": {"b": {"c": 1}, "d": {"e": "1"}}}, "groups.d.e: expected a number, found '1'"),
        ({"name": "a", "scale": "9" * 99}, f"scale: expected a whole number from 1 to 64, found '{'9' * 59}…"),
        ({"name": "a", "\ud800": 1}, "a key or choice contains half a character (a lone surrogate)"),
    ],
)  # fmt: skip
def test_a_message_names_the_field_and_what_it_allows(data: Any, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        convert(data, Table)
    assert str(caught.value) == message


def test_data_of_the_type_comes_back() -> None:
    data = {"name": "a", "rows": [{"metric": "b", "plateau": 45}], "groups": {"c": {"d": 1}}}
    assert convert(data, Table) == Table("a", 4, (Row("b", "teams", 45.0),), {"c": {"d": 1.0}})


def test_the_schema_says_what_further_keys_may_hold() -> None:
    schema = json_schema(Row, {Row: int})
    assert schema["$defs"]["Row"]["required"] == ["metric"]
    assert schema["$defs"]["Row"]["additionalProperties"] == {"type": "integer"}


FIRST_USES = """
import sys, threading
from msgspec import Struct
from srspace_eval._utils.documents import convert

def first_use(kind, start):
    start.wait()
    convert({"rows": [{"a": 1, "b": {}, "c": [2]}], "row": None}, kind)

sys.setswitchinterval(1e-6)
for number in range(150):
    row, table = f"Row{number}", f"Table{number}"
    fields = {"a": "int | None", "b": "dict[str, float] | None", "c": "list[int] | None"}
    globals()[row] = type(row, (Struct,), {"__annotations__": fields, "__module__": "__main__"})
    fields = {"rows": f"list[{row}]", "row": f"{row} | None"}
    kind = type(table, (Struct,), {"__annotations__": fields, "__module__": "__main__"})
    start = threading.Barrier(16)
    threads = [threading.Thread(target=first_use, args=(kind, start)) for _ in range(16)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""


def test_threads_may_use_a_type_for_the_first_time_at_once() -> None:
    """msgspec alone ends such a process with a segmentation fault."""
    ran = subprocess.run([sys.executable, "-c", FIRST_USES], capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stderr) == (0, "")
