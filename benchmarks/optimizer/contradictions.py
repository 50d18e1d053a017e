"""Requests whose limits contradict each other, by what is in the way; the first of them are linear."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.optimizer.cases import job, moments_of
from services.optimizer.answers import Infeasible, OptimizeJob, Portfolio
from services.optimizer.engine import optimize
from services.optimizer.estimates import Estimates, FactorCovariance, Scenarios
from services.optimizer.expectations import expectations_of
from services.optimizer.moments import Vector
from services.optimizer.objective import MinimumCvar, MinimumTrackingError, MinimumVariance, Wanted
from services.optimizer.problem import Bound, CvarLimit, Limits, PositionLimit, TrackingErrorLimit
from services.optimizer.solve import Solver
from services.optimizer.tails import mean_loss

SCENARIOS = 2_500
_CONFIDENCE = 0.95
# How far from the least of one measure to what it is at the least of another: both limits can be kept, not together.
_BETWEEN = 0.03
# Above this, programs over scenarios and over positions are not what the goals speak of.
_MOST_PRODUCTS = 100


@dataclass(frozen=True, eq=False)
class Contradiction:
    """A request that cannot be met.  goal: CPU milliseconds at 100 products."""

    name: str
    job: OptimizeJob
    goal: float


def contradictions(count: int) -> list[Contradiction]:
    """Return the requests for `count` products."""
    linear = [
        Contradiction("class bands", contradictory(count), 50.0),
        Contradiction("a cap on each product, in sum 0.9", _bounded(count, Bound(maximum=0.9 / count)), 50.0),
        Contradiction("a floor on each product, in sum 1.1", _bounded(count, Bound(1.1 / count)), 50.0),
        Contradiction("a class against its members' caps", _against_members(count), 50.0),
    ]
    if count > _MOST_PRODUCTS:
        return linear
    return [
        *linear,
        Contradiction("volatility", _changed(job(count), max_volatility=0.02), 500.0),
        Contradiction("volatility and tracking error", _volatility_and_tracking(count), 500.0),
        Contradiction("loss in the worst of 2,500 scenarios", _loss(count, 0.5, None), 500.0),
        Contradiction("volatility and loss, both too low", _loss(count, 0.5, 0.5), 500.0),
        Contradiction("volatility and loss, either can be kept", _loss(count, None, None), 500.0),
        Contradiction("loss against a floor on each of 39 products", _loss_against_floors(count, 39), 500.0),
        Contradiction("positions against caps", _few_positions(count), 500.0),
    ]


def contradictory(count: int) -> OptimizeJob:
    """Return a request whose linear limits cannot hold together: every class at most 15 %, in sum 90 %."""
    request = job(count)
    groups = tuple(replace(group, bound=Bound(0.05, 0.15)) for group in request.problem.limits.groups)
    return _changed(request, groups=groups)


def is_infeasible(request: OptimizeJob, solver: Solver) -> bool:
    """Return whether the answer is a contradiction with all that resolves it at once."""
    answer = optimize(request, solver)
    return isinstance(answer, Infeasible) and bool(answer.together)


def _bounded(count: int, bound: Bound) -> OptimizeJob:
    request = job(count)
    return _changed(request, products={product.id: bound for product in request.problem.products}, max_turnover=None)


def _against_members(count: int) -> OptimizeJob:
    request = job(count)
    groups = request.problem.limits.groups
    members = [product.id for product in request.problem.products if groups[0].holds(product)]
    caps = {name: Bound(maximum=0.3 / len(members)) for name in members}
    return _changed(request, products=caps, groups=(replace(groups[0], bound=Bound(0.35, None)),), max_turnover=None)


def _volatility_and_tracking(count: int) -> OptimizeJob:
    request, moments = job(count), moments_of(job(count))
    benchmark = np.zeros(count)
    benchmark[:5] = 0.2
    calm = _weights(request, MinimumVariance())
    near = _weights(request, MinimumTrackingError(tuple(benchmark.tolist())))

    def volatility(weights: Vector) -> float:
        return math.sqrt(moments.variance(weights))

    limit = TrackingErrorLimit(
        tuple(benchmark.tolist()), _between(volatility(near - benchmark), volatility(calm - benchmark))
    )
    return _changed(request, max_volatility=_between(volatility(calm), volatility(near)), tracking_error=limit)


def _loss(count: int, share_of_loss: float | None, share_of_volatility: float | None) -> OptimizeJob:
    """Return a request with these shares of the least loss and volatility for limits; None twice: between the two."""
    request, moments, draw = job(count), moments_of(job(count)), np.random.default_rng(count)
    size = moments.root.shape[1]
    tails = draw.standard_t(5, (SCENARIOS, size)) @ moments.root.T * math.sqrt(0.6)
    returns = tails + draw.standard_t(5, (SCENARIOS, count)) * math.sqrt(0.6) * moments.specific + moments.expected
    covariance = FactorCovariance(moments.root, np.eye(size), moments.specific**2)
    estimates = Estimates(moments.expected, covariance, Scenarios(returns, 1.0))
    request = replace(request, problem=replace(request.problem, estimates=estimates))
    expectations = expectations_of(request.problem, request.market)
    outcomes = np.asarray(expectations.outcomes)
    calm, safe = _weights(request, MinimumVariance()), _weights(request, MinimumCvar(_CONFIDENCE))
    least, other = (mean_loss(outcomes @ weights, _CONFIDENCE) for weights in (safe, calm))
    low, high = (math.sqrt(expectations.moments.variance(weights)) for weights in (calm, safe))
    volatility = None if share_of_volatility is None else low * share_of_volatility
    if share_of_loss is None:
        return _changed(
            request, max_cvar=CvarLimit(_between(least, other), _CONFIDENCE), max_volatility=_between(low, high)
        )
    return _changed(request, max_cvar=CvarLimit(least * share_of_loss, _CONFIDENCE), max_volatility=volatility)


def _loss_against_floors(count: int, floors: int) -> OptimizeJob:
    """Return a request that wants 0.7 in the products of highest volatility and less of a loss than they allow."""
    request = _loss(count, 1.0, None)
    moments = moments_of(request)
    volatilities = np.sqrt((moments.root**2).sum(axis=1) + moments.specific**2)
    riskiest = [request.problem.products[place].id for place in np.argsort(-volatilities)[:floors]]
    limits = Limits(products={name: Bound(0.7 / floors) for name in riskiest})
    bound = replace(request, problem=replace(request.problem, limits=limits))
    outcomes = np.asarray(expectations_of(request.problem, request.market).outcomes)
    least = mean_loss(outcomes @ _weights(bound, MinimumCvar(_CONFIDENCE)), _CONFIDENCE)
    return _changed(bound, max_cvar=CvarLimit(0.9 * least, _CONFIDENCE))


def _few_positions(count: int) -> OptimizeJob:
    request = job(count)
    limits = Limits(products=request.problem.limits.products, positions=PositionLimit(5, 0.0))
    return replace(request, problem=replace(request.problem, limits=limits))


def _weights(request: OptimizeJob, objective: Wanted) -> Vector:
    answer = optimize(replace(request, objective=objective), Solver())
    if not isinstance(answer, Portfolio):
        raise TypeError("the problem of the benchmark has no optimum")
    return answer.weights


def _between(least: float, other: float) -> float:
    return least + _BETWEEN * (other - least)


def _changed(request: OptimizeJob, **limits: object) -> OptimizeJob:
    changed = replace(request.problem.limits, **limits)  # type: ignore[arg-type]
    return replace(request, problem=replace(request.problem, limits=changed))
