"""Messages to estimates: shapes, numbers that are none, variances below zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from fiducia.optimizer.v1 import estimates_pb2 as messages
from fiducia.optimizer.v1 import portfolio_pb2

from services.optimizer.checks import Checks
from services.optimizer.estimates import (
    MAX_OUTCOMES,
    Array,
    DenseCovariance,
    Estimates,
    FactorCovariance,
    Scenarios,
    Views,
)

MAX_SCENARIOS = 100_000
MAX_FACTORS = 200
MAX_VIEWS = 100
DEFAULT_TAU = 0.05
_PATH = "problem.estimates"
_MAX_RETURN = 10.0
_MAX_ENTRY = 1e6
_MAX_HORIZON_YEARS = 50.0
_MAX_RISK_AVERSION = 1_000.0


def parse_estimates(problem: portfolio_pb2.PortfolioProblem, checks: Checks) -> Estimates:
    """Return the estimates, to be used only if `checks` holds nothing afterwards."""
    message, ids = problem.estimates, [product.product_id for product in problem.products]
    has_scenarios, has_views = message.HasField("scenarios"), message.HasField("black_litterman")
    expected = _numbers(f"{_PATH}.expected_returns", message.expected_returns, len(ids), _MAX_RETURN, checks)
    if not message.expected_returns and not has_views and not has_scenarios:
        checks.refuse(f"{_PATH}.expected_returns", "missing; send them, black_litterman or scenarios")
    if message.expected_returns and has_views:
        checks.refuse(f"{_PATH}.expected_returns", "sent with black_litterman, which makes its own; send one of them")
    return Estimates(
        expected_returns=expected if message.expected_returns else None,
        covariance=_covariance(message, len(ids), checks),
        scenarios=_scenarios(message.scenarios, len(ids), checks) if has_scenarios else None,
        views=_views(message.black_litterman, ids, checks) if has_views else None,
    )


def has_own_covariance(message: messages.Estimates) -> bool:
    """Return whether the estimates say how the products move together; where they do not, the market snapshot does."""
    return message.covariance.WhichOneof("form") is not None or message.HasField("scenarios")


def _covariance(message: messages.Estimates, count: int, checks: Checks) -> DenseCovariance | FactorCovariance | None:
    match message.covariance.WhichOneof("form"):
        case "dense":
            path, values = f"{_PATH}.covariance.dense.lower_triangle", message.covariance.dense.lower_triangle
            return DenseCovariance(_symmetric(path, values, count, checks))
        case "factor":
            return _factors(message.covariance.factor, count, checks)
        case _:
            return None


def _factors(message: messages.FactorCovariance, count: int, checks: Checks) -> FactorCovariance:
    path, factors = f"{_PATH}.covariance.factor", message.factor_count
    checks.number(f"{path}.factor_count", factors, 1, MAX_FACTORS)
    factors = min(max(factors, 1), MAX_FACTORS)
    loadings = _numbers(f"{path}.loadings", message.loadings, count * factors, _MAX_ENTRY, checks)
    specific = _numbers(f"{path}.specific_variances", message.specific_variances, count, _MAX_ENTRY, checks)
    for i in np.flatnonzero(specific < 0.0):
        checks.refuse(f"{path}.specific_variances[{i}]", f"found {specific[i]:g}, expected at least 0")
    return FactorCovariance(
        loadings.reshape(count, factors),
        _symmetric(f"{path}.factor_covariance", message.factor_covariance, factors, checks),
        np.maximum(specific, 0.0),
    )


def _symmetric(path: str, values: Sequence[float], count: int, checks: Checks) -> Array:
    """Return a symmetric matrix from its packed lower triangle."""
    packed = _numbers(path, values, count * (count + 1) // 2, _MAX_ENTRY, checks)
    matrix = np.zeros((count, count))
    matrix[np.tril_indices(count)] = packed
    matrix = matrix + np.tril(matrix, -1).T
    variances = np.diagonal(matrix)
    for i in np.flatnonzero(variances < 0.0):
        checks.refuse(f"{path}[{i * (i + 3) // 2}]", f"variance {i} is {variances[i]:g}, expected at least 0")
    loose = (variances == 0.0) & (np.abs(matrix).sum(axis=1) > 0.0)
    for i in np.flatnonzero(loose):
        checks.refuse(f"{path}[{i * (i + 3) // 2}]", f"variance {i} is 0, but covariances with it are not")
    return matrix


def _scenarios(message: messages.Scenarios, count: int, checks: Checks) -> Scenarios:
    path = f"{_PATH}.scenarios"
    checks.number(f"{path}.scenario_count", message.scenario_count, 2, MAX_SCENARIOS)
    rows = min(max(message.scenario_count, 2), MAX_SCENARIOS)
    checks.positive(f"{path}.horizon_years", message.horizon_years, _MAX_HORIZON_YEARS)
    checks.count(f"{path}.returns", len(message.returns), 2, MAX_OUTCOMES)
    if rows * count > MAX_OUTCOMES:
        return Scenarios(np.zeros((2, count)), 1.0)
    returns = _numbers(f"{path}.returns", message.returns, rows * count, _MAX_RETURN, checks)
    return Scenarios(returns.reshape(rows, count), message.horizon_years)


def _views(message: messages.BlackLitterman, ids: Sequence[str], checks: Checks) -> Views:
    path = f"{_PATH}.black_litterman"
    weights = _numbers(f"{path}.market_weights", message.market_weights, len(ids), 1.0, checks)
    if not abs(float(weights.sum()) - 1.0) <= 1e-3:
        checks.refuse(f"{path}.market_weights", f"sum to {weights.sum():g}, expected 1; normalise before sending")
    checks.positive(f"{path}.risk_aversion", message.risk_aversion, _MAX_RISK_AVERSION)
    if message.tau != 0.0:
        checks.positive(f"{path}.tau", message.tau, 1.0)
    checks.count(f"{path}.views", len(message.views), 0, MAX_VIEWS)
    picks = np.zeros((len(message.views), len(ids)))
    places = {name: place for place, name in enumerate(ids)}
    for i, view in enumerate(message.views):
        _view(view, f"{path}.views[{i}]", picks[i], places, checks)
    return Views(
        market_weights=weights,
        risk_aversion=message.risk_aversion,
        tau=message.tau or DEFAULT_TAU,
        picks=picks,
        expected=np.array([view.expected_return for view in message.views]),
        confidences=np.array([view.confidence for view in message.views]),
        add_estimation_error=message.add_estimation_error,
    )


def _view(message: messages.View, path: str, picks: Array, places: Mapping[str, int], checks: Checks) -> None:
    checks.number(f"{path}.expected_return", message.expected_return, -_MAX_RETURN, _MAX_RETURN)
    checks.positive(f"{path}.confidence", message.confidence, 1.0)
    if not any(leg.share != 0.0 for leg in message.legs):
        checks.refuse(f"{path}.legs", "missing; name at least one product with a share other than 0")
    seen: set[str] = set()
    for j, leg in enumerate(message.legs):
        checks.one_of(f"{path}.legs[{j}].product_id", leg.product_id, places, "a product of this request")
        checks.unique(f"{path}.legs[{j}].product_id", leg.product_id, seen)
        checks.number(f"{path}.legs[{j}].share", leg.share, -100.0, 100.0)
        if leg.product_id in places:
            picks[places[leg.product_id]] = leg.share


def _numbers(path: str, values: Sequence[float], count: int, largest: float, checks: Checks) -> Array:
    """Return the numbers, zeros where there are not `count` of them; noted where one is none or too large."""
    array = np.array(values, dtype=float)
    if len(array) == 0 and path.endswith("expected_returns"):
        return np.zeros(count)
    if len(array) != count:
        checks.refuse(path, f"found {len(array)} numbers, expected {count}")
        return np.zeros(count)
    is_wrong = ~(np.abs(array) <= largest)
    for i in np.flatnonzero(is_wrong):
        checks.refuse(f"{path}[{i}]", f"found {array[i]:g}, expected a number from {-largest:g} to {largest:g}")
    return np.where(is_wrong, 0.0, array)
