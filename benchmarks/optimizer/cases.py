"""Problems to measure with: mean-variance utility with class bands and a turnover limit, in factor form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from services.optimizer.answers import OptimizeJob
from services.optimizer.estimates import DenseCovariance, Estimates
from services.optimizer.moments import Market, Matrix, Moments, product_moments
from services.optimizer.objective import MeanVarianceUtility
from services.optimizer.problem import Bound, Group, Limits, Problem, Product
from services.optimizer.standard_form import StandardForm, standard_form

CLASSES = 12
# Every product has one of the first six as its main class; a class may hold 5 to 35 % of the portfolio.
_MAIN_CLASSES = 6
_BAND = Bound(0.05, 0.35)
UTILITY = MeanVarianceUtility(4.0)
_MOST_HELD = 20
_MAX_TURNOVER = 0.4


def market() -> Market:
    """Return a market of twelve classes, cash and a currency that hardly moves."""
    draw = np.random.default_rng(7)
    root = 0.05 * draw.normal(size=(CLASSES + 2, CLASSES + 2)) + np.diag(np.linspace(0.05, 0.2, CLASSES + 2))
    root[-2:] *= 0.01
    return Market(
        snapshot="0" * 64,
        factors=(*(f"class{i}" for i in range(CLASSES)), "us_cash", "usd_cny"),
        currencies=("USD",) * (CLASSES + 1),
        expected=np.array([*draw.uniform(0.02, 0.09, CLASSES), 0.02, 0.0]),
        root=root,
    )


def job(count: int) -> OptimizeJob:
    """Return the request for `count` products, twenty of them held today."""
    draw = np.random.default_rng(count)
    products = tuple(_product(i, draw) for i in range(count))
    held = draw.choice(count, min(count, _MOST_HELD), replace=False)
    weights = draw.dirichlet(np.ones(len(held)))
    cap = 0.1 if count <= 30 else 0.06
    limits = Limits(
        products={product.id: Bound(maximum=cap) for product in products},
        groups=tuple(Group(f"band{i}", _BAND, frozenset({f"class{i}"})) for i in range(_MAIN_CLASSES)),
        max_turnover=_MAX_TURNOVER,
    )
    current = {products[i].id: float(weight) for i, weight in zip(held, weights, strict=True)}
    return OptimizeJob(Problem("USD", products, limits, current), market(), UTILITY)


def dense_job(count: int) -> OptimizeJob:
    """Return the same request with expected returns and the dense covariance in it, as a peer gets them."""
    request = job(count)
    moments = moments_of(request)
    estimates = Estimates(moments.expected, DenseCovariance(dense_covariance(moments)))
    return replace(request, problem=replace(request.problem, estimates=estimates))


def dense_covariance(moments: Moments) -> Matrix:
    """Return Sigma, (n, n)."""
    return np.asarray(moments.root @ moments.root.T + np.diag(moments.specific**2))


def without_turnover(request: OptimizeJob) -> OptimizeJob:
    """Return the request without its turnover limit, for peers that cannot state one."""
    limits = replace(request.problem.limits, max_turnover=None)
    return replace(request, problem=replace(request.problem, limits=limits))


def moments_of(request: OptimizeJob) -> Moments:
    """Return the moments of the request's products."""
    return product_moments(request.problem.products, request.problem.base_currency, request.market)


def form_of(request: OptimizeJob) -> StandardForm:
    """Return the request in standard form."""
    return standard_form(request.problem, moments_of(request), UTILITY)


def write_for_peers(request: OptimizeJob, path: str) -> None:
    """Write the same problem as dense arrays, which is all that the peers' environment needs to read."""
    moments, problem = moments_of(request), request.problem
    limits = problem.limits
    np.savez(
        path,
        expected=moments.expected_net,
        covariance=dense_covariance(moments),
        classes=np.array([int(product.asset_class.removeprefix("class")) for product in problem.products]),
        band=np.array([_BAND.minimum, _BAND.maximum]),
        cap=np.array([limits.products[product.id].maximum for product in problem.products]),
        current=np.array([(problem.current or {}).get(product.id, 0.0) for product in problem.products]),
        max_turnover=np.array(_MAX_TURNOVER),
        aversion=np.array(UTILITY.risk_aversion),
    )


def _product(number: int, draw: np.random.Generator) -> Product:
    main = number % _MAIN_CLASSES
    other = _MAIN_CLASSES + int(draw.integers(CLASSES - _MAIN_CLASSES))
    exposures = {f"class{main}": float(draw.uniform(0.6, 1.0)), f"class{other}": float(draw.uniform(0.0, 0.4))}
    own, fee = float(draw.uniform(0.03, 0.15)), float(draw.uniform(0.0, 0.01))
    return Product(f"p{number:04d}", f"class{main}", exposures, own, fee)
