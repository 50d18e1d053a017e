"""Rebalancing requests to problems: every field is checked, and every fault is reported under its full path."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from decimal import Decimal

from fiducia.optimizer.v1 import rebalance_pb2 as messages
from google.type import date_pb2

from services.optimizer.checks import Checks
from services.optimizer.parse_size import refuse_too_large
from services.optimizer.rebalance.problem import (
    Account,
    Lot,
    LotOrder,
    PastTrade,
    RebalanceProblem,
    TaxProfile,
    Traded,
)
from shared.errors import InvalidRequest

# The largest request takes a few tenths of a second; see docs/optimizer/rebalancing.md.
MAX_PRODUCTS = 500
MAX_ACCOUNTS = 20
MAX_LOTS = 2_000
MAX_PAST_TRADES = 2_000
_MAX_REPLACEMENTS = 10
_MAX_MONEY = 1e12
_MAX_PRICE = 1e9
# Funds and brokers go to a millionth; smaller is taken for a slip.
_LEAST = 1e-6
# Stamp duty, commission and spread of the dearest markets stay below a tenth; beyond it is a slip of the percent sign.
_MAX_TRADING_COST = 0.2
_BUDGET_SLACK = 1e-6
_DIGITS = Decimal("1e-12")
_DAY_FIELDS = "expected a calendar day with year, month and day"

_ORDERS = {
    messages.LOT_SELECTION_UNSPECIFIED: LotOrder.HIFO,
    messages.LOT_SELECTION_HIFO: LotOrder.HIFO,
    messages.LOT_SELECTION_FIFO: LotOrder.FIFO,
    messages.LOT_SELECTION_LIFO: LotOrder.LIFO,
    messages.LOT_SELECTION_SPECIFIC: LotOrder.SPECIFIC,
}
_RETIREMENT = {
    messages.ACCOUNT_KIND_UNSPECIFIED: False,
    messages.ACCOUNT_KIND_TAXABLE: False,
    messages.ACCOUNT_KIND_RETIREMENT: True,
}


def parse_rebalance(message: messages.ProposeRebalanceRequest) -> RebalanceProblem:
    """Return the problem. Raises InvalidRequest with every fault."""
    refuse_too_large(message)
    checks = Checks()
    products = _products(message, checks)
    accounts = _accounts(message, checks)
    product_ids, account_ids = {item.id for item in products}, {item.id for item in accounts}
    day = _day("trade_date", message, checks)
    lots = _lots(message, product_ids, account_ids, day, checks)
    problem = RebalanceProblem(
        products=products,
        accounts=accounts,
        lots=lots,
        target=_target(message, product_ids, checks),
        day=day,
        cash_kept=_number("cash_kept", message, 0.0, 1.0, checks),
        cash_flow=_number("cash_flow", message, -_MAX_MONEY, _MAX_MONEY, checks),
        min_trade=_number("min_trade", message, 0.0, _MAX_MONEY, checks),
        max_drift=_number("max_drift", message, 0.0, 1.0, checks),
        bands=_bands(message, {item.asset_class for item in products}, checks),
        lot_order=_lot_order(message, checks),
        specific_lots=_specific_lots(message, {lot.id for lot in lots}, checks),
        tax=_tax(message, checks),
        past_trades=_past_trades(message, day, checks),
    )
    checks.raise_any()
    if problem.worth <= 0:
        raise InvalidRequest.of("accounts", "hold nothing after cash_flow; send lots or cash worth more than 0")
    return problem


def _products(message: messages.ProposeRebalanceRequest, checks: Checks) -> tuple[Traded, ...]:
    checks.count("products", len(message.products), 1, MAX_PRODUCTS)
    seen: set[str] = set()
    known = {product.product_id for product in message.products}
    return tuple(_product(item, f"products[{i}]", known, seen, checks) for i, item in enumerate(message.products))


def _product(
    message: messages.TradedProduct, path: str, known: Collection[str], seen: set[str], checks: Checks
) -> Traded:
    checks.name(f"{path}.product_id", message.product_id)
    checks.unique(f"{path}.product_id", message.product_id, seen)
    checks.name(f"{path}.asset_class", message.asset_class)
    lot_size = _number("lot_size", message, 0.0, _MAX_PRICE, checks, path)
    if 0.0 < message.lot_size < _LEAST:
        checks.refuse(f"{path}.lot_size", f"found {message.lot_size:g}, expected 0 or at least {_LEAST:g}")
    return Traded(
        id=message.product_id,
        asset_class=message.asset_class,
        price=_number("price", message, _LEAST, _MAX_PRICE, checks, path),
        lot_size=lot_size,
        trading_cost=_number("trading_cost", message, 0.0, _MAX_TRADING_COST, checks, path),
        ticket_fee=_number("ticket_fee", message, 0.0, _MAX_MONEY, checks, path),
        replacements=_replacements(message, path, known, checks),
    )


def _replacements(
    message: messages.TradedProduct, path: str, known: Collection[str], checks: Checks
) -> tuple[str, ...]:
    checks.count(f"{path}.replacement_ids", len(message.replacement_ids), 0, _MAX_REPLACEMENTS)
    seen = {message.product_id}
    for i, name in enumerate(message.replacement_ids):
        checks.one_of(f"{path}.replacement_ids[{i}]", name, known, "a product of this request")
        if name == message.product_id:
            checks.refuse(f"{path}.replacement_ids[{i}]", "a product cannot replace itself")
        else:
            checks.unique(f"{path}.replacement_ids[{i}]", name, seen)
    return tuple(message.replacement_ids)


def _accounts(message: messages.ProposeRebalanceRequest, checks: Checks) -> tuple[Account, ...]:
    checks.count("accounts", len(message.accounts), 1, MAX_ACCOUNTS)
    seen: set[str] = set()
    accounts = []
    for i, item in enumerate(message.accounts):
        path = f"accounts[{i}]"
        checks.name(f"{path}.account_id", item.account_id)
        checks.unique(f"{path}.account_id", item.account_id, seen)
        if item.kind not in _RETIREMENT:
            checks.refuse(f"{path}.kind", f"found {item.kind}, expected a known AccountKind")
        cash = _number("cash", item, 0.0, _MAX_MONEY, checks, path)
        accounts.append(Account(item.account_id, cash, _RETIREMENT.get(item.kind, False)))
    return tuple(accounts)


def _lots(
    message: messages.ProposeRebalanceRequest,
    products: Collection[str],
    accounts: Collection[str],
    day: date,
    checks: Checks,
) -> tuple[Lot, ...]:
    checks.count("lots", len(message.lots), 0, MAX_LOTS)
    seen: set[str] = set()
    lots = []
    for i, item in enumerate(message.lots):
        path = f"lots[{i}]"
        checks.name(f"{path}.lot_id", item.lot_id)
        checks.unique(f"{path}.lot_id", item.lot_id, seen)
        checks.one_of(f"{path}.account_id", item.account_id, accounts, "an account of this request")
        checks.one_of(f"{path}.product_id", item.product_id, products, "a product of this request; add its terms")
        units = _number("units", item, _LEAST, _MAX_MONEY, checks, path)
        unit_cost = _number("unit_cost", item, 0.0, _MAX_PRICE, checks, path)
        acquired = _past_day("acquired", item, day, checks, path)
        lots.append(Lot(item.lot_id, item.account_id, item.product_id, units, unit_cost, acquired))
    return tuple(lots)


def _target(message: messages.ProposeRebalanceRequest, products: Collection[str], checks: Checks) -> dict[str, Decimal]:
    checks.count("target_weights", len(message.target_weights), 1, MAX_PRODUCTS)
    seen: set[str] = set()
    target: dict[str, Decimal] = {}
    for i, item in enumerate(message.target_weights):
        path = f"target_weights[{i}]"
        checks.one_of(f"{path}.product_id", item.product_id, products, "a product of this request; add its terms")
        checks.unique(f"{path}.product_id", item.product_id, seen)
        target[item.product_id] = _number("weight", item, 0.0, 1.0 + _BUDGET_SLACK, checks, path)
    total = sum(item.weight for item in message.target_weights)
    if total > 1.0 + _BUDGET_SLACK:
        checks.refuse("target_weights", f"sum to {total:g}, expected at most 1; the rest is cash")
    return target


def _bands(message: messages.ProposeRebalanceRequest, classes: Collection[str], checks: Checks) -> dict[str, Decimal]:
    checks.count("bands", len(message.bands), 0, MAX_PRODUCTS)
    seen: set[str] = set()
    bands: dict[str, Decimal] = {}
    for i, item in enumerate(message.bands):
        path = f"bands[{i}]"
        checks.one_of(f"{path}.asset_class", item.asset_class, classes, "an asset class of these products")
        checks.unique(f"{path}.asset_class", item.asset_class, seen)
        bands[item.asset_class] = _number("max_distance", item, 0.0, 1.0, checks, path)
    return bands


def _lot_order(message: messages.ProposeRebalanceRequest, checks: Checks) -> LotOrder:
    if message.lot_selection not in _ORDERS:
        checks.refuse("lot_selection", f"found {message.lot_selection}, expected a known LotSelection")
    return _ORDERS.get(message.lot_selection, LotOrder.HIFO)


def _specific_lots(message: messages.ProposeRebalanceRequest, lots: Collection[str], checks: Checks) -> tuple[str, ...]:
    is_specific = message.lot_selection == messages.LOT_SELECTION_SPECIFIC
    if bool(message.specific_lot_ids) != is_specific:
        checks.refuse("specific_lot_ids", "expected lots with LOT_SELECTION_SPECIFIC, and none without it")
    checks.count("specific_lot_ids", len(message.specific_lot_ids), 0, MAX_LOTS)
    seen: set[str] = set()
    for i, name in enumerate(message.specific_lot_ids):
        checks.one_of(f"specific_lot_ids[{i}]", name, lots, "a lot of this request")
        checks.unique(f"specific_lot_ids[{i}]", name, seen)
    return tuple(message.specific_lot_ids)


def _tax(message: messages.ProposeRebalanceRequest, checks: Checks) -> TaxProfile | None:
    if not message.HasField("tax"):
        return None
    tax = message.tax
    budget = None
    if tax.HasField("max_realised_gain"):
        budget = _number("max_realised_gain", tax, 0.0, _MAX_MONEY, checks, "tax")
    return TaxProfile(
        short_term_rate=_number("short_term_rate", tax, 0.0, 1.0, checks, "tax"),
        long_term_rate=_number("long_term_rate", tax, 0.0, 1.0, checks, "tax"),
        max_realised_gain=budget,
        harvests_losses=tax.harvest_losses,
        min_harvest_loss=_number("min_harvest_loss", tax, 0.0, _MAX_MONEY, checks, "tax"),
    )


def _past_trades(message: messages.ProposeRebalanceRequest, day: date, checks: Checks) -> tuple[PastTrade, ...]:
    """Return the trades; accounts and products beyond those of the request are welcome: they widen what is known."""
    checks.count("past_trades", len(message.past_trades), 0, MAX_PAST_TRADES)
    trades = []
    for i, item in enumerate(message.past_trades):
        path = f"past_trades[{i}]"
        checks.name(f"{path}.account_id", item.account_id)
        checks.name(f"{path}.product_id", item.product_id)
        units = _number("units", item, -_MAX_MONEY, _MAX_MONEY, checks, path)
        if item.units == 0.0:
            checks.refuse(f"{path}.units", "found 0, expected units bought (above 0) or sold (below 0)")
        if item.at_loss and item.units > 0.0:
            checks.refuse(f"{path}.at_loss", "is set on a purchase, expected on sales only")
        bought = _past_day("date", item, day, checks, path)
        trades.append(PastTrade(item.account_id, item.product_id, bought, units, item.at_loss))
    return tuple(trades)


_Dated = messages.ProposeRebalanceRequest | messages.TaxLot | messages.PastTrade


def _past_day(field: str, message: _Dated, today: date, checks: Checks, path: str) -> date:
    found = _day(field, message, checks, path)
    if found > today:
        checks.refuse(f"{path}.{field}", f"found {found.isoformat()}, expected no day after trade_date")
    return found


def _day(field: str, message: _Dated, checks: Checks, path: str = "") -> date:
    where = f"{path}.{field}" if path else field
    day: date_pb2.Date = getattr(message, field)
    try:
        found = date(day.year, day.month, day.day)
    except ValueError:
        checks.refuse(where, f"found {day.year}-{day.month}-{day.day}, {_DAY_FIELDS}")
        return date.min
    if not 1900 <= found.year <= 2200:
        checks.refuse(where, f"found {found.isoformat()}, expected a year from 1900 to 2200")
    return found


def _number(field: str, message: object, low: float, high: float, checks: Checks, path: str = "") -> Decimal:
    """Return the field as an exact decimal of twelve places; 0 where it is noted as wrong."""
    value: float = getattr(message, field)
    checks.number(f"{path}.{field}" if path else field, value, low, high)
    return Decimal(repr(value)).quantize(_DIGITS) if low <= value <= high else Decimal(0)
