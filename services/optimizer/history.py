"""Past prices of some products on the days on which all of them have one.

A day of the table that some of them lack falls out. What was gained from the day before it to the day after it is no
daily return then: whatever is scaled by days either leaves it out or counts the days of the table that have passed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Days = NDArray[np.datetime64]
Rows = NDArray[np.int64]

DAYS_PER_YEAR = 252


@dataclass(frozen=True, eq=False)
class History:
    """Total-return prices: days (d,) as datetime64[D], increasing; prices (d, n), all finite and above zero.

    table_rows: (d,), increasing, where in the table each day stands; without them no day of the table is missing.
    """

    dates: Days
    product_ids: tuple[str, ...]
    prices: Matrix
    table_rows: Rows | None = None

    def __len__(self) -> int:
        return len(self.dates)

    @property
    def places(self) -> Rows:
        """Where in the table each day stands, (d,)."""
        return np.arange(len(self)) if self.table_rows is None else self.table_rows

    def steps(self) -> Rows:
        """Return how many days of the table lie from each day to the next, (d - 1,); above 1 where some are missing."""
        return np.diff(self.places)

    def returns(self) -> Matrix:
        """Return simple returns from each day to the next that is here, (d - 1, n), over one day or several."""
        return np.asarray(self.prices[1:] / self.prices[:-1] - 1.0)

    def daily_returns(self) -> Matrix:
        """Return simple returns between days that follow each other in the table, (at most d - 1, n), fractions."""
        return self.returns()[self.steps() == 1]

    def monthly_returns(self) -> Matrix:
        """Return simple returns from month end to month end, (m - 1, n); an unfinished last month is left out.

        A month counts as finished where a later one has begun.
        """
        months = self.dates.astype("datetime64[M]")
        ends = np.flatnonzero(months[1:] != months[:-1])
        return np.asarray(self.prices[ends[1:]] / self.prices[ends[:-1]] - 1.0)

    def before(self, row: int, days: int | None = None) -> History:
        """Return the prices strictly before this row, the latest `days` of them or all."""
        return self._between(0 if days is None else max(row - days, 0), row)

    def since(self, row: int) -> History:
        """Return the prices of this row and after it."""
        return self._between(row, len(self))

    def of(self, product_ids: Sequence[str]) -> History:
        """Return the prices of these products, in this order."""
        columns = [self.product_ids.index(name) for name in product_ids]
        return History(self.dates, tuple(product_ids), self.prices[:, columns], self.table_rows)

    def _between(self, first: int, end: int) -> History:
        rows = slice(first, end)
        return History(self.dates[rows], self.product_ids, self.prices[rows], self.places[rows])


@dataclass(frozen=True)
class Gaps:
    """Days without a price inside the span that all products share.

    days: of the table in that span.  missing: of them, those on which any product lacks a price.
    by_product: how many each lacks, without those that lack none.
    """

    days: int
    missing: int
    by_product: Mapping[str, int]

    def in_words(self, most: int = 10) -> str:
        """Return which products lack how many days, the most first."""
        ranked = sorted(self.by_product.items(), key=lambda entry: (-entry[1], entry[0]))
        more = f" and {len(ranked) - most} products more" if len(ranked) > most else ""
        listed = ", ".join(f"{name} {count}" for name, count in ranked[:most])
        return f"on {self.missing} of {self.days} days some product lacks a price ({listed}{more})"


@dataclass(frozen=True, eq=False)
class PricePanel:
    """Prices as they were imported: days (d,), increasing; prices (d, n), NaN where a product has none."""

    days: Days
    product_ids: tuple[str, ...]
    prices: Matrix

    def history(self, product_ids: Sequence[str] | None = None) -> History:
        """Return the days on which all of these products have a price; of all products where none are named."""
        names, chosen = self._of(product_ids)
        shared = np.flatnonzero(~np.isnan(chosen).any(axis=1))
        return History(self.days[shared], names, np.ascontiguousarray(chosen[shared]), shared)

    def gaps(self, product_ids: Sequence[str] | None = None) -> Gaps:
        """Return what these products lack from the first to the last day that all of them share; of all by default."""
        names, chosen = self._of(product_ids)
        lacking = np.isnan(chosen)
        shared = np.flatnonzero(~lacking.any(axis=1))
        if not len(shared):
            return Gaps(0, 0, {})
        inside = lacking[shared[0] : shared[-1] + 1]
        counts = inside.sum(axis=0).tolist()
        by_product = {name: count for name, count in zip(names, counts, strict=True) if count}
        return Gaps(len(inside), int(inside.any(axis=1).sum()), by_product)

    def first_day(self, product_id: str) -> np.datetime64:
        """Return the first day on which the product has a price."""
        column = self.prices[:, self.product_ids.index(product_id)]
        return np.datetime64(self.days[np.flatnonzero(~np.isnan(column))[0]])

    def _of(self, product_ids: Sequence[str] | None) -> tuple[tuple[str, ...], Matrix]:
        names = self.product_ids if product_ids is None else tuple(product_ids)
        return names, self.prices[:, [self.product_ids.index(name) for name in names]]
