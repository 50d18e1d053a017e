"""Tables of prices with known contents."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from services.optimizer.history import History, Matrix, PricePanel

ROOT = Path(__file__).parents[3]
FUNDS = Path(os.environ.get("FIDUCIA_SHARED_DATA", ROOT.parent / "shared" / "data")) / "funds"


def weekdays(count: int, first: str = "2020-01-01") -> np.ndarray:
    """Return so many weekdays, datetime64[D]."""
    return np.busday_offset(first, np.arange(count), roll="forward")


def walk_prices(count: int, products: int, seed: int = 7, volatility: float = 0.01) -> Matrix:
    """Return prices of a random walk that starts at 100, (count, products)."""
    moves = np.random.default_rng(seed).normal(0.0003, volatility, (count - 1, products))
    return np.asarray(100.0 * np.vstack([np.ones(products), np.cumprod(1.0 + moves, axis=0)]))


def history(count: int, products: int, seed: int = 7) -> History:
    """Return a random history of products p0, p1, …"""
    names = tuple(f"p{i}" for i in range(products))
    return History(weekdays(count), names, walk_prices(count, products, seed))


def holed_panel(count: int, products: int, holes: int, seed: int = 7) -> PricePanel:
    """Return random prices of which each product lacks so many days, drawn at random, the first and the last never."""
    past, generator = history(count, products, seed), np.random.default_rng(seed)
    prices = past.prices.copy()
    for column in range(products):
        prices[1 + generator.choice(count - 2, holes, replace=False), column] = np.nan
    return PricePanel(past.dates, past.product_ids, prices)


def wide_csv(days: np.ndarray, names: Sequence[str], prices: Matrix) -> bytes:
    """Return a table with dates down and products across; NaN is an empty cell."""
    lines = [",".join(["date", *names])]
    for day, row in zip(days, prices, strict=True):
        lines.append(",".join([str(day), *("" if np.isnan(price) else repr(float(price)) for price in row)]))
    return "\n".join(lines).encode()


def long_csv(days: np.ndarray, names: Sequence[str], prices: Matrix) -> bytes:
    """Return a table with one price a row."""
    lines = ["date,product,price"]
    for day, row in zip(days, prices, strict=True):
        lines += [f"{day},{n},{float(p)!r}" for n, p in zip(names, row, strict=True) if not np.isnan(p)]
    return "\n".join(lines).encode()


def as_parquet(columns: dict[str, object]) -> bytes:
    """Return columns as Parquet."""
    # Here and not above: most tests over prices need no Parquet.
    import pyarrow
    from pyarrow import parquet

    sink = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), sink)
    return sink.getvalue()
