"""The competition bundle: one zip to upload, made from a plan."""

from __future__ import annotations

from collections.abc import Mapping
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
from srspace_eval.codabench.estimate import BundleEstimate, make_estimate, read_gts
from srspace_eval.codabench.image import dockerfile
from srspace_eval.codabench.inputs import plan_inputs, recipe_of, require_apart, require_free
from srspace_eval.codabench.logo import plain_logo, require_logo
from srspace_eval.codabench.phase import DATE_FORMAT, CompetitionPhase
from srspace_eval.codabench.plan import CompetitionPlan
from srspace_eval.codabench.settings import PROGRAM_COLUMN, README_COLUMNS, SETTINGS_FILE, Settings
from srspace_eval.codabench.starting_kit import starting_kit
from srspace_eval.errors import InputError, ResultsError
from srspace_eval.tracks.reader import builtin_tracks

_TITLES = ("Runtime per image [s]", "CPU[1] / GPU[0]", "Extra Data [1] / No Extra Data [0]")
_MARGIN = 0.9
_LEAST_MARGIN = 20.0


def write_bundle(plan: CompetitionPlan, out: Path | str, *, overwrite: bool = False) -> list[BundleEstimate]:
    """Write a bundle, and the recipe of its image beside it (``OUT.Dockerfile``). Equal plans give equal bytes.

    Parameters
    ----------
    plan
        The competition.
    out
        The zip to write.
    overwrite
        Replace existing files.

    Returns
    -------
    list[BundleEstimate]
        The estimate of each phase whose GTs are at hand, without a measured time (:func:`estimate_bundle` measures
        one).

    Raises
    ------
    InputError
        If the track, the logo or a GT cannot be used.
    SubmissionError
        If a GT folder or zip cannot be read, or contains other pictures.
    ResultsError
        If a file exists already or cannot be written, or the bundle would replace a file that it is made from.

    Examples
    --------
    >>> import tempfile
    >>> from srspace_eval import CompetitionPhase, CompetitionPlan, check_bundle, load_track, write_bundle
    >>> phase = CompetitionPhase.parse("Test=/app/data/GT_test,2026-03-10")
    >>> plan = CompetitionPlan(load_track("x4"), (phase,), "user/srspace-eval:1", metrics=("lr_psnr",))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = write_bundle(plan, Path(folder, "bundle.zip"))
    ...     sorted(path.name for path in Path(folder).iterdir()), check_bundle(Path(folder, "bundle.zip")).refusals
    (['bundle.Dockerfile', 'bundle.zip'], [])
    """
    out = Path(out)
    recipe = recipe_of(out)
    require_apart(out, plan_inputs(plan))
    if not overwrite:
        require_free(out)
    estimates, content = make_bundle(plan)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for path, data in ((out, content), (recipe, dockerfile(plan).encode())):
            with replacing(path) as file:
                file.write(data)
    except OSError as error:
        raise ResultsError(f"{out}: cannot be written ({error.strerror or error})") from error
    return estimates


def make_bundle(plan: CompetitionPlan) -> tuple[list[BundleEstimate], bytes]:
    """The estimates, without a measurement, and the bytes of a bundle."""
    content: dict[str, bytes] = {
        "pages/overview.md": pages.overview(plan).encode(),
        "pages/submission.md": pages.submission(plan).encode(),
        "pages/evaluation.md": pages.evaluation(plan).encode(),
        **{f"pages/{page_file(number)}": page.text.encode() for number, page in enumerate(plan.pages, 1)},
        "terms.md": pages.terms(plan).encode(),
        "logo.png": plain_logo() if plan.logo is None else require_logo(plan.logo),
    }
    estimates = []
    references: dict[int, str] = {}
    kits: dict[int, str] = {}
    track_file = _track_file(plan)
    for number, phase in enumerate(plan.phases, 1):
        content[f"program_{number}.zip"] = scoring_program(plan, phase, track_file)
        if phase.data_key is not None:
            references[number] = phase.data_key
            continue
        references[number] = f"reference_{number}.zip"
        if phase.data_name is not None:
            note = f"The GT is {phase.gt} on the worker.\n".encode()
            content[f"reference_{number}.zip"] = make_zip({"README.txt": note})
            continue
        pictures = read_gts(plan, phase)
        estimates.append(make_estimate(plan, phase, [len(data) for data in pictures.values()]))
        content[f"reference_{number}.zip"] = make_zip(pictures, compress=False)
        if plan.starting_kit:
            kits[number] = f"starting_kit_{number}.zip"
            content[kits[number]] = starting_kit(plan, pictures, track_file)
    content["competition.yaml"] = _yaml(competition(plan, references, kits))
    return estimates, make_zip(content)


