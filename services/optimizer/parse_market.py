"""Messages of price imports: every field is checked."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar

from fiducia.optimizer.v1 import market_pb2 as messages

from services.optimizer.checks import Checks
from services.optimizer.estimators import (
    DEFAULT_HALF_LIFE_DAYS,
    DEFAULT_MARKET_PREMIUM,
    MIN_DAYS,
    CovarianceEstimator,
    Estimation,
    ReturnEstimator,
)
from services.optimizer.moments import CASH_CLASS
from services.optimizer.price_import import MAX_PRODUCTS, ImportJob
from services.optimizer.prices_read import FIELD, Format

_MOST_DAYS = 100_000
_LARGEST_RATE = 0.5
_SMALLEST_RATE = -0.1

FORMATS = {
    messages.PRICE_FORMAT_UNSPECIFIED: Format.AUTO,
    messages.PRICE_FORMAT_CSV: Format.CSV,
    messages.PRICE_FORMAT_PARQUET: Format.PARQUET,
}
RETURNS = {
    messages.RETURN_ESTIMATOR_UNSPECIFIED: ReturnEstimator.HISTORICAL,
    messages.RETURN_ESTIMATOR_HISTORICAL: ReturnEstimator.HISTORICAL,
    messages.RETURN_ESTIMATOR_JAMES_STEIN: ReturnEstimator.JAMES_STEIN,
    messages.RETURN_ESTIMATOR_CAPM: ReturnEstimator.CAPM,
}
COVARIANCES = {
    messages.COVARIANCE_ESTIMATOR_UNSPECIFIED: CovarianceEstimator.LEDOIT_WOLF,
    messages.COVARIANCE_ESTIMATOR_SAMPLE: CovarianceEstimator.SAMPLE,
    messages.COVARIANCE_ESTIMATOR_EWMA: CovarianceEstimator.EWMA,
    messages.COVARIANCE_ESTIMATOR_LEDOIT_WOLF: CovarianceEstimator.LEDOIT_WOLF,
    messages.COVARIANCE_ESTIMATOR_OAS: CovarianceEstimator.OAS,
    messages.COVARIANCE_ESTIMATOR_FACTOR: CovarianceEstimator.FACTOR,
}

Choice = TypeVar("Choice", bound=Enum)


def parse_import(message: messages.ImportMarketDataRequest, checks: Checks) -> ImportJob:
    """Return the import, to be used only if `checks` holds nothing afterwards."""
    if not message.prices:
        checks.refuse(FIELD, "missing; send a table of prices")
    checks.one_of("currency", message.currency, CASH_CLASS, " or ".join(sorted(CASH_CLASS)))
    checks.name("name", message.name)
    return ImportJob(
        content=message.prices,
        table_format=chosen("format", message.format, FORMATS, checks),
        currency=message.currency,
        name=message.name,
        estimation=_estimation(message.estimation, checks),
    )


def chosen(field: str, value: int, known: Mapping[Any, Choice], checks: Checks) -> Choice:
    """Return what an enum value stands for; noted where the contract has no such value."""
    if value not in known:
        checks.refuse(field, f"found {value}, expected one of {', '.join(map(str, known))}")
    return known.get(value, known[0])


def _estimation(message: messages.Estimation, checks: Checks) -> Estimation:
    if message.half_life_days != 0.0:
        checks.number("estimation.half_life_days", message.half_life_days, 1.0, _MOST_DAYS)
    if message.window_days != 0:
        checks.number("estimation.window_days", message.window_days, MIN_DAYS, _MOST_DAYS)
    checks.number("estimation.factor_count", message.factor_count, 0, MAX_PRODUCTS)
    checks.number("estimation.risk_free_rate", message.risk_free_rate, _SMALLEST_RATE, _LARGEST_RATE)
    checks.number("estimation.market_premium", message.market_premium, 0.0, _LARGEST_RATE)
    return Estimation(
        returns=chosen("estimation.returns", message.returns, RETURNS, checks),
        covariance=chosen("estimation.covariance", message.covariance, COVARIANCES, checks),
        half_life_days=message.half_life_days or DEFAULT_HALF_LIFE_DAYS,
        factor_count=message.factor_count,
        risk_free_rate=message.risk_free_rate,
        market_premium=message.market_premium or DEFAULT_MARKET_PREMIUM,
        window_days=message.window_days,
    )
