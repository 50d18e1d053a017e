"""Clients over the real knowledge base, and the real optimizer without its wire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path

from services.optimizer import moments, solve
from services.optimizer.answers import OptimizeJob
from services.optimizer.checks import Checks
from services.optimizer.engine import optimize
from services.optimizer.parse import parse_problem
from services.optimizer.parse_objective import parse_objective
from services.optimizer.wire import optimize_response
from services.orchestrator import portfolio as mirror
from services.orchestrator.case import Case
from services.orchestrator.catalogue.build import read_knowledge_base
from services.orchestrator.catalogue.load import Catalogue
from services.orchestrator.catalogue.rules import ClientClass
from services.orchestrator.facts.build import proposal_facts
from services.orchestrator.facts.fact import Fact
from services.orchestrator.holdings import CurrentPortfolio, current_portfolio
from services.orchestrator.money import Money
from services.orchestrator.problem import MINIMUM_RISK, portfolio_problem, utility, without_small_positions
from services.orchestrator.recommendation import Recommendation, recommend
from services.orchestrator.situation import (
    Answer,
    ClientSituation,
    ExternalProduct,
    Goal,
    Holding,
    Preferences,
    QuestionnaireResponse,
)
from services.orchestrator.suitability.check import CheckedText, Draft, TextSegment
from services.orchestrator.suitability.score import score_client
from services.orchestrator.suitability.universe import Universe, select_universe
from services.orchestrator.wire_portfolio import objective_message, outcome_of, problem_message

KB = Path(__file__).parents[3] / "kb"
CURRENCY = {"US": "USD", "CN": "CNY"}
QUESTIONNAIRE = "standard-2026-11"

# Answers without contradictions, cautious to bold, that give each class.
ANSWERS: dict[ClientClass, dict[str, str]] = {
    "C1": {
        "horizon": "under_1y", "withdrawals": "most", "income_stability": "none", "reserve": "1_to_3m",
        "share_of_wealth": "over_75", "loss_effect": "essential", "objective": "preserve", "acceptable_loss": "none",
        "drop_reaction": "sell_all", "trade_off": "narrow", "comfort": "very_uneasy", "instruments": "deposits_only",
        "experience": "never", "risk_and_return": "related",
    },
    "C2": {
        "horizon": "1_to_3y", "withdrawals": "some", "income_stability": "variable", "reserve": "3_to_12m",
        "share_of_wealth": "50_to_75", "loss_effect": "standard", "objective": "income", "acceptable_loss": "up_to_5",
        "drop_reaction": "sell_some", "trade_off": "moderate", "comfort": "uneasy",
        "instruments": "money_or_bond_funds", "experience": "never", "risk_and_return": "related",
    },
    "C3": {
        "horizon": "3_to_7y", "withdrawals": "little", "income_stability": "stable", "reserve": "3_to_12m",
        "share_of_wealth": "50_to_75", "loss_effect": "standard", "objective": "balanced",
        "acceptable_loss": "up_to_15", "drop_reaction": "wait", "trade_off": "moderate", "comfort": "uneasy",
        "instruments": "equity_funds", "experience": "2_to_5y", "risk_and_return": "related",
    },
    "C4": {
        "horizon": "7_to_15y", "withdrawals": "little", "income_stability": "stable", "reserve": "3_to_12m",
        "share_of_wealth": "25_to_50", "loss_effect": "plans", "objective": "growth", "acceptable_loss": "up_to_30",
        "drop_reaction": "wait", "trade_off": "wide", "comfort": "calm", "instruments": "equity_funds",
        "experience": "over_5y", "risk_and_return": "related",
    },
    "C5": {
        "horizon": "over_15y", "withdrawals": "none", "income_stability": "secure", "reserve": "over_12m",
        "share_of_wealth": "under_25", "loss_effect": "nothing", "objective": "maximum", "acceptable_loss": "over_30",
        "drop_reaction": "buy_more", "trade_off": "widest", "comfort": "indifferent", "instruments": "complex",
        "experience": "over_5y", "risk_and_return": "related",
    },
}  # fmt: skip


@cache
def catalogue() -> Catalogue:
    """Return the catalogue of the shipped knowledge base."""
    return read_knowledge_base(KB)


def response(answers: dict[str, str]) -> QuestionnaireResponse:
    """Return a completed questionnaire."""
    return QuestionnaireResponse(tuple(Answer(question, option) for question, option in answers.items()))


def situation(
    jurisdiction: str = "US",
    client_class: ClientClass = "C3",
    cash: str | None = "100000",
    holdings: Sequence[Holding] = (),
    preferences: Preferences | None = None,
    language: str = "en",
) -> ClientSituation:
    """Return a client of a class, without a fault."""
    currency = CURRENCY[jurisdiction]
    return ClientSituation(
        jurisdiction=jurisdiction,
        base_currency=currency,
        language=language,
        questionnaire=response(ANSWERS[client_class]),
        goal=Goal("RETIREMENT", 12.0),
        holdings=tuple(holdings),
        cash=None if cash is None else Money(currency, Decimal(cash)),
        preferences=preferences or Preferences(),
    )


def case(client: ClientSituation) -> Case:
    """Return the scored case of a client."""
    profile = score_client(client, catalogue()).profile
    assert profile is not None
    return Case(client, catalogue(), profile)


def case_of(jurisdiction: str, client_class: ClientClass) -> Case:
    """Return the case of a client of this class who has cash only."""
    return case(situation(jurisdiction, client_class))


def worth(product_id: str, amount: str, currency: str = "USD") -> Holding:
    """Return a holding by its value."""
    return Holding(product_id, value=Money(currency, Decimal(amount)))


def units(product_id: str, count: str, price: str, currency: str = "USD") -> Holding:
    """Return a holding by units and price."""
    return Holding(product_id, units=Decimal(count), price=Money(currency, Decimal(price)))


def outside(name: str, amount: str, external: ExternalProduct | None = None) -> Holding:
    """Return a holding outside the catalogue."""
    asset = external or ExternalProduct(name, "us_large_equity", "R3", 0.005)
    return Holding(external=asset, value=Money("USD", Decimal(amount)))


@dataclass(frozen=True)
class Proposal:
    """Everything that one client's proposal is made of, without text."""

    case: Case
    universe: Universe
    current: CurrentPortfolio
    problem: mirror.PortfolioProblem
    recommendation: Recommendation
    facts: tuple[Fact, ...]

    @property
    def fact(self) -> dict[str, Fact]:
        return {fact.id: fact for fact in self.facts}

    def draft(self, text: CheckedText | None = None) -> Draft:
        """Return the draft with a text that satisfies every rule, unless another text is given."""
        return Draft(
            self.case, self.universe, self.current, self.recommendation, self.facts, text or faultless_text(self)
        )


