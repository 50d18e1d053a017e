"""Answers of the optimizer in words and tables; the numbers are worked out by hand."""

from __future__ import annotations

import pytest
from fiducia.optimizer.v1 import goal_pb2, market_pb2, objective_pb2, portfolio_pb2, rebalance_pb2, risk_pb2
from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from google.type.date_pb2 import Date

from services.cli.optimizer_frontier import show_frontier
from services.cli.optimizer_market import show_import
from services.cli.optimizer_optimal import show_optimization
from services.cli.optimizer_project import show_projection
from services.cli.optimizer_rebalance import show_rebalance
from services.cli.optimizer_risk import show_risk
from services.cli.optimizer_words import cost_words, limit_words, price_words
from tests.unit.cli.screen import flat, shown

UTILITY = objective_pb2.Objective(mean_variance_utility=objective_pb2.MeanVarianceUtility(risk_aversion=6))
VARIANCE = objective_pb2.Objective(minimum_variance=objective_pb2.MinimumVariance())
ANALYSIS = portfolio_pb2.RiskAnalysis(volatility=0.10)


def limit(field: str, bound: float = 0.0, price: float = 0.0) -> portfolio_pb2.BindingLimit:
    return portfolio_pb2.BindingLimit(field=field, bound=bound, shadow_price=price)


@pytest.mark.parametrize(
    ("field", "bound", "words"),
    [
        ("limits.max_turnover", 0.3, "turnover at most 30.00 %"),
        ("limits.products[VTI].max_weight", 0.4, "VTI at most 40.0 %"),
        ("limits.groups[bonds].min_weight", 0.25, "bonds at least 25.0 %"),
        ("limits.excluded_product_ids[GLD]", 0.0, "GLD excluded"),
        ("limits.max_liquidity_days", 3.0, "days to sell at most 3"),
        ("limits.min_cash", 0.05, "cash at least 5.00 %"),
        ("objective.target_return.min_expected_return_net", 0.05, "expected return at least 5.00 %"),
        ("limits.something_new", 2.0, "limits.something_new 2"),
    ],
)
def test_a_limit_is_named_in_words(field: str, bound: float, words: str) -> None:
    assert limit_words(limit(field, bound)) == words


def test_a_point_of_turnover_is_worth_a_hundredth_of_its_shadow_price_in_return() -> None:
    words = price_words(limit("limits.max_turnover", price=0.017), UTILITY, ANALYSIS)

    assert words == "one point more turnover adds 0.017 % expected return, its risk paid for"


def test_a_gain_of_variance_is_told_as_volatility() -> None:
    # 0.01 x 0.04 of variance is 0.0004 / (2 x 0.10) of volatility.
    words = price_words(limit("limits.groups[bonds].min_weight", price=0.04), VARIANCE, ANALYSIS)

    assert words == "one point less bonds takes 0.200 % off the volatility"


def test_a_wanted_return_moves_by_tenths_of_a_point() -> None:
    # 0.001 x 0.4 of variance is 0.0004 / (2 x 0.10) of volatility.
    objective = objective_pb2.Objective(target_return=objective_pb2.TargetReturn(min_expected_return_net=0.05))
    field = "objective.target_return.min_expected_return_net"

    words = price_words(limit(field, 0.05, 0.4), objective, ANALYSIS)

    assert words == "a tenth of a point less expected return takes 0.200 % off the volatility"


def test_dropping_a_limit_tells_the_volatility_that_is_left() -> None:
    # From 10 % to the root of 0.01 - 0.0036, which is 8 %.
    assert cost_words(0.0036, VARIANCE, ANALYSIS) == "takes 2.000 % off the volatility"


@pytest.mark.parametrize(
    ("goal", "words"),
    [
        ("target_volatility", "adds 1.000 % expected return"),
        ("maximum_sharpe", "adds 0.0100 to the Sharpe ratio"),
        ("maximum_diversification", "adds 0.0100 to the diversification ratio"),
        ("minimum_cvar", "takes 1.000 % off the mean loss in bad outcomes"),
        ("minimum_tracking_error", "takes 1.00e-02 off the variance of the difference to the benchmark"),
        ("equal_weight", "improves the objective by 1.00e-02"),
    ],
)
def test_every_goal_has_its_own_unit(goal: str, words: str) -> None:
    objective = objective_pb2.Objective()
    getattr(objective, goal).SetInParent()

    assert price_words(limit("limits.max_turnover", price=1.0), objective, ANALYSIS).endswith(words)


