"""The moments of a problem: from the market snapshot, or from the caller's own estimates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from services.optimizer.black_litterman import with_views
from services.optimizer.estimates import DenseCovariance, Estimates, FactorCovariance, Scenarios
from services.optimizer.moments import CASH_CLASS, Market, Matrix, Moments, Vector, product_moments
from services.optimizer.positive import LARGEST_REPAIR, repaired
from services.optimizer.problem import Problem, Product
from shared.errors import InvalidRequest

# A root with more numbers than this, half a megabyte, is worked out anew each time.
_LARGEST_KEPT = 65_536


@dataclass(frozen=True, eq=False)
class Expectations:
    """What to expect of the products of one request.

    outcomes: (S, n), of the scenarios after fund fees, over their horizon; None where there are none.
    repair:   distance of the covariance to the one that was sent, relative; 0 where nothing was repaired.
    """

    moments: Moments
    outcomes: Matrix | None = None
    repair: float = 0.0


def expectations_of(problem: Problem, market: Market) -> Expectations:
    """Return the expectations. Raises InvalidRequest where the covariance is too far from one that is possible."""
    if problem.estimates is None:
        moments, repair = _of_market(problem, market), 0.0
    else:
        moments, repair = _own(problem, problem.estimates, market)
    return Expectations(moments, _outcomes(problem, moments.fees), repair)


def moments_of(problem: Problem, market: Market) -> Moments:
    """Return the moments alone. Raises InvalidRequest as `expectations_of`."""
    return expectations_of(problem, market).moments


def _of_market(problem: Problem, market: Market) -> Moments:
    """Return what the market expects of the products.

    Clients of one house share products: the moments of the last few lists are kept, never to be changed.
    """
    products = problem.products
    # From prices they are read off a table, which takes no time, and the table should not be kept.
    if market.products is not None or len(products) * market.factor_count > _LARGEST_KEPT:
        return product_moments(products, problem.base_currency, market)
    return _kept_moments(_Same(products), problem.base_currency, market)


class _Same:
    """Equal to another where both hold the very same list of products, which is quicker than to compare them."""

    def __init__(self, products: tuple[Product, ...]) -> None:
        self.products = products

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.products is self.products

    def __hash__(self) -> int:
        return id(self.products)


@lru_cache(maxsize=16)
def _kept_moments(same: _Same, base_currency: str, market: Market) -> Moments:
    moments = product_moments(same.products, base_currency, market)
    for values in (moments.expected, moments.fees, moments.root, moments.specific):
        values.setflags(write=False)
    return moments


def _outcomes(problem: Problem, fees: Vector) -> Matrix | None:
    """Return the scenarios after fund fees; past prices have paid theirs."""
    own = None if problem.estimates is None else problem.estimates.scenarios
    if own is not None:
        return np.asarray(own.returns - fees * own.horizon_years)
    return None if problem.past is None else problem.past.returns


def _own(problem: Problem, estimates: Estimates, market: Market) -> tuple[Moments, float]:
    """Return the caller's moments and the distance of the repair; a covariance that is not sent is the snapshot's."""
    expected = estimates.expected_returns
    if expected is None and estimates.scenarios is not None:
        expected = estimates.scenarios.returns.mean(axis=0) / estimates.scenarios.horizon_years
    expected = np.zeros(len(problem.products)) if expected is None else expected
    if estimates.has_covariance:
        moments, repair = _without_market(problem, estimates, expected, _cash_return(problem.base_currency, market))
    else:
        moments, repair = replace(_of_market(problem, market), expected=expected), 0.0
    return (moments if estimates.views is None else with_views(moments, estimates.views)), repair


def _without_market(
    problem: Problem, estimates: Estimates, expected: Vector, cash_return: float
) -> tuple[Moments, float]:
    """Return moments that are the caller's alone, but for what cash earns, and the distance of the repair."""
    root, specific, repair = _covariance(estimates)
    fees = np.array([product.expense_ratio for product in problem.products])
    return Moments(expected, fees, root, specific, cash_return), repair


def _covariance(estimates: Estimates) -> tuple[Matrix, Vector, float]:
    """Return root, specific volatilities and the distance of the repair."""
    match estimates.covariance:
        case DenseCovariance(matrix):
            root, repair = _root(matrix, "problem.estimates.covariance.dense.lower_triangle")
            return root, np.zeros(len(matrix)), repair
        case FactorCovariance(loadings, factors, specific_variances):
            root, repair = _root(factors, "problem.estimates.covariance.factor.factor_covariance")
            return loadings @ root, np.sqrt(specific_variances), repair
        case None:
            return _of_scenarios(estimates.scenarios)


def _root(matrix: Matrix, field: str) -> tuple[Matrix, float]:
    found = repaired(matrix)
    if found.distance > LARGEST_REPAIR:
        raise InvalidRequest.of(
            field,
            f"not positive semidefinite: the nearest covariance is {found.distance:.3g} away, "
            f"at most {LARGEST_REPAIR:g} is repaired; send an estimate that is one",
        )
    return found.root, found.distance


def _of_scenarios(scenarios: Scenarios | None) -> tuple[Matrix, Vector, float]:
    """Return the root of the sample covariance of the scenarios per year, and no specific volatilities."""
    if scenarios is None:
        raise InvalidRequest.of("problem.estimates.covariance.form", "missing; send dense or factor, or scenarios")
    count, n = scenarios.returns.shape
    centred = scenarios.returns - scenarios.returns.mean(axis=0)
    try:
        # A twentieth of the time of the QR decomposition, and as close to the covariance: 2,500 scenarios take 1 ms.
        root = np.linalg.cholesky(centred.T @ centred)
    except np.linalg.LinAlgError:
        # Fewer scenarios than products, or copies among these. R of the QR decomposition is a root then too.
        root = np.asarray(np.linalg.qr(centred, mode="r")).T
    return np.asarray(root) / np.sqrt((count - 1) * scenarios.horizon_years), np.zeros(n), 0.0


def _cash_return(base_currency: str, market: Market) -> float:
    """Return what uninvested cash earns: estimates are of products, so the snapshot says it."""
    if market.products is not None:
        return market.products.cash_return
    return float(market.expected[market.factors.index(CASH_CLASS[base_currency])])
