"""One proposal from the client's situation to its conclusion: stage by stage, each step recorded.

profile -> universe -> allocation (optimizer twice and retrieval, in parallel) -> advice -> check
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import TypeVar

from services.orchestrator.case import Case
from services.orchestrator.catalogue.load import Catalogue
from services.orchestrator.facts.build import client_facts, proposal_facts
from services.orchestrator.facts.fact import Fact
from services.orchestrator.holdings import CurrentPortfolio, current_portfolio, holding_findings
from services.orchestrator.naming import named_products
from services.orchestrator.passages import CitablePassage, Found, citable
from services.orchestrator.portfolio import Infeasibility, OptimalPortfolio, PortfolioProblem
from services.orchestrator.ports import Record, Upstream
from services.orchestrator.problem import MINIMUM_RISK, portfolio_problem, utility, without_small_positions
from services.orchestrator.queries import client_queries, product_queries
from services.orchestrator.recommendation import Recommendation, recommend
from services.orchestrator.situation import ClientSituation
from services.orchestrator.steps import (
    Blocked,
    Conclusion,
    FactsRecorded,
    Failure,
    FindingsRecorded,
    Outcome,
    StageStarted,
    Versions,
)
from services.orchestrator.suitability.check import CheckedText, Draft, check_proposal
from services.orchestrator.suitability.finding import Finding, is_blocked
from services.orchestrator.suitability.score import score_client
from services.orchestrator.suitability.universe import Universe, select_universe
from services.orchestrator.text_check import extended, unbound_quantities
from services.orchestrator.writing import Brief, Segment, Strictness
from shared.errors import NotFound, PreconditionFailed, ServiceError

log = logging.getLogger(__name__)

Result = TypeVar("Result")
Other = TypeVar("Other")


@dataclass(frozen=True)
class Order:
    """What was asked: a checked situation and the catalogue it is judged by.

    index_snapshot: empty for the active one.  strictness: None for the advice service's own setting.
    """

    situation: ClientSituation
    catalogue: Catalogue
    index_snapshot: str = ""
    strictness: Strictness | None = None


async def draft_proposal(proposal_id: str, order: Order, upstream: Upstream, record: Record) -> Conclusion:
    """Do the work and return how it ends; an error becomes a Failure, so that there always is an end.

    proposal_id: for the log.
    """
    work = _Work(order, upstream, record)
    try:
        outcome = await work.outcome()
    except ServiceError as error:
        about = {"proposal_id": proposal_id, "reason": error.reason, "upstream": error.metadata.get("service", "")}
        log.warning("proposal failed", extra=about)
        outcome = Failure(error.reason, error.message)
    except Exception:
        log.exception("proposal failed", extra={"proposal_id": proposal_id, "reason": "INTERNAL"})
        outcome = Failure("INTERNAL", f"internal fault; the log has the detail under proposal {proposal_id}")
    return Conclusion(outcome, work.versions)


class _Work:
    """The stages of one proposal. Findings and versions grow on the way."""

    def __init__(self, order: Order, upstream: Upstream, record: Record) -> None:
        pack = order.catalogue.packs[order.situation.jurisdiction]  # type: ignore[index]
        self._order = order
        self._upstream = upstream
        self._record = record
        self._findings: list[Finding] = []
        self.versions = Versions(catalogue=order.catalogue.digest, rule_pack=f"{pack.id} {pack.version}")

    async def outcome(self) -> Outcome:
        """Run the stages in turn and return the outcome of the last one that was reached."""
        case = await self._profile()
        if case is None:
            return await self._blocked()
        current = current_portfolio(case.situation, case.catalogue)
        universe = await self._universe(case, current)
        if is_blocked(self._findings):
            return await self._blocked(client_facts(case, universe, current))
        allocation, found = await self._allocation(case, universe, current)
        if isinstance(allocation, Infeasibility):
            await self._conclude(client_facts(case, universe, current))
            return allocation
        return await self._advised(case, universe, current, allocation, found)

    async def _profile(self) -> Case | None:
        """Return the case, or None where contradictory answers forbid a profile."""
        await self._record(StageStarted("PROFILE"))
        scoring = score_client(self._order.situation, self._order.catalogue)
        self._findings += scoring.findings
        if scoring.profile is None:
            return None
        self.versions = replace(self.versions, questionnaire=scoring.profile.questionnaire_id)
        await self._record(scoring.profile)
        return Case(self._order.situation, self._order.catalogue, scoring.profile)

    async def _universe(self, case: Case, current: CurrentPortfolio) -> Universe:
        await self._record(StageStarted("UNIVERSE"))
        selection = select_universe(case)
        self._findings += selection.findings
        self._findings += holding_findings(case, current)
        await self._record(selection.universe)
        return selection.universe

    async def _allocation(
        self, case: Case, universe: Universe, current: CurrentPortfolio
    ) -> tuple[Recommendation | Infeasibility, tuple[Found, ...]]:
        """Return what the optimizer proposes and the passages on goal and profile, found meanwhile."""
        await self._record(StageStarted("ALLOCATION"))
        problem = portfolio_problem(case, universe, current)
        portfolios, found = await _both(
            self._portfolios(case, problem),
            self._upstream.retrieval.search(client_queries(case), self._order.index_snapshot),
        )
        self._note_snapshot(found)
        optimal, minimum_risk = portfolios
        self.versions = replace(self.versions, market_snapshot=optimal.market_snapshot)
        if isinstance(optimal, Infeasibility):
            return optimal, found
        if isinstance(minimum_risk, Infeasibility):
            raise RuntimeError("the optimizer found one portfolio within the limits and denies that there is another")
        problem, optimal = await self._without_small_positions(case, problem, optimal, current)
        recommendation = recommend(case, current, problem, optimal, minimum_risk)
        await self._record(recommendation)
        return recommendation, found

    async def _portfolios(
        self, case: Case, problem: PortfolioProblem
    ) -> tuple[OptimalPortfolio | Infeasibility, OptimalPortfolio | Infeasibility]:
        """Return the proposal and the alternative of least risk, both from one market snapshot."""
        optimizer = self._upstream.optimizer
        optimal, minimum_risk = await _both(
            optimizer.optimize(problem, utility(case)), optimizer.optimize(problem, MINIMUM_RISK)
        )
        if minimum_risk.market_snapshot != optimal.market_snapshot:
            # The optimizer changed to a new snapshot between the two: they would not be comparable.
            same = replace(problem, market_snapshot=optimal.market_snapshot)
            minimum_risk = await optimizer.optimize(same, MINIMUM_RISK)
        await self._note_assumptions(optimal.market_snapshot)
        return optimal, minimum_risk

    async def _without_small_positions(
        self, case: Case, problem: PortfolioProblem, optimal: OptimalPortfolio, current: CurrentPortfolio
    ) -> tuple[PortfolioProblem, OptimalPortfolio]:
        """Return the optimum over fewer products where the first one gives some of them next to nothing."""
        smaller = without_small_positions(problem, optimal, current)
        if smaller is None:
            return problem, optimal
        smaller = replace(smaller, market_snapshot=optimal.market_snapshot)
        again = await self._upstream.optimizer.optimize(smaller, utility(case))
        return (problem, optimal) if isinstance(again, Infeasibility) else (smaller, again)

    async def _note_assumptions(self, market_snapshot: str) -> None:
        """Note the assumptions behind a snapshot; facts trace to the catalogue's, so both must be the same."""
        snapshot = await self._upstream.optimizer.market_snapshot(market_snapshot)
        if snapshot is None:
            raise NotFound(
                f"the optimizer no longer lists market snapshot {market_snapshot}; create the proposal again"
            )
        ours = self._order.catalogue.assumptions
        if (snapshot.assumption_set, snapshot.as_of) != (ours.id, ours.as_of):
            raise PreconditionFailed(
                "MARKET_DATA_STALE",
                f"the optimizer computes from {snapshot.assumption_set} of {snapshot.as_of}, the catalogue holds "
                f"{ours.id} of {ours.as_of}; run: fiducia ingest kb/",
            )
        self.versions = replace(self.versions, assumptions_as_of=snapshot.as_of, assumptions_label=snapshot.label)

    async def _advised(
        self,
        case: Case,
        universe: Universe,
        current: CurrentPortfolio,
        proposed: Recommendation,
        found: tuple[Found, ...],
    ) -> Outcome:
        """Return the recommendation with its text, or Blocked where the rules forbid it."""
        await self._record(StageStarted("ADVICE"))
        passages = await self._passages(case, proposed, found)
        facts = proposal_facts(case, universe, current, proposed)
        await self._record(FactsRecorded(facts, passages))
        named = named_products(case, current, proposed)
        goal = case.situation.goal.kind or ""
        text = await self._text(Brief(case.situation.language, facts, named, passages, goal))
        await self._record(StageStarted("CHECK"))
        self._findings += check_proposal(Draft(case, universe, current, proposed, facts, text))
        await self._record(FindingsRecorded(tuple(self._findings)))
        return Blocked() if is_blocked(self._findings) else proposed

    async def _passages(
        self, case: Case, proposed: Recommendation, found: tuple[Found, ...]
    ) -> tuple[CitablePassage, ...]:
        """Return passages on each proposed product, then those on goal and profile, all from one index snapshot."""
        products = tuple(line.product_id for line in proposed.lines if line.weight > 0 and not line.external)
        queries = product_queries(case, products)
        more = await self._upstream.retrieval.search(queries, self.versions.index_snapshot) if queries else ()
        self._note_snapshot(more)
        return citable((*more, *found))

    async def _text(self, brief: Brief) -> CheckedText:
        """Return the text; each segment is recorded the moment it arrives, unless it shows what the brief lacks."""
        self.versions = replace(self.versions, prompts=await self._upstream.advice.prompts())
        text = CheckedText(())
        async for part in self._upstream.advice.write(brief, self._order.strictness):
            if not isinstance(part, Segment):
                self.versions = replace(self.versions, model=part.model)
                continue
            unbound = unbound_quantities(part, brief)
            if unbound:
                log.error("segment refused", extra={"sequence": part.sequence, "kind": part.kind})
            else:
                await self._record(part)
            text = extended(text, part, unbound)
        return text

    def _note_snapshot(self, found: tuple[Found, ...]) -> None:
        if found:
            self.versions = replace(self.versions, index_snapshot=found[0].index_snapshot)

    async def _blocked(self, facts: tuple[Fact, ...] = ()) -> Blocked:
        await self._conclude(facts)
        return Blocked()

    async def _conclude(self, facts: tuple[Fact, ...]) -> None:
        """Record what is known where there is no portfolio."""
        if facts:
            await self._record(FactsRecorded(facts, ()))
        await self._record(StageStarted("CHECK"))
        await self._record(FindingsRecorded(tuple(self._findings)))


async def _both(
    one: Coroutine[object, object, Result], other: Coroutine[object, object, Other]
) -> tuple[Result, Other]:
    """Run two things at once; the first error cancels the other and is raised as it is, not in a group."""
    try:
        async with asyncio.TaskGroup() as group:
            first, second = group.create_task(one), group.create_task(other)
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    return first.result(), second.result()
