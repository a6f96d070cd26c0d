"""The competition's pages in Markdown, made from the track."""

from __future__ import annotations

from srspace_eval.codabench.plan import DATE_FORMAT, CompetitionPlan
from srspace_eval.report.escaping import escape_markdown
from srspace_eval.tracks.names import Template, example_names

CHECK = "srspace-eval check SUBMISSION.zip --gt GT --track"


def overview(plan: CompetitionPlan) -> str:
    """What the competition is, and its phases."""
    track = plan.track
    lines = [f"# {escape_markdown(plan.shown_title)}", ""]
    if plan.description:
        lines += [plan.description, ""]
    lines += [
        f"Scale: ×{track.scale}. Samples for each image: {plan.samples or track.samples}.",
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
    count = plan.samples or track.samples
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
        "runtime per image [s] : 10.43",
        "CPU[1] / GPU[0] : 0",
        "Extra Data [1] / No Extra Data [0] : 0",
        "Other description : one paragraph on the method",
        "```",
        "",
        "Check a submission before it is sent, against GTs that you have:",
        "",
        "```",
        f"pip install srspace-eval\n{CHECK} {track.name if track.file is None else 'track.toml'}",
        "```",
        "",
        "A submission with a fault fails. The logs list all its faults. A failed submission does not count.",
    ]
    return _text(lines)


def evaluation(plan: CompetitionPlan) -> str:
    """The metrics and the ranking rule in words."""
    lines = ["# Evaluation", "", "| column | unit | better | what it is |", "|---|---|---|---|"]
    for info in plan.columns:
        label, description = escape_markdown(info.label), escape_markdown(info.description)
        lines.append(f"| {label} | {escape_markdown(info.unit)} | {info.direction} | {description} |")
    columns = {info.id: info for info in [*plan.track.columns().values(), *plan.columns]}
    rule = plan.track.ranking
    final = ", ".join(escape_markdown(columns[name].label) for name in rule.final)
    lines += ["", "## Ranking", ""]
    for criterion in rule.criteria:
        info = columns[criterion.metric]
        among = "the teams of the human study" if criterion.among == "study" else "all complete teams"
        plateau = ""
        if criterion.plateau is not None:
            beyond = "above" if info.direction == "higher" else "below"
            plateau = f" All values at or {beyond} {criterion.plateau:g} {info.unit} are equal."
        lines.append(
            f"- {escape_markdown(info.label)}: ranked among {among}, {info.direction} is better."
            f"{escape_markdown(plateau)}"
        )
    lines += [
        "",
        f"The final rank is the mean of the ranks of: {final}. The organisers compute it after the last phase. "
        f"The live leaderboard is ordered by {escape_markdown(columns[plan.primary].label)} alone.",
        "",
        "A submission without a value for that column fails. It never appears with n/a at the top.",
    ]
    return _text(lines)


def terms(plan: CompetitionPlan) -> str:
    """The terms; organisers replace them by their own."""
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


def _text(lines: list[str]) -> str:
    # The platform reads $...$ as LaTeX.
    return "\n".join(lines).replace("\\$", "$").replace("$", "&#36;") + "\n"
