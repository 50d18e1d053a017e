"""Every field of a rebalancing request is checked and named by its path."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from fiducia.optimizer.v1 import rebalance_pb2 as messages
from google.type import date_pb2

from services.optimizer.parse_rebalance import parse_rebalance
from services.optimizer.rebalance.problem import Account, Lot, LotOrder, PastTrade, TaxProfile, Traded
from shared.errors import InvalidRequest
from tests.unit.optimizer.rebalance_messages import day, rebalance_request

Request = messages.ProposeRebalanceRequest
Spoil = Callable[[Request], object]
NAN, INFINITY = math.nan, math.inf


def _refused(request: Request) -> list[str]:
    with pytest.raises(InvalidRequest) as refusal:
        parse_rebalance(request)
    return [violation.field for violation in refusal.value.violations]


def test_a_request_becomes_the_problem_it_describes() -> None:
    problem = parse_rebalance(rebalance_request())

    assert problem.products[0] == Traded(
        "S", "equity", Decimal(10), Decimal(1), Decimal("0.001"), Decimal("0.1"), ("R",)
    )
    assert problem.accounts == (Account("main", Decimal(5)), Account("ira", Decimal(0), is_retirement=True))
    assert problem.lots[0] == Lot("l1", "main", "S", Decimal(30), Decimal(15), date(2020, 1, 2))
    assert problem.target == {"S": Decimal("0.5"), "B": Decimal("0.5")}
    assert problem.bands == {"bond": Decimal("0.05")}
    assert problem.lot_order is LotOrder.SPECIFIC
    assert problem.specific_lots == ("l1", "l2", "l3")
    assert problem.tax == TaxProfile(Decimal("0.37"), Decimal("0.15"), Decimal(100), True, Decimal(50))
    assert problem.past_trades == (PastTrade("spouse", "Q", date(2026, 6, 1), Decimal(-3), at_loss=True),)
    assert (problem.day, problem.max_drift) == (date(2026, 6, 15), Decimal("0.01"))


def _set(path: str, value: object) -> Spoil:
    """Return what sets a field such as `lots.0.units`."""
    *parents, field = path.split(".")

    def spoil(request: Request) -> None:
        message: object = request
        for name in parents:
            message = message[int(name)] if name.isdigit() else getattr(message, name)  # type: ignore[index]
        setattr(message, field, value)

    return spoil


def _bad_numbers() -> list[tuple[str, float]]:
    at_least_zero = [
        "cash_kept",
        "min_trade",
        "max_drift",
        "products.0.lot_size",
        "products.0.trading_cost",
        "products.0.ticket_fee",
        "accounts.0.cash",
        "lots.0.unit_cost",
        "target_weights.0.weight",
        "bands.0.max_distance",
        "tax.short_term_rate",
        "tax.long_term_rate",
        "tax.max_realised_gain",
        "tax.min_harvest_loss",
        "products.0.price",
        "lots.0.units",
    ]
    shares = [
        "cash_kept",
        "max_drift",
        "target_weights.0.weight",
        "bands.0.max_distance",
        "tax.short_term_rate",
        "tax.long_term_rate",
        "products.0.trading_cost",
    ]
    return [
        *((path, bad) for path in at_least_zero for bad in (-0.1, NAN, INFINITY)),
        *((path, 1.1) for path in shares),
        *((path, 0.0) for path in ("products.0.price", "lots.0.units", "past_trades.0.units")),
        *((path, bad) for path in ("cash_flow", "past_trades.0.units") for bad in (NAN, INFINITY, -1e13)),
        ("products.0.lot_size", 1e-9),
    ]


@pytest.mark.parametrize(("path", "bad"), _bad_numbers())
def test_a_number_out_of_range_is_refused_by_its_path(path: str, bad: float) -> None:
    request = rebalance_request()
    _set(path, bad)(request)

    assert _as_field(path) in _refused(request)


def _as_field(path: str) -> str:
    parts = [f"[{part}]" if part.isdigit() else f".{part}" for part in path.split(".")]
    return "".join(parts).removeprefix(".")


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (lambda r: r.ClearField("products"), "products"),
        (lambda r: r.ClearField("accounts"), "accounts"),
        (lambda r: r.ClearField("target_weights"), "target_weights"),
        (lambda r: r.ClearField("trade_date"), "trade_date"),
        (lambda r: r.products.extend([r.products[0]] * 500), "products"),
        (lambda r: r.accounts.extend([r.accounts[0]] * 20), "accounts"),
        (lambda r: r.lots.extend([r.lots[0]] * 2000), "lots"),
        (lambda r: r.past_trades.extend([r.past_trades[0]] * 2000), "past_trades"),
        (lambda r: r.products.add().CopyFrom(r.products[0]), "products[3].product_id"),
        (lambda r: r.accounts.add().CopyFrom(r.accounts[0]), "accounts[2].account_id"),
        (lambda r: r.lots.add().CopyFrom(r.lots[0]), "lots[3].lot_id"),
        (lambda r: r.target_weights.add().CopyFrom(r.target_weights[0]), "target_weights[2].product_id"),
        (lambda r: r.bands.add().CopyFrom(r.bands[0]), "bands[1].asset_class"),
        (lambda r: r.specific_lot_ids.append("l1"), "specific_lot_ids[3]"),
        (lambda r: r.specific_lot_ids.append("none"), "specific_lot_ids[3]"),
        (lambda r: r.ClearField("specific_lot_ids"), "specific_lot_ids"),
        (_set("lot_selection", messages.LOT_SELECTION_HIFO), "specific_lot_ids"),
        (_set("lot_selection", 99), "lot_selection"),
        (_set("accounts.0.kind", 99), "accounts[0].kind"),
        (_set("products.0.product_id", ""), "products[0].product_id"),
        (_set("products.0.asset_class", ""), "products[0].asset_class"),
        (_set("accounts.0.account_id", "a[0]"), "accounts[0].account_id"),
        (_set("lots.0.lot_id", "x" * 101), "lots[0].lot_id"),
        (_set("lots.0.account_id", "none"), "lots[0].account_id"),
        (_set("lots.0.product_id", "none"), "lots[0].product_id"),
        (_set("target_weights.0.product_id", "none"), "target_weights[0].product_id"),
        (_set("target_weights.0.weight", 0.6), "target_weights"),
        (_set("bands.0.asset_class", "none"), "bands[0].asset_class"),
        (_set("past_trades.0.account_id", ""), "past_trades[0].account_id"),
        (_set("past_trades.0.product_id", ""), "past_trades[0].product_id"),
        (_set("past_trades.0.units", 3.0), "past_trades[0].at_loss"),
        (lambda r: r.products[0].replacement_ids.append("S"), "products[0].replacement_ids[1]"),
        (lambda r: r.products[0].replacement_ids.append("R"), "products[0].replacement_ids[1]"),
        (lambda r: r.products[0].replacement_ids.append("none"), "products[0].replacement_ids[1]"),
        (lambda r: r.products[0].replacement_ids.extend(["B"] * 10), "products[0].replacement_ids"),
        (lambda r: r.lots[0].acquired.CopyFrom(day(2026, 6, 16)), "lots[0].acquired"),
        (lambda r: r.lots[0].acquired.CopyFrom(date_pb2.Date(year=2026, month=2, day=30)), "lots[0].acquired"),
        (lambda r: r.lots[0].acquired.CopyFrom(date_pb2.Date(year=2026)), "lots[0].acquired"),
        (lambda r: r.past_trades[0].date.CopyFrom(day(2026, 6, 16)), "past_trades[0].date"),
        (lambda r: r.trade_date.CopyFrom(day(9999, 6, 16)), "trade_date"),
        (_set("cash_flow", -5000.0), "accounts"),
    ],
)
def test_a_fault_is_refused_by_its_path(spoil: Spoil, field: str) -> None:
    request = rebalance_request()
    spoil(request)

    assert field in _refused(request)


def test_every_fault_is_reported_at_once() -> None:
    request = rebalance_request()
    request.cash_kept = 2.0
    request.lots[1].units = NAN
    request.trade_date.month = 13

    assert {"cash_kept", "lots[1].units", "trade_date"} <= set(_refused(request))


def test_without_taxes_there_is_no_profile() -> None:
    request = rebalance_request()
    request.ClearField("tax")

    assert parse_rebalance(request).tax is None
