"""Messages of AnalyzeRisk: every field is checked."""

from __future__ import annotations

from collections.abc import Mapping

from fiducia.optimizer.v1 import risk_pb2 as messages

from services.optimizer.checks import Checks
from services.optimizer.history import History
from services.optimizer.moments import Market, Vector
from services.optimizer.parse import parse_problem
from services.optimizer.parse_size import refuse_too_large
from services.optimizer.parse_weights import parse_weights
from services.optimizer.price_snapshot import PriceSnapshot
from services.optimizer.problem import Problem
from services.optimizer.risk_report import RiskJob
from services.optimizer.stress import StressScenario, unknown_classes

DEFAULT_CONFIDENCES = (0.95, 0.99)
_MOST_CONFIDENCES = 20
_LEAST_CONFIDENCE, _LARGEST_CONFIDENCE = 0.5, 1.0
_MAX_YEARS = 10.0


def parse_risk(
    message: messages.AnalyzeRiskRequest,
    market: Market,
    prices: PriceSnapshot | None,
    known: Mapping[str, StressScenario],
    checks: Checks,
) -> RiskJob:
    """Return the job, to be used only if `checks` holds nothing afterwards.

    prices: of the same snapshot, None where it holds assumptions.  known: the stress scenarios on this server.
    """
    refuse_too_large(message)
    problem = parse_problem(message.problem, market, checks)
    ids = [product.id for product in problem.products]
    weights = parse_weights("weights", message.weights, ids, checks)
    if message.horizon_years != 0.0:
        checks.positive("horizon_years", message.horizon_years, _MAX_YEARS)
    return RiskJob(
        problem=problem,
        market=market,
        weights=weights,
        benchmark=parse_weights("benchmark", message.benchmark, ids, checks) if message.benchmark else None,
        confidences=_confidences(message, checks),
        horizon_years=message.horizon_years or 1.0,
        scenarios=_scenarios(message, problem, weights, known, checks),
        history=_history(problem, weights, prices),
    )


def _confidences(message: messages.AnalyzeRiskRequest, checks: Checks) -> tuple[float, ...]:
    checks.count("confidences", len(message.confidences), 0, _MOST_CONFIDENCES)
    for i, confidence in enumerate(message.confidences):
        if not _LEAST_CONFIDENCE < confidence < _LARGEST_CONFIDENCE:
            checks.refuse(f"confidences[{i}]", f"found {confidence:g}, expected a number above 0.5 and below 1")
    return tuple(message.confidences) or DEFAULT_CONFIDENCES


def _scenarios(
    message: messages.AnalyzeRiskRequest,
    problem: Problem,
    weights: Vector,
    known: Mapping[str, StressScenario],
    checks: Checks,
) -> tuple[StressScenario, ...]:
    """Return the scenarios named; where none are, all that have a shock for every class that is held."""
    if not message.stress_scenarios:
        every = (known[name] for name in sorted(known))
        return tuple(each for each in every if not unknown_classes(each, problem.products, weights))
    seen: set[str] = set()
    for i, name in enumerate(message.stress_scenarios):
        expected = f"one of {', '.join(sorted(known)) or 'none, because this server has none'}"
        checks.one_of(f"stress_scenarios[{i}]", name, known, expected)
        checks.unique(f"stress_scenarios[{i}]", name, seen)
    wanted = tuple(known[name] for name in message.stress_scenarios if name in known)
    for scenario in wanted:
        for row, name in unknown_classes(scenario, problem.products, weights):
            detail = f"stress scenario {scenario.id} has no shock for {name[:40]!r}; correct the class or leave it out"
            checks.refuse(f"problem.products[{row}].asset_class", detail)
    return wanted


def _history(problem: Problem, weights: Vector, prices: PriceSnapshot | None) -> History | None:
    """Return the prices of what is held; None where the snapshot does not hold them all in the base currency."""
    held = [product.id for product, weight in zip(problem.products, weights, strict=True) if weight != 0.0]
    if prices is None or prices.currency != problem.base_currency or not held:
        return None
    if not set(held) <= set(prices.panel.product_ids):
        return None
    return prices.panel.history(held)
