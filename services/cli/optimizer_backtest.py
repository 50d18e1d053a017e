"""A back-test on the terminal: figures beside the benchmark's, trades, notes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fiducia.optimizer.v1 import backtest_pb2
from rich.console import Group, RenderableType
from rich.text import Text

from services.cli.format import day, percent
from services.cli.optimizer_tables import bullets, columns, facts, snapshot_line

Metrics = backtest_pb2.PerformanceMetrics
_FIGURES: Sequence[tuple[str, Callable[[Metrics], str]]] = (
    ("Return a year, compound", lambda found: percent(found.annual_return, 2)),
    ("Volatility a year", lambda found: percent(found.annual_volatility, 2)),
    ("Sharpe ratio", lambda found: f"{found.sharpe_ratio:.2f}"),
    ("Sortino ratio", lambda found: f"{found.sortino_ratio:.2f}"),
    ("Largest fall from a peak", lambda found: percent(found.max_drawdown)),
    ("Return / largest fall (Calmar)", lambda found: f"{found.calmar_ratio:.2f}"),
    ("Mean loss of the worst 5 % of days", lambda found: percent(found.daily_cvar95, 2)),
    ("Months with a gain", lambda found: percent(found.positive_months, 0)),
)


def show_backtest(response: backtest_pb2.RunBacktestResponse) -> RenderableType:
    """Return the figures of the strategy and of its benchmark, what trading cost, and what was noticed."""
    benchmark = response.benchmark_metrics if response.HasField("benchmark_metrics") else None
    table = columns("", ">Strategy", *([">Benchmark"] if benchmark else []))
    for name, text in _FIGURES:
        cells = [text(benchmark)] if benchmark else []
        table.add_row(name, Text(text(response.metrics), style="bold"), *cells)
    return Group(
        Text(_period(response), style="bold"),
        table,
        Text(),
        facts(*_trading(response)),
        *bullets("To know", response.notes),
        Text(),
        Text(
            "Hypothetical: what would have happened, after trading costs, with fund fees as the prices hold them. "
            "Weights were found from earlier prices only. The past is no promise.",
            style="dim",
        ),
        snapshot_line(response.market_snapshot),
    )


def _period(response: backtest_pb2.RunBacktestResponse) -> str:
    points = response.points
    if not points:
        return "No days."
    grown = f"1 became {points[-1].value:.3f}"
    return f"{day(points[0].date)} to {day(points[-1].date)}, {len(points):,} days: {grown}"


def _trading(response: backtest_pb2.RunBacktestResponse) -> list[tuple[str, str]]:
    rows = [
        ("Rebalancings, the first purchase among them", f"{len(response.trades):,}"),
        ("Turnover a year", percent(response.annual_turnover)),
        ("All trading costs, share of the worth", percent(response.total_cost, 2)),
    ]
    if response.HasField("tracking_error"):
        rows.append(("Tracking error a year", percent(response.tracking_error, 2)))
    if response.HasField("information_ratio"):
        rows.append(("Information ratio", f"{response.information_ratio:.2f}"))
    return rows
