"""Optima against published tables; skipped where the tables are not at hand."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from services.optimizer.constraints import return_floor
from services.optimizer.moments import product_moments
from services.optimizer.objective import MaximumReturn, MinimumVariance
from services.optimizer.problem import Limits, Problem
from services.optimizer.standard_form import standard_form
from tests.unit.optimizer.builders import REFERENCE, SOLVER, dense_market, products


def _table(name: str) -> dict[str, Any]:
    path = REFERENCE / name
    if not path.exists():
        pytest.skip(f"no published table at {path}")
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def test_the_mosek_cookbook_portfolio_is_reproduced() -> None:
    """MOSEK Portfolio Optimization Cookbook, section 2.4.1: highest return with a variance of at most 0.05."""
    table = _table("mosek_cookbook_2_4_1.json")
    limits = Limits(max_volatility=float(np.sqrt(table["gamma2"])))
    problem = Problem("USD", products(8), limits)
    moments = product_moments(problem.products, "USD", dense_market(table["mu"], table["cov"]))

    optimum = SOLVER.solve(standard_form(problem, moments, MaximumReturn()))

    assert optimum is not None
    # Printed with four decimals, from inputs printed with four decimals.
    assert optimum.solution.weights == pytest.approx(table["expected_w"], abs=1e-3)
    assert optimum.solution.weights @ table["mu"] == pytest.approx(table["expected_return"], abs=2e-4)


def test_markowitz_portfolios_of_1959_are_reproduced_with_their_singular_covariance() -> None:
    """Markowitz (1959), chapter II, nine stocks and cash without variance: least variance for a wanted return."""
    table = _table("markowitz_1959_9stocks_cash.json")
    problem = Problem("USD", products(10))
    moments = product_moments(problem.products, "USD", dense_market(table["mu"], table["cov"]))
    for case in table["cases"]:
        floor = return_floor(moments.expected_net, case["target"])

        optimum = SOLVER.solve(standard_form(problem, moments, MinimumVariance(), [floor]))

        assert optimum is not None
        # The book rounds to half a percentage point or to one.
        assert optimum.solution.weights == pytest.approx(case["expected"], abs=case["grid"])