def propose(client: ClientSituation) -> Proposal:
    """Return the proposal of a client through the real optimizer."""
    of_client = case(client)
    universe = select_universe(of_client).universe
    current = current_portfolio(client, catalogue())
    problem = portfolio_problem(of_client, universe, current)
    best, calmest = optimum(problem, utility(of_client)), optimum(problem, MINIMUM_RISK)
    assert isinstance(best, mirror.OptimalPortfolio)
    smaller = without_small_positions(problem, best, current)
    again = optimum(smaller, utility(of_client)) if smaller else best
    best = again if isinstance(again, mirror.OptimalPortfolio) else best
    assert isinstance(calmest, mirror.OptimalPortfolio)
    recommendation = recommend(of_client, current, problem, best, calmest)
    facts = proposal_facts(of_client, universe, current, recommendation)
    return Proposal(of_client, universe, current, problem, recommendation, facts)


@cache
def proposal(jurisdiction: str = "US", client_class: ClientClass = "C3") -> Proposal:
    """Return the proposal of a client of a class who has cash only."""
    return propose(situation(jurisdiction, client_class))


@cache
def family() -> Proposal:
    """Return the proposal of a US family that holds three funds, one of them outside the catalogue, and cash."""
    holdings = (units("SPY", "100", "512.34"), worth("TLT", "20000"), outside("Old Growth Fund", "15000"))
    return propose(situation("US", "C3", "5000", holdings))


def faultless_text(made: Proposal) -> CheckedText:
    """Return a text that has what the rules ask for."""
    new = [line.product_id for line in made.recommendation.lines if made.current.position(line.product_id) is None]
    drawbacks = [TextSegment(i, "DISADVANTAGE", frozenset({key})) for i, key in enumerate(new, start=1)]
    disclosure = TextSegment(len(new) + 1, "DISCLOSURE", fact_ids=frozenset({"assumptions_date"}))
    return CheckedText((*drawbacks, disclosure))


@cache
def _market() -> moments.Market:
    return moments.market_of("a" * 64, catalogue().assumptions)


@cache
def _solver() -> solve.Solver:
    return solve.Solver()


def optimum(problem: mirror.PortfolioProblem, goal: mirror.Objective) -> mirror.OptimalPortfolio | mirror.Infeasibility:
    """Return what the optimizer's own code answers, through the messages of both services."""
    checks = Checks()
    aim = parse_objective(objective_message(goal), checks)
    asked = parse_problem(problem_message(problem), _market(), checks)
    checks.raise_any()
    answer = optimize(OptimizeJob(asked, _market(), aim), _solver())
    return outcome_of(optimize_response(asked, answer, _market().snapshot))


def changed(made: Proposal, **changes: object) -> Proposal:
    """Return a proposal with another recommendation, for planting faults."""
    return replace(made, recommendation=replace(made.recommendation, **changes))  # type: ignore[arg-type]
