"""A rebalancing request in which every field is set and right."""

from __future__ import annotations

from datetime import date

from fiducia.optimizer.v1 import rebalance_pb2 as messages
from fiducia.type.v1 import weight_pb2
from google.type import date_pb2


def day(year: int, month: int, of_month: int) -> date_pb2.Date:
    """Return the day as a message."""
    date(year, month, of_month)
    return date_pb2.Date(year=year, month=month, day=of_month)


def rebalance_request() -> messages.ProposeRebalanceRequest:
    """Return 30 S bought at 15 and 20 at 8, now at 10, beside 50 B at 10, with S to be harvested into R."""
    names = (("S", "equity"), ("R", "equity"), ("B", "bond"))
    lots = (("l1", "S", 30.0, 15.0), ("l2", "S", 20.0, 8.0), ("l3", "B", 50.0, 10.0))
    return messages.ProposeRebalanceRequest(
        products=[
            messages.TradedProduct(
                product_id=name,
                asset_class=asset_class,
                price=10.0,
                lot_size=1.0,
                trading_cost=0.001,
                ticket_fee=0.1,
                replacement_ids=["R"] if name == "S" else [],
            )
            for name, asset_class in names
        ],
        accounts=[
            messages.Account(account_id="main", kind=messages.ACCOUNT_KIND_TAXABLE, cash=5.0),
            messages.Account(account_id="ira", kind=messages.ACCOUNT_KIND_RETIREMENT),
        ],
        lots=[
            messages.TaxLot(
                lot_id=lot, account_id="main", product_id=name, units=units, unit_cost=cost, acquired=day(2020, 1, 2)
            )
            for lot, name, units, cost in lots
        ],
        target_weights=[weight_pb2.Weight(product_id=name, weight=0.5) for name in ("S", "B")],
        cash_kept=0.0,
        cash_flow=0.0,
        min_trade=1.0,
        max_drift=0.01,
        bands=[messages.DriftBand(asset_class="bond", max_distance=0.05)],
        lot_selection=messages.LOT_SELECTION_SPECIFIC,
        specific_lot_ids=["l1", "l2", "l3"],
        tax=messages.TaxProfile(
            short_term_rate=0.37,
            long_term_rate=0.15,
            max_realised_gain=100.0,
            harvest_losses=True,
            min_harvest_loss=50.0,
        ),
        past_trades=[
            messages.PastTrade(account_id="spouse", product_id="Q", date=day(2026, 6, 1), units=-3.0, at_loss=True)
        ],
        trade_date=day(2026, 6, 15),
    )
