"""The starting kit of a phase: a sample submission, and pictures of the GT's sizes to check submissions against.

All pictures are plain grey. They hold no pixel of the GT.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import lru_cache

from PIL import Image

from srspace_eval._utils.documentation import install_lines
from srspace_eval._utils.png_structure import inspect_png
from srspace_eval.codabench.archive import make_zip
from srspace_eval.codabench.plan import CompetitionPlan
from srspace_eval.errors import ImageError, InputError
from srspace_eval.submissions.readme import EXAMPLE
from srspace_eval.tracks.names import Template, image_fields

_GREY = 64
_GREYS = 128


def starting_kit(plan: CompetitionPlan, gts: Mapping[str, bytes], track_file: bytes | None = None) -> bytes:
    """The zip of a starting kit. Equal arguments give equal bytes.

    Parameters
    ----------
    plan
        The competition.
    gts
        File name -> content of the phase's GT. Only names and sizes are used.
    track_file
        The track's file, if it is not built in.

    Raises
    ------
    InputError
        If a GT is not a PNG of the track's names.
    """
    sizes = {}
    for name, data in gts.items():
        try:
            info = inspect_png(data, name)
        except ImageError as error:
            raise InputError(f"starting_kit: {error}") from error
        sizes[name] = (info.width, info.height)
    content = {f"sizes/{name}": _grey(size, _GREY) for name, size in sizes.items()}
    template = sample_template(plan)
    for name, size in sizes.items():
        fields = gt_fields(plan, name)
        for sample in range(plan.sample_count):
            # Two samples of an image differ: identical ones would be reported as a mistake.
            grey = _GREY + 1 + sample % _GREYS
            content[f"sample_submission/{template.format(**fields, sample=sample)}"] = _grey(size, grey)
    content["sample_submission/readme.txt"] = EXAMPLE.encode()
    content["README.md"] = _text(plan).encode()
    if track_file is not None:
        content["track.toml"] = track_file
    return make_zip(content)


def sample_template(plan: CompetitionPlan) -> Template:
    """The name template that a sample submission follows."""
    texts = plan.track.sample_names
    named = (Template(text) for text in texts)
    return next((t for t in named if "sample" in t.fields or plan.sample_count == 1), Template(texts[0]))


def check_command(plan: CompetitionPlan, submission: str, gt: str) -> str:
    """The command that participants check a submission with."""
    track = plan.track.name if plan.track.file is None else "track.toml"
    samples = f" --samples {plan.samples}" if plan.samples is not None else ""
    return f"srspace-eval check {submission} --gt {gt} --track {track}{samples}"


def gt_fields(plan: CompetitionPlan, name: str) -> dict[str, int | str]:
    """The fields of a GT's name, which sample names are made from."""
    stem = name[: -len(".png")]
    for text in plan.track.gt_names:
        found = Template(text).parse(name)
        if found is not None:
            return dict(image_fields(stem, found, plan.track.first))
    raise InputError(f"starting_kit: {name}: not a GT's name in track {plan.track.name}")


@lru_cache(maxsize=1024)
def _grey(size: tuple[int, int], value: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (value, value, value)).save(buffer, format="PNG", compress_level=9)
    return buffer.getvalue()


def _text(plan: CompetitionPlan) -> str:
    lines = [
        f"# Starting kit of {' '.join(plan.shown_title.split())}",
        "",
        "- `sample_submission/`: the names and sizes of a complete submission. Its pictures are plain grey.",
        "- `sizes/`: grey pictures with the names and sizes of the ground truth. They stand for the ground truth when",
        "  you check a submission.",
        "",
        "Check a submission before you send it. Faults of names, sizes and formats are listed:",
        "",
        "```",
        *install_lines(),
        check_command(plan, "SUBMISSION.zip", "sizes"),
        "```",
        "",
        "Zip the pictures and `readme.txt`, not their folder.",
    ]
    return "\n".join(lines) + "\n"
