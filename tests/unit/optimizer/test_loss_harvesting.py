"""Losses that are harvested, what replaces them, and what may not be bought for thirty days."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from services.optimizer.rebalance.problem import Account, Lot, LotOrder
from tests.unit.optimizer.rebalances import (
    PAIR,
    TAX,
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

HARVEST = replace(TAX, harvests_losses=True)


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
