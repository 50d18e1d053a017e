"""Holding periods, wash sales, harvesting and the tax budget; examples of IRS Publication 550 where it has them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from services.optimizer.rebalance.lots import Pick
from services.optimizer.rebalance.problem import Account, Lot, LotOrder
from services.optimizer.rebalance.tax import estimated_tax, is_long_term
from services.optimizer.rebalance.wash_sale import split
from tests.unit.optimizer.rebalances import (
    LONG_AGO,
    TAX,
    TODAY,
    days_ago,
    dec,
    lot,
    orders,
    past,
    problem,
    proposed,
    traded,
)

HARVEST = replace(TAX, harvests_losses=True)
WITH_IRA = (Account("main", Decimal(0)), Account("ira", Decimal(0), is_retirement=True))


@pytest.mark.parametrize(
    ("acquired", "sold", "long"),
    [
        # IRS Publication 550, chapter 4, Holding Period: bought on 7 February, sold a year later, and a day after that.
        (date(2022, 2, 7), date(2023, 2, 7), False),
        (date(2022, 2, 7), date(2023, 2, 8), True),
        # Rev. Rul. 66-7: acquired on the last day of a month, long from the first day of the thirteenth month on.
        (date(2023, 2, 28), date(2024, 2, 29), False),
        (date(2023, 2, 28), date(2024, 3, 1), True),
        (date(2024, 2, 29), date(2025, 2, 28), False),
        (date(2024, 2, 29), date(2025, 3, 1), True),
        (date(2024, 2, 28), date(2025, 2, 28), False),
        (date(2024, 2, 28), date(2025, 3, 1), True),
        (date(2024, 12, 31), date(2026, 1, 1), True),
    ],
)
def test_more_than_a_year_begins_the_day_after_the_anniversary(acquired: date, sold: date, long: bool) -> None:
    assert is_long_term(acquired, sold) is long


@pytest.mark.parametrize(
    ("short", "long", "tax"),
    [(100, 200, "67"), (-50, 200, "22.5"), (100, -60, "14.8"), (-50, -10, "0"), (100, -300, "0"), (-300, 100, "0")],
)
def test_a_loss_of_one_period_is_set_against_the_gain_of_the_other(short: int, long: int, tax: str) -> None:
    assert estimated_tax(TAX, Decimal(short), Decimal(long)) == Decimal(tax)


def test_publication_550_matches_75_replaced_shares_with_75_of_100_sold() -> None:
    # 100 shares bought for 5,000; 50 and 25 bought within 30 days of the sale of the 100 for 4,000: of the loss of
    # 1,000, 750 cannot be deducted and 250 can. IRS Publication 550, "More or less stock bought than sold", example 1.
    lots = [
        lot("september", "M", 100, 50, days_ago(102)),
        lot("day13", "M", 50, 55, days_ago(13)),
        lot("day6", "M", 25, 45, days_ago(6)),
    ]
    given = problem([traded("M", 40), traded("N", 1)], lots, {"M": 3 / 7, "N": 4 / 7}, tax=TAX, min_trade=1)
    # The owner sells the September shares, by name.
    given = replace(given, lot_order=type(given.lot_order).SPECIFIC, specific_lots=("september",))

    result = proposed(given)

    sales = {(sale.is_wash_sale, round(sale.units), round(sale.gain)) for sale in result.lot_sales}
    assert sales == {(True, 75, -750), (False, 25, -250)}
    assert round(result.taxes.disallowed_loss, 4) == 750
    assert round(result.taxes.short_term_gain, 3) == -250


def test_publication_550_disallows_the_whole_loss_where_as_much_is_bought_again() -> None:
    # Sold 100 shares of X at a loss of 250 and bought 100 within 30 days: IRS Publication 550, "Wash Sales", example 1.
    sold = Pick(lot("x", "X", 100), Decimal(100))

    assert split([sold], Decimal(100)) == ((sold, True),)


def test_units_acquired_first_are_matched_first() -> None:
    late, early = Pick(lot("a", "X", 10, acquired=days_ago(50)), dec(10)), Pick(lot("b", "X", 10), dec(10))

    assert split([late, early], Decimal(12)) == (
        (early, True),
        (Pick(late.lot, Decimal(2)), True),
        (Pick(late.lot, Decimal(8)), False),
    )


@pytest.mark.parametrize(("age", "account", "washed"), [(30, "main", 4), (31, "main", 0), (30, "elsewhere", 4)])
def test_a_purchase_within_30_days_in_any_account_disallows_as_many_units(age: int, account: str, washed: int) -> None:
    trades = (past("S", 4, days_ago(age), account=account),)
    given = problem([traded("S")], [lot("s", "S", 10, 15)], {"S": 0}, tax=TAX, past_trades=trades)

    result = proposed(given)

    assert result.taxes.disallowed_loss == 5 * washed
    assert result.taxes.long_term_gain == -5 * (10 - washed)


def test_a_lot_of_a_retirement_account_bought_in_the_window_disallows_a_loss() -> None:
    lots = [lot("s", "S", 10, 15), lot("r", "S", 6, 12, days_ago(10), "ira")]
    given = problem([traded("S"), traded("T")], lots, {"S": 0.375, "T": 0.625}, accounts=WITH_IRA, tax=TAX)

    result = proposed(given)

    # The retirement account sells first and its loss of 12 does not count; 4 units are left to sell in the main one.
    assert orders(result)["ira", "S"][0] == -6
    assert result.taxes.disallowed_loss == 20
    assert result.taxes.long_term_gain == 0


def test_units_bought_in_the_window_that_are_sold_too_replace_nothing() -> None:
    lots = [lot("old", "S", 10, 15), lot("new", "S", 5, 12, days_ago(10))]

    result = proposed(problem([traded("S")], lots, {"S": 0}, tax=TAX))

    assert result.taxes.disallowed_loss == 0
    assert result.taxes.long_term_gain == -50
    assert result.taxes.short_term_gain == -10


def test_a_trade_told_of_and_its_lot_are_one_purchase() -> None:
    lots = [lot("old", "S", 10, 15), lot("new", "S", 5, 9, days_ago(10))]
    trades = (past("S", 5, days_ago(10)),)
    given = problem([traded("S"), traded("T")], lots, {"S": 1 / 3, "T": 2 / 3}, tax=TAX, past_trades=trades)

    assert round(proposed(given).taxes.disallowed_loss, 3) == 25


PAIR = [traded("S", replacements=["R"]), traded("R"), traded("B", asset_class="bond")]


def test_a_loss_is_harvested_and_its_replacement_bought() -> None:
    lots = [lot("loss", "S", 30, 15), lot("gain", "S", 20, 8), lot("b", "B", 50)]

    result = proposed(problem(PAIR, lots, {"S": 0.5, "B": 0.5}, tax=HARVEST))

    assert orders(result) == {("main", "S"): (-30, "harvest"), ("main", "R"): (30, "replacement")}
    assert result.taxes.long_term_gain == -150
    assert result.drift_after == 0
    assert any("2026-07-15" in note for note in result.notes)


def test_harvesting_goes_on_where_drift_asks_for_nothing() -> None:
    given = problem(PAIR, [lot("s", "S", 50, 15), lot("b", "B", 50)], {"S": 0.5, "B": 0.5}, tax=HARVEST, max_drift=0.2)

    result = proposed(given)

    assert not result.triggered
    assert orders(result) == {("main", "S"): (-50, "harvest"), ("main", "R"): (50, "replacement")}


def test_a_loss_below_the_smallest_is_not_harvested() -> None:
    tax = replace(HARVEST, min_harvest_loss=dec("150.01"))

    assert not proposed(problem(PAIR, [lot("s", "S", 30, 15)], {"S": 1}, tax=tax)).trades


GAIN, LOSS, LARGER = (
    lot("gain", "S", 10, 8, days_ago(900)),
    lot("loss", "S", 10, 12, days_ago(400)),
    lot("larger", "S", 10, 15, days_ago(200)),
)


@pytest.mark.parametrize(
    ("order", "lots", "sold"),
    [
        (LotOrder.HIFO, [GAIN, LOSS, LARGER], {"loss", "larger"}),
        (LotOrder.LIFO, [GAIN, LOSS, LARGER], {"loss", "larger"}),
        (LotOrder.FIFO, [LOSS, LARGER], {"loss", "larger"}),
        (LotOrder.FIFO, [GAIN, LOSS, LARGER], set()),
        (LotOrder.LIFO, [replace(GAIN, acquired=days_ago(300)), LOSS, LARGER], {"larger"}),
    ],
)
def test_a_harvest_takes_lots_in_the_order_that_is_asked_for_and_none_that_gains(
    order: LotOrder, lots: list[Lot], sold: set[str]
) -> None:
    result = proposed(problem(PAIR, lots, {"S": 1}, tax=HARVEST, lot_order=order))

    assert {sale.lot for sale in result.lot_sales} == sold
    # A note says so where a loss stays, and nowhere else.
    is_held_back = sold != {found.id for found in lots if found.unit_cost > 10}
    assert any(f"lot_selection {order.name} sells lots with a gain" in n for n in result.notes) is is_held_back


@pytest.mark.parametrize(("listed", "sold"), [(("loss",), {"loss"}), (("gain", "larger"), set()), (("gain",), set())])
def test_a_harvest_takes_only_lots_that_are_listed(listed: tuple[str, ...], sold: set[str]) -> None:
    given = problem(
        PAIR, [GAIN, LOSS, LARGER], {"S": 1}, tax=HARVEST, lot_order=LotOrder.SPECIFIC, specific_lots=listed
    )

    assert {sale.lot for sale in proposed(given).lot_sales} == sold


def test_a_small_loss_that_is_sold_before_a_larger_one_goes_with_it_and_not_alone() -> None:
    tax, lots = replace(HARVEST, min_harvest_loss=Decimal(30)), [LOSS, LARGER, lot("last", "S", 10, 11, days_ago(100))]

    result = proposed(problem(PAIR, lots, {"S": 1}, tax=tax, lot_order=LotOrder.FIFO))

    assert {sale.lot for sale in result.lot_sales} == {"loss", "larger"}


def test_a_loss_in_a_retirement_account_is_not_harvested() -> None:
    lots = [lot("s", "S", 30, 15, account="ira")]

    assert not proposed(problem(PAIR, lots, {"S": 1}, accounts=WITH_IRA, tax=HARVEST)).trades


@pytest.mark.parametrize("account", ["main", "ira"])
def test_what_was_bought_within_30_days_in_any_account_is_not_harvested(account: str) -> None:
    lots = [lot("s", "S", 30, 15)]
    trades = (past("S", 1, days_ago(30), account=account),)

    result = proposed(problem(PAIR, lots, {"S": 1}, accounts=WITH_IRA, tax=HARVEST, past_trades=trades))

    assert not result.trades
    assert any("would make it a wash sale" in note for note in result.notes)


def test_without_a_replacement_nothing_wanted_is_harvested() -> None:
    result = proposed(problem([traded("S")], [lot("s", "S", 30, 15)], {"S": 1}, tax=HARVEST))

    assert not result.trades
    assert any("replacement_ids" in note for note in result.notes)


def test_a_replacement_sold_at_a_loss_lately_is_passed_over() -> None:
    products = [traded("S", replacements=["R", "Q"]), traded("R"), traded("Q")]
    trades = (past("R", -5, days_ago(3), at_loss=True),)

    result = proposed(problem(products, [lot("s", "S", 30, 15)], {"S": 1}, tax=HARVEST, past_trades=trades))

    assert orders(result) == {("main", "S"): (-30, "harvest"), ("main", "Q"): (30, "replacement")}


def test_two_that_replace_each_other_are_not_both_harvested() -> None:
    products = [traded("S", replacements=["R"]), traded("R", replacements=["S"])]
    lots = [lot("s", "S", 50, 15), lot("r", "R", 50, 12)]

    result = proposed(problem(products, lots, {"S": 0.5, "R": 0.5}, tax=HARVEST))

    assert orders(result) == {("main", "S"): (-50, "harvest"), ("main", "R"): (50, "replacement")}


def test_what_a_withdrawal_has_sold_is_not_harvested_again() -> None:
    given = problem(PAIR, [lot("s", "S", 30, 15), lot("t", "S", 20, 8)], {"S": 1}, cash_flow=-100, tax=HARVEST)

    result = proposed(given)

    assert orders(result) == {("main", "S"): (-30, "cash_flow"), ("main", "R"): (20, "replacement")}
    assert {sale.lot: sale.units for sale in result.lot_sales} == {"s": 30}


@pytest.mark.parametrize(("age", "bought"), [(30, "R"), (31, "S")])
def test_what_was_sold_at_a_loss_lately_is_replaced_in_purchases(age: int, bought: str) -> None:
    trades = (past("S", -5, days_ago(age), at_loss=True),)

    result = proposed(problem(PAIR, [], {"S": 1}, cash=100, tax=TAX, past_trades=trades))

    assert {trade.product for trade in result.trades} == {bought}
    assert result.drift_after == 0


def test_without_a_replacement_what_was_sold_at_a_loss_lately_is_not_bought_and_cash_is_left() -> None:
    trades = (past("B", -5, days_ago(5), at_loss=True), past("B", -5, days_ago(9), at_loss=True))

    result = proposed(problem(PAIR, [], {"S": 0.4, "B": 0.6}, cash=100, tax=TAX, past_trades=trades))

    assert orders(result) == {("main", "S"): (4, "target")}
    assert result.cash_after == 60
    assert result.drift_after == dec("0.6")
    (note,) = [note for note in result.notes if note.startswith("past_trades: B was sold at a loss")]
    assert "up to 2026-07-10" in note
    assert "stays cash" in note


@pytest.mark.parametrize("flow", [0, 50])
def test_what_was_sold_at_a_loss_lately_is_not_bought_in_a_retirement_account(flow: int) -> None:
    trades = (past("B", -5, days_ago(5), at_loss=True),)
    accounts = (Account("main", Decimal(0)), Account("ira", Decimal(100), is_retirement=True))

    result = proposed(problem(PAIR, [], {"B": 1}, accounts=accounts, cash_flow=flow, tax=TAX, past_trades=trades))

    assert not result.trades
    assert result.cash_after == 100 + flow


def test_a_lot_more_for_the_cash_that_is_left_is_never_of_what_was_sold_at_a_loss_lately() -> None:
    products = [traded("S", 30, 1), traded("B", 20, 1)]
    trades = (past("B", -5, days_ago(5), at_loss=True),)

    result = proposed(problem(products, [], {"S": 0.5, "B": 0.5}, cash=100, tax=TAX, past_trades=trades))

    assert {trade.product for trade in result.trades} == {"S"}


def test_a_loss_in_a_retirement_account_keeps_nothing_from_being_bought() -> None:
    trades = (past("B", -5, days_ago(5), at_loss=True, account="ira"),)
    accounts = (Account("main", Decimal(100)), Account("ira", Decimal(0), is_retirement=True))

    result = proposed(problem(PAIR, [], {"B": 1}, accounts=accounts, tax=TAX, past_trades=trades))

    assert orders(result) == {("main", "B"): (10, "target")}


def test_the_tax_budget_limits_sales_of_gains_and_is_named() -> None:
    tax = replace(TAX, max_realised_gain=Decimal(20))
    given = problem(PAIR, [lot("s", "S", 60, 6), lot("b", "B", 40)], {"S": 0.5, "B": 0.5}, tax=tax)

    result = proposed(given)

    assert orders(result) == {("main", "S"): (-5, "target"), ("main", "B"): (5, "target")}
    assert result.taxes.long_term_gain == 20
    assert result.taxes.estimated_tax == 3
    assert any(note.startswith("tax.max_realised_gain: 50.00 of sales") for note in result.notes)


def test_a_loss_makes_room_for_gains_in_the_tax_budget() -> None:
    tax = replace(TAX, max_realised_gain=Decimal(0))
    lots = [lot("s", "S", 30, 6), lot("r", "R", 10, 18), lot("b", "B", 10)]

    result = proposed(problem(PAIR, lots, {"S": 0.4, "R": 0.1, "B": 0.5}, tax=tax))

    # Selling 5 R loses 40, which lets 10 S go at a gain of 40.
    assert result.taxes.long_term_gain == 0
    assert orders(result)["main", "S"][0] == -10


def test_a_withdrawal_exceeds_the_tax_budget_with_a_note() -> None:
    tax = replace(TAX, max_realised_gain=Decimal(20))

    result = proposed(problem(PAIR, [lot("s", "S", 60, 6)], {"S": 1}, cash_flow=-100, tax=tax))

    assert orders(result) == {("main", "S"): (-10, "cash_flow")}
    assert any(note.startswith("tax.max_realised_gain: exceeded") for note in result.notes)


def test_gains_are_parted_by_holding_period() -> None:
    lots = [lot("short", "S", 10, 6, TODAY.replace(year=2025)), lot("long", "S", 10, 7, LONG_AGO)]

    taxes = proposed(problem(PAIR, lots, {"B": 1}, tax=TAX)).taxes

    assert taxes.short_term_gain == 40
    assert taxes.long_term_gain == 30
    assert taxes.estimated_tax == dec("19.3")


def test_without_a_tax_profile_no_tax_and_no_wash_sale_are_counted() -> None:
    result = proposed(problem(PAIR, [lot("s", "S", 10, 15)], {"B": 1}, past_trades=(past("S", 10, days_ago(1)),)))

    assert result.taxes.estimated_tax == 0
    assert not any(sale.is_wash_sale for sale in result.lot_sales)
    assert not result.notes


def test_a_tax_profile_always_says_what_is_not_known() -> None:
    notes = proposed(problem(PAIR, [], {"B": 1}, cash=10, tax=TAX)).notes

    assert any("spouse" in note and "substantially identical" in note for note in notes)
