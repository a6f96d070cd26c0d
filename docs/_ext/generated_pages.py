"""Pages that are made from data at each build: tracks, published tables, file schemas, the API's entries.

They are written beside the pages written by hand, and git ignores them.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import click

import srspace_eval as se
from srspace_eval.cli import cli
from srspace_eval.cli._examples import EXAMPLES, START
from srspace_eval.cli._options import LateHelp
from srspace_eval.metrics.registry import columns as metric_columns
from srspace_eval.schemas import SCHEMA_NAMES
from srspace_eval.tracks.words import describe_rule


def setup(app: Any) -> dict[str, bool]:
    app.connect("builder-inited", lambda app: write_pages(Path(app.srcdir)))
    app.connect("builder-inited", lambda app: complete_helps(cli))
    app.connect("sphinx-click-process-epilog", epilog)
    app.connect("html-page-context", plain_signatures)
    return {"parallel_read_safe": True}


def plain_signatures(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Lines of long signatures as spans. Sphinx writes definition lists without terms, which WCAG does not allow."""
    block = re.compile(r'<dl>\n((?:<dd><em class="sig-param">.*?</em>,?</dd>\n)+)</dl>')
    if "sig-param" in context.get("body", ""):
        context["body"] = block.sub(lambda found: _spans(found[1]), context["body"])


def _spans(lines: str) -> str:
    return lines.replace("<dd>", '<span class="sig-line">').replace("</dd>", "</span>")


