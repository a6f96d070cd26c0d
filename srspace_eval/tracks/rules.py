"""The tables ``[ranking]`` and ``[rankings.NAME]`` of a track file: criteria, eligibility, order. Imports no torch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import UNSET

from srspace_eval._utils.untrusted_text import visible
from srspace_eval.errors import TrackError
from srspace_eval.metrics.registry import OR_INSTALL
from srspace_eval.tracks.formulas import Formula
from srspace_eval.tracks.model import DEFAULT_RULE, OrderKey, RankedMetric, RankingRule
from srspace_eval.tracks.tables import OrderTable, RankingTable, TrackTable
from srspace_eval.tracks.values import ids_text, read_formula

FIRST = "main"
"""The name of ``[ranking]`` beside tables ``[rankings.NAME]``."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def read_rules(
    table: TrackTable, where: str, known: Mapping[str, object], own: Sequence[str] = ()
) -> list[RankingRule]:
    """The rules of a file, the first one first.

    A file without rules has that of NTIRE 2021 if it measures diversity. Otherwise each of its columns gets ranks of
    its own, and there is no final rank.

    Parameters
    ----------
    known
        The ids of the track.
    own
        The ids that it measures, declares or computes.

    Raises
    ------
    TrackError
        If a name cannot be used, or a rule names an unknown id.
    """
    rules = []
    if table.ranking is not UNSET:
        name = FIRST if table.rankings else ""
        rules.append(_rule(table.ranking, name, f"{where}: ranking", known, table.baseline))
    for name, ranking in table.rankings.items():
        place = f"{where}: rankings.{visible(name)}"
        if not _NAME.fullmatch(name):
            raise TrackError(f"{place}: a name has letters, digits, _ and -, at most 64")
        if any(rule.name.casefold() == name.casefold() for rule in rules):
            raise TrackError(f"{place}: there is a ranking {name!r} already ([ranking] is called {FIRST!r})")
        rules.append(_rule(ranking, name, place, known, table.baseline))
    if not rules and "diversity" not in own:
        ranked = [metric for metric in own if metric in known]
        rules = [RankingRule(criteria=tuple(map(RankedMetric, ranked)), final=())]
    return rules or [DEFAULT_RULE]


def _rule(table: RankingTable, name: str, where: str, known: Mapping[str, object], baseline: str) -> RankingRule:
    ranked = [row.metric for row in table.criteria]
    for key, ids in (("criteria", ranked), ("final", table.final), ("show", table.show)):
        _require_known(f"{where}.{key}", ids, known)
    if twice := [metric for metric in dict.fromkeys(ranked) if ranked.count(metric) > 1]:
        raise TrackError(f"{where}.criteria: {', '.join(twice)} is there twice; keep one row for each id")
    for i, row in enumerate(table.criteria):
        if row.among not in ("teams", "study", *known):
            raise TrackError(
                f"{where}.criteria[{i}].among: {row.among!r} is unknown; write teams, study, or an id; "
                f"{ids_text(known)}"
            )
    if lost := [metric for metric in table.final if metric not in ranked]:
        raise TrackError(f"{where}.final: {', '.join(lost)} is not among the metrics that criteria ranks")
    if table.final and table.order_by:
        raise TrackError(f"{where}: final and order_by both decide the places; keep one of them")
    eligible = tuple(
        _formula(text, f"{where}.eligible[{i}]", known, baseline, ranked, ranks=False)
        for i, text in enumerate(table.eligible)
    )
    return RankingRule(
        criteria=tuple(
            RankedMetric(row.metric, row.among, None if row.plateau is UNSET else row.plateau, row.tolerance)
            for row in table.criteria
        ),
        final=table.final,
        show=table.show,
        eligible=eligible,
        order_by=tuple(
            _key(key, f"{where}.order_by[{i}]", known, baseline, ranked) for i, key in enumerate(table.order_by)
        ),
        baselines_ranked=table.baselines_ranked,
        name=name,
        title=visible(table.title),
    )


def _key(
    key: str | OrderTable, where: str, known: Mapping[str, object], baseline: str, ranked: Iterable[str]
) -> OrderKey:
    table = OrderTable(key) if isinstance(key, str) else key
    formula = _formula(table.by, where, known, baseline, ranked, ranks=True)
    return OrderKey(formula, table.tolerance, table.better)


def _formula(
    text: str, where: str, known: Mapping[str, object], baseline: str, ranked: Iterable[str], *, ranks: bool
) -> Formula:
    formula = read_formula(text, where, known, baseline)
    if formula.per_image:
        raise TrackError(f"{where}: per_image_rank(...) belongs in [derived]; give it an id there, and use the id here")
    if not formula.reads:
        raise TrackError(f"{where}: {formula.text!r} reads no id, so that it is the same for all entries; name an id")
    if not ranks and not formula.is_condition:
        raise TrackError(f"{where}: {formula.text!r} is not a condition; write a comparison, such as psnr >= 20")
    if formula.ranked and not ranks:
        raise TrackError(f"{where}: rank(id) can be used in order_by only, because ranks follow from eligibility")
    if lost := sorted(formula.ranked - set(ranked)):
        raise TrackError(
            f'{where}: rank({lost[0]}) needs a rank: add {{ metric = "{lost[0]}" }} to criteria; it ranks '
            f"{', '.join(ranked) or 'nothing'}"
        )
    return formula


def _require_known(where: str, ids: Iterable[str], known: Mapping[str, object]) -> None:
    if unknown := [metric for metric in ids if metric not in known]:
        raise TrackError(f"{where}: unknown metric {', '.join(map(visible, unknown))}; {ids_text(known)}, {OR_INSTALL}")
