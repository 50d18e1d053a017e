"""Which products of a problem can move, which of them only up, and how much may be bought by those that can."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from services.optimizer.standard_form import StandardForm


@dataclass(frozen=True, eq=False)
class Sides:
    """What may happen to each product, (n,) all.

    free:    has room between its bounds.
    is_both: may be bought as well as sold, so that its purchase is a variable.
    buys:    can only be bought, so that its purchase is w - c.
    Without a turnover limit purchases do not count, and nothing is in the last two.
    """

    free: np.ndarray
    is_both: np.ndarray
    buys: np.ndarray

    @cached_property
    def both(self) -> np.ndarray:
        """The places of those that may be bought as well as sold."""
        return self.is_both.nonzero()[0]


def sides_of(form: StandardForm) -> Sides:
    """Return what may happen to the products of a problem."""
    free = form.is_free
    if not form.has_purchases:
        nothing = np.zeros(len(free), dtype=bool)
        return Sides(free, nothing, nothing)
    falls = form.lower < form.current
    return Sides(free, free & falls & (form.current < form.upper), free & ~falls)


def purchases_left(form: StandardForm, sides: Sides) -> float:
    """Return the limit on purchases beyond `current` of `both` plus weights of `buys`; 1 where there is none."""
    if form.max_turnover is None:
        return 1.0
    left = form.max_turnover + float(form.current[sides.buys].sum())
    if sides.free.all():
        return left
    return left - float(np.maximum(form.lower - form.current, 0.0)[~sides.free].sum())
