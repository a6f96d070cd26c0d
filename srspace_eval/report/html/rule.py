"""A track's ranking rule in words."""

from __future__ import annotations

from markupsafe import Markup

from srspace_eval.metrics.info import METRICS
from srspace_eval.ranking import Ranking
from srspace_eval.report.html.text import label_html


def explain(ranking: Ranking) -> list[Markup]:
    """One sentence for each part of the rule that a reader needs."""
    rule = ranking.track.ranking
    lines = []
    if rule.final:
        names = [label_html(metric) for metric in rule.final]
        if len(names) == 1:
            lines.append(Markup("The final rank is the rank in {}.").format(names[0]))
        else:
            lines.append(Markup("The final rank is the mean of the ranks in {}.").format(Markup(" and ").join(names)))
    for criterion in rule.criteria:
        info, label = METRICS[criterion.metric], label_html(criterion.metric)
        if criterion.plateau is not None:
            side = "above" if info.direction == "higher" else "below"
            lines.append(
                Markup("{}: all at or {} {} {} on average are equal.").format(
                    label, side, f"{criterion.plateau:g}", info.unit
                )
            )
        if criterion.among == "study":
            lines.append(
                Markup("{} is ranked among the teams of the human study; a team outside it gets no final rank.").format(
                    label
                )
            )
    lines.append(Markup("Equal values share a rank. Baselines and incomplete submissions are shown, not ranked."))
    return lines
