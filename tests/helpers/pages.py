"""Reads an HTML page: its elements and its main table."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

VOID = {"meta", "link", "input", "img", "br", "wbr"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    parts: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)

    def all(self, tag: str = "", **wanted: str) -> list[Element]:
        found = []
        for part in self.parts:
            if isinstance(part, Element):
                classes = part.attributes.get("class", "").split()
                fits = all(v in classes if k == "cls" else part.attributes.get(k) == v for k, v in wanted.items())
                if (not tag or part.tag == tag) and fits:
                    found.append(part)
                found += part.all(tag, **wanted)
        return found

    def one(self, tag: str = "", **wanted: str) -> Element:
        (found,) = self.all(tag, **wanted)
        return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.stack = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {key: value or "" for key, value in attrs})
        self.stack[-1].parts.append(element)
        if tag not in VOID and not (self.get_starttag_text() or "").endswith("/>"):
            self.stack.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.stack[-1].parts.append(Element(tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack[-1].tag == tag, f"</{tag}> closes <{self.stack[-1].tag}>"
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        self.stack[-1].parts.append(data)


def read(path: Path) -> Element:
    """The page as a tree; every element that HTML requires to be closed must be closed."""
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    assert len(reader.stack) == 1, f"<{reader.stack[-1].tag}> is not closed"
    return reader.stack[0]


def data_of(page: Element) -> Any:
    """The JSON data that the page passes to its scripts."""
    return json.loads(page.one("script", id="data").text)


def table(page: Element) -> dict[str, dict[str, Element]]:
    """Team -> column label -> cell of a track's main table."""
    board = page.one("table", id="board")
    labels = [label.text for label in board.one("thead").all("span", cls="label")]
    rows = {}
    for row in board.one("tbody").all("tr"):
        cells = [part for part in row.parts if isinstance(part, Element)]
        rows[row.one("th").all("bdi")[0].text] = dict(zip(labels, cells, strict=True))
    return rows


def value(cell: Element) -> str:
    return cell.one("span", cls="value").text


def rank_of(cell: Element) -> str:
    return "".join(r.text for r in cell.all("span", cls="rank")).removeprefix(", rank ")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too: relative name -> bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
