"""The competition's pages in Markdown, made from the track."""

from __future__ import annotations

from srspace_eval._utils.documentation import install_lines
from srspace_eval.codabench.phase import DATE_FORMAT
from srspace_eval.codabench.plan import CompetitionPlan
from srspace_eval.codabench.starting_kit import check_command
from srspace_eval.report.escaping import escape_markdown
from srspace_eval.submissions.readme import EXAMPLE
from srspace_eval.tracks.names import Template, example_names
from srspace_eval.tracks.words import describe_rule


def overview(plan: CompetitionPlan) -> str:
    """What the competition is, and its phases."""
    track = plan.track
    lines = [f"# {escape_markdown(plan.shown_title)}", ""]
    if plan.description:
        lines += [plan.description, ""]
    lines += [
        f"Scale: ×{track.scale}. Samples for each image: {plan.sample_count}.",
        "",
        "| phase | start (UTC) | end (UTC) | submissions a day | in all |",
        "|---|---|---|---:|---:|",
    ]
    for phase in plan.phases:
        end = "open" if phase.end is None else phase.end.strftime(DATE_FORMAT)
        name, start = escape_markdown(phase.name), phase.start.strftime(DATE_FORMAT)
        lines.append(f"| {name} | {start} | {end} | {phase.submissions_per_day} | {phase.submissions} |")
    if plan.organisers:
        lines += ["", f"Organisers: {escape_markdown(plan.organisers)}"]
    return _text(lines)


def submission(plan: CompetitionPlan) -> str:
    """How a submission is named and zipped."""
    track = plan.track
    count = plan.sample_count
    names = [template for template in track.sample_names if "sample" in Template(template).fields or count == 1]
    lines = [
        "# Submission",
        "",
        "A zip with the PNGs (8-bit RGB) and `readme.txt` at its top. No folders are needed; a single one is accepted.",
        "All files follow one of these name templates:",
        "",
        *(
            f"- `{template}`, such as `{example_names([template], track.first)}`"
            for template in names or track.sample_names
        ),
        "",
        f"`number` is the GT's number, `index` is the number minus {track.first}, `sample` counts from 0 to "
        f"{count - 1}, and `stem` is the GT's file name without its ending.",
        f"Each picture has at least the GT's size, cropped to a multiple of {track.crop}.",
        "",
        "`readme.txt`:",
        "",
        "```",
        *EXAMPLE.splitlines(),
        "```",
        "",
        *_check(plan),
        "",
        "A submission with a fault fails. The logs list all its faults. A failed submission does not count.",
    ]
    return _text(lines)


def evaluation(plan: CompetitionPlan) -> str:
    """The metrics and the ranking rule in words."""
    lines = ["# Evaluation", "", "| column | id | unit | better | what it is |", "|---|---|---|---|---|"]
    for info in plan.columns:
        label, description = escape_markdown(info.label), escape_markdown(info.description)
        unit = escape_markdown(info.unit)
        lines.append(f"| {label} | {escape_markdown(info.id)} | {unit} | {info.direction} | {description} |")
    lines += ["", "## Ranking", ""]
    for rule in plan.track.rankings:
        lines += [f"- {escape_markdown(sentence)}" for sentence in describe_rule(rule, plan.track)]
    if absent := _ranked_elsewhere(plan):
        lines += [
            "",
            f"The live leaderboard does not show {', '.join(map(escape_markdown, absent))}. "
            "The organisers compute what it does not show.",
        ]
    primary = next(info for info in plan.columns if info.id == plan.primary)
    lines += [
        "",
        "The organisers compute the ranking after the last phase. "
        f"The live leaderboard is ordered by {escape_markdown(primary.label)} alone.",
        "",
        "A submission without a value for that column fails. It never appears with n/a at the top.",
    ]
    return _text(lines)


def _ranked_elsewhere(plan: CompetitionPlan) -> list[str]:
    """The ids that the rules read and the bundle does not measure."""
    rules = plan.track.rankings
    read = [name for rule in rules for name in (*rule.final, *(criterion.metric for criterion in rule.criteria))]
    read += [name for rule in rules for key in rule.order_by for name in sorted(key.formula.reads)]
    return [name for name in dict.fromkeys(read) if name not in {info.id for info in plan.columns}]


def terms(plan: CompetitionPlan) -> str:
    """The terms: the organisers' own, or short ones."""
    if plan.terms.strip():
        return plan.terms
    contact = f" Contact: {escape_markdown(plan.contact)}." if plan.contact else ""
    return _text(
        [
            "# Terms",
            "",
            "- Submit only pictures that your own method made from the given low-resolution pictures.",
            "- Do not use the ground truth of a phase for training, selection or tuning.",
            "- State extra training data in `readme.txt` and in the fact sheet.",
            "- The organisers may ask for code that reproduces the pictures.",
            "- Every approved participant can read the pages with detailed results.",
            "",
            f"The organisers may change these terms before the first phase starts.{contact}",
        ]
    )


def _check(plan: CompetitionPlan) -> list[str]:
    """How a submission is checked before it is sent."""
    if plan.starting_kit:
        lead, gt = "Check a submission before it is sent. The folder `sizes` is in the starting kit:", "sizes"
    else:
        lead, gt = "Check a submission before it is sent, against GTs that you have:", "GT"
    return [lead, "", "```", *install_lines(), check_command(plan, "SUBMISSION.zip", gt), "```"]


def _text(lines: list[str]) -> str:
    # The platform reads $...$ as LaTeX.
    return "\n".join(lines).replace("\\$", "$").replace("$", "&#36;") + "\n"
