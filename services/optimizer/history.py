"""Past prices of some products on the days on which all of them have one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Days = NDArray[np.datetime64]

DAYS_PER_YEAR = 252


@dataclass(frozen=True, eq=False)
class History:
    """Total-return prices: days (d,) as datetime64[D], increasing; prices (d, n), all finite and above zero."""

    dates: Days
    product_ids: tuple[str, ...]
    prices: Matrix

    def __len__(self) -> int:
        return len(self.dates)

    def daily_returns(self) -> Matrix:
        """Return simple returns from each day to the next, (d - 1, n), fractions."""
        return np.asarray(self.prices[1:] / self.prices[:-1] - 1.0)

    def monthly_returns(self) -> Matrix:
        """Return simple returns from month end to month end, (m - 1, n); an unfinished last month is left out.

        A month counts as finished where a later one has begun.
        """
        months = self.dates.astype("datetime64[M]")
        ends = np.flatnonzero(months[1:] != months[:-1])
        return np.asarray(self.prices[ends[1:]] / self.prices[ends[:-1]] - 1.0)

    def before(self, row: int, days: int | None = None) -> History:
        """Return the prices strictly before this row, the latest `days` of them or all."""
        first = 0 if days is None else max(row - days, 0)
        return History(self.dates[first:row], self.product_ids, self.prices[first:row])

    def of(self, product_ids: Sequence[str]) -> History:
        """Return the prices of these products, in this order."""
        columns = [self.product_ids.index(name) for name in product_ids]
        return History(self.dates, tuple(product_ids), self.prices[:, columns])


@dataclass(frozen=True, eq=False)
class PricePanel:
    """Prices as they were imported: days (d,), increasing; prices (d, n), NaN where a product has none."""

    days: Days
    product_ids: tuple[str, ...]
    prices: Matrix

    def history(self, product_ids: Sequence[str] | None = None) -> History:
        """Return the days on which all of these products have a price; of all products where none are named."""
        names = self.product_ids if product_ids is None else tuple(product_ids)
        columns = [self.product_ids.index(name) for name in names]
        chosen = self.prices[:, columns]
        shared = ~np.isnan(chosen).any(axis=1)
        return History(self.days[shared], names, np.ascontiguousarray(chosen[shared]))

    def first_day(self, product_id: str) -> np.datetime64:
        """Return the first day on which the product has a price."""
        column = self.prices[:, self.product_ids.index(product_id)]
        return np.datetime64(self.days[np.flatnonzero(~np.isnan(column))[0]])
