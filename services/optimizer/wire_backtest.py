"""Back-tests as messages."""

from __future__ import annotations

import numpy as np
from fiducia.optimizer.v1 import backtest_pb2 as messages
from fiducia.type.v1 import weight_pb2

from services.optimizer.backtest.metrics import Metrics
from services.optimizer.backtest.run import BacktestReport
from services.optimizer.backtest.walk import Trade
from services.optimizer.problem import Problem
from services.optimizer.wire_date import date_message


def backtest_response(problem: Problem, report: BacktestReport, snapshot: str) -> messages.RunBacktestResponse:
    """Return the answer to RunBacktest."""
    benchmark = report.benchmark_metrics
    return messages.RunBacktestResponse(
        points=_points(report),
        trades=[_trade(problem, day, trade) for day, trade in report.trades],
        metrics=_metrics(report.metrics),
        benchmark_metrics=None if benchmark is None else _metrics(benchmark),
        tracking_error=report.tracking_error,
        information_ratio=report.information_ratio,
        total_cost=report.total_cost,
        annual_turnover=report.annual_turnover,
        notes=report.notes,
        market_snapshot=snapshot,
    )


def _points(report: BacktestReport) -> list[messages.BacktestPoint]:
    benchmark = [None] * len(report.days) if report.benchmark_values is None else report.benchmark_values.tolist()
    return [
        messages.BacktestPoint(date=date_message(day), value=value, benchmark_value=other)
        for day, value, other in zip(report.days, report.values.tolist(), benchmark, strict=True)
    ]


def _trade(problem: Problem, day: np.datetime64, trade: Trade) -> messages.BacktestTrade:
    return messages.BacktestTrade(
        date=date_message(day),
        weights=[
            weight_pb2.Weight(product_id=product.id, weight=float(weight))
            for product, weight in zip(problem.products, trade.weights, strict=True)
        ],
        turnover=trade.turnover,
        cost=trade.cost,
    )


def _metrics(metrics: Metrics) -> messages.PerformanceMetrics:
    return messages.PerformanceMetrics(
        annual_return=metrics.annual_return,
        annual_volatility=metrics.annual_volatility,
        sharpe_ratio=metrics.sharpe_ratio,
        sortino_ratio=metrics.sortino_ratio,
        max_drawdown=metrics.max_drawdown,
        calmar_ratio=metrics.calmar_ratio,
        daily_cvar95=metrics.daily_cvar95,
        positive_months=metrics.positive_months,
    )
