"""The competition bundle: one zip to upload, made from a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import yaml

from srspace_eval._utils import strict_json
from srspace_eval._utils.files import read_bounded, replacing
from srspace_eval._utils.hashing import sha256
from srspace_eval._version import __version__
from srspace_eval.codabench import pages
from srspace_eval.codabench.archive import make_zip
from srspace_eval.codabench.logo import plain_logo, require_logo
from srspace_eval.codabench.plan import DATE_FORMAT, CompetitionPhase, CompetitionPlan
from srspace_eval.codabench.settings import PROGRAM_COLUMN, README_COLUMNS, SETTINGS_FILE, Settings
from srspace_eval.errors import InputError, ResultsError
from srspace_eval.metrics.registry import bind
from srspace_eval.submissions.pairing import reference_names
from srspace_eval.submissions.sources import Source, open_source
from srspace_eval.tracks.reader import list_tracks

LARGEST_DATA = 350_000_000
"""Bytes of a bundle from which on unpacking hangs in practice (codalab/codabench #2304, #2322)."""

LARGEST_SUBMISSION = 500_000_000
"""Bytes of a submission from which on uploads take 15 minutes and more (codalab/codabench #2250)."""

PUBLIC_QUEUE_SECONDS = 600
"""The public queue's limit for a submission."""

_TITLES = ("Runtime per image [s]", "CPU[1] / GPU[0]", "Extra Data [1] / No Extra Data [0]")
_MARGIN = 0.9
_LEAST_MARGIN = 20.0


@dataclass(frozen=True)
class BundleEstimate:
    """What a phase asks of the platform.

    Attributes
    ----------
    phase:
        Its name.
    images, samples:
        Images, and samples per image.
    submission_bytes:
        About the size of a submission: one GT's file for each sample.
    data_bytes:
        Size of the GTs.
    advice:
        What exceeds the platform's limits, and what to do.
    """

    phase: str
    images: int
    samples: int
    submission_bytes: int
    data_bytes: int
    advice: tuple[str, ...]

    def to_document(self) -> dict[str, Any]:
        """The estimate as ``srspace-eval codabench --json`` prints it."""
        return {
            "phase": self.phase, "images": self.images, "samples": self.samples,
            "submission_bytes": self.submission_bytes, "data_bytes": self.data_bytes, "advice": list(self.advice),
        }  # fmt: skip

    def __str__(self) -> str:
        return (
            f"phase {self.phase}: {self.images} images × {self.samples} samples, about "
            f"{self.submission_bytes / 1e6:.1f} MB a submission, {self.data_bytes / 1e6:.1f} MB of GTs"
        )


def write_bundle(plan: CompetitionPlan, out: Path | str, *, overwrite: bool = False) -> list[BundleEstimate]:
    """Write a bundle, and the recipe of its image beside it (``OUT.Dockerfile``). Equal plans give equal bytes.

    Parameters
    ----------
    plan:
        The competition.
    out:
        The zip to write.
    overwrite:
        Replace existing files.

    Returns
    -------
    The estimate of each phase whose GTs are at hand.

    Raises
    ------
    InputError
        If the track, the logo or a GT cannot be used.
    SubmissionError
        If a GT folder or zip cannot be read, or contains other pictures.
    ResultsError
        If a file exists already or cannot be written.
    """
    out = Path(out)
    recipe = out.with_name(f"{out.stem}.Dockerfile")
    taken = [str(path) for path in (out, recipe) if path.exists()]
    if taken and not overwrite:
        raise ResultsError(f"{', '.join(taken)}: exists; give --overwrite to replace it, or another --out")
    estimates, content = make_bundle(plan)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for path, data in ((out, content), (recipe, dockerfile(plan).encode())):
            with replacing(path) as file:
                file.write(data)
    except OSError as error:
        raise ResultsError(f"{out}: cannot be written ({error.strerror or error})") from error
    return estimates


def _require_gt(plan: CompetitionPlan) -> None:
    if plan.track.reference == "none":
        raise InputError(
            f'track {plan.track.name}: reference = "none" says that there is no GT, and a bundle holds one; score '
            "submissions with `srspace-eval score` instead"
        )


def _require_one_trunk(plan: CompetitionPlan) -> None:
    bound = bind(plan.measured, plan.track.measures)
    others = [f"{name} needs {metric.trunk}" for name, metric in bound.items() if metric.trunk not in ("", plan.net)]
    if others:
        raise InputError(
            f"the image of a bundle holds the weights of {plan.net} only: {', '.join(others)}; choose another "
            "net, or leave these metrics out"
        )


def make_bundle(plan: CompetitionPlan) -> tuple[list[BundleEstimate], bytes]:
    """The estimates and the bytes of a bundle."""
    _require_gt(plan)
    _require_one_trunk(plan)
    content: dict[str, bytes] = {
        "pages/overview.md": pages.overview(plan).encode(),
        "pages/submission.md": pages.submission(plan).encode(),
        "pages/evaluation.md": pages.evaluation(plan).encode(),
        "terms.md": pages.terms(plan).encode(),
        "logo.png": plain_logo() if plan.logo is None else require_logo(plan.logo),
    }
    estimates = []
    references: dict[int, str] = {}
    for number, phase in enumerate(plan.phases, 1):
        content[f"program_{number}.zip"] = scoring_program(plan, phase)
        if phase.data_key is not None:
            references[number] = phase.data_key
            continue
        references[number] = f"reference_{number}.zip"
        if phase.data_name is not None:
            note = f"The GT is {phase.gt} on the worker.\n".encode()
            content[f"reference_{number}.zip"] = make_zip({"README.txt": note})
            continue
        pictures = _reference(phase, plan)
        estimates.append(_estimate(plan, phase, pictures))
        content[f"reference_{number}.zip"] = make_zip(pictures, compress=False)
    content["competition.yaml"] = _yaml(competition(plan, references))
    return estimates, make_zip(content)


def competition(plan: CompetitionPlan, references: Mapping[int, str]) -> dict[str, Any]:
    """``competition.yaml`` as data. Nothing is public by default."""
    columns = [
        {"key": info.id, "title": _title(info.label, info.unit), "index": index, "precision": info.digits,
         "sorting": "asc" if info.direction == "lower" else "desc", "hidden": False}
        for index, info in enumerate(plan.columns)
    ]  # fmt: skip
    columns += [
        {"key": key, "title": title, "index": len(plan.columns) + n, "precision": 2, "sorting": "asc", "hidden": False}
        for n, (key, title) in enumerate(zip(README_COLUMNS, _TITLES, strict=True))
    ]
    columns.append(
        {"key": PROGRAM_COLUMN, "title": "Scoring program", "index": len(columns), "precision": 0, "sorting": "desc",
         "hidden": True}
    )  # fmt: skip
    document: dict[str, Any] = {
        "version": 2,
        "title": plan.shown_title[:256],
        "description": plan.description,
        "image": "logo.png",
        "terms": "terms.md",
        "docker_image": plan.image,
        "registration_auto_approve": False,
        "enable_detailed_results": True,
        "show_detailed_results_in_submission_panel": True,
        "show_detailed_results_in_leaderboard": False,
        "auto_run_submissions": True,
        "can_participants_make_submissions_public": False,
        "make_programs_available": False,
        "make_input_data_available": False,
        "forum_enabled": True,
        "competition_type": "competition",
        "fact_sheet": {
            key: {"key": key, "type": "text", "title": title, "selection": "", "is_required": required,
                  "is_on_leaderboard": "true"}
            for key, title, required in (
                ("method", "Method", "true"), ("code", "Link to the code", "false"), ("data", "Extra data", "false"),
            )
        },
        "pages": [
            {"title": "Overview", "file": "pages/overview.md"},
            {"title": "Evaluation", "file": "pages/evaluation.md"},
            {"title": "Submission", "file": "pages/submission.md"},
        ],
        "tasks": [
            {"index": number, "name": phase.name, "description": f"Track {plan.track.name}",
             "scoring_program": f"program_{number}.zip", "reference_data": references[number]}
            for number, phase in enumerate(plan.phases, 1)
        ],
        "phases": [_phase(number, phase) for number, phase in enumerate(plan.phases, 1)],
        "leaderboards": [
            {"title": "Results", "key": "results", "submission_rule": "Force_Last",
             "primary_index": [info.id for info in plan.columns].index(plan.primary), "columns": columns}
        ],
    }  # fmt: skip
    if plan.queue:
        document["queue"] = plan.queue
    if plan.contact:
        document["contact_email"] = plan.contact
    return document


def scoring_program(plan: CompetitionPlan, phase: CompetitionPhase) -> bytes:
    """The zip of a phase's scoring program."""
    known = {track.name: track for track in list_tracks()}
    content = {
        "metadata.yaml": b"command: python3 score.py $input $output\n",
        "score.py": files("srspace_eval.codabench").joinpath("templates/score.py.txt").read_bytes(),
    }
    if plan.track.file is not None:
        try:
            content["track.toml"] = read_bounded(plan.track.file, 1 << 20)
        except (OSError, ValueError) as error:
            raise InputError(f"{plan.track.file}: cannot be read ({error})") from error
    elif known.get(plan.track.name) != plan.track:
        raise InputError(f"track {plan.track.name!r}: neither built in nor read from a file; write it to a TOML file")
    settings = Settings(
        format="srspace-eval/codabench/1",
        track=plan.track.name if plan.track.file is None else "track.toml",
        columns=[info.id for info in plan.columns],
        primary=plan.primary,
        hidden=phase.hide_output,
        seconds=max(phase.seconds * _MARGIN, phase.seconds - _LEAST_MARGIN),
        program=0,
        metrics=list(plan.metrics),
        samples=plan.samples,
        net=plan.net,
        reference=phase.data_name,
    )
    code = b"".join(data for _, data in sorted(content.items()))
    digest = sha256(__version__.encode() + msgspec.json.encode(settings) + code)
    settings = msgspec.structs.replace(settings, program=int(digest[:7], 16))
    content[SETTINGS_FILE] = (strict_json.dumps(msgspec.to_builtins(settings)) + "\n").encode()
    return make_zip(content)


def dockerfile(plan: CompetitionPlan) -> str:
    """The recipe of the worker's image."""
    template = files("srspace_eval.codabench").joinpath("templates/Dockerfile.txt").read_text(encoding="utf-8")
    return template.replace("@VERSION@", __version__).replace("@IMAGE@", plan.image).replace("@NET@", plan.net)


def _phase(number: int, phase: CompetitionPhase) -> dict[str, Any]:
    document = {
        "index": number,
        "name": phase.name,
        "description": "",
        "start": phase.start.strftime(DATE_FORMAT),
        "tasks": [number],
        "max_submissions_per_day": phase.submissions_per_day,
        "max_submissions": phase.submissions,
        "execution_time_limit": phase.seconds,
        "hide_output": phase.hide_output,
    }
    return document if phase.end is None else {**document, "end": phase.end.strftime(DATE_FORMAT)}


class _Quoted(yaml.SafeDumper):
    """Writes every text in quotes, so that a date stays a text."""


_Quoted.add_representer(str, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:str", value, style='"'))


def _yaml(document: Mapping[str, Any]) -> bytes:
    text = yaml.dump(dict(document), Dumper=_Quoted, sort_keys=False, allow_unicode=True, width=1000)
    return str(text).encode()


def _title(label: str, unit: str) -> str:
    title = f"{label} [{unit}]" if unit else label
    return title if len(title) <= 36 else label[:36]


def _reference(phase: CompetitionPhase, plan: CompetitionPlan) -> dict[str, bytes]:
    """The GTs of a phase: the pictures that the track names, and nothing else of the folder."""
    path = Path(phase.gt)
    if not path.exists():
        raise InputError(
            f"phase {phase.name!r}: {phase.gt}: there is no such folder or zip; "
            "a UUID or /app/data/NAME is possible, too"
        )
    source: Source = open_source(path)
    images, _ = reference_names(source, plan.track)
    return {name: source.read(name) for name in images.values()}


def _estimate(plan: CompetitionPlan, phase: CompetitionPhase, pictures: Mapping[str, bytes]) -> BundleEstimate:
    samples = plan.samples or plan.track.samples
    total = sum(len(data) for data in pictures.values())
    advice = []
    if total > LARGEST_DATA:
        advice.append(
            f"{total / 1e6:.0f} MB of GTs: bundles of more than {LARGEST_DATA / 1e6:.0f} MB hang; upload the GTs as a "
            "dataset and give its UUID, or keep them on a worker of your own (/app/data/NAME)"
        )
    if total * samples > LARGEST_SUBMISSION:
        advice.append(
            f"about {total * samples / 1e6:.0f} MB a submission: uploads of more than "
            f"{LARGEST_SUBMISSION / 1e6:.0f} MB take very long or hang; ask for crops, for fewer images, or for fewer "
            "samples (--samples)"
        )
    if phase.seconds > PUBLIC_QUEUE_SECONDS and not plan.queue:
        advice.append(
            f"{phase.seconds} s: the public queue stops at {PUBLIC_QUEUE_SECONDS} s; give a queue of your own (--queue)"
        )
    return BundleEstimate(phase.name, len(pictures), samples, total * samples, total, tuple(advice))
