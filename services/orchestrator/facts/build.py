"""All facts of a proposal: every number that its text may show, each traceable to its root."""

from __future__ import annotations

from collections.abc import Iterable

from services.orchestrator.case import Case
from services.orchestrator.facts import client
from services.orchestrator.facts.assumptions import assumption_facts, used_classes, weight_roots
from services.orchestrator.facts.fact import Fact, fact_key
from services.orchestrator.facts.make import Roots
from services.orchestrator.facts.others import alternative_facts, change_facts, current_facts
from services.orchestrator.facts.portfolio import consequence_facts, cost_facts, expectation_facts, shape_facts
from services.orchestrator.facts.products import fee_facts, line_facts, trade_facts, weight_facts
from services.orchestrator.holdings import CurrentPortfolio
from services.orchestrator.recommendation import Recommendation
from services.orchestrator.suitability.universe import Universe


def client_facts(case: Case, universe: Universe, current: CurrentPortfolio) -> tuple[Fact, ...]:
    """Return what is known without a portfolio: for a proposal that is blocked or infeasible."""
    return tuple(client.client_facts(Roots(case), universe, current))


def proposal_facts(
    case: Case, universe: Universe, current: CurrentPortfolio, recommendation: Recommendation
) -> tuple[Fact, ...]:
    """Return every fact of a proposal; each one derives from facts that stand before it."""
    roots = Roots(case, recommendation.certificate, recommendation.market_snapshot)
    known: dict[str, Fact] = {}
    _add(known, client.client_facts(roots, universe, current))
    _add(known, assumption_facts(roots, used_classes(roots, current, recommendation)))
    _add(known, fee_facts(roots, current, recommendation))
    weights = weight_facts(roots, recommendation, _roots_of(roots, current, recommendation, known))
    _add(known, weights)
    _add(known, expectation_facts(roots, recommendation, weights))
    _add(known, consequence_facts(roots, recommendation, known))
    _add(known, cost_facts(recommendation, known))
    _add(known, shape_facts(recommendation, current, weights))
    _add(known, line_facts(recommendation, weights, known["total_value"], roots))
    _add(known, trade_facts(recommendation, current, known))
    _add(known, current_facts(roots, current, recommendation, known))
    _add(known, change_facts(roots, recommendation, known))
    _add(known, alternative_facts(roots, recommendation))
    return tuple(known.values())


def _add(known: dict[str, Fact], facts: Iterable[Fact]) -> None:
    for fact in list(facts):
        if fact.id in known:
            raise ValueError(f"two facts with the id {fact.id}")
        known[fact.id] = fact


def _roots_of(
    roots: Roots, current: CurrentPortfolio, recommendation: Recommendation, known: dict[str, Fact]
) -> dict[str, tuple[str, ...]]:
    """Return, by product, the ids of assumptions and fee that its share follows from."""
    found = {}
    for line in recommendation.lines:
        fee = f"fee.{fact_key(line.product_id)}"
        ids = (*weight_roots(roots, current, line.product_id), fee, "assumptions_date")
        found[line.product_id] = tuple(id_ for id_ in ids if id_ in known)
    return found
