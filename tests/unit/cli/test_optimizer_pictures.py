"""Pictures: what is drawn, read back from the figure; and files that cannot be written."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fiducia.optimizer.v1 import backtest_pb2, goal_pb2, portfolio_pb2, rebalance_pb2, risk_pb2
from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from fiducia.type.v1 import weight_pb2
from google.type.date_pb2 import Date
from hypothesis import given
from hypothesis import strategies as st

from services.cli.errors import CliError
from services.cli.optimizer_picture_fan import draw_fan
from services.cli.optimizer_picture_frontier import draw_frontier
from services.cli.optimizer_picture_past import draw_backtest, falls
from services.cli.optimizer_picture_rebalance import draw_rebalance
from services.cli.optimizer_picture_risk import draw_risk
from services.cli.optimizer_plot import check_plot, write_picture
from services.cli.optimizer_rebalance import weights_today


def points(count: int, products: int) -> list[service.FrontierPoint]:
    share = 1.0 / products
    return [
        service.FrontierPoint(
            expected_return_net=0.03 + 0.01 * i,
            volatility=0.05 + 0.02 * i,
            weights=[weight_pb2.Weight(product_id=f"P{k}", weight=share) for k in range(products)],
        )
        for i in range(count)
    ]


def placed(line: Any) -> list[tuple[float, float]]:
    """Return the points of a line that is drawn."""
    return list(zip(line.get_xdata(), line.get_ydata(), strict=True))


def test_a_frontier_shows_the_portfolio_of_today_where_it_stands() -> None:
    today = portfolio_pb2.RiskAnalysis(expected_return_net=0.04, volatility=0.12)

    curve, weights = draw_frontier(points(5, 3), today).axes

    lines = {str(line.get_label()): line for line in curve.get_lines()}
    assert placed(lines["Held today"]) == [(12.0, 4.0)]
    assert [x for x, _ in placed(lines["Efficient frontier"])] == pytest.approx([5.0, 7.0, 9.0, 11.0, 13.0])
    assert len(weights.collections) == 3


def test_many_products_are_summed_up_and_one_point_is_a_frontier_too() -> None:
    _, weights = draw_frontier(points(1, 40), None).axes

    legend = weights.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()][-1] == "others"


def test_risk_is_drawn_from_the_largest_share_down_with_stresses_beside() -> None:
    analysis = portfolio_pb2.RiskAnalysis(volatility=0.1)
    analysis.risk_contributions.add(product_id="A", contribution=-0.01)
    analysis.risk_contributions.add(product_id="B", contribution=0.11)
    weights = [weight_pb2.Weight(product_id=name, weight=0.5) for name in "AB"]
    stresses = [risk_pb2.StressResult(scenario="mild", loss=-0.02), risk_pb2.StressResult(scenario="hard", loss=0.3)]

    products, losses = draw_risk(weights, analysis, stresses).axes

    assert [label.get_text() for label in products.get_yticklabels()] == ["B", "A"]
    assert {text.get_text() for text in products.texts} == {"110.0 %", "-10.0 %", "50.0 %"}
    assert [label.get_text() for label in losses.get_yticklabels()] == ["hard", "mild"]


def _held(cash: float, units: Sequence[float]) -> rebalance_pb2.ProposeRebalanceRequest:
    """Return a request over products that cost 1 each, all wanted alike, a tenth kept in cash."""
    request = rebalance_pb2.ProposeRebalanceRequest(cash_kept=0.1)
    request.accounts.add(account_id="a", cash=cash)
    for i, count in enumerate(units):
        request.products.add(product_id=f"P{i}", price=1.0)
        request.lots.add(lot_id=f"l{i}", account_id="a", product_id=f"P{i}", units=count)
        request.target_weights.add(product_id=f"P{i}", weight=1.0 / len(units))
    return request


def _widths(axes: Any) -> dict[str, list[float]]:
    """Return the lengths of the bars by their label."""
    return {bars.get_label(): [round(bar.get_width(), 6) for bar in bars] for bars in axes.containers}


def test_a_rebalancing_shows_weights_before_wanted_and_after_with_cash_last() -> None:
    response = rebalance_pb2.ProposeRebalanceResponse(drift_before=0.35, drift_after=0.01)
    response.trades.add(product_id="P0", units=-34.0)
    for name, weight in (("P0", 0.46), ("P1", 0.44)):
        response.weights_after.add(product_id=name, weight=weight)

    (axes,) = draw_rebalance(_held(10.0, [80.0, 10.0]), response).axes

    assert [label.get_text() for label in axes.get_yticklabels()] == ["P0", "P1", "Cash"]
    assert _widths(axes) == {
        "Before": [80.0, 10.0, 10.0],
        "Target": [45.0, 45.0, 10.0],
        "After the trades": [46.0, 44.0, 10.0],
    }


def test_many_products_of_a_rebalancing_are_summed_up_and_no_trades_are_said() -> None:
    request = _held(0.0, [float(i + 1) for i in range(30)])
    response = rebalance_pb2.ProposeRebalanceResponse(drift_before=0.04)
    for name, weight in weights_today(request).items():
        response.weights_after.add(product_id=name, weight=weight)

    figure = draw_rebalance(request, response)

    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert (len(names), names[-2:]) == (11, ["others", "Cash"])
    assert [sum(widths) for widths in _widths(figure.axes[0]).values()] == pytest.approx([100.0] * 3)
    assert figure.texts[0].get_text() == "No trades: 4.0 % away from the target"


def test_a_fan_merges_equal_ends_and_keeps_the_others_apart() -> None:
    request = goal_pb2.SimulateGoalRequest(target_value=500.0)
    request.problem.base_currency = "USD"
    response = goal_pb2.SimulateGoalResponse(success_probability=0.5, percentiles=[0.05, 0.25, 0.5, 0.75, 0.95])
    response.fan.add(year=0, values=[100.0] * 5)
    response.fan.add(year=10, values=[0.0, 0.0, 400.0, 401.0, 1000.0])

    (axes,) = draw_fan(request, response).axes

    assert [text.get_text() for text in axes.texts][:2] == ["0  (5 %, 25 %)", "400  (50 %)"]
    heights = [text.xy[1] for text in axes.texts]  # type: ignore[attr-defined]
    assert min(b - a for a, b in pairwise(heights)) >= 40.0


def test_a_fall_is_measured_from_the_highest_worth_so_far() -> None:
    assert falls([1.0, 2.0, 1.5, 3.0, 1.5]) == [0.0, 0.0, -0.25, 0.0, -0.5]


@given(st.lists(st.floats(0.01, 100.0), min_size=1, max_size=30))
def test_a_fall_is_never_above_zero_and_zero_at_each_new_peak(worth: list[float]) -> None:
    found = falls(worth)

    assert max(found) <= 0.0
    assert all(fall == 0.0 for i, fall in enumerate(found) if worth[i] == max(worth[: i + 1]))


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_a_backtest_becomes_a_file(ending: str, tmp_path: Path) -> None:
    response = backtest_pb2.RunBacktestResponse()
    for day, value in ((2, 1.0), (3, 1.02), (4, 0.98)):
        response.points.add(date=Date(year=2026, month=1, day=day), value=value, benchmark_value=1.0)

    figure = draw_backtest(response)
    write_picture(figure, tmp_path / f"past.{ending}")

    assert [line.get_label() for line in figure.axes[0].get_lines()] == ["Strategy (0.98)", "Benchmark (1.00)"]
    assert (tmp_path / f"past.{ending}").stat().st_size > 1_000


def test_a_picture_that_cannot_be_written_is_refused_before_anything_is_computed(tmp_path: Path) -> None:
    check_plot(None)
    check_plot(tmp_path / "a.png")
    with pytest.raises(CliError, match="end the name with"):
        check_plot(tmp_path / "a.txt")
    with pytest.raises(CliError, match="there is no folder"):
        check_plot(tmp_path / "none" / "a.png")
