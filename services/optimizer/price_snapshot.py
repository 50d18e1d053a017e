"""A market snapshot that holds prices: what was imported, how estimates are made of it, and its form on disk.

The file is one line of JSON, then the days as 32-bit integers since 1970 and the prices as 64-bit numbers, day by
day, NaN where there is none, all little-endian: the same prices give the same bytes, and so the same digest.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from services.optimizer.estimators import CovarianceEstimator, Estimation, ReturnEstimator, estimated
from services.optimizer.faults import FaultKind, PriceFault
from services.optimizer.history import PricePanel
from services.optimizer.moments import Market, market_of_products
from shared.snapshots import SnapshotRefused, replace_file

PRICES_FILE = "prices.bin"
_VERSION = 1


@dataclass(frozen=True, eq=False)
class PriceSnapshot:
    """Prices of the products that can be trusted, in one currency; `faults` tells of all that were imported."""

    id: str
    name: str
    currency: str
    estimation: Estimation
    panel: PricePanel
    faults: tuple[PriceFault, ...]

    @property
    def as_of(self) -> date:
        """The last day with a price."""
        last: date = self.panel.days[-1].item()
        return last

    @cached_property
    def market(self) -> Market:
        """The estimates, for every service that asks for a market."""
        estimates = estimated(self.panel.history(), self.currency, self.estimation)
        left_out = {fault.product_id: fault.description for fault in self.faults if fault.left_out}
        return market_of_products(self.id, replace(estimates, left_out=left_out))


def encoded(snapshot: PriceSnapshot) -> bytes:
    """Return the bytes that the digest names; the id of the snapshot is not part of them."""
    panel = snapshot.panel
    estimation = {**asdict(snapshot.estimation)}
    head = {
        "version": _VERSION,
        "name": snapshot.name,
        "currency": snapshot.currency,
        "estimation": {key: getattr(value, "value", value) for key, value in estimation.items()},
        "product_ids": panel.product_ids,
        "days": len(panel.days),
        "faults": [_fault_row(fault) for fault in snapshot.faults],
    }
    line = json.dumps(head, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    days = panel.days.astype("datetime64[D]").astype("<i4")
    return line + b"\n" + days.tobytes() + np.ascontiguousarray(panel.prices, dtype="<f8").tobytes()


def decoded(content: bytes) -> PriceSnapshot:
    """Return the snapshot in these bytes, named by their digest. Raises ValueError, KeyError or TypeError."""
    line, body = content.split(b"\n", 1)
    head = json.loads(line)
    if head["version"] != _VERSION:
        raise ValueError(f"version {head['version']}")
    rows, names = head["days"], tuple(head["product_ids"])
    days = np.frombuffer(body, "<i4", rows).astype("datetime64[D]")
    prices = np.frombuffer(body, "<f8", rows * len(names), offset=4 * rows).reshape(rows, len(names))
    return PriceSnapshot(
        id=hashlib.sha256(content).hexdigest(),
        name=head["name"],
        currency=head["currency"],
        estimation=_estimation(head["estimation"]),
        panel=PricePanel(days, names, prices),
        faults=tuple(_fault(row) for row in head["faults"]),
    )


def named(snapshot: PriceSnapshot) -> tuple[PriceSnapshot, bytes]:
    """Return the snapshot under its digest, and its bytes."""
    content = encoded(snapshot)
    return replace(snapshot, id=hashlib.sha256(content).hexdigest()), content


def write_prices(root: Path, content: bytes) -> str:
    """Write encoded prices below `root` under their digest and return the digest."""
    digest = hashlib.sha256(content).hexdigest()
    replace_file(root / digest / PRICES_FILE, content)
    return digest


def read_prices_snapshot(root: Path, digest: str) -> PriceSnapshot:
    """Return the snapshot, checked against its digest. Raises SnapshotRefused."""
    path = root / digest / PRICES_FILE
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SnapshotRefused(f"{path}: not readable ({error.strerror}); import again") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise SnapshotRefused(f"{path}: content does not match its digest; remove the folder and import again")
    try:
        return decoded(content)
    except (ValueError, KeyError, TypeError) as error:
        raise SnapshotRefused(f"{path}: written by another version ({error}); import again") from error


def _estimation(row: dict[str, Any]) -> Estimation:
    enums = {"returns": ReturnEstimator(row["returns"]), "covariance": CovarianceEstimator(row["covariance"])}
    return Estimation(**{**row, **enums})


def _fault_row(fault: PriceFault) -> list[Any]:
    return [
        fault.product_id,
        fault.kind.value,
        fault.day.isoformat(),
        fault.count,
        fault.description,
        fault.left_out,
    ]


def _fault(row: list[Any]) -> PriceFault:
    product_id, kind, day, count, description, left_out = row
    return PriceFault(product_id, FaultKind(kind), date.fromisoformat(day), count, description, left_out)