def page_file(number: int) -> str:
    """The file name of a further page, which does not depend on its title.

    >>> page_file(1)
    'page_1.md'
    """
    return f"page_{number}.md"


def competition(
    plan: CompetitionPlan, references: Mapping[int, str], kits: Mapping[int, str] | None = None
) -> dict[str, Any]:
    """``competition.yaml`` as data. Nothing is public by default.

    Parameters
    ----------
    references, kits
        Number of a phase -> the file of its GT, and of its starting kit.
    """
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
        "registration_auto_approve": plan.auto_approve,
        "enable_detailed_results": True,
        "show_detailed_results_in_submission_panel": True,
        "show_detailed_results_in_leaderboard": False,
        "auto_run_submissions": True,
        "can_participants_make_submissions_public": plan.public_submissions,
        "make_programs_available": False,
        "make_input_data_available": False,
        "forum_enabled": plan.forum,
        "competition_type": "competition",
        "fact_sheet": {
            question.key: {
                "key": question.key, "type": "text", "title": question.title, "selection": "",
                "is_required": str(question.required).lower(), "is_on_leaderboard": str(question.shown).lower(),
            } for question in plan.questions
        },
        "pages": [
            {"title": "Overview", "file": "pages/overview.md"},
            {"title": "Evaluation", "file": "pages/evaluation.md"},
            {"title": "Submission", "file": "pages/submission.md"},
            *({"title": page.title, "file": f"pages/{page_file(n)}"} for n, page in enumerate(plan.pages, 1)),
        ],
        "tasks": [
            {"index": number, "name": phase.name, "description": f"Track {plan.track.name}",
             "scoring_program": f"program_{number}.zip", "reference_data": references[number]}
            for number, phase in enumerate(plan.phases, 1)
        ],
        "phases": [_phase(number, phase, (kits or {}).get(number)) for number, phase in enumerate(plan.phases, 1)],
        "leaderboards": [
            {"title": "Results", "key": "results", "submission_rule": plan.submission_rule,
             "primary_index": [info.id for info in plan.columns].index(plan.primary), "columns": columns}
        ],
    }  # fmt: skip
    if plan.queue:
        document["queue"] = plan.queue
    if plan.contact:
        document["contact_email"] = plan.contact
    if plan.reward:
        document["reward"] = plan.reward
    return document


def scoring_program(plan: CompetitionPlan, phase: CompetitionPhase, track_file: bytes | None = None) -> bytes:
    """The zip of a phase's scoring program. ``track_file`` is the content of the track's file, if it has one."""
    content = {
        "metadata.yaml": b"command: python3 score.py $input $output\n",
        "score.py": files("srspace_eval.codabench").joinpath("templates/score.py.txt").read_bytes(),
    }
    if track_file is not None:
        content["track.toml"] = track_file
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


def _track_file(plan: CompetitionPlan) -> bytes | None:
    if plan.track.file is not None:
        try:
            return read_bounded(plan.track.file, 1 << 20)
        except (OSError, ValueError) as error:
            raise InputError(f"{plan.track.file}: cannot be read ({error})") from error
    if builtin_tracks().get(plan.track.name) != plan.track:
        raise InputError(f"track {plan.track.name!r}: neither built in nor read from a file; write it to a TOML file")
    return None


def _phase(number: int, phase: CompetitionPhase, kit: str | None) -> dict[str, Any]:
    document = {
        "index": number,
        "name": phase.name,
        "description": phase.description,
        "start": phase.start.strftime(DATE_FORMAT),
        "tasks": [number],
        "max_submissions_per_day": phase.submissions_per_day,
        "max_submissions": phase.submissions,
        "execution_time_limit": phase.seconds,
        "hide_output": phase.hide_output,
    }
    if phase.end is not None:
        document["end"] = phase.end.strftime(DATE_FORMAT)
    if kit is not None:
        document["starting_kit"] = kit
    return document


class _Quoted(yaml.SafeDumper):
    """Writes every text in quotes, so that a date stays a text."""


_Quoted.add_representer(str, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:str", value, style='"'))


def _yaml(document: Mapping[str, Any]) -> bytes:
    text = yaml.dump(dict(document), Dumper=_Quoted, sort_keys=False, allow_unicode=True, width=1000)
    return str(text).encode()


def _title(label: str, unit: str) -> str:
    title = f"{label} [{unit}]" if unit else label
    return title if len(title) <= 36 else label[:36]
