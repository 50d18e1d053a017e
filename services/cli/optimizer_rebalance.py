"""Proposed trades on the terminal: orders, lots, taxes, notes."""

from __future__ import annotations

from collections.abc import Mapping

from fiducia.optimizer.v1 import rebalance_pb2
from rich.console import Group, RenderableType
from rich.text import Text

from services.cli.format import percent
from services.cli.optimizer_tables import amount, bullets, by_product, columns, facts, heading

_SALE, _PURCHASE = ("sell", "yellow"), ("buy", "green")


def show_rebalance(
    request: rebalance_pb2.ProposeRebalanceRequest, response: rebalance_pb2.ProposeRebalanceResponse
) -> RenderableType:
    """Return the drift, the orders, the lots that are sold, what they cost and what held them back."""
    return Group(
        *_orders(response),
        *_lots(request, response),
        Text(),
        _sums(request, response),
        *_weights(request, response),
        *bullets("To know", response.notes),
        Text(),
        Text("Amounts are in the base currency of the request's prices.", style="dim"),
    )


def weights_today(request: rebalance_pb2.ProposeRebalanceRequest) -> dict[str, float]:
    """Return today's weights in everything that is held, cash and money paid in or taken out included."""
    prices = {product.product_id: product.price for product in request.products}
    worth = dict.fromkeys(prices, 0.0)
    for lot in request.lots:
        worth[lot.product_id] = worth.get(lot.product_id, 0.0) + lot.units * prices.get(lot.product_id, 0.0)
    total = sum(worth.values()) + sum(account.cash for account in request.accounts) + request.cash_flow
    return {key: value / total for key, value in worth.items()} if total > 0 else {}


def _orders(response: rebalance_pb2.ProposeRebalanceResponse) -> list[RenderableType]:
    drift = f"Drift {percent(response.drift_before)} before, {percent(response.drift_after)} after the trades."
    if not response.trades:
        why = "Within the bands: no trades." if not response.triggered else "No trades."
        return [heading(why), Text(drift)]
    table = columns("", "Product", "Account", ">Units", ">Worth", ">Cost", "Why")
    for trade in response.trades:
        side, style = _SALE if trade.units < 0 else _PURCHASE
        worth, cost = amount(abs(trade.amount), places=2), amount(trade.cost, places=2)
        purpose = trade.purpose.replace("_", " ")
        units = _units(abs(trade.units))
        table.add_row(Text(side, style=style), trade.product_id, trade.account_id, units, worth, cost, purpose)
    return [heading("Orders, sales first"), table, Text(drift)]


def _lots(
    request: rebalance_pb2.ProposeRebalanceRequest, response: rebalance_pb2.ProposeRebalanceResponse
) -> list[RenderableType]:
    if not response.lot_sales:
        return []
    lots: Mapping[str, rebalance_pb2.TaxLot] = {lot.lot_id: lot for lot in request.lots}
    table = columns("Lot", "Product", ">Units sold", ">Gain or loss", "Held", "")
    for sale in response.lot_sales:
        held = "more than a year" if sale.long_term else "a year at most"
        wash = Text("wash sale: the loss does not count", style="yellow") if sale.wash_sale else Text()
        product = lots[sale.lot_id].product_id if sale.lot_id in lots else ""
        gain = Text(amount(sale.gain, places=2), style="" if sale.gain >= 0 else "red")
        table.add_row(sale.lot_id, product, _units(sale.units), gain, held, wash)
    return [Text(), heading("Lots sold"), table]


def _sums(
    request: rebalance_pb2.ProposeRebalanceRequest, response: rebalance_pb2.ProposeRebalanceResponse
) -> RenderableType:
    rows = [
        ("Cost of all trades", amount(response.trading_cost, places=2)),
        ("Cash after the trades", amount(response.cash_after, places=2)),
    ]
    if request.HasField("tax"):
        rows += [
            ("Net gain, held a year at most", amount(response.short_term_gain, places=2)),
            ("Net gain, held for longer", amount(response.long_term_gain, places=2)),
            ("Losses that the wash-sale rule disallows", amount(response.disallowed_loss, places=2)),
            ("Tax, estimated", amount(response.estimated_tax, places=2)),
        ]
    return facts(*rows)


def _weights(
    request: rebalance_pb2.ProposeRebalanceRequest, response: rebalance_pb2.ProposeRebalanceResponse
) -> list[RenderableType]:
    """Return target and weights after the trades; with no trades the table would tell nothing."""
    if not response.trades:
        return []
    target, after = by_product(request.target_weights), by_product(response.weights_after)
    today = weights_today(request)
    table = columns("Product", ">Today", ">Target", ">After")
    for product in request.products:
        key = product.product_id
        cells = [percent(found.get(key, 0.0)) for found in (today, target, after)]
        table.add_row(Text(key, style="bold"), *cells)
    return [Text(), heading("Weights; the rest is cash"), table]


def _units(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:,.4f}"
