"""Derive a product's risk level from its volatility by the documented rule; pure functions."""

from __future__ import annotations

from services.orchestrator.catalogue.rules import LEVELS, LevelRule
from services.orchestrator.catalogue.schema import Product, RiskLevelName
from shared.assumptions import AssumptionSet

# A volatility exactly on a bound comes out of the square root a few bits above it and still belongs to the band.
_BOUND_TOLERANCE = 1e-9


def derived_level(product: Product, assumptions: AssumptionSet, rule: LevelRule) -> RiskLevelName:
    """Return the level that the rule gives this product under these assumptions."""
    exposures = product.exposures
    volatility = assumptions.local_volatility(exposures.classes, exposures.specific_volatility)
    return level_of(volatility, product.asset_class, exposures.specific_volatility, rule)


def level_of(volatility: float, main_class: str, specific_volatility: float, rule: LevelRule) -> RiskLevelName:
    """Return the highest of the band, the floor of the main asset class and, for a thematic product, R5.

    volatility, specific_volatility: yearly fractions; the first includes the second.
    """
    if specific_volatility >= rule.thematic_specific_volatility:
        return LEVELS[-1]
    return max(band_level(volatility, rule), rule.floors.get(main_class, LEVELS[0]), key=LEVELS.index)


def band_level(volatility: float, rule: LevelRule) -> RiskLevelName:
    """Return the level of a yearly volatility alone; it also grades a portfolio as a whole."""
    return next((level for level in LEVELS[:-1] if volatility <= rule.bands[level] + _BOUND_TOLERANCE), LEVELS[-1])
