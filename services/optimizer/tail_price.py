"""A linear goal under a limit on the loss in the worst scenarios: the price of the loss at which the limit is met.

At a price t the least of goal + t * loss is a tail program. Each portfolio is a line in t, its value at the price
less t times the limit, and the least of them all is concave: where the lines of a portfolio above the limit and of
one below it cross, a third is better than both, or that price is the multiplier and every mixture of the two is
optimal. There are finitely many. Source: Everett (1963), Lagrange multipliers; Boyd and Vandenberghe (2004), 5.1.
"""

from __future__ import annotations

from dataclasses import replace

from services.optimizer.answers import BindingLimit
from services.optimizer.certificate import residuals_of
from services.optimizer.problem import CvarLimit
from services.optimizer.proven import Found, with_residuals
from services.optimizer.solve import Optimum
from services.optimizer.standard_form import StandardForm
from services.optimizer.tail_program import TailSolver
from services.optimizer.tails import MAX_CVAR, mean_loss
from shared.errors import SolutionRefused

_STEPS = 60
# A value that is better by less, in units of the scaled goal, is the same.
_SAME = 1e-10


def priced(program: TailSolver, form: StandardForm, limit: CvarLimit, above: Optimum, below: Optimum) -> Found:
    """Return the optimum of the program within the limit, which has the program's confidence.

    above: the optimum without the limit, which breaks it.  below: one that keeps it. Raises SolutionRefused.
    """

    def loss(optimum: Optimum) -> float:
        return mean_loss(program.returns @ optimum.solution.weights, limit.confidence)

    for _ in range(_STEPS):
        # A limit that is the least loss itself may be missed by rounding.
        drop = max(loss(above) - loss(below), 0.0)
        if drop <= 0.0:
            break
        price = max(program.value(below) - program.value(above), 0.0) / drop
        dearer = replace(program, price=program.price + price)
        found = dearer.solve(form)
        if found is None:
            break
        if dearer.value(found) >= dearer.value(above) - _SAME * found.form.goal.price:
            return _mixed(dearer, found, limit, above, below, price)
        above, below = (found, below) if loss(found) > limit.max_loss else (above, found)
    raise SolutionRefused("no price of the loss was found at which its limit is met")


def _mixed(
    program: TailSolver, found: Optimum, limit: CvarLimit, above: Optimum, below: Optimum, price: float
) -> Found:
    """Return the mixture of the two that meets the limit, with the multipliers of `found`, which has the same value."""
    high, low = (mean_loss(program.returns @ optimum.solution.weights, limit.confidence) for optimum in (above, below))
    share = min(max((limit.max_loss - low) / (high - low), 0.0), 1.0)
    weights = share * above.solution.weights + (1.0 - share) * below.solution.weights
    solution, unit = replace(found.solution, weights=weights), found.form.goal.price
    loss = mean_loss(program.returns @ weights, limit.confidence)
    # What the shares of the scenarios make of these weights must be their loss.
    implied = float((program.expected / unit - found.form.goal.linear) @ weights)
    gap = abs(program.price / unit * loss - implied)
    certificate = replace(found.certificate, residuals=residuals_of(found.form, solution))
    optimum = with_residuals(
        Optimum(found.form, solution, certificate),
        primal=loss - limit.max_loss,
        dual=found.certificate.residuals.dual,
        complementarity=gap,
    )
    return Found(optimum, (BindingLimit(MAX_CVAR, limit.max_loss, price),))
