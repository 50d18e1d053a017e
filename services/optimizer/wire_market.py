"""Price snapshots as messages."""

from __future__ import annotations

from datetime import datetime

from fiducia.optimizer.v1 import market_pb2 as messages
from fiducia.optimizer.v1 import optimizer_service_pb2 as service

from services.optimizer.estimators import Estimation
from services.optimizer.faults import PriceFault
from services.optimizer.moments import CASH_CLASS
from services.optimizer.price_snapshot import PriceSnapshot
from services.optimizer.snapshots import Snapshot
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


def description_response(
    snapshot: Snapshot | PriceSnapshot, written: datetime, is_active: bool
) -> messages.GetMarketSnapshotResponse:
    """Return all that is known of a snapshot; written: when it came to this server."""
    found = _prices(snapshot) if isinstance(snapshot, PriceSnapshot) else _assumptions(snapshot)
    found.market_snapshot, found.active = snapshot.id, is_active
    found.last_date.CopyFrom(date_message(snapshot.as_of))
    found.create_time.FromDatetime(written)
    return found


def _assumptions(snapshot: Snapshot) -> messages.GetMarketSnapshotResponse:
    return messages.GetMarketSnapshotResponse(
        name=snapshot.assumptions.id,
        kind=messages.MARKET_SNAPSHOT_KIND_ASSUMPTIONS,
        currencies=sorted(CASH_CLASS),
        label=snapshot.assumptions.label,
        asset_classes=list(snapshot.assumptions.classes),
    )


def _prices(snapshot: PriceSnapshot) -> messages.GetMarketSnapshotResponse:
    return messages.GetMarketSnapshotResponse(
        name=snapshot.name,
        kind=messages.MARKET_SNAPSHOT_KIND_PRICES,
        currencies=[snapshot.currency],
        product_ids=snapshot.panel.product_ids,
        first_date=date_message(snapshot.panel.days[0]),
        day_count=len(snapshot.panel.days),
        faults=[_fault(fault) for fault in snapshot.faults],
        estimation=_estimation(snapshot.estimation),
    )


def _estimation(used: Estimation) -> messages.Estimation:
    return messages.Estimation(
        returns=messages.ReturnEstimator.Value(f"RETURN_ESTIMATOR_{used.returns.name}"),
        covariance=messages.CovarianceEstimator.Value(f"COVARIANCE_ESTIMATOR_{used.covariance.name}"),
        half_life_days=used.half_life_days,
        factor_count=used.factor_count,
        risk_free_rate=used.risk_free_rate,
        market_premium=used.market_premium,
        window_days=used.window_days,
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