def complete_helps(command: click.Command) -> None:
    """Make the helps that list metrics: sphinx-click reads a help before it is shown."""
    context = click.Context(command)
    for parameter in command.params:
        if isinstance(parameter, LateHelp):
            parameter.get_help_record(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                complete_helps(inner)


def epilog(app: Any, context: click.Context, lines: list[str]) -> None:
    """The end of a command's help: its examples as they are typed, and a link to the page."""
    name = context.command_path.removeprefix("srspace-eval").strip()
    entry = EXAMPLES.get(name) if name else START
    if entry is not None:
        kept = lines[: next(number for number, line in enumerate(lines) if "Examples:" in line)]
        examples = [f"   $ srspace-eval {line}" for line in entry.examples]
        lines[:] = [*kept, ".. code-block:: console", "", *examples, "", f"Read more: :doc:`/{entry.page}`.", ""]


def write_pages(docs: Path) -> None:
    """Write all generated pages below ``docs``."""
    for track in se.list_tracks():
        _write(docs / "challenges" / f"track-{track.name}.md", track_page(track))
    for identifier in se.published_tables():
        _write(docs / "challenges" / f"table-{identifier}.md", table_page(se.load_published(identifier)))
    for name in SCHEMA_NAMES:
        _write(docs / "reference" / "schemas" / f"{name}.md", schema_page(name))
    api = (docs / "reference" / "api.md").read_text(encoding="utf-8")
    for title, names in api_sections(api).items():
        _write(docs / "reference" / "api" / f"{_slug(title)}.md", api_page(title, names))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:  # an unchanged page is not read again
        path.write_text(text, encoding="utf-8")


def _slug(title: str) -> str:
    return re.sub(r"\W+", "-", title.lower()).strip("-")


def track_page(track: se.Track) -> str:
    """A challenge's rule in words, from its TOML file."""
    gt = "" if track.reference == "none" else " --gt GT"
    lines = [
        f"# {track.title}",
        "",
        f"Track `{track.name}`: `srspace-eval score submission/{gt} --track {track.name}`.",
        "",
        *([_text(f"Source: {track.source}."), ""] if track.source else []),
        "| | |",
        "|---|---|",
        f"| scale | ×{track.scale} |",
        f"| samples an image | {track.samples} |",
        *([f"| first image | {track.first} |"] if track.first else []),
        "| GT | there is none |"
        if track.reference == "none"
        else f"| crop | the GT is cropped to a multiple of {track.crop}, top left kept |",
        "| GT's names | " + ", ".join(f"`{template}`" for template in track.gt_names) + " |",
        "| samples' names | " + ", ".join(f"`{template}`" for template in track.sample_names) + " |",
        *([f"| `baseline(id)` | the value of the entry `{track.baseline}` |"] if track.baseline else []),
        *([f"| ratings | {_text(_scale(track.opinion_scale))} |"] if track.opinion_scale else []),
        "",
        "`{number}` is the number in the GT's name. `{stem}` is that name without its suffix. `{index}` counts the "
        "images from 0, and `{sample}` the samples.",
        "",
        "## Columns",
        "",
        "| id | label | better | where it comes from |",
        "|---|---|---|---|",
        *_column_lines(track),
        "",
    ]
    for rule in track.rankings:
        start = (
            "## The ranking rule" if not rule.name else f"## Ranking `{rule.name}`: {_text(rule.title or rule.name)}"
        )
        sentences = [re.sub(r"^Ranking '.*?'(?: \(.*?\))?: ", "", one) for one in describe_rule(rule, track)]
        lines += [start, "", *(f"- {_text(sentence)}" for sentence in sentences), ""]
    lines += ["Equal values share the best of their places (1, 2, 2, 4).", ""]
    if track.uncertain:
        lines += ["## What is uncertain", "", *(f"- {_text(sentence)}" for sentence in track.uncertain), ""]
    tables = [i for i in se.published_tables() if track.name in se.load_published(i).tracks]
    if tables:
        lines += ["## Published tables of this track", ""]
        lines += [f"- [{se.load_published(i).title}](table-{i}.md)" for i in tables]
    return "\n".join([*lines, ""])


def _scale(scale: se.OpinionScale) -> str:
    return f"from {scale.label(scale.low)} to {scale.label(scale.high)}, {scale.better} is better"


def _column_lines(track: se.Track) -> list[str]:
    columns = track.columns()
    measures = {measure.id: measure for measure in track.measures}
    derived = {one.info.id: one for one in track.derived}
    given = {info.id for info in track.given}
    named = {*track.measured, *given, *derived, *(name for rule in track.rankings for name in rule.named)}
    lines = []
    for name in (name for name in columns if name in named):
        info = columns[name]
        if name in derived:
            of = " of each image, then averaged" if derived[name].of == "images" else ""
            origin = f"computed: `{derived[name].formula.text}`{of}"
        elif name in measures:
            options = ", ".join(f"`{key} = {value}`" for key, value in measures[name].options.items())
            origin = f"measured: `{measures[name].metric}`" + (f" with {options}" if options else "")
        elif name in track.measured:
            origin = "measured"
        else:
            options = "`--mor`, `--table` or `--values`" if name == "mor" else "`--table` or `--values`"
            origin = f"{options}. {_text(info.description)}"
        label = _text(info.label.replace("S_M", f"S_{track.samples}") + (f" [{info.unit}]" if info.unit else ""))
        lines.append(f"| `{name}` | {label} | {info.direction} | {origin} |")
    return lines


def table_page(table: se.PublishedTable) -> str:
    """A published table as printed, its source, and what is uncertain."""
    info = metric_columns()
    used = list(dict.fromkeys(key for row in table.rows for key in row.values))
    heads = [info[key].label if key in info else table.columns[key].label for key in used]
    places = list(dict.fromkeys(name for row in table.rows for name in row.places))
    finals = any(row.final_rank is not None for row in table.rows)
    last = [*(f"place, {name}" for name in places), *(["final rank"] if finals else [])]
    lines = [
        f"# {table.title}",
        "",
        f"Published table `{table.id}`. Nothing in it was measured by this program.",
        "",
        f"- Source: {table.paper}, {table.table}",
        f"- Images: {table.data}",
        *([f"- Measured with: {_text(table.measured_with)}"] if table.measured_with else []),
        f"- Read from: {_text(table.read_from)}",
        f"- Shown beside measured results by `srspace-eval rank --track {table.tracks[0]} --with {table.id}`"
        if table.tracks
        else "- It belongs to no built-in track.",
        *(
            [
                f"- Its own teams are ranked again by `srspace-eval rank --published {table.id}`",
                f"- For a paper: `srspace-eval rank --published {table.id} --format tex --out tables/` "
                "([LaTeX](../guides/author.md#5-latex))",
            ]
            if table.tracks and any(row.kind == "team" for row in table.rows)
            else []
        ),
        "",
        "| team | kind | " + " | ".join([*heads, *last]) + " |",
        "|---|---|" + "---:|" * (len(heads) + len(last)),
    ]
    for row in table.rows:
        cells = []
        for key in used:
            value = row.values.get(key)
            rank = f" ({row.ranks[key]})" if key in row.ranks else ""
            cells.append("–" if value is None else f"{value:.10g}{rank}")
        cells += [str(row.places.get(name, "–")) for name in places]
        cells += ["–" if row.final_rank is None else f"{row.final_rank:g}"] * finals
        lines.append(f"| {_text(row.team)} | {row.kind} | " + " | ".join(cells) + " |")
    notes = [f"- {_text(sentence)}" for sentence in table.uncertain]
    notes += [f"- {_text(row.team)}: {_text(row.note)}" for row in table.rows if row.note]
    lines += ["", "Numbers in brackets are the printed ranks.", "", "## What is uncertain", ""]
    lines += notes or ["The source leaves nothing open."]
    return "\n".join([*lines, ""])


def _text(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>|$])", r"\\\1", text)