def optimal() -> service.OptimizePortfolioResponse:
    response = service.OptimizePortfolioResponse(market_snapshot="abc")
    best = response.optimal
    for name, weight, part in (("A", 0.75, 0.08), ("B", 0.25, 0.02), ("C", 0.0, 0.0)):
        best.weights.add(product_id=name, weight=weight)
        best.analysis.risk_contributions.add(product_id=name, contribution=part)
    best.analysis.volatility = 0.10
    best.analysis.cvar.confidence = 0.95
    best.analysis.cvar.horizon_years = 1
    best.certificate.solver = "PIQP"
    best.reduced_costs.add(product_id="C", missing_return=0.0042)
    best.weight_ranges.add(product_id="A", low=0.5, high=0.9)
    best.binding_limits.append(limit("limits.products[A].max_weight", 0.75, 0.02))
    return response


def request() -> service.OptimizePortfolioRequest:
    asked = service.OptimizePortfolioRequest(objective=UTILITY)
    for name in "ABC":
        asked.problem.products.add(product_id=name, asset_class="equity")
    asked.problem.current_weights.add(product_id="B", weight=0.9)
    return asked


def test_an_optimum_shows_weights_risk_ranges_and_what_brings_others_in() -> None:
    text = flat(show_optimization(request(), optimal()))

    assert "A equity 0.0 % 75.0 %" in text
    assert "80.0 % 50.0 % to 90.0 %" in text
    assert "cash (invested) 10.0 % 0.0 %" in text
    assert "1 more products are not held." in text
    assert "C 0.420 % a year" in text
    assert "A at most 75.0 % one point more A adds 0.020 % expected return" in text


def test_what_qualifies_an_optimum_is_told() -> None:
    response = optimal()
    response.optimal.optimality_gap = 0.0005
    response.optimal.time_limited = True
    response.optimal.covariance_repair = 1e-4

    text = flat(show_optimization(request(), response))

    assert "can be better by more than 0.050 %" in text
    assert "A time limit cut the answer short; it is stored and given again." in text
    assert "repaired by moving it 0.0100 %" in text


def test_a_contradiction_tells_each_bound_that_would_do() -> None:
    response = service.OptimizePortfolioResponse()
    response.infeasibility.conflicts.add(field="limits.max_volatility", bound=0.08, relaxed_bound=0.119)
    response.infeasibility.conflicts.add(field="limits.groups[shares].min_weight", bound=0.7)

    text = flat(show_optimization(request(), response))

    assert "volatility at most 8.00 % limits.max_volatility volatility at most 11.90 %" in text
    assert "shares at least 70.0 % limits.groups[shares].min_weight cannot help alone" in text


def test_a_contradiction_tells_what_to_relax_together_and_what_was_not_computed() -> None:
    response = service.OptimizePortfolioResponse()
    infeasibility = response.infeasibility
    infeasibility.conflicts.add(field="limits.products[A].min_weight", bound=0.5)
    infeasibility.conflicts.add(field="limits.products[A].max_weight", bound=0.3, relaxation_not_sought=True)
    for field, bound, relaxed in (("A].min_weight", 0.5, 0.3), ("B].min_weight", 0.4, 0.2)):
        infeasibility.relax_together.add(field=f"limits.products[{field}", bound=bound, relaxed_bound=relaxed)

    text = flat(show_optimization(request(), response))

    assert "limits.products[A].max_weight not computed" in text
    assert "Relaxing all of these together makes it possible" in text
    assert "- B at least 40.0 %: B at least 20.0 % (limits.products[B].min_weight)" in text


def test_where_nothing_was_computed_nothing_is_said_to_be_of_no_help() -> None:
    response = service.OptimizePortfolioResponse()
    for side in ("min", "max"):
        response.infeasibility.conflicts.add(field=f"limits.products[A].{side}_weight", relaxation_not_sought=True)

    text = flat(show_optimization(request(), response))

    assert "Whether loosening one limit alone is enough was not computed; it may be." in text
    assert "No single one" not in text


def test_what_all_limits_cost_is_one_sentence() -> None:
    response = service.OptimizePortfolioResponse()
    response.optimal.analysis.volatility = 0.1
    response.optimal.all_limits_cost = 0.0019

    text = flat(show_optimization(request(), response))

    assert "Dropping all limits " in text


