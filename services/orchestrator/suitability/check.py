"""The rules over a finished proposal and its text: what each of them found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from services.orchestrator.numbers import day
from services.orchestrator.suitability.draft import CheckedText, Draft, TextSegment
from services.orchestrator.suitability.finding import Finding, warning
from services.orchestrator.suitability.portfolio_rules import (
    alternatives_shown,
    conflicts_shown,
    costs_shown,
    levels_within_class,
    loss_within_capacity,
    only_eligible,
    switch_worthwhile,
)
from services.orchestrator.suitability.text_rules import (
    automation_disclosed,
    disadvantages_shown,
    no_promises,
    numbers_bound,
    results_disclosed,
)
from services.orchestrator.text import Text
from shared.assumptions import USD_CNY

__all__ = ["CheckedText", "Draft", "TextSegment", "check_proposal"]

RULES: tuple[Callable[[Draft], Iterable[Finding]], ...] = (
    levels_within_class,
    loss_within_capacity,
    only_eligible,
    alternatives_shown,
    costs_shown,
    switch_worthwhile,
    disadvantages_shown,
    conflicts_shown,
    numbers_bound,
    no_promises,
    results_disclosed,
    automation_disclosed,
)


def check_proposal(draft: Draft) -> tuple[Finding, ...]:
    """Return what every rule found, and then what a person who approves should know."""
    findings = [finding for rule in RULES for finding in rule(draft)]
    return (*findings, *_illustrative(draft), *_unverified(draft))


def _illustrative(draft: Draft) -> Iterator[Finding]:
    assumptions = draft.case.catalogue.assumptions
    if assumptions.label == "ILLUSTRATIVE":
        yield warning(
            Text(
                f"The capital-market assumptions of {day(assumptions.as_of, 'en')} are illustrative: "
                "replace them with approved ones before advising anyone.",
                f"{day(assumptions.as_of, 'zh')}的资本市场假设仅作示例：用于实际建议前请替换为经批准的假设。",
            ),
            assumptions.id,
        )


def _unverified(draft: Draft) -> Iterator[Finding]:
    """Yield one remark that names the values nobody has read at their source."""
    open_facts = [fact for fact in draft.facts if not fact.source.verified]
    fees = [fact.subject.id for fact in open_facts if fact.id.startswith("fee.")]
    classes = [fact.subject.id for fact in open_facts if fact.source.kind == "ASSUMPTION" and fact.subject.id]
    parts = []
    if fees:
        parts.append(Text(f"fees of {', '.join(fees)}", f"{'、'.join(fees)} 的费率"))
    if classes:
        assumptions = draft.case.catalogue.assumptions
        all_names = {key: Text.of(entry.name) for key, entry in assumptions.classes.items()}
        all_names[USD_CNY] = Text.of(assumptions.usd_cny.name)
        names = [all_names[key] for key in dict.fromkeys(classes)]
        zh = "、".join(name.zh_or_en for name in names)
        parts.append(Text(f"assumptions on {', '.join(name.en for name in names)}", f"{zh}的假设"))
    if parts:
        yield warning(
            Text(
                f"Not yet checked at the source: {'; '.join(part.en for part in parts)}. Check them before approving.",
                f"以下数值尚未与来源核对：{'；'.join(part.zh for part in parts)}。批准前请核实。",
            )
        )
