"""The whole risk of one portfolio: where it comes from, its tails, stress, and how it moves with a benchmark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.optimizer.drawdown import constant_mix, max_drawdown
from services.optimizer.history import History
from services.optimizer.moments import Market, Moments, Vector
from services.optimizer.problem import Problem, Product
from services.optimizer.risk import RiskAnalysis, analyse
from services.optimizer.stress import StressResult, StressScenario, applied
from services.optimizer.tail_risk import (
    MIN_OUTCOMES,
    TailMethod,
    TailRisk,
    historical_outcomes,
    normal_tail,
    outcome_tail,
)


@dataclass(frozen=True, eq=False)
class RiskJob:
    """The risk of these weights, (n,), is wanted.

    benchmark: (n,) or None.  history: prices of the products held, None without prices.
    """

    problem: Problem
    market: Market
    weights: Vector
    benchmark: Vector | None
    confidences: tuple[float, ...]
    horizon_years: float
    scenarios: tuple[StressScenario, ...]
    history: History | None


@dataclass(frozen=True, eq=False)
class RiskReport:
    """What AnalyzeRisk answers; arrays are in the order of the products, (n,).

    duration_years: mean over the products that carry one, weighted; duration_coverage: their share.
    """

    analysis: RiskAnalysis
    marginal_contributions: Vector
    class_contributions: tuple[tuple[str, float], ...]
    tails: tuple[TailRisk, ...]
    max_drawdown: float | None
    stresses: tuple[StressResult, ...]
    beta: float | None
    tracking_error: float | None
    duration_years: float
    duration_coverage: float


def risk_report(job: RiskJob, moments: Moments) -> RiskReport:
    """Return the report; `moments` are those of the job's products."""
    weights, problem = job.weights, job.problem
    analysis = analyse(weights, moments)
    beta, tracking_error = against(weights, job.benchmark, moments)
    duration, coverage = duration_of(weights, problem.products)
    return RiskReport(
        analysis=analysis,
        marginal_contributions=_marginal(weights, moments),
        class_contributions=_by_class([product.asset_class for product in problem.products], analysis.contributions),
        tails=tuple(_tails(job, analysis)),
        max_drawdown=_deepest_fall(job),
        stresses=tuple(applied(each, problem.products, weights, problem.base_currency) for each in job.scenarios),
        beta=beta,
        tracking_error=tracking_error,
        duration_years=duration,
        duration_coverage=coverage,
    )


def against(weights: Vector, benchmark: Vector | None, moments: Moments) -> tuple[float | None, float | None]:
    """Return beta, w' Sigma b / b' Sigma b, and tracking error, sqrt((w - b)' Sigma (w - b)).

    Both are None without a benchmark; beta also with one that does not move.
    """
    if benchmark is None:
        return None, None
    difference = weights - benchmark
    tracking_error = math.sqrt(max(moments.variance(difference), 0.0))
    variance = moments.variance(benchmark)
    beta = float(weights @ moments.covariance_times(benchmark)) / variance if variance > 0.0 else None
    return beta, tracking_error


def duration_of(weights: Vector, products: Sequence[Product]) -> tuple[float, float]:
    """Return the mean duration in years, weighted, over what carries one, and the share of that."""
    # As a float None is NaN.
    durations = np.array([product.duration_years for product in products], dtype=float)
    known = ~np.isnan(durations)
    coverage = float(weights[known].sum())
    return (float(weights[known] @ durations[known]) / coverage if coverage > 0.0 else 0.0), coverage


def _marginal(weights: Vector, moments: Moments) -> Vector:
    volatility = math.sqrt(max(moments.variance(weights), 0.0))
    if volatility == 0.0:
        return np.zeros(len(weights))
    return moments.covariance_times(weights) / volatility


def _by_class(classes: Sequence[str], contributions: Vector) -> tuple[tuple[str, float], ...]:
    sums: dict[str, float] = {}
    for name, contribution in zip(classes, contributions, strict=True):
        sums[name] = sums.get(name, 0.0) + float(contribution)
    return tuple(sorted(sums.items(), key=lambda entry: (-entry[1], entry[0])))


def _tails(job: RiskJob, analysis: RiskAnalysis) -> list[TailRisk]:
    years = job.horizon_years
    tails = [normal_tail(analysis.expected_return_net, analysis.volatility, each, years) for each in job.confidences]
    if job.history is not None:
        outcomes = historical_outcomes(job.history, _held(job), years)
        if len(outcomes) >= MIN_OUTCOMES:
            tails += [outcome_tail(outcomes, each, years, TailMethod.HISTORICAL) for each in job.confidences]
    scenarios = None if job.problem.estimates is None else job.problem.estimates.scenarios
    if scenarios is not None:
        # The fund's fee over the horizon comes off, as it does from expected returns.
        outcomes = scenarios.returns @ job.weights - analysis.expense_ratio * scenarios.horizon_years
        own = scenarios.horizon_years
        tails += [outcome_tail(outcomes, each, own, TailMethod.SCENARIOS) for each in job.confidences]
    return tails


def _deepest_fall(job: RiskJob) -> float | None:
    if job.history is None or len(job.history) < 2:
        return None
    return max_drawdown(constant_mix(job.history, _held(job)))


def _held(job: RiskJob) -> Vector:
    """Return the weights in the order of the history's products."""
    assert job.history is not None
    weight = {product.id: value for product, value in zip(job.problem.products, job.weights, strict=True)}
    return np.array([weight[name] for name in job.history.product_ids])