def test_the_best_return_per_volatility_of_a_frontier_is_marked() -> None:
    response = service.ComputeFrontierResponse()
    for mean, volatility in ((0.03, 0.03), (0.05, 0.04), (0.06, 0.10)):
        point = response.frontier.points.add(expected_return_net=mean, volatility=volatility)
        point.weights.add(product_id="A", weight=1.0)

    (marked,) = [line for line in shown(show_frontier(response)).splitlines() if "best" in line]

    assert marked.split()[:6] == ["2", "5.00", "%", "4.00", "%", "1.25"]


def test_risk_shows_tails_with_their_method_and_gains_as_gains() -> None:
    response = risk_pb2.AnalyzeRiskResponse(marginal_contributions=[0.12], beta=1.07)
    response.analysis.volatility = 0.12
    response.analysis.risk_contributions.add(product_id="A", contribution=0.12)
    tail = {"confidence": 0.95, "horizon_years": 1.0, "conditional_value_at_risk": 0.02}
    response.tails.add(method=risk_pb2.TAIL_METHOD_HISTORICAL, value_at_risk=-0.01, outcome_count=1200, **tail)
    response.stresses.add(scenario="crash", description="All falls.", loss=0.3, contributions=[0.3])
    asked = risk_pb2.AnalyzeRiskRequest()
    asked.weights.add(product_id="A", weight=1.0)

    text = flat(show_risk(asked, response))

    assert "95.0 % 1 year price history gain of 1.0 % 2.0 % 1,200" in text
    assert "12.00 % 0.120 %" in text
    assert "Beta to the benchmark 1.07" in text
    assert "A 30.0 %" in text


def test_trades_show_side_lots_taxes_and_notes() -> None:
    asked = rebalance_pb2.ProposeRebalanceRequest(tax=rebalance_pb2.TaxProfile(short_term_rate=0.3))
    asked.products.add(product_id="S", price=10.0)
    asked.lots.add(lot_id="l1", product_id="S", units=50)
    asked.accounts.add(account_id="main", cash=500)
    response = rebalance_pb2.ProposeRebalanceResponse(triggered=True, disallowed_loss=20.0, notes=["tax: a note"])
    response.trades.add(account_id="main", product_id="S", units=-30, amount=-300, cost=0.4, purpose="cash_flow")
    response.lot_sales.add(lot_id="l1", units=30, gain=-150, wash_sale=True)

    text = flat(show_rebalance(asked, response))

    assert "sell S main 30 300.00 0.40 cash flow" in text
    assert "l1 S 30 -150.00 a year at most wash sale" in text
    assert "wash-sale rule disallows 20.00" in text
    assert "S 50.0 % 0.0 % 0.0 %" in text
    assert "- tax: a note" in text


def test_no_trades_within_the_bands() -> None:
    text = flat(show_rebalance(rebalance_pb2.ProposeRebalanceRequest(), rebalance_pb2.ProposeRebalanceResponse()))

    assert text.startswith("Within the bands: no trades.")


@pytest.mark.parametrize(
    ("extra", "words"), [(12.5, "USD 12.50"), (0.0, "nothing: reached already"), (None, "no amount reaches it")]
)
def test_what_is_missing_for_a_goal_is_told(extra: float | None, words: str) -> None:
    asked = goal_pb2.SimulateGoalRequest(wanted_probability=0.9)
    asked.problem.base_currency = "USD"
    response = goal_pb2.SimulateGoalResponse(success_probability=0.75, standard_error=0.004, percentiles=[0.05, 0.5])
    for year in range(46):
        response.fan.add(year=year, values=[1000.0, 2000.0])
    if extra is not None:
        response.extra_monthly_contribution = extra

    screen = shown(show_projection(asked, response))

    assert "75.0 % ± 0.40 %" in screen
    assert f"90.0 %  {words}" in screen
    years = [line.split()[0] for line in screen.splitlines() if "USD 1,000" in line]
    assert (years[0], years[-1]) == ("0", "45")
    assert len(years) <= 13


def test_faults_of_prices_stand_under_their_product() -> None:
    response = market_pb2.ImportMarketDataResponse(market_snapshot="abc", product_count=1)
    kind, day = market_pb2.PRICE_FAULT_KIND_UNADJUSTED_SPLIT, Date(year=2026, month=1, day=2)
    response.faults.add(product_id="B", kind=kind, date=day, description="halved", left_out=True)
    response.faults.add(product_id="A", kind=market_pb2.PRICE_FAULT_KIND_STALE, date=day, description="ten days")

    text = flat(show_import(market_pb2.ImportMarketDataRequest(), response))

    assert "A kept 2026-01-02 stale: ten days" in text
    assert "B left out until it is mended 2026-01-02 unadjusted split: halved" in text
