"""An optimum that is held back by more than the limits of its standard form, and its certificate."""

from __future__ import annotations

from dataclasses import dataclass, replace

from services.optimizer.answers import BindingLimit
from services.optimizer.moments import Vector
from services.optimizer.solve import Optimum
from shared.errors import SolutionRefused


@dataclass(frozen=True, eq=False)
class Found:
    """An optimum, and what it is held back by beside the limits of the standard form."""

    optimum: Optimum
    binding: tuple[BindingLimit, ...] = ()

    @property
    def weights(self) -> Vector:
        """The weights, (n,)."""
        return self.optimum.solution.weights


def with_residuals(optimum: Optimum, primal: float = 0.0, dual: float = 0.0, complementarity: float = 0.0) -> Optimum:
    """Return the optimum with a certificate that counts these too. Raises SolutionRefused above its tolerance."""
    before = optimum.certificate.residuals
    residuals = type(before)(
        max(before.primal, primal), max(before.dual, dual), max(before.complementarity, complementarity)
    )
    if not residuals.largest <= optimum.certificate.tolerance:
        raise SolutionRefused(f"residuals of {residuals.largest:.1e} are above {optimum.certificate.tolerance:g}")
    return replace(optimum, certificate=replace(optimum.certificate, residuals=residuals))
