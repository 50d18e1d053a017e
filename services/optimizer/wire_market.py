"""Price snapshots as messages."""

from __future__ import annotations

from fiducia.optimizer.v1 import market_pb2 as messages
from fiducia.optimizer.v1 import optimizer_service_pb2 as service

from services.optimizer.faults import PriceFault
from services.optimizer.price_snapshot import PriceSnapshot
from services.optimizer.wire_date import date_message


def import_response(snapshot: PriceSnapshot) -> messages.ImportMarketDataResponse:
    """Return what was imported, with every fault."""
    days = snapshot.panel.days
    return messages.ImportMarketDataResponse(
        market_snapshot=snapshot.id,
        product_count=len(snapshot.panel.product_ids),
        day_count=len(days),
        first_date=date_message(days[0]),
        last_date=date_message(days[-1]),
        faults=[_fault(fault) for fault in snapshot.faults],
    )


def price_snapshot_message(snapshot: PriceSnapshot, is_active: bool) -> service.MarketSnapshot:
    """Return a snapshot of prices as an entry of a list."""
    return service.MarketSnapshot(
        id=snapshot.id,
        active=is_active,
        assumption_set=snapshot.name,
        as_of=date_message(snapshot.as_of),
        product_ids=snapshot.panel.product_ids,
    )


def _fault(fault: PriceFault) -> messages.PriceFault:
    return messages.PriceFault(
        product_id=fault.product_id,
        kind=messages.PriceFaultKind.Value(f"PRICE_FAULT_KIND_{fault.kind.value}"),
        date=date_message(fault.day),
        count=fault.count,
        description=fault.description,
        left_out=fault.left_out,
    )
