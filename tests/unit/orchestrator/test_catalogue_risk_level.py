"""A risk level is the highest of volatility band, class floor and thematic threshold."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.orchestrator.catalogue.risk_level import band_level, derived_level, level_of
from services.orchestrator.catalogue.rules import LEVELS, LevelRule
from services.orchestrator.catalogue.schema import Product
from shared.assumptions import AssumptionSet
from tests.unit.orchestrator import knowledge_base as tiny

RULE = LevelRule.model_validate(tiny.level_rule())
ASSUMPTIONS = AssumptionSet.model_validate(tiny.assumptions())

volatilities = st.floats(0.0, 1.0)
specifics = st.floats(0.0, 0.999)


@pytest.mark.parametrize(
    ("volatility", "level"),
    [
        (0.0, "R1"),
        (0.01, "R1"),
        (0.0101, "R2"),
        (0.07, "R2"),
        (0.0701, "R3"),
        (0.18, "R3"),
        (0.1801, "R4"),
        (0.26, "R4"),
        (0.2601, "R5"),
        (1.5, "R5"),
    ],
)
def test_a_bound_belongs_to_the_lower_band(volatility: float, level: str) -> None:
    assert band_level(volatility, RULE) == level


def test_a_floor_lifts_a_calm_product() -> None:
    assert level_of(0.001, "shares", 0.0, RULE) == "R2"


def test_a_floor_does_not_lower_a_lively_product() -> None:
    assert level_of(0.25, "shares", 0.0, RULE) == "R4"


@pytest.mark.parametrize(("specific", "level"), [(0.1999, "R3"), (0.20, "R5")])
def test_a_product_at_the_thematic_threshold_is_the_highest_level(specific: float, level: str) -> None:
    assert level_of(0.15, "cash", specific, RULE) == level


@pytest.mark.parametrize(
    ("shares", "specific", "level"),
    # Volatilities by hand: 0.16; 0.5 x 0.16 = 0.08 beside cash at 0.5 x 0.005; sqrt(0.16^2 + 0.12^2) = 0.20.
    [(1.0, 0.0, "R3"), (0.5, 0.0, "R3"), (0.4, 0.0, "R2"), (1.0, 0.12, "R4")],
)
def test_a_level_follows_from_loadings_and_specific_volatility(shares: float, specific: float, level: str) -> None:
    classes = {"shares": shares, "cash": 1.0 - shares}
    exposures = {"classes": classes, "specific_volatility": specific, **tiny.ORIGIN}
    product = Product.model_validate(tiny.product("VTI") | {"exposures": exposures})

    assert derived_level(product, ASSUMPTIONS, RULE) == level


def test_a_volatility_of_exactly_a_bound_survives_the_square_root() -> None:
    for bound in RULE.bands.values():
        volatility = ASSUMPTIONS.local_volatility({}, bound)
        assert band_level(volatility, RULE) == band_level(bound, RULE)


@settings(deadline=None)
@given(volatilities, volatilities, specifics, st.sampled_from(["shares", "cash"]))
def test_more_volatility_never_lowers_a_level(a: float, b: float, specific: float, main_class: str) -> None:
    calm, lively = sorted((a, b))

    below = level_of(calm, main_class, specific, RULE)

    assert LEVELS.index(below) <= LEVELS.index(level_of(lively, main_class, specific, RULE))


@settings(deadline=None)
@given(volatilities, specifics, st.sampled_from(["shares", "cash"]))
def test_a_level_is_never_below_its_band_or_its_floor(volatility: float, specific: float, main_class: str) -> None:
    level = level_of(volatility, main_class, specific, RULE)

    assert level >= band_level(volatility, RULE)
    assert level >= RULE.floors.get(main_class, "R1")