def schema_page(name: str) -> str:
    """A document's fields, from its JSON Schema."""
    schema = se.load_schema(name)
    definitions = schema.get("$defs", {})
    lines = [f"# {schema.get('title', name)}", "", _text(schema.get("description", "")), ""]
    lines += [f"The schema itself: `srspace_eval.load_schema({name!r})`.", ""]
    top = definitions.get(schema.get("$ref", "").rpartition("/")[2], schema)
    lines += _fields(top)
    for title, definition in definitions.items():
        if definition is not top and definition.get("properties"):
            lines += [f"## {title}", "", _text(definition.get("description", "")), "", *_fields(definition)]
    return "\n".join([*lines, ""])


def _fields(schema: dict[str, Any]) -> list[str]:
    if not schema.get("properties"):
        return []
    lines = ["| field | type | required | meaning |", "|---|---|---|---|"]
    for key, value in schema["properties"].items():
        required = "yes" if key in schema.get("required", []) else "no"
        lines.append(f"| `{key}` | {_type(value)} | {required} | {_text(value.get('description', ''))} |")
    return [*lines, ""]


def _type(value: dict[str, Any]) -> str:
    if "$ref" in value:
        return _text(value["$ref"].rpartition("/")[2])
    for key in ("anyOf", "oneOf"):
        if key in value:
            return " or ".join(_type(each) for each in value[key])
    if "enum" in value:
        return ", ".join(f"`{each}`" for each in value["enum"])
    if value.get("type") == "array" and isinstance(value.get("items"), dict):
        return f"array of {_type(value['items'])}"
    kind = value.get("type", "any value")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def api_sections(text: str) -> dict[str, list[str]]:
    """Section of the API's page -> its public names."""
    sections: dict[str, list[str]] = {}
    title = ""
    for line in text.splitlines():
        if line.startswith("#"):
            title = line.lstrip("# ")
        match = re.match(r"\| `(\w+)` \|", line)
        if match and match[1] in se.__all__ and not title.startswith("What each command"):
            sections.setdefault(title, []).append(match[1])
    return sections


def api_page(title: str, names: list[str]) -> str:
    """The full entries of some public names, from their docstrings."""
    lines = [f"# {title}", "", "```{eval-rst}", ".. currentmodule:: srspace_eval", ""]
    for name in names:
        value = getattr(se, name)
        if inspect.isclass(value):
            members = "" if issubclass(value, Exception) else "\n   :members:"
            lines += [f".. autoclass:: {name}{members}", ""]
        else:
            lines += [f".. autofunction:: {name}", ""]
    return "\n".join([*lines, "```", ""])
