"""Import a table of prices: read it, examine it, and make sure that estimates can be made from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.optimizer.checks import Checks
from services.optimizer.estimators import CovarianceEstimator, Estimation
from services.optimizer.faults import examined
from services.optimizer.history import Days, PricePanel
from services.optimizer.price_snapshot import PriceSnapshot, encoded
from services.optimizer.prices_read import FIELD, Format, PriceRows, read_prices
from shared.errors import InvalidRequest

MAX_PRODUCTS = 1_000
# Over a weekend with a holiday there are four; monthly prices are 28 apart.
_LONGEST_USUAL_GAP_DAYS = 4
# A day that is missing takes two returns with it: beyond a twentieth of the days, a tenth of the returns is lost, and
# what was missing in the worst markets is missing for every product.
MAX_MISSING_SHARE = 0.05
_FIRST_DAY, _LAST_DAY = np.datetime64("1800-01-01"), np.datetime64("2199-12-31")


@dataclass(frozen=True, eq=False)
class ImportJob:
    """A table of prices, as it was sent, is to be made a snapshot."""

    content: bytes
    table_format: Format
    currency: str
    name: str
    estimation: Estimation


@dataclass(frozen=True, eq=False)
class ImportedPrices:
    """The bytes of the snapshot, see `price_snapshot.encoded`."""

    content: bytes


def imported(job: ImportJob) -> ImportedPrices:
    """Return the snapshot of a table. Raises InvalidRequest where it cannot be read or nothing can be estimated."""
    rows = read_prices(job.content, job.table_format)
    _refuse_names(rows)
    panel, faults = examined(rows)
    _refuse_days(panel.days)
    if not panel.product_ids:
        reasons = "; ".join(f"{fault.product_id}: {fault.description}" for fault in faults if fault.left_out)
        raise InvalidRequest.of(FIELD, f"no product can be used. {reasons[:500]}")
    _refuse_gaps(panel)
    if job.estimation.covariance is CovarianceEstimator.FACTOR:
        checks = Checks()
        checks.number("estimation.factor_count", job.estimation.factor_count, 0, len(panel.product_ids))
        checks.raise_any()
    snapshot = PriceSnapshot("", job.name, job.currency, job.estimation, panel, faults)
    # What cannot be estimated now is refused now, and not when a portfolio is wanted.
    _ = snapshot.market
    return ImportedPrices(encoded(snapshot))


def _refuse_names(rows: PriceRows) -> None:
    checks = Checks()
    checks.count(FIELD, len(rows.product_ids), 1, MAX_PRODUCTS)
    for name in rows.product_ids[:MAX_PRODUCTS]:
        checks.name(f"{FIELD}: product", name)
    checks.raise_any()


def _refuse_days(days: Days) -> None:
    if len(days) < 2 or days[0] < _FIRST_DAY or days[-1] > _LAST_DAY:
        found = f"{len(days)} days" if len(days) < 2 else f"days from {days[0]} to {days[-1]}"
        raise InvalidRequest.of(FIELD, f"found {found}, expected several from {_FIRST_DAY} to {_LAST_DAY}")
    gap = float(np.median(np.diff(days).astype(np.int64)))
    if gap > _LONGEST_USUAL_GAP_DAYS:
        raise InvalidRequest.of(FIELD, f"found a price every {gap:g} days, expected daily prices")


def _refuse_gaps(panel: PricePanel) -> None:
    """Raise InvalidRequest where few days are missing for each product and too many for all of them together."""
    gaps = panel.gaps()
    if gaps.missing > MAX_MISSING_SHARE * gaps.days:
        expected = f"expected at most {MAX_MISSING_SHARE:.0%}, because these days fall out for all"
        raise InvalidRequest.of(FIELD, f"{gaps.in_words()}, {expected}; complete these products or leave them out")
