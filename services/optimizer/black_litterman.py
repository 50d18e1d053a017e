"""Expected returns from an equilibrium and views (Black and Litterman 1992).

Prior:      Pi = delta Sigma w, the returns at which the market portfolio is optimal.
Views:      P r = Q with errors of variance omega_k = (1 - c) / c * p_k' tau Sigma p_k; a confidence c of one half is
            He and Litterman's choice, and for any c the tilt is c times that of a view held with certainty, which is
            Idzorek's (2005) definition, in the closed form of Walters (2014).
Posterior:  Pi + tau Sigma P' (P tau Sigma P' + Omega)^-1 (Q - P Pi)
            with M = tau Sigma - tau Sigma P' (P tau Sigma P' + Omega)^-1 P tau Sigma the covariance of that mean.
The optimisation uses Sigma, as Idzorek does, or Sigma + M where asked, as He and Litterman (1999) do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from services.optimizer.estimates import Views
from services.optimizer.moments import Matrix, Moments, Vector
from services.optimizer.positive import repaired


@dataclass(frozen=True, eq=False)
class Posterior:
    """expected: (n,).  estimation_error: M, (n, n)."""

    prior: Vector
    expected: Vector
    estimation_error: Matrix


def posterior(covariance: Matrix, views: Views) -> Posterior:
    """Return the expected returns after the views.

    covariance: Sigma, (n, n) per year. Two views that contradict each other with certainty share the difference.
    """
    prior = views.risk_aversion * covariance @ views.market_weights
    uncertainty = views.tau * covariance
    reach = uncertainty @ views.picks.T
    spread = views.picks @ reach
    doubt = np.diag(np.diagonal(spread) * (1.0 / views.confidences - 1.0))
    # The pseudo-inverse, because views held with certainty may depend on each other.
    gain = reach @ np.linalg.pinv(spread + doubt, hermitian=True)
    return Posterior(prior, prior + gain @ (views.expected - views.picks @ prior), uncertainty - gain @ reach.T)


def with_views(moments: Moments, views: Views) -> Moments:
    """Return the moments after the views; the covariance keeps its form unless the estimation error is added."""
    covariance = moments.root @ moments.root.T + np.diag(moments.specific**2)
    found = posterior(covariance, views)
    if not views.add_estimation_error:
        return replace(moments, expected=found.expected)
    total = covariance + 0.5 * (found.estimation_error + found.estimation_error.T)
    return replace(
        moments, expected=found.expected, root=repaired(total).root, specific=np.zeros(len(moments.specific))
    )
