"""What the pipeline needs of other services, and of its record."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from services.orchestrator.passages import Found
from services.orchestrator.portfolio import Infeasibility, Objective, OptimalPortfolio, PortfolioProblem
from services.orchestrator.queries import SearchQuery
from services.orchestrator.steps import Step
from services.orchestrator.writing import Abstention, Brief, Question, Segment, Strictness, WritingSummary


@dataclass(frozen=True)
class MarketSnapshot:
    """Which assumptions a portfolio was computed from. label: "ILLUSTRATIVE" or "APPROVED"."""

    id: str
    assumption_set: str
    as_of: date | None
    label: str


class Retrieval(Protocol):
    """Finds passages."""

    async def search(self, queries: Sequence[SearchQuery], index_snapshot: str) -> tuple[Found, ...]:
        """Return the results of each query, in order; an empty snapshot means the active one.

        Raises UpstreamUnavailable, and NotFound for an unknown snapshot.
        """
        ...


class Optimizer(Protocol):
    """Computes portfolios."""

    async def optimize(self, problem: PortfolioProblem, objective: Objective) -> OptimalPortfolio | Infeasibility:
        """Return the best portfolio, or the limits that contradict each other. Raises UpstreamUnavailable."""
        ...

    async def market_snapshot(self, snapshot_id: str) -> MarketSnapshot | None:
        """Return the snapshot with this id, or None if the optimizer no longer has it. Raises UpstreamUnavailable."""
        ...


class Advice(Protocol):
    """Writes verified text."""

    def write(self, brief: Brief, strictness: Strictness | None) -> AsyncIterator[Segment | WritingSummary]:
        """Yield segments as they are verified, then one summary. Raises UpstreamUnavailable."""
        ...

    def answer(self, question: Question) -> AsyncIterator[Segment | Abstention]:
        """Yield the segments of an answer, or one abstention. Raises UpstreamUnavailable."""
        ...

    async def prompts(self) -> str:
        """Return the digest of the prompts in use. Raises UpstreamUnavailable."""
        ...


@dataclass(frozen=True)
class Upstream:
    """The services that a proposal needs."""

    retrieval: Retrieval
    optimizer: Optimizer
    advice: Advice


class Record(Protocol):
    """Where steps are kept."""

    async def __call__(self, step: Step) -> None:
        """Keep one step; it counts once this returns."""
        ...
