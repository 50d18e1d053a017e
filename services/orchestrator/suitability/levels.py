"""Comparing risk levels."""

from __future__ import annotations

from services.orchestrator.catalogue.rules import LEVELS
from services.orchestrator.catalogue.schema import RiskLevelName


def is_above(level: RiskLevelName, limit: RiskLevelName) -> bool:
    """Return whether a level is riskier than a limit."""
    return LEVELS.index(level) > LEVELS.index(limit)
