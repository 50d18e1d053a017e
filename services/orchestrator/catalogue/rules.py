"""The shape of kb/rules: how a product's level is derived, and what a client of each class may hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Annotated, Literal, Self, TypeVar, get_args

from pydantic import Field, model_validator

from services.orchestrator.catalogue.schema import Jurisdiction, RiskLevelName
from shared.assumptions import AssetGroup, Origin
from shared.entries import Entry

ClientClass = Literal["C1", "C2", "C3", "C4", "C5"]
Severity = Literal["BLOCK", "SIGNED_WARNING", "WARNING"]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]

LEVELS: tuple[RiskLevelName, ...] = get_args(RiskLevelName)
CLIENT_CLASSES: tuple[ClientClass, ...] = get_args(ClientClass)
LOWEST_CLASS: ClientClass = "C1"

K = TypeVar("K", bound=str)


class BilingualText(Entry):
    """The same words in English and Chinese; both are shown to people, so both are required."""

    en: Annotated[str, Field(min_length=1)]
    zh: Annotated[str, Field(min_length=1)]


class DatedRule(Origin):
    """A rule in words: its source, the day it was written down from there, and whether that text was read."""

    text: BilingualText
    date: date


class LevelRule(DatedRule):
    """Volatility bands, floors by main asset class and the thematic threshold, all yearly fractions.

    bands: the highest volatility of R1 to R4, inclusive; R5 has no bound.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    label: Literal["ILLUSTRATIVE", "APPROVED"]
    bands: dict[RiskLevelName, Annotated[float, Field(gt=0.0, lt=1.0)]]
    floors: dict[str, RiskLevelName]
    thematic_specific_volatility: Annotated[float, Field(gt=0.0, lt=1.0)]

    @model_validator(mode="after")
    def _bands_rise(self) -> Self:
        _require_rising("bands", self.bands, LEVELS[:-1])
        return self


class ClassLimits(Entry):
    """What a client of one class may hold. Volatility and loss are yearly fractions of the portfolio.

    max_loss_share: the limit for one-year CVaR 95.  risk_aversion: lambda in mean - lambda / 2 x variance.
    max_group_weight: by asset group; a group that is not named has no limit.
    """

    name: BilingualText
    max_product_level: RiskLevelName
    max_portfolio_volatility: Annotated[float, Field(gt=0.0, lt=1.0)]
    max_loss_share: Annotated[float, Field(gt=0.0, le=1.0)]
    risk_aversion: Annotated[float, Field(gt=0.0)]
    max_product_weight: Annotated[float, Field(gt=0.0, le=1.0)]
    max_group_weight: dict[AssetGroup, Fraction] = Field(default_factory=dict)
    override_allowed: bool


class Rule(DatedRule):
    """One rule that a proposal is held to."""

    id: Annotated[str, Field(pattern=r"^R[0-9]{2}$")]
    short_name: Annotated[str, Field(min_length=1)]
    severity: Severity


class RulePack(Entry):
    """The suitability rules of one jurisdiction.

    class_thresholds: a binding score (0 to 100) below the number has that class; at C4's or above it is C5.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    jurisdiction: Jurisdiction
    version: Annotated[str, Field(min_length=1)]
    as_of: date
    label: Literal["ILLUSTRATIVE", "APPROVED"]
    class_thresholds: dict[ClientClass, Annotated[float, Field(gt=0.0, lt=100.0)]]
    classes: dict[ClientClass, ClassLimits]
    rules: Annotated[list[Rule], Field(min_length=1)]

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        _require_rising("class_thresholds", self.class_thresholds, CLIENT_CLASSES[:-1])
        _require_classes_that_loosen(self.classes)
        require_unique("rules", [rule.id for rule in self.rules])
        return self

    def rule(self, rule_id: str) -> Rule | None:
        """Return the rule with this id, or None if the pack has none."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)


def _require_rising(field: str, bounds: dict[K, float], keys: Sequence[K]) -> None:
    if set(bounds) != set(keys):
        raise ValueError(f"{field}: found {sorted(bounds)}, expected exactly {list(keys)}; add or remove keys")
    if any(bounds[low] >= bounds[high] for low, high in pairwise(keys)):
        raise ValueError(f"{field}: expected bounds that rise from {keys[0]} to {keys[-1]}; put them in order")


def _require_classes_that_loosen(classes: dict[ClientClass, ClassLimits]) -> None:
    """A higher class may hold at least what a lower one may, and the lowest class has no way around its limits."""
    if set(classes) != set(CLIENT_CLASSES):
        raise ValueError(f"classes: found {sorted(classes)}, expected exactly {list(CLIENT_CLASSES)}")
    for low, high in pairwise(CLIENT_CLASSES):
        if any(b < a for a, b in zip(_freedoms(classes[low]), _freedoms(classes[high]), strict=True)):
            raise ValueError(f"classes.{high}: stricter than {low}; loosen it or tighten {low}")
    if classes[LOWEST_CLASS].override_allowed:
        raise ValueError(f"classes.{LOWEST_CLASS}.override_allowed: the lowest class has no override; set it to false")


def _freedoms(limits: ClassLimits) -> tuple[float, ...]:
    """Return numbers that are all larger for a class that may take more risk."""
    level = float(LEVELS.index(limits.max_product_level))
    return level, limits.max_portfolio_volatility, limits.max_loss_share, -limits.risk_aversion


def require_unique(field: str, ids: list[str]) -> None:
    """Raise ValueError naming each id that appears more than once."""
    repeated = sorted({key for key in ids if ids.count(key) > 1})
    if repeated:
        raise ValueError(f"{field}: id {', '.join(repeated)} appears more than once; rename or remove one")
