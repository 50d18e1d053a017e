"""What a rule found: the sentence that a person reads, with the rule's own source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.orchestrator.catalogue.rules import RulePack, Severity
from services.orchestrator.text import Text


@dataclass(frozen=True)
class Finding:
    """One thing found. rule_id is empty for a remark of Fiducia's own; subject for the whole proposal."""

    rule_id: str
    severity: Severity
    message: Text
    subject: str = ""
    rule_source: str = ""
    rule_verified: bool = False


def found(pack: RulePack, rule_id: str, message: Text, subject: str = "", severity: Severity = "BLOCK") -> Finding:
    """Return a finding with the source, date and verification that the pack states for the rule.

    A rule that the pack does not list is one of Fiducia's own; it is marked so and not verified.
    """
    rule = pack.rule(rule_id)
    if rule is None:
        return Finding(rule_id, severity, message, subject, f"fiducia {pack.version}", rule_verified=False)
    source = f"{rule.source} ({rule.date.isoformat()}), pack {pack.id} {pack.version}"
    return Finding(rule_id, severity, message, subject, source, rule.verified)


def warning(message: Text, subject: str = "") -> Finding:
    """Return a remark that follows from no rule."""
    return Finding("", "WARNING", message, subject, "fiducia")


def is_blocked(findings: Iterable[Finding]) -> bool:
    """Return whether any finding forbids the proposal."""
    return any(finding.severity == "BLOCK" for finding in findings)
