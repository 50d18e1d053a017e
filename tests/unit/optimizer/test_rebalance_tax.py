"""Holding periods, wash sales and the tax budget; examples of IRS Publication 550 where it has them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from services.optimizer.rebalance.lots import Pick
from services.optimizer.rebalance.tax import estimated_tax, is_long_term
from services.optimizer.rebalance.wash_sale import split
from tests.unit.optimizer.rebalances import (
    LONG_AGO,
    PAIR,
    TAX,
    TODAY,
    WITH_IRA,
    days_ago,
    dec,
    lot,
    orders,
    past,
    problem,
    proposed,
    traded,
)


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
