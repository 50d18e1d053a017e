"""Valid requests of every RPC, small and quick, for spoiling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from fiducia.optimizer.v1 import (
    backtest_pb2,
    estimates_pb2,
    goal_pb2,
    market_pb2,
    objective_pb2,
    portfolio_pb2,
    risk_pb2,
)
from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from fiducia.type.v1 import weight_pb2
from google.protobuf.message import Message
from google.type import date_pb2

from tests.integration.optimizer.requests import PRODUCTS, problem
from tests.unit.optimizer.price_tables import walk_prices, weekdays, wide_csv
from tests.unit.optimizer.rebalance_messages import rebalance_request

NAMES = ("AAA", "BBB", "CCC")
PRICES = wide_csv(weekdays(400), NAMES, walk_prices(400, 3))
_GOALS: Mapping[str, Message] = {
    "mean_variance_utility": objective_pb2.MeanVarianceUtility(risk_aversion=4.0),
    "minimum_variance": objective_pb2.MinimumVariance(),
    "maximum_sharpe": objective_pb2.MaximumSharpe(risk_free_rate=0.01),
    "target_return": objective_pb2.TargetReturn(min_expected_return_net=0.03),
    "target_volatility": objective_pb2.TargetVolatility(max_volatility=0.12),
    "minimum_cvar": objective_pb2.MinimumCvar(confidence=0.9),
    "mean_cvar_utility": objective_pb2.MeanCvarUtility(confidence=0.9, risk_aversion=1.0),
    "risk_budgeting": objective_pb2.RiskBudgeting(),
    "maximum_diversification": objective_pb2.MaximumDiversification(),
    "equal_weight": objective_pb2.EqualWeight(),
    "inverse_volatility": objective_pb2.InverseVolatility(),
}


def valid_requests(assumptions: str, prices: str) -> dict[str, list[Message]]:
    """Return requests that are answered, by RPC; assumptions, prices: digests of market snapshots."""
    known = [problem(_limits(), PRODUCTS[:4]), _inline(), _on_prices(prices)]
    known[0].market_snapshot = assumptions
    first, second = (product.id for product in PRODUCTS[:2])
    return {
        "OptimizePortfolio": [*_optimizations(known), _with_views(), _few_positions()],
        "ComputeFrontier": [service.ComputeFrontierRequest(problem=each, point_count=3) for each in known],
        "BatchOptimizePortfolios": [_batch(known[1])],
        "AnalyzeRisk": [
            risk_pb2.AnalyzeRiskRequest(
                problem=known[0],
                weights=_weights(first, second),
                confidences=[0.9],
                benchmark=_weights(second, first),
                stress_scenarios=["rates-plus-200bp"],
            ),
            risk_pb2.AnalyzeRiskRequest(problem=known[2], weights=_weights("AAA", "BBB"), horizon_years=0.1),
            risk_pb2.AnalyzeRiskRequest(problem=_inline(), weights=_weights("AAA", "BBB")),
        ],
        "ProposeRebalance": [rebalance_request()],
        "SimulateGoal": [
            _goal(known[0], first),
            _goal(known[1], "AAA"),
            _goal(known[2], "BBB", return_model=goal_pb2.RETURN_MODEL_LOG_NORMAL),
            _goal(known[1], "CCC", sampling=goal_pb2.SAMPLING_METHOD_SOBOL),
        ],
        "RunBacktest": [_backtest(prices)],
        "ImportMarketData": [
            market_pb2.ImportMarketDataRequest(
                prices=PRICES, currency="USD", name="Made up", estimation=market_pb2.Estimation(window_days=100)
            )
        ],
        "ActivateMarketSnapshot": [market_pb2.ActivateMarketSnapshotRequest(market_snapshot=prices)],
        "GetMarketSnapshot": [
            market_pb2.GetMarketSnapshotRequest(),
            market_pb2.GetMarketSnapshotRequest(market_snapshot=prices),
        ],
        "ListMarketSnapshots": [service.ListMarketSnapshotsRequest(page_size=1, page_token=assumptions)],
    }


def _optimizations(problems: Sequence[portfolio_pb2.PortfolioProblem]) -> list[service.OptimizePortfolioRequest]:
    found = []
    for name, goal in _GOALS.items():
        for each in problems[1:2] if "cvar" in name else problems:
            request = service.OptimizePortfolioRequest(problem=each, with_limit_costs=True, resamples=2)
            getattr(request.objective, name).CopyFrom(goal)
            getattr(request.objective, name).SetInParent()
            if name == "risk_budgeting":
                request.problem.ClearField("limits")
            found.append(request)
    return found


def _limits() -> portfolio_pb2.Limits:
    first, second = (product.id for product in PRODUCTS[:2])
    return portfolio_pb2.Limits(
        products=[portfolio_pb2.WeightBound(product_id=first, min_weight=0.05, max_weight=0.7)],
        groups=[portfolio_pb2.GroupBound(name="pair", product_ids=[first, second], min_weight=0.1, max_weight=0.9)],
        max_volatility=0.4,
        max_turnover=0.9,
    )


def _inline() -> portfolio_pb2.PortfolioProblem:
    draws = np.random.default_rng(5).normal(0.01, 0.05, (12, 3))
    return portfolio_pb2.PortfolioProblem(
        base_currency="USD",
        products=[portfolio_pb2.ProductTerms(product_id=name, asset_class="a", expense_ratio=0.0) for name in NAMES],
        limits=portfolio_pb2.Limits(min_cash=0.0, max_risk_level_score=None),
        current_weights=_weights("AAA", "BBB"),
        estimates=estimates_pb2.Estimates(
            expected_returns=[0.03, 0.05, 0.07],
            covariance=estimates_pb2.CovarianceEstimate(
                factor=estimates_pb2.FactorCovariance(
                    loadings=[1.0, 0.5, 1.5],
                    factor_count=1,
                    factor_covariance=[0.02],
                    specific_variances=[0.01, 0.02, 0.03],
                )
            ),
            scenarios=estimates_pb2.Scenarios(returns=draws.ravel(), scenario_count=12, horizon_years=1.0 / 12),
        ),
    )


def _with_views() -> service.OptimizePortfolioRequest:
    views = estimates_pb2.BlackLitterman(
        market_weights=[0.5, 0.3, 0.2],
        risk_aversion=2.5,
        views=[
            estimates_pb2.View(
                legs=[
                    estimates_pb2.ViewLeg(product_id="AAA", share=1.0),
                    estimates_pb2.ViewLeg(product_id="BBB", share=-1.0),
                ],
                expected_return=0.02,
                confidence=0.5,
            )
        ],
    )
    request = service.OptimizePortfolioRequest(problem=_inline())
    request.objective.mean_variance_utility.risk_aversion = 3.0
    request.problem.estimates.ClearField("expected_returns")
    request.problem.estimates.covariance.dense.lower_triangle.extend([0.04, 0.01, 0.05, 0.0, 0.02, 0.06])
    request.problem.estimates.black_litterman.CopyFrom(views)
    return request


def _few_positions() -> service.OptimizePortfolioRequest:
    request = service.OptimizePortfolioRequest(problem=_inline(), with_limit_costs=True)
    request.objective.mean_variance_utility.risk_aversion = 3.0
    request.problem.limits.positions.CopyFrom(portfolio_pb2.PositionLimit(max_positions=2, min_position=0.05))
    return request


def _on_prices(snapshot: str) -> portfolio_pb2.PortfolioProblem:
    terms = [
        portfolio_pb2.ProductTerms(product_id=name, asset_class="a", expense_ratio=0.001, trading_cost=0.001)
        for name in NAMES
    ]
    return portfolio_pb2.PortfolioProblem(base_currency="USD", market_snapshot=snapshot, products=terms)


def _batch(shared: portfolio_pb2.PortfolioProblem) -> service.BatchOptimizePortfoliosRequest:
    objective = objective_pb2.Objective(minimum_variance=objective_pb2.MinimumVariance())
    items = [
        service.BatchItem(
            item_id=name,
            objective=objective,
            current_weights=_weights("AAA", "BBB"),
            limits=portfolio_pb2.Limits(max_turnover=0.5),
        )
        for name in ("one", "two")
    ]
    request = service.BatchOptimizePortfoliosRequest(universe=shared, items=items)
    request.universe.ClearField("limits")
    request.universe.ClearField("current_weights")
    return request


def _goal(asked: portfolio_pb2.PortfolioProblem, product: str, **changes: int) -> goal_pb2.SimulateGoalRequest:
    found = goal_pb2.SimulateGoalRequest(
        problem=asked,
        glide_path=[goal_pb2.GlideStep(weights=[weight_pb2.Weight(product_id=product, weight=1.0)])],
        initial_value=1_000.0,
        monthly_contribution=10.0,
        horizon_years=3.0,
        target_value=1_500.0,
        inflation=0.02,
        path_count=200,
        wanted_probability=0.8,
        sampling=goal_pb2.SAMPLING_METHOD_PSEUDO_RANDOM,
    )
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def _backtest(snapshot: str) -> backtest_pb2.RunBacktestRequest:
    return backtest_pb2.RunBacktestRequest(
        problem=_on_prices(snapshot),
        objective=objective_pb2.Objective(minimum_variance=objective_pb2.MinimumVariance()),
        estimation_days=100,
        rule=backtest_pb2.REBALANCE_RULE_QUARTERLY,
        start=date_pb2.Date(year=2020, month=9, day=1),
        benchmark=_weights("AAA", "CCC"),
    )


def _weights(first: str, second: str) -> list[weight_pb2.Weight]:
    return [weight_pb2.Weight(product_id=first, weight=0.6), weight_pb2.Weight(product_id=second, weight=0.4)]
