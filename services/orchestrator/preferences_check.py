"""What must be true of a client's own limits."""

from __future__ import annotations

from collections.abc import Iterator

from services.orchestrator.catalogue.load import Catalogue
from services.orchestrator.situation import ClientSituation, Preferences
from shared.errors import FieldViolation


def preference_violations(situation: ClientSituation, catalogue: Catalogue, path: str) -> Iterator[FieldViolation]:
    """Yield everything that is wrong with the preferences, in the order of their fields."""
    preferences = situation.preferences
    externals = {holding.external.name for holding in situation.holdings if holding.external is not None}
    known = set(catalogue.products) | externals
    for i, product_id in enumerate(preferences.excluded_product_ids):
        if product_id not in known:
            field = f"{path}.excluded_product_ids[{i}]"
            yield FieldViolation(field, f'"{product_id}" is not in the catalogue; remove it or correct the id')
    for i, asset_class in enumerate(preferences.excluded_asset_classes):
        if asset_class not in catalogue.assumptions.classes:
            expected = ", ".join(catalogue.assumptions.classes)
            field = f"{path}.excluded_asset_classes[{i}]"
            yield FieldViolation(field, f'unknown asset class "{asset_class}", expected one of {expected}; correct it')
    yield from _required_violations(preferences, catalogue, f"{path}.required_products")
    yield from _range_violations(preferences, path)


def _required_violations(preferences: Preferences, catalogue: Catalogue, path: str) -> Iterator[FieldViolation]:
    seen: set[str] = set()
    for i, required in enumerate(preferences.required_products):
        field = f"{path}[{i}]"
        if required.product_id not in catalogue.products:
            found = f'"{required.product_id}" is not in the catalogue'
            yield FieldViolation(f"{field}.product_id", f"{found}; only its products can be required")
        if required.product_id in preferences.excluded_product_ids:
            found = f'"{required.product_id}" is both required and excluded'
            yield FieldViolation(f"{field}.product_id", f"{found}; remove it from one of the lists")
        if required.product_id in seen:
            yield FieldViolation(f"{field}.product_id", f'"{required.product_id}" is listed twice; keep one')
        if not 0.0 < required.min_weight <= 1.0:
            found = f"found {required.min_weight:g}, expected above 0 and at most 1"
            yield FieldViolation(f"{field}.min_weight", f"{found}; state 5 % as 0.05")
        seen.add(required.product_id)
    total = sum(required.min_weight for required in preferences.required_products)
    if total > 1.0:
        yield FieldViolation(path, f"smallest weights sum to {total:g}, expected at most 1; lower them")


def _range_violations(preferences: Preferences, path: str) -> Iterator[FieldViolation]:
    turnover, volatility = preferences.max_turnover, preferences.max_volatility
    if turnover is not None and not 0.0 <= turnover <= 1.0:
        yield FieldViolation(f"{path}.max_turnover", f"found {turnover:g}, expected 0 to 1; state 20 % as 0.2")
    if volatility is not None and not 0.0 < volatility <= 1.0:
        found = f"found {volatility:g}, expected above 0 and at most 1"
        yield FieldViolation(f"{path}.max_volatility", f"{found}; state 10 % as 0.1")
