"""Portfolios of the highest ratio of a linear measure to volatility, such as the Sharpe ratio.

The weights that maximise a'w / sqrt(w' S w) also maximise a'w - g/2 w' S w for g = a'w / w' S w, because the
gradients are parallel; that g is found as the root of a function that changes sign once (Dinkelbach 1967,
Schaible 1976). The homogenised quadratic program (Cornuejols and Tutuncu 2007, section 8.2) has the same optimum;
this way every limit of the standard form, turnover and volatility included, goes with it as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from scipy.optimize import brentq

from services.optimizer.moments import Moments, Vector
from services.optimizer.objective import Tradeoff
from services.optimizer.proven import Found, with_residuals
from shared.errors import SolutionRefused

_STEP = math.log(8.0)
_MOST_STEPS = 24
# Below this variance, relative to that of the products, the ratio has no bound that means anything.
_NO_VARIANCE = 1e-12


def best_ratio(measure: Vector, moments: Moments, solve: Callable[[Tradeoff], Found | None]) -> Found | None:
    """Return the weights of the highest ratio, priced in units of it; None where `solve` finds nothing.

    measure: (n,), above zero for some weights that the limits allow.
    """
    scale = float(moments.variances().mean())
    coefficients = tuple(measure.tolist())
    tried: dict[float, Found] = {}

    def miss(log_aversion: float) -> float:
        found = solve(Tradeoff(coefficients, math.exp(log_aversion)))
        if found is None:
            raise _Contradiction
        tried[log_aversion] = found
        return _log_ratio(found, measure, moments, scale) - log_aversion

    try:
        _root(miss, math.log(max(float(measure.max()), _NO_VARIANCE) / scale))
    except _Contradiction:
        return None
    gap, best = min(
        ((abs(_log_ratio(found, measure, moments, scale) - tried_at), found) for tried_at, found in tried.items()),
        key=lambda pair: pair[0],
    )
    best = replace(best, optimum=with_residuals(best.optimum, dual=gap))
    volatility = math.sqrt(moments.variance(best.weights))
    form = best.optimum.form
    goal = replace(form.goal, price=form.goal.price / volatility)
    return replace(
        best,
        optimum=replace(best.optimum, form=replace(form, goal=goal)),
        binding=tuple(replace(limit, shadow_price=limit.shadow_price / volatility) for limit in best.binding),
    )


class _Contradiction(Exception):
    """The limits leave no portfolio."""


def _log_ratio(found: Found, measure: Vector, moments: Moments, scale: float) -> float:
    """Return the logarithm of a'w / w' S w, of the least positive number where the measure is not positive."""
    variance = max(moments.variance(found.weights), _NO_VARIANCE * scale)
    return math.log(max(float(measure @ found.weights), _NO_VARIANCE) / variance)


def _root(miss: Callable[[float], float], start: float) -> None:
    """Ask `miss`, positive far to the left and negative far to the right, until it is zero."""
    here = miss(start)
    for step in range(1, _MOST_STEPS):
        if here == 0.0:
            return
        there = start + math.copysign(_STEP * step, here)
        value = miss(there)
        if (value > 0.0) != (here > 0.0):
            low, high = sorted((there, there - math.copysign(_STEP, here)))
            brentq(miss, low, high, xtol=1e-13, rtol=1e-13)
            return
    raise SolutionRefused("no risk aversion was found at which the ratio is at its highest")
