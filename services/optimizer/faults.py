"""Find what is wrong with imported prices, product by product. Nothing is ever filled in.

A series is left out of the snapshot where its prices cannot be trusted; smaller faults are reported and the days
concerned, with the returns to and from them, fall out for all products together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from services.optimizer.history import Days, PricePanel, Vector
from services.optimizer.prices_read import PriceRows

MIN_DAYS = 60
# One hole in a hundred days costs two returns in a hundred; more, and the series is not one of daily prices.
MAX_MISSING_SHARE = 0.01
# Treasury bills stood still for 18 days when rates were zero: ten are worth a word, a month of 21 is no market price.
STALE_DAYS = 10
UNTRUSTED_STALE_DAYS = 21
# The usual ratios of splits and, upside down, of reverse splits.
SPLIT_RATIOS = (1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 100.0)
# 6:5, 5:4 and 4:3, so near to one that markets fall and rise as far in a day.
SMALL_SPLIT_RATIOS = (1.2, 1.25, 4.0 / 3.0)
# The price also moves on the day of a split.
_SPLIT_TOLERANCE = 0.04
_SMALL_SPLIT_TOLERANCE = 0.03
# A crash comes among wild days and a split among usual ones. Of the days of 33 funds, 2001 to 2026, that have a small
# ratio, EEM in October 2008 and VNQ and IYR in March 2020 among them, the wildest is 5.0 times the usual one of the ten
# days on either side of it; of splits put on random days 95 to 97 % are more than 8 times.
_NEIGHBOURS = 10
# A move by a third in a fund that does so every month is no split: it must be this many times its usual day.
_SPLIT_SIGMAS = 8.0
# Median absolute deviation to standard deviation, for the normal distribution.
_MAD_TO_SIGMA = 1.4826


class FaultKind(Enum):
    """The kinds of the contract, by name."""

    MISSING = "MISSING"
    UNEQUAL_HISTORY = "UNEQUAL_HISTORY"
    STALE = "STALE"
    DUPLICATE_DATE = "DUPLICATE_DATE"
    UNADJUSTED_SPLIT = "UNADJUSTED_SPLIT"
    NOT_POSITIVE = "NOT_POSITIVE"


@dataclass(frozen=True)
class PriceFault:
    """A fault of one series: where it begins, on how many days, in words, and whether the series is left out."""

    product_id: str
    kind: FaultKind
    day: date
    count: int
    description: str
    left_out: bool


def examined(rows: PriceRows) -> tuple[PricePanel, tuple[PriceFault, ...]]:
    """Return the prices of the products that can be trusted, and every fault, by product in the order of the table."""
    days, place = np.unique(rows.day, return_inverse=True)
    faults: list[PriceFault] = []
    kept: list[tuple[str, Vector]] = []
    order = np.argsort(rows.product, kind="stable")
    bounds = np.searchsorted(rows.product[order], np.arange(len(rows.product_ids) + 1))
    for position, name in enumerate(rows.product_ids):
        chosen = order[bounds[position] : bounds[position + 1]]
        series, found = _series(name, days, place[chosen], rows.price[chosen])
        faults += found
        if not any(fault.left_out for fault in found):
            kept.append((name, series))
    panel = np.column_stack([series for _, series in kept]) if kept else np.zeros((len(days), 0))
    return PricePanel(days, tuple(name for name, _ in kept), panel), tuple(faults)


def _series(name: str, days: Days, place: NDArray[np.int64], price: Vector) -> tuple[Vector, list[PriceFault]]:
    """Return the prices of one product over all days, NaN where it has none, and its faults."""
    faults = []
    is_price = np.isfinite(price) & (price > 0.0)
    if not is_price.all():
        wrong = place[~is_price]
        detail = f"{len(wrong)} entries are no number above zero; correct them at their source"
        faults.append(_fault(name, FaultKind.NOT_POSITIVE, days, wrong, detail, True))
    place, price = place[is_price], price[is_price]
    series = np.full(len(days), np.nan)
    series[place[::-1]] = price[::-1]
    faults += _duplicates(name, days, place, price, series)
    held = np.flatnonzero(~np.isnan(series))
    if len(held) < MIN_DAYS:
        detail = f"{len(held)} days with a price, expected at least {MIN_DAYS}; send a longer history"
        first = held if len(held) else np.array([0])
        return series, [*faults, _fault(name, FaultKind.UNEQUAL_HISTORY, days, first, detail, True)]
    faults += _unequal(name, days, held)
    faults += _missing(name, days, held)
    faults += _stale(name, days[held], series[held])
    faults += _splits(name, days[held], series[held])
    return series, faults


def _duplicates(name: str, days: Days, place: NDArray[np.int64], price: Vector, series: Vector) -> Iterator[PriceFault]:
    counts = np.bincount(place, minlength=len(days))
    twice = np.flatnonzero(counts > 1)
    if len(twice) == 0:
        return
    differs = bool(np.any(price != series[place]))
    outcome = "with different prices; remove the wrong ones" if differs else "with the same price, used once"
    yield _fault(name, FaultKind.DUPLICATE_DATE, days, twice, f"{len(twice)} dates appear again {outcome}", differs)


def _unequal(name: str, days: Days, held: NDArray[np.int64]) -> Iterator[PriceFault]:
    first, last = int(held[0]), int(held[-1])
    lacking = first + len(days) - 1 - last
    if lacking:
        span = f"{days[first]} to {days[last]}, the table {days[0]} to {days[-1]}"
        detail = f"prices go from {span}; estimates use the days that all products share"
        yield PriceFault(name, FaultKind.UNEQUAL_HISTORY, days[first].item(), lacking, detail, False)


def _missing(name: str, days: Days, held: NDArray[np.int64]) -> Iterator[PriceFault]:
    inside = np.setdiff1d(np.arange(held[0], held[-1] + 1), held, assume_unique=True)
    if len(inside) == 0:
        return
    left_out = len(inside) > MAX_MISSING_SHARE * int(held[-1] - held[0] + 1)
    outcome = "too many to use the series; complete it" if left_out else "these days are left out for all products"
    yield _fault(name, FaultKind.MISSING, days, inside, f"{len(inside)} days without a price, {outcome}", left_out)


def _stale(name: str, days: Days, prices: Vector) -> Iterator[PriceFault]:
    changes = np.flatnonzero(np.diff(prices) != 0.0)
    starts = np.concatenate([[0], changes + 1])
    lengths = np.diff(np.concatenate([starts, [len(prices)]])) - 1
    long_runs = np.flatnonzero(lengths >= STALE_DAYS)
    if len(long_runs) == 0:
        return
    longest = int(lengths.max())
    left_out = longest >= UNTRUSTED_STALE_DAYS
    outcome = "left out; send prices of a market" if left_out else "kept; check that the market really stood still"
    detail = f"{len(long_runs)} times the same price for {STALE_DAYS} days or more, up to {longest}: {outcome}"
    count = int(lengths[long_runs].sum())
    yield PriceFault(name, FaultKind.STALE, days[starts[long_runs[0]]].item(), count, detail, left_out)


def _splits(name: str, days: Days, prices: Vector) -> Iterator[PriceFault]:
    moves = np.log(prices[1:] / prices[:-1])
    is_large = np.abs(moves) > _SPLIT_SIGMAS * _usual(moves)
    is_split = is_large & _has_ratio(moves, SPLIT_RATIOS, _SPLIT_TOLERANCE)
    for row in np.flatnonzero(is_large & _has_ratio(moves, SMALL_SPLIT_RATIOS, _SMALL_SPLIT_TOLERANCE)):
        is_split[row] |= abs(moves[row]) > _SPLIT_SIGMAS * _usual(_around(moves, int(row)))
    jumps = np.flatnonzero(is_split)
    if len(jumps):
        factor = float(np.exp(moves[jumps[0]]))
        detail = f"the price is multiplied by {factor:.4g} in a day, like a split; adjust the prices before it"
        yield _fault(name, FaultKind.UNADJUSTED_SPLIT, days, jumps + 1, detail, True)


def _has_ratio(moves: Vector, ratios: tuple[float, ...], tolerance: float) -> NDArray[np.bool_]:
    """Return for each log return, (d,), whether it is that of a split, or reverse split, in one of these ratios."""
    return np.asarray(np.abs(np.abs(moves)[:, None] - np.log(ratios)).min(axis=1) < tolerance)


def _usual(moves: Vector) -> float:
    """Return the standard deviation of log returns as their median absolute deviation tells it: jumps hardly count."""
    return _MAD_TO_SIGMA * float(np.median(np.abs(moves - np.median(moves))))


def _around(moves: Vector, row: int) -> Vector:
    return np.concatenate([moves[max(row - _NEIGHBOURS, 0) : row], moves[row + 1 : row + 1 + _NEIGHBOURS]])


def _fault(name: str, kind: FaultKind, days: Days, where: NDArray[np.int64], detail: str, left_out: bool) -> PriceFault:
    return PriceFault(name, kind, days[where.min()].item(), len(where), detail, left_out)
