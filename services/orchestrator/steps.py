"""What happens to a proposal, step by step, and how it ends: what the pipeline tells its record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from services.orchestrator.facts.fact import Fact
from services.orchestrator.passages import CitablePassage
from services.orchestrator.portfolio import Infeasibility
from services.orchestrator.recommendation import Recommendation
from services.orchestrator.suitability.finding import Finding
from services.orchestrator.suitability.score import RiskProfile
from services.orchestrator.suitability.universe import Universe
from services.orchestrator.writing import Segment

Stage = Literal["PROFILE", "UNIVERSE", "ALLOCATION", "ADVICE", "CHECK"]


@dataclass(frozen=True)
class StageStarted:
    """A step of the work began."""

    stage: Stage


@dataclass(frozen=True)
class FactsRecorded:
    """Every number that the text may show, and every passage that it may cite."""

    facts: tuple[Fact, ...]
    passages: tuple[CitablePassage, ...]


@dataclass(frozen=True)
class FindingsRecorded:
    """What the rules found."""

    findings: tuple[Finding, ...]


Step = StageStarted | RiskProfile | Universe | Recommendation | FactsRecorded | Segment | FindingsRecorded


@dataclass(frozen=True)
class Blocked:
    """A rule forbids a proposal; the findings say which."""


@dataclass(frozen=True)
class Failure:
    """Work could not be finished. reason: an ErrorReason of the contract without prefix."""

    reason: str
    message: str


Outcome = Recommendation | Infeasibility | Blocked | Failure


@dataclass(frozen=True)
class Versions:
    """What a proposal was made from; empty where the work did not come that far."""

    catalogue: str
    rule_pack: str
    index_snapshot: str = ""
    market_snapshot: str = ""
    assumptions_as_of: date | None = None
    assumptions_label: str = ""
    questionnaire: str = ""
    model: str = ""
    prompts: str = ""


@dataclass(frozen=True)
class Conclusion:
    """How a proposal ends."""

    outcome: Outcome
    versions: Versions
