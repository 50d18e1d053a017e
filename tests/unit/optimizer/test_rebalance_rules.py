"""Drift, bands, cash flows, lots, costs: examples worked out by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from services.optimizer.rebalance.problem import Account, LotOrder
from services.optimizer.rebalance.proposal import Shortfall
from services.optimizer.rebalance.propose import propose
from tests.unit.optimizer.rebalances import TAX, days_ago, dec, lot, orders, problem, proposed, traded

STOCKS_AND_BONDS = [traded("S"), traded("B", asset_class="bond")]
HALVES = {"S": 0.5, "B": 0.5}
SIXTY_FORTY = [lot("s", "S", 60), lot("b", "B", 40)]


def test_drift_is_half_the_sum_of_absolute_deviations() -> None:
    result = proposed(problem(STOCKS_AND_BONDS, SIXTY_FORTY, HALVES))

    assert result.drift_before == dec("0.1")
    assert result.drift_after == 0
    assert orders(result) == {("main", "S"): (-10, "target"), ("main", "B"): (10, "target")}


def test_cash_is_a_position_of_the_drift() -> None:
    result = proposed(problem(STOCKS_AND_BONDS, [lot("s", "S", 50), lot("b", "B", 30)], HALVES, cash=200))

    assert result.drift_before == dec("0.2")
    assert orders(result) == {("main", "B"): (20, "target")}


@pytest.mark.parametrize(("max_drift", "triggered"), [(0.0999, True), (0.1, False)])
def test_drift_triggers_above_its_bound_only(max_drift: float, triggered: bool) -> None:
    result = proposed(problem(STOCKS_AND_BONDS, SIXTY_FORTY, HALVES, max_drift=max_drift))

    assert result.triggered is triggered
    assert bool(result.trades) is triggered


@pytest.mark.parametrize(("distance", "triggered"), [("0.09", True), ("0.1", False)])
def test_a_class_outside_its_band_triggers_below_the_drift_bound(distance: str, triggered: bool) -> None:
    bands = {"bond": dec(distance)}

    assert proposed(problem(STOCKS_AND_BONDS, SIXTY_FORTY, HALVES, max_drift=0.5, bands=bands)).triggered is triggered


def test_a_band_looks_at_the_class_not_at_its_products() -> None:
    products = [traded("S1"), traded("S2"), traded("B", asset_class="bond")]
    lots = [lot("1", "S1", 50), lot("2", "S2", 10), lot("b", "B", 40)]
    target = {"S1": 0.3, "S2": 0.3, "B": 0.4}

    assert not proposed(problem(products, lots, target, max_drift=0.5, bands={"equity": dec("0.01")})).triggered


def test_new_money_closes_the_gap_and_nothing_is_sold() -> None:
    result = proposed(problem(STOCKS_AND_BONDS, SIXTY_FORTY, HALVES, cash_flow=200, max_drift=0.01))

    assert result.triggered
    assert orders(result) == {("main", "B"): (20, "cash_flow")}
    assert result.drift_after == 0


def test_new_money_is_invested_even_where_nothing_asks_for_trades() -> None:
    result = proposed(problem(STOCKS_AND_BONDS, SIXTY_FORTY, HALVES, cash_flow=100, max_drift=0.5))

    assert not result.triggered
    assert orders(result) == {("main", "B"): (10, "cash_flow")}
    assert result.drift_after < result.drift_before


def test_new_money_that_leaves_too_much_drift_is_followed_by_sales() -> None:
    result = proposed(problem(STOCKS_AND_BONDS, SIXTY_FORTY, HALVES, cash_flow=100, max_drift=0.01))

    assert orders(result) == {("main", "S"): (-5, "target"), ("main", "B"): (15, "cash_flow")}


def test_a_withdrawal_comes_from_what_is_overweight() -> None:
    result = proposed(problem(STOCKS_AND_BONDS, SIXTY_FORTY, HALVES, cash_flow=-200, max_drift=0.5))

    assert orders(result) == {("main", "S"): (-20, "cash_flow")}
    assert result.cash_after == 0
    assert result.drift_after == 0


def test_a_withdrawal_takes_cash_before_it_sells() -> None:
    result = proposed(problem(STOCKS_AND_BONDS, SIXTY_FORTY, HALVES, cash=150, cash_flow=-200, max_drift=0.5))

    assert orders(result) == {("main", "S"): (-5, "cash_flow")}


def test_a_withdrawal_of_whole_units_and_costs_leaves_no_debt() -> None:
    products = [traded("S", lot=1, trading_cost=0.01, ticket_fee=5)]

    result = proposed(problem(products, [lot("s", "S", 100)], {"S": 1}, cash_flow=-500, max_drift=1))

    # 50 units bring 500 less 5 less 5, and 51 bring 510 less 5.10 less 5, so 52 it is: 520 - 5.20 - 5 = 509.80.
    assert orders(result) == {("main", "S"): (-52, "cash_flow")}
    assert result.cash_after == dec("9.8")
    assert result.trading_cost == dec("10.2")


def test_a_withdrawal_that_the_first_account_cannot_pay_says_what_is_missing() -> None:
    accounts = (Account("main", Decimal(10)), Account("other", Decimal(1000)))

    assert propose(problem([traded("S")], [], {"S": 1}, accounts=accounts, cash_flow=-50)) == Shortfall(Decimal(40))


def test_cash_is_kept() -> None:
    result = proposed(problem([traded("S")], [], {"S": 1}, cash=1000, cash_kept=0.1))

    assert orders(result) == {("main", "S"): (90, "target")}
    assert result.cash_after == 100


def test_what_the_target_leaves_is_cash() -> None:
    assert proposed(problem([traded("S")], [], {"S": 0.7}, cash=1000, cash_kept=0.1)).cash_after == 300


def test_small_trades_are_left_out_and_noted() -> None:
    result = proposed(problem(STOCKS_AND_BONDS, SIXTY_FORTY, HALVES, min_trade=100.01))

    assert not result.trades
    assert any(note.startswith("min_trade:") for note in result.notes)


def test_costs_are_paid_from_the_money_that_is_there() -> None:
    products = [traded("S", trading_cost=0.01, ticket_fee=5), traded("B", trading_cost=0.01, ticket_fee=5)]

    result = proposed(problem(products, SIXTY_FORTY, HALVES))

    # The sale brings 100 - 1 - 5 = 94; (94 - 5) / 10.10 = 8.811881 units cost 88.11881 + 0.8811881 + 5.
    assert orders(result) == {("main", "S"): (-10, "target"), ("main", "B"): (dec("8.811881"), "target")}
    assert result.cash_after == dec("0.0000019")
    assert result.trading_cost == dec("11.8811881")


def test_a_sale_that_costs_more_than_it_brings_is_left_out() -> None:
    assert not proposed(problem([traded("S", ticket_fee=150)], [lot("s", "S", 10)], {"S": 0})).trades


def test_whole_units_end_nearest_to_the_target_that_cash_allows() -> None:
    products = [traded("A", 30, 1), traded("B", 70, 1)]

    result = proposed(problem(products, [], {"A": 0.5, "B": 0.5}, cash=200))

    # 100 each: 3 of A and 1 of B by rounding down leave 40; another A (10 missing) costs 30, another B 70.
    assert orders(result) == {("main", "A"): (4, "target"), ("main", "B"): (1, "target")}


def test_an_odd_lot_that_cannot_be_sold_is_noted() -> None:
    result = proposed(problem([traded("A", 10, 100), traded("B")], [lot("a", "A", 250)], {"B": 1}))

    assert orders(result)["main", "A"] == (-200, "target")
    assert any(note.startswith("products.lot_size:") for note in result.notes)


def test_each_account_spends_its_own_cash() -> None:
    accounts = (Account("main", Decimal(300)), Account("ira", Decimal(700), is_retirement=True))

    result = proposed(problem(STOCKS_AND_BONDS, [], HALVES, accounts=accounts))

    assert orders(result) == {
        ("main", "B"): (30, "target"),
        ("ira", "S"): (50, "target"),
        ("ira", "B"): (20, "target"),
    }


def test_under_taxes_the_retirement_account_sells_first() -> None:
    accounts = (Account("main", Decimal(0)), Account("ira", Decimal(0), is_retirement=True))
    lots = [lot("s", "S", 30, 1), lot("r", "S", 30, 1, account="ira"), lot("b", "B", 40)]

    result = proposed(problem(STOCKS_AND_BONDS, lots, HALVES, accounts=accounts, tax=TAX))

    assert orders(result)["ira", "S"] == (-10, "target")
    assert result.taxes.long_term_gain == 0


OLD, MIDDLE, NEW = (
    lot("old", "S", 10, 6, days_ago(900)),
    lot("middle", "S", 10, 12, days_ago(400)),
    lot("new", "S", 10, 9, days_ago(200)),
)


@pytest.mark.parametrize(
    ("order", "listed", "sold"),
    [
        (LotOrder.HIFO, (), {"middle": 10, "new": 5}),
        (LotOrder.FIFO, (), {"old": 10, "middle": 5}),
        (LotOrder.LIFO, (), {"new": 10, "middle": 5}),
        (LotOrder.SPECIFIC, ("new", "old"), {"new": 10, "old": 5}),
    ],
)
def test_lots_are_sold_in_the_order_that_is_asked_for(
    order: LotOrder, listed: tuple[str, ...], sold: dict[str, int]
) -> None:
    given = problem([traded("S")], [OLD, MIDDLE, NEW], {"S": 0.5}, lot_order=order, specific_lots=listed)

    assert {sale.lot: sale.units for sale in proposed(given).lot_sales} == sold


def test_lots_that_are_not_listed_are_not_sold() -> None:
    given = problem([traded("S")], [OLD, NEW], {"S": 0}, lot_order=LotOrder.SPECIFIC, specific_lots=("old",))

    result = proposed(given)

    assert {sale.lot: sale.units for sale in result.lot_sales} == {"old": 10}
    assert any(note.startswith("specific_lot_ids:") for note in result.notes)
