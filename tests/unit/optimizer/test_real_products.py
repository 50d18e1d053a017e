"""The shipped knowledge base: what an advisor would see for each client class."""

from __future__ import annotations

import numpy as np
import pytest

from services.optimizer.certificate import TOLERANCE
from services.optimizer.objective import MeanVarianceUtility
from services.optimizer.problem import Limits, Problem
from tests.unit.optimizer.builders import best, capped, kb_market, kb_products

MARKET = kb_market()


def test_the_whole_catalogue_is_optimised_with_a_proof() -> None:
    items = kb_products()
    assert len(items) >= 60
    portfolio = best(
        Problem("USD", items, Limits(capped(items, 0.35), max_volatility=0.1)), MARKET, MeanVarianceUtility(6.0)
    )

    assert portfolio.certificate.residuals.largest <= TOLERANCE
    assert portfolio.weights.sum() == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(("jurisdiction", "currency"), [("US", "USD"), ("CN", "CNY")])
def test_a_bolder_client_expects_more_and_bears_more(jurisdiction: str, currency: str) -> None:
    items = kb_products(jurisdiction)

    classes = [(30.0, 0.013), (8.0, 0.05), (3.0, 0.1), (1.6, 0.16), (1.1, 0.24)]

    analyses = []
    for aversion, volatility in classes:
        problem = Problem(currency, items, Limits(capped(items, 0.35), max_volatility=volatility))
        analyses.append(best(problem, MARKET, MeanVarianceUtility(aversion)).analysis)

    assert np.all(np.diff([analysis.expected_return_net for analysis in analyses]) > 0.0)
    assert np.all(np.diff([analysis.volatility for analysis in analyses]) > 0.0)
    assert np.all(np.diff([analysis.cvar for analysis in analyses]) > 0.0)


def test_a_yuan_client_is_not_served_on_dollar_numbers() -> None:
    items = kb_products("CN")
    limits = Limits(capped(items, 0.35))

    yuan, dollar = (best(Problem(base, items, limits), MARKET, MeanVarianceUtility(6.0)) for base in ("CNY", "USD"))

    assert np.abs(yuan.weights - dollar.weights).max() > 0.05
